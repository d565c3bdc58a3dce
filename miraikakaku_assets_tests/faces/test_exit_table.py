"""The contract's exit codes, command by command and situation by situation, with the JSON document that goes with each.

0 everything was done · 1 it failed or fell short · 2 bad usage or configuration · 3 a dependency cannot be reached.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from miraikakaku_assets_tests.support.command import Command, Ended
from miraikakaku_assets_tests.support.command_tree import LEAVES
from miraikakaku_assets_tests.support.installations.installation import CODES, listed

OK, FELL_SHORT, BAD_USAGE, UNREACHABLE = 0, 1, 2, 3
REPORTING = sorted(
    " ".join(path)
    for path, command in LEAVES.items()
    if any("--json" in parameter.opts for parameter in command.params)
)
NEEDED = {
    "alerts acknowledge": "1",
    "alerts expect": "cycle/* --from 2026-11-01 --until 2026-11-30 --note holiday",
    "alerts resolve": "1",
    "alerts show": "1",
    "alerts silence": "cycle/* --for 2h",
    "alerts unsilence": "1",
    "restore": "latest --yes",
    "security accept": "abc --reason behind --until 2999-01-01",
    "watch": "--once",
    "export": "--out bars.csv",
    "import": "bars.csv",
    "scoreboard": "--data . --universe lme --quick",
}
"""Arguments without which a command does not begin."""
WITHOUT_UNIVERSE = {
    " ".join(path)
    for path, command in LEAVES.items()
    if not any("--universe" in parameter.opts for parameter in command.params)
}
WITHOUT_DATABASE = {"backups", "drill"}
"""Commands that are needed most when the database is gone, or that bring their own."""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        arguments: The command line, without ``--json``.
        code: What it ends with.
        holds: A key of its JSON document.
    """

    arguments: str
    code: int
    holds: str


