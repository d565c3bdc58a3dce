"""Help: every command and option is documented, and asking for help costs nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from miraikakaku_assets.faces import dashboard
from miraikakaku_assets_tests.support.command_tree import GROUPS, LEAVES, LEVELS

HEAVY = (
    "adbc_driver_postgresql",
    "alembic",
    "curl_cffi",
    "dagster",
    "exchange_calendars",
    "great_expectations",
    "matplotlib",
    "mcp",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "sqlalchemy",
    "streamlit",
    "uvicorn",
    "yfinance",
)
COMMANDS = {
    "alerts acknowledge",
    "alerts expect",
    "alerts list",
    "alerts resolve",
    "alerts show",
    "alerts silence",
    "alerts silences",
    "alerts unsilence",
    "analyze",
    "backup",
    "backups",
    "check",
    "cold list",
    "cold move",
    "cold restore",
    "cold verify",
    "collect",
    "copper",
    "coverage gaps",
    "coverage repair",
    "daily",
    "dashboard",
    "db roles",
    "db start",
    "db stop",
    "db upgrade",
    "db url",
    "demo",
    "drill",
    "export",
    "health",
    "import",
    "maintenance run",
    "master restore",
    "master update",
    "mcp",
    "patterns",
    "pipeline",
    "predict",
    "quality",
    "restore",
    "resume",
    "schedule",
    "scoreboard",
    "security accept",
    "security findings",
    "security scan",
    "security upgrade",
    "self-test daily-gap",
    "self-test features",
    "self-test look-ahead",
    "self-test warm-up",
    "serve",
    "simulate",
    "status",
    "train",
    "up",
    "validate",
    "watch",
    "weekly",
    "worker",
}


def test_the_commands_are_the_reviewed_ones() -> None:
    assert {" ".join(path) for path in LEAVES} == COMMANDS


@pytest.mark.parametrize("path", LEVELS, ids=" ".join)
def test_every_command_says_what_it_does(path: tuple[str, ...]) -> None:
    text = LEVELS[path].help

    assert text
    assert text.strip().splitlines()[0].endswith(".")


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_and_argument_is_documented(path: tuple[str, ...]) -> None:
    undocumented = [parameter.name for parameter in LEAVES[path].params if not parameter.help]

    assert undocumented == []


@pytest.mark.parametrize("path", GROUPS, ids=" ".join)
def test_no_description_in_a_list_of_commands_is_cut(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(GROUPS[path], ["--help"], env={"COLUMNS": "80"}, color=False)

    assert shown.exit_code == 0
    listed = shown.output.partition("Commands:")[2].splitlines()
    assert len(listed) > len(GROUPS[path].commands)
    assert [line for line in listed if line.endswith("...") or len(line) > 80] == []


def test_commands_that_report_can_do_so_in_json() -> None:
    reporting = {
        " ".join(path)
        for path, command in LEAVES.items()
        if any("--json" in parameter.opts for parameter in command.params)
    }

    assert reporting == {
        "alerts acknowledge",
        "alerts expect",
        "alerts list",
        "alerts resolve",
        "alerts show",
        "alerts silence",
        "alerts silences",
        "alerts unsilence",
        "analyze",
        "backup",
        "backups",
        "check",
        "cold list",
        "cold move",
        "cold restore",
        "cold verify",
        "collect",
        "copper",
        "coverage gaps",
        "coverage repair",
        "daily",
        "db roles",
        "db upgrade",
        "db url",
        "drill",
        "export",
        "health",
        "import",
        "maintenance run",
        "master restore",
        "master update",
        "patterns",
        "pipeline",
        "predict",
        "quality",
        "restore",
        "resume",
        "scoreboard",
        "security accept",
        "security findings",
        "security scan",
        "security upgrade",
        "self-test daily-gap",
        "self-test features",
        "self-test look-ahead",
        "self-test warm-up",
        "status",
        "train",
        "validate",
        "watch",
        "weekly",
    }


def test_help_on_every_level_needs_no_heavy_library(tmp_path: Path) -> None:
    program = f"""
import contextlib, io, json, sys
from miraikakaku_assets.main import run
shown = {{}}
for path in {list(LEVELS)!r}:
    sys.argv = ["miraikakaku", *path, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            run()
        except SystemExit as ended:
            assert ended.code in (None, 0), ended.code
    shown[" ".join(path)] = out.getvalue()
print(json.dumps({{"shown": shown, "heavy": [name for name in {HEAVY!r} if name in sys.modules]}}))
"""
    process = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MIRAIKAKAKU_HOME": "/dev/null/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 0, process.stderr
    answer = json.loads(process.stdout)
    assert answer["heavy"] == []
    for path, command in LEVELS.items():
        help_text = answer["shown"][" ".join(path)]
        assert f"Usage: miraikakaku {' '.join(path)}".strip() in help_text
        for parameter in command.params:
            assert all(option in help_text for option in parameter.opts if option.startswith("--"))
    assert "Exit codes: 0 ok, 1 the work failed" in answer["shown"][""]


@pytest.mark.parametrize("path", [(), ("master",), ("db",), ("security",), ("self-test",)], ids=" ".join)
def test_a_group_without_command_shows_its_help(path: tuple[str, ...], tmp_path: Path) -> None:
    process = subprocess.run(
        [str(Path(sys.executable).with_name("miraikakaku")), *path],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 2
    assert "Commands:" in process.stdout + process.stderr


def test_every_command_that_the_dashboard_names_is_one() -> None:
    folder = Path(dashboard.__file__).parent
    named = {
        words
        for source in folder.rglob("*.py")
        for words in re.findall(r"[`\"]miraikakaku ([a-z][a-z -]*[a-z])", source.read_text(encoding="utf-8"))
    }
    groups = {known.partition(" ")[0] for known in COMMANDS}
    assert "collect --universe copper" in named
    for words in named:
        command = words.partition(" --")[0]
        assert command in COMMANDS | groups, f"miraikakaku {words}"
