"""The site: it builds without a warning, asks no other host for anything, and the Japanese README says the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; links, anchors and the navigation are checked by the build itself."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-4000:]
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_in_the_navigation(page: str) -> None:
    rows = re.findall(rf"^\s+- (?:([^:\n]+): )?{re.escape(page)}$", text("mkdocs.yml"), re.MULTILINE)

    assert len(rows) == 1, f"{page} belongs into the navigation of mkdocs.yml, once"
    assert len(rows[0]) <= 24, "a title of the navigation is short"


@pytest.mark.slow
def test_the_site_has_every_page_and_asks_nobody_for_anything(site: Path) -> None:
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    asked = {
        address
        for path in site.rglob("*.html")
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", path.read_text(encoding="utf-8"))
        for address in re.findall(r'(?:src|href)="?((?:https?:)?//[^"\s>]+)', tag)
    }
    styles = [
        path.name for path in site.rglob("*.css") if re.search(r"url\(['\"]?(https?:)?//", path.read_text())
    ]

    assert {page.removesuffix(".md").replace("README", "index") + ".html" for page in PAGES} - built == set()
    assert asked == set()
    assert styles == []
    assert (site / "search" / "search_index.js").stat().st_size > 100_000
    assert 'class="layer"' in (site / "architecture.html").read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """Commands of a page's blocks of shell, without their comments."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text(name), re.DOTALL | re.MULTILINE)
    return [
        re.sub(r"\s+#.*$", "", line).strip()
        for block in blocks
        for line in block.splitlines()
        if line.strip()
    ]


def links(name: str) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text(name)) if not link.startswith("README")]


def test_both_readmes_have_the_same_commands_links_and_sections() -> None:
    english, japanese = "README.md", "README.ja.md"

    assert commands(japanese) == commands(english)
    assert sorted(links(japanese)) == sorted(links(english))
    assert [line.count("#") for line in text(japanese).splitlines() if line.startswith("#")] == [
        line.count("#") for line in text(english).splitlines() if line.startswith("#")
    ]


def test_both_readmes_give_the_same_figures() -> None:
    """Long numbers of the running text: what one says of the markets, the other says."""
    figures = [set(re.findall(r"\d[\d,]*,\d{3}", text(name))) for name in ("README.md", "README.ja.md")]

    assert figures[0] == figures[1]
