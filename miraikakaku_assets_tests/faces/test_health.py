"""`health`, with and without a database, its metrics, and what `status` says of it."""

import inspect
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from miraikakaku_assets.application.monitoring import health as checking
from miraikakaku_assets.application.ports.operations.system import Sample
from miraikakaku_assets.bootstrap.operations import Operations
from miraikakaku_assets.domain.operations.thresholds import THRESHOLDS, Level
from miraikakaku_assets_tests.fakes.machine import SetMachine
from miraikakaku_assets_tests.support.command import Command, Ended
from miraikakaku_assets_tests.support.in_process import ports_of
from miraikakaku_assets_tests.support.installations.command_line import PASSWORD
from miraikakaku_assets_tests.support.moments import NOW

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> SetMachine:
    """The machine as the test sets it; everything else is real."""
    made = SetMachine()
    real: Any = inspect.getattr_static(Operations, "health")

    def ports(use: Operations) -> checking.HealthPorts:
        there: checking.HealthPorts = real.fget(use)
        return checking.HealthPorts(made, there.database, there.stored, there.web, there.clock)

    monkeypatch.setattr(Operations, "health", property(ports))
    return made


def levels(ended: Ended) -> dict[str, str]:
    """Figure → state, of the table that was shown; columns are two blanks apart."""
    rows = [re.split(r"  +", line) for line in ended.out.splitlines()[2:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def test_a_healthy_installation_is_one_screen_and_one_document(command: Command) -> None:
    shown = command.with_(COLUMNS="80")("health")
    document = command("health", "--json").document

    assert shown.code == 0, shown.err
    assert max(map(len, shown.out.splitlines())) <= 80
    assert shown.out.splitlines()[0].endswith("UTC: normal")
    assert (document["succeeded"], document["state"]) == (True, "normal")
    figures = {figure["resource"]: figure for figure in document["figures"]}
    assert set(figures) == {*THRESHOLDS, "source"}
    assert 0 < figures["database_connection"]["value"] < 60
    assert figures["cpu"]["unit"] == "share"


def test_danger_is_exit_code_1_with_what_to_do(command: Command, machine: SetMachine) -> None:
    machine.disk_share, machine.memory_share = 0.97, 0.85

    shown = command("health")
    document = command("health", "--json").document
    asked_by_the_cycle = command("schedule", "--health-check-only")

    assert (shown.code, asked_by_the_cycle.code) == (1, 1)
    assert levels(asked_by_the_cycle) == levels(shown)
    assert levels(shown)["disk"] == "danger"
    (sentence,) = shown.errors
    assert sentence.startswith("disk: make room")
    assert (
        "memory (normal below 80 %, caution 80 % to 90 %, danger above 90 %): see what holds it" in shown.out
    )
    assert (document["exit_code"], document["error"]) == (1, sentence)


def test_without_a_database_the_rest_is_shown_and_nothing_is_started(
    tmp_path: Path, nowhere: Command
) -> None:
    home = tmp_path / "home"
    embedded = Command(tmp_path, {"MIRAIKAKAKU_HOME": str(home)}, inside=nowhere.inside)

    for away in (nowhere, embedded):
        ended = away("health", "--json")
        assert ended.code == 3
        assert PASSWORD not in ended.out + ended.err
        levels = {figure["resource"]: figure["state"] for figure in ended.document["figures"]}
        assert (levels["cpu"], levels["database_connection"], levels["queue"]) == (
            "normal",
            "danger",
            "unknown",
        )
    assert not home.exists()
    assert "start it (`miraikakaku db start`)" in ended.document["error"]


def test_metrics_are_printed_and_written_whole(command: Command) -> None:
    path = command.folder / "miraikakaku.prom"

    printed = command("health", "--prometheus", "--prometheus-file", path)

    assert printed.code == 0, printed.err
    names = {family.name for family in text_string_to_metric_families(printed.out)}
    assert {"miraikakaku_source_requests_per_second", "miraikakaku_table_size_bytes"} <= names
    assert {line.split(" ")[0] for line in path.read_text().splitlines()} == {
        line.split(" ")[0] for line in printed.out.splitlines()
    }
    assert [entry.name for entry in command.folder.iterdir() if entry.name.endswith(".unfinished")] == []


@pytest.mark.parametrize(
    "options",
    [
        ("--watch", "--json"),
        ("--prometheus", "--json"),
        ("--prometheus-file", "absent/miraikakaku.prom"),
    ],
)
def test_what_cannot_be_is_refused(command: Command, options: tuple[str, ...]) -> None:
    assert command("health", *options).code == 2


def test_status_has_a_line_of_the_newest_stored_check(command: Command) -> None:
    before = command("status")
    use = ports_of(command, NOW)
    moment = use.clock()
    use.operations.system_metrics.add(
        [Sample(moment, "disk", 0.97, "share", Level.DANGER)], timedelta(days=1)
    )
    use.database.close()

    after = command("status")

    assert "health    not checked yet; `miraikakaku health` measures now" in before.out
    assert "health    danger: disk danger (97 %); checked" in after.out
