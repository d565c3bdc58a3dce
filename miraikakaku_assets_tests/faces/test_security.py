"""The commands of the security scan, through the front door; those of its tools are tested beside the tools."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from miraikakaku_assets_tests.support.command import Command

pytestmark = pytest.mark.slow
ONLY = ("--only", "permissions")


def weakened(command: Command) -> Path:
    """Leaves the settings of an installation readable for everybody."""
    env = command.folder / ".env"
    env.write_text("# nothing is set here\n")
    env.chmod(0o644)
    return env


def test_a_scan_finds_lists_and_forgets(command: Command) -> None:
    clean = command("security", "scan", *ONLY, "--json")
    env = weakened(command)
    scanned = command("security", "scan", *ONLY)
    document = command("security", "scan", *ONLY, "--json")
    listed = command("security", "findings", "--json")
    env.chmod(0o600)
    mended = command("security", "scan", *ONLY, "--json")

    assert clean.code == 0, clean.out
    assert [(check["check"], check["made"]) for check in clean.document["checks"]] == [("permissions", True)]
    assert scanned.code == document.code == 1
    assert f"chmod 600 {env}" in scanned.out
    assert "1 finding open, 0 accepted; 1 new, 0 mended" in scanned.out
    (finding,) = document.document["findings"]
    assert (finding["kind"], finding["level"], finding["where"]) == ("permissions", "high", str(env))
    assert document.document["new"] == []
    assert [each["id"] for each in listed.document["findings"]] == [finding["id"]]
    assert (mended.code, mended.document["resolved"]) == (0, [finding["id"]])
    assert command("security", "findings").out == "no finding\n"
    assert "mended" in command("security", "findings", "--all").out


def test_an_accepted_finding_fails_no_scan(command: Command) -> None:
    weakened(command)
    (finding,) = command("security", "scan", *ONLY, "--json").document["findings"]
    day = date.fromisoformat(finding["first_seen_at"][:10]) + timedelta(days=30)

    accepted = command("security", "accept", finding["id"], "--reason", "a test", "--until", day)
    again = command("security", "scan", *ONLY, "--json")

    assert accepted.code == 0, accepted.err
    assert accepted.out.startswith(f"accepted until {day}: settings can be read by others")
    assert again.code == 0
    assert again.document["findings"][0]["accepted"]["reason"] == "a test"
    standing = "FROM miraikakaku.alerts WHERE resolved_at IS NULL AND quiet_since IS NULL"
    assert command.rows(f"SELECT count(*) {standing}") == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("scan --only ports", "--only ports: there is no such check"),
        ("accept 0 --reason r --until tomorrow", "--until tomorrow: must be a day like 2026-12-31"),
        ("accept 0 --reason r --until 2000-01-01", "is over; name a later day"),
        ("upgrade --package -x", "--package"),
    ],
)
def test_bad_usage_is_one_sentence(command: Command, arguments: str, sentence: str) -> None:
    ended = command("security", *arguments.split(), "--json")

    assert ended.code == 2
    assert sentence in ended.document["error"] or sentence in ended.err


def test_roles_are_made_and_shown(command: Command) -> None:
    first = command("db", "roles", "--json")
    second = command("db", "roles")

    assert first.code == second.code == 0, first.err + second.err
    assert [role["name"] for role in first.document["roles"]] == ["miraikakaku_reader", "miraikakaku_api"]
    assert "alerts (UPDATE)" in second.out
