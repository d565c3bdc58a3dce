"""The drill through its front door: a few damages of a demo of its own."""

import json
from pathlib import Path

import pytest

from miraikakaku_assets.orchestration.drill.damages import DAMAGES
from miraikakaku_assets_tests.support.command import Command

pytestmark = pytest.mark.slow

SMALL = ("source_500", "tick_raises", "settings_open", "disk_full", "backup_cut")
"""Of each side one that takes a second or two; `make drill` does all of them."""


def test_what_is_damaged_is_told_once_and_mended(command: Command) -> None:
    ended = command("drill", "--only", ",".join(SMALL), "--symbols", 10, "--json")
    report = json.loads(ended.out)
    problems = {each["name"]: each["problems"] for each in report["damages"]}
    assert problems == {name: [] for name in sorted(SMALL, key=[damage.name for damage in DAMAGES].index)}
    assert ended.code == 0
    for damage in report["damages"]:
        assert 0 < damage["noticed_seconds"] <= damage["clock_seconds"]
        assert damage["alerts"]


def test_there_are_fifteen_of_them_each_with_a_step() -> None:
    assert len({damage.name for damage in DAMAGES}) == len(DAMAGES) >= 15
    assert all(damage.step and damage.alerts and damage.clock > damage.every for damage in DAMAGES)


def test_a_real_installation_is_refused(command: Command, tmp_path: Path) -> None:
    ended = command("drill", "--home", tmp_path / "nowhere")
    assert ended.code == 2
    assert "there is no such folder" in ended.err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "prices.csv").write_text("7203.T")
    ended = command("drill", "--home", tmp_path / "other")
    assert ended.code == 2
    assert "there is no demo in it" in ended.err


def test_a_damage_that_is_none_is_refused_with_those_that_are(command: Command) -> None:
    ended = command("drill", "--only", "flood")
    assert ended.code == 2
    assert "--only flood: no such damage; there are source_500" in ended.err
    assert command("drill", "--list").code == 0
