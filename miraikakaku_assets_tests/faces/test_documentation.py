"""The pages say what the program can do."""

import re
from pathlib import Path

import pytest

from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.command_tree import LEAVES

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
    named = re.compile(f"`{' '.join(path)}[ `]")
    rows = [row for row in page("docs/cli.md").splitlines() if named.search(row.split(" | ")[0])]

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


SOURCES = [
    path
    for folder in ("miraikakaku_assets", "miraikakaku_assets_tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
]
FOLDERS = (
    "domain|application|adapters|bootstrap|orchestration|faces|simulator|unit|contract|integration|storage"
)


def spans(name: str) -> list[str]:
    """What a page sets in code, outside its blocks."""
    paragraphs = re.sub(r"```.*?```", "", page(name), flags=re.DOTALL).split("\n\n")
    return [span for text in paragraphs for span in re.findall(r"`([^`]+)`", " ".join(text.split()))]


@pytest.mark.parametrize("name", [name for name in PAGES if name != "CHANGELOG.md"])
def test_every_file_and_folder_that_a_page_names_exists(name: str) -> None:
    there = {path.relative_to(ROOT).as_posix() for path in SOURCES}
    there |= set(re.findall(r"```python (\S+)", page(name)))  # what its walk-throughs make
    there |= {path.rpartition("/")[0] for path in there}
    there |= set(re.findall(r"```python (\S+)", page(name)))  # what a walk-through makes

    named = [span for span in spans(name) if re.fullmatch(rf"[\w./]+\.py|(?:{FOLDERS})(?:/\w+)+/?", span)]
    lost = [span for span in named if not any(f"/{path}".endswith(f"/{span.rstrip('/')}") for path in there)]
    assert lost == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md", "docs/naming.md"])
def test_every_name_of_the_code_that_a_page_gives_exists(name: str) -> None:
    """Names with an underscore or a capital inside; what is one lower-case word is a word as often as a name."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    defined = {setting.upper() for setting in Settings.model_fields} | set(spans("docs/contract.md"))
    defined |= {part for path in SOURCES for part in (path.stem, path.parent.name)}
    for form in (r"(?:def|class) (\w+)", r"^\s*(\w+)\s*[:=]", r"\"(\w+)[\"=]"):
        defined |= set(re.findall(form, text, re.MULTILINE))
    ofs = re.findall(r"\{\w*\.name\}(_\w+)\"", text)  # jobs and the like, one of each universe
    defined |= {universe + of for universe in UNIVERSES for of in ofs}

    named = [span for span in spans(name) if re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)*(?:\(\))?", span)]
    lost = [
        span
        for span in named
        for word in span.removesuffix("()").split(".")
        if re.search(r"\w_\w|[a-z][A-Z]", word) and word not in defined
    ]
    assert lost == []
