"""The pages say what the program can do."""

import re
from pathlib import Path

import pytest

from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.faces.test_help import LEAVES

ROOT = Path(__file__).resolve().parents[2]


PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


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
    rows = [row for row in page("docs/cli.md").splitlines() if f"`{' '.join(path)}" in row.split(" | ")[0]]

    assert len(rows) == 1
    same_as_above = "same options" in rows[0]
    options = {
        option for parameter in LEAVES[path].params for option in parameter.opts if option.startswith("--")
    }
    for option in options - {"--json", "--help", "--universe", "--timeframe"}:
        assert same_as_above or option in rows[0], option


def anchors(path: Path) -> set[str]:
    """What a link can name of a page: its headings, spelled as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_page_and_a_heading_that_exist(name: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page(name))

    lost = []
    for link in (link for link in links if "://" not in link):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []
