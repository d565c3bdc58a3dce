"""The pages say what the program can do."""

from pathlib import Path

import pytest

from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.faces.test_help import LEAVES

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(setting: str) -> None:
    rows = [
        row
        for row in page("docs/configuration.md").splitlines()
        if row.startswith(f"| `{setting.upper()}` |")
    ]

    assert len(rows) == 1
    default = Settings.model_fields[setting].default
    shown = rows[0].split("|")[2].strip(" `")
    if isinstance(default, int | float) or setting.startswith("history"):
        assert shown == (f"{default:g}" if isinstance(default, int | float) else default)
    elif default is None:
        assert shown == "unset"


def test_no_setting_is_documented_that_does_not_exist() -> None:
    rows = [row for row in page("docs/configuration.md").splitlines() if row.startswith("| `")]

    assert {row.split("`")[1].lower() for row in rows} == set(Settings.model_fields)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_is_documented_with_its_options(path: tuple[str, ...]) -> None:
    rows = [row for row in page("docs/cli.md").splitlines() if f"`{' '.join(path)}" in row]

    assert len(rows) == 1
    same_as_above = "same options" in rows[0]
    options = {
        option for parameter in LEAVES[path].params for option in parameter.opts if option.startswith("--")
    }
    for option in options - {"--json", "--help", "--universe", "--timeframe"}:
        assert same_as_above or option in rows[0], option
