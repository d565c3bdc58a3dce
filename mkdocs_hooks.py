"""Hooks of the documentation site: pages that GitHub wants in the root folder, and a diagram that needs no library."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent
FROM_ROOT = {
    "README.md": "index.md",
    "README.ja.md": "index.ja.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security-policy.md",
    ".env.example": "env.example",
}
"""File of the root folder → its place on the site."""

_WORKER = "https://unpkg.com/iframe-worker/shim"
_PLACES = {place: name for name, place in FROM_ROOT.items()}
_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?\)")
_FENCED = re.compile(r"(^[ ]*```.*?^[ ]*```[ ]*$)", re.DOTALL | re.MULTILINE)
_DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of the root folder."""
    for name, place in FROM_ROOT.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Leads links to where their pages are on the site."""
    place = page.file.src_uri
    source = _PLACES.get(place, f"docs/{place}")  # where the text lies in the repository

    def to_site(link: re.Match[str]) -> str:
        opening, path, anchor = link.groups()
        if "://" in path or path.startswith("mailto:"):
            return link[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if (ROOT / target).is_dir():
            target += "/README.md"
        on_site = FROM_ROOT.get(target, target.removeprefix("docs/"))
        return f"{opening}{posixpath.relpath(on_site, posixpath.dirname(place) or '.')}{anchor or ''})"

    drawn = _DIAGRAM.sub(lambda fence: boxes(fence[1]), markdown)
    # Every other part is a block of code, in which nothing is a link.
    parts = _FENCED.split(drawn)
    return "".join(part if index % 2 else _LINK.sub(to_site, part) for index, part in enumerate(parts))


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001
    """Takes the worker that searches on a disk from this site: the theme names another host for it."""
    return _of_this_site(output, posixpath.relpath(".", posixpath.dirname(page.file.dest_uri) or "."))


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:  # noqa: ARG001
    """The same for what is no page, as that of a wrong address."""
    return _of_this_site(output_content, ".")


def _of_this_site(html: str, root: str) -> str:
    return html.replace(_WORKER, f"{root}/assets/iframe-worker/shim.js")


def boxes(flowchart: str) -> str:
    """The packages of a Mermaid flowchart as boxes: the library that draws it comes from another host."""
    layers: list[str] = []
    title, rooms = "", list[str]()
    for line in map(str.strip, flowchart.splitlines()):
        if subgraph := re.fullmatch(r'subgraph \w+\["(.+)"\]', line):
            title, rooms = subgraph[1], []
        elif line == "end":
            layers.append(_box(title, rooms))
            title = ""
        elif node := re.fullmatch(r'\w+\["(.+)"\]', line):
            name = node[1].replace("<br>", ", ")
            if title:
                rooms.append(name)
            else:
                layers.append(_box(name, []))
    return "\n".join(['<div class="layers">', *layers, "</div>"])


def _box(title: str, rooms: list[str]) -> str:
    inside = "".join(f"<span>{room}</span>" for room in rooms)
    return f'<div class="layer"><b>{title}</b>{inside}</div>'