def check(ended: Ended, row: Row) -> None:
    """Code, document and sentences are those of the table, and they agree with each other."""
    document = ended.document
    assert ended.code == row.code, ended.err
    assert row.holds in document
    assert document.get("succeeded", True) == (row.code == OK)
    assert bool(ended.errors) == (row.code != OK)
    if row.holds == "exit_code":
        assert document == {"succeeded": False, "error": document["error"], "exit_code": row.code}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Files that commands are pointed at, in the working directory of `nowhere`, `command` and `here`."""
    (tmp_path / "bars.csv").write_text("symbol,date,open,high,low,close,volume\n", encoding="utf-8")
    (tmp_path / "words.csv").write_text("no bars\n", encoding="utf-8")
    (tmp_path / "list.xls").write_bytes(b"<!DOCTYPE html>")
    return tmp_path


@pytest.mark.parametrize("name", REPORTING)
def test_an_option_that_does_not_exist(nowhere: Command, name: str) -> None:
    ended = nowhere(*name.split(), "--json", "--nonsense")

    assert ended.code == BAD_USAGE
    assert ended.document == {"succeeded": False, "error": "bad usage; stderr says what", "exit_code": 2}
    assert "No such option: --nonsense" in ended.err


@pytest.mark.parametrize("name", sorted(set(REPORTING) - WITHOUT_UNIVERSE))
def test_a_universe_that_does_not_exist(nowhere: Command, files: Path, name: str) -> None:
    needed = NEEDED.get(name, "").split(" --universe")[0]

    check(
        nowhere(*name.split(), *needed.split(), "--universe", "moon", "--json"),
        Row("", BAD_USAGE, "exit_code"),
    )


@pytest.mark.parametrize("name", REPORTING)
def test_a_setting_that_is_wrong(nowhere: Command, files: Path, name: str) -> None:
    wrong = nowhere.with_(MAX_WORKERS="many")

    check(wrong(*name.split(), *NEEDED.get(name, "").split(), "--json"), Row("", BAD_USAGE, "exit_code"))


@pytest.mark.parametrize("name", sorted(set(REPORTING) - WITHOUT_DATABASE))
def test_a_database_that_is_down(nowhere: Command, files: Path, name: str) -> None:
    ended = nowhere(*name.split(), *NEEDED.get(name, "").split(), "--json")

    check(ended, Row("", UNREACHABLE, {"health": "figures", "watch": "outage"}.get(name, "exit_code")))


@pytest.mark.parametrize(
    "row",
    [
        Row("import absent.csv", FELL_SHORT, "exit_code"),
        Row("export --out bars.xlsx", BAD_USAGE, "exit_code"),
        Row("export --out absent/bars.csv", BAD_USAGE, "exit_code"),
        Row("scoreboard --data absent", BAD_USAGE, "exit_code"),
        Row("self-test look-ahead --file absent.csv", FELL_SHORT, "exit_code"),
        Row("self-test look-ahead --file words.csv", FELL_SHORT, "exit_code"),
        Row("master update --universe fx", BAD_USAGE, "exit_code"),
        Row("collect --since tomorrow", BAD_USAGE, "exit_code"),
        Row("collect --symbols 7203.T --limit 1", BAD_USAGE, "exit_code"),
        Row("patterns --since tomorrow", BAD_USAGE, "exit_code"),
        Row("patterns --candlesticks --track-record", BAD_USAGE, "exit_code"),
    ],
    ids=lambda row: row.arguments,
)
def test_before_a_database_is_needed(nowhere: Command, files: Path, row: Row) -> None:
    check(nowhere(*row.arguments.split(), "--json"), row)


@pytest.mark.parametrize(
    "row",
    [
        Row("status", OK, "master"),
        Row("db upgrade", OK, "after"),
        Row("db url", OK, "url"),
        Row("resume", OK, "was_paused"),
        Row("cold list", OK, "files"),
        Row("cold verify", OK, "damaged"),
        Row("cold move", BAD_USAGE, "exit_code"),
        Row("cold restore", BAD_USAGE, "exit_code"),
        Row("cold list --year 25", BAD_USAGE, "exit_code"),
        Row("patterns", OK, "signals"),
        Row("patterns --definition v9", BAD_USAGE, "exit_code"),
        Row("import bars.csv", FELL_SHORT, "exit_code"),
        Row("export --out bars.csv", FELL_SHORT, "exit_code"),
        Row("collect", FELL_SHORT, "stages"),
        Row("collect --since 2999-01-01", BAD_USAGE, "stages"),
        Row("analyze", FELL_SHORT, "stages"),
        Row("analyze --symbols 7230.T", FELL_SHORT, "stages"),
        Row("train", BAD_USAGE, "stages"),
        Row("predict", BAD_USAGE, "stages"),
        Row("validate", FELL_SHORT, "stages"),
        Row("quality", FELL_SHORT, "stages"),
        Row("master update --file absent.xls", FELL_SHORT, "stages"),
        Row("master update --file list.xls", FELL_SHORT, "stages"),
        Row("self-test look-ahead", FELL_SHORT, "exit_code"),
        Row("self-test warm-up", FELL_SHORT, "exit_code"),
        Row("self-test daily-gap", FELL_SHORT, "exit_code"),
        Row("self-test features", BAD_USAGE, "exit_code"),
    ],
    ids=lambda row: row.arguments,
)
def test_in_an_empty_installation(command: Command, files: Path, row: Row) -> None:
    check(command(*row.arguments.split(), "--json"), row)


def test_a_source_that_is_down(command: Command) -> None:
    away = command.with_(
        JPX_LIST_URL="http://127.0.0.1:9/data_j.xls", YAHOO_BASE_URL="http://127.0.0.1:9", MAX_RETRIES=0
    )
    assert command("master", "update").code == OK

    for arguments in ("master update", "collect", "pipeline"):
        check(away(*arguments.split(), "--json"), Row(arguments, UNREACHABLE, "stages"))


def test_a_part_that_fails_and_nothing_left_to_do(command: Command) -> None:
    (command.folder / "list.xls").write_bytes(listed(CODES))
    assert command("master", "update", "--file", "list.xls").code == OK

    check(command("master", "update", "--file", "list.xls", "--json"), Row("again", OK, "stages"))
    part = command("collect", "--symbols", "7203.T,7230.T", "--json")
    shown = command("collect", "--symbols", "7230.T")
    check(command("collect", "--symbols", "7203.T", "--json"), Row("again", OK, "stages"))
    check(command("analyze", "--symbols", "7203.T", "--json"), Row("analyze", OK, "stages"))
    check(command("analyze", "--symbols", "7203.T", "--json"), Row("again", OK, "stages"))

    check(part, Row("collect", FELL_SHORT, "stages"))
    assert part.errors[0].startswith("1 of 2 symbols failed, the other is stored; see batch ")
    # Whoever named a symbol sees what was wrong with it, and not only where that is written.
    assert (
        "  7230.T: it is in no stock master of jp; correct it or update the master [not_in_master]"
        in shown.out
    )
    assert shown.errors[0].startswith("1 of 1 symbol failed; see batch ")
