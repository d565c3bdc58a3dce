"""The diagram of packages in docs/architecture.md, drawn from the imports: ``make diagram``.

A layer is a line of the contract in setup.cfg, a room is a folder of a layer. Arrows between rooms are drawn inside a
layer, arrows between layers from box to box; what follows from other arrows is left out, so that a person can read it.
"""

import configparser
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "miraikakaku_assets"
PAGE = ROOT / "docs" / "architecture.md"
_MARKED = re.compile(r"(<!-- packages: begin.*?-->\n)(.*?)(<!-- packages: end -->)", re.DOTALL)

Arrows = Mapping[str, set[str]]
"""Importing → what it imports."""


def layers() -> list[list[str]]:
    """The lines of the contract of layers, uppermost first; names on one line do not know each other."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["importlinter:contract:layers"]["layers"].split("\n")
    return [[name.strip() for name in line.split("|")] for line in lines if line.strip()]


def imports() -> dict[str, set[str]]:
    """Module → modules of the package that it imports, wherever in the file; names without the package's own."""
    graph = grimp.build_graph(PACKAGE)
    start = len(PACKAGE) + 1
    return {
        module[start:]: {
            other[start:] for other in graph.find_modules_directly_imported_by(module) - {PACKAGE}
        }
        for module in sorted(graph.modules - {PACKAGE})
    }


def room_of(module: str) -> str:
    """The folder of a layer that a module lies in; a file that lies in the layer itself is a room of its own."""
    return ".".join(module.split(".")[:2])


def arrows_between_rooms(modules: Arrows) -> dict[str, set[str]]:
    """Room → rooms it imports; a layer's own ``__init__`` belongs to none of its rooms."""
    return _merged(modules, {module: room_of(module) for module in modules})


def reachable(arrows: Arrows, start: str) -> set[str]:
    """Everything that can be reached along the arrows, with `start` only where there is a circle."""
    ahead, seen = list(arrows.get(start, ())), set[str]()
    while ahead:
        place = ahead.pop()
        if place not in seen:
            seen.add(place)
            ahead.extend(arrows.get(place, ()))
    return seen


def reduced(arrows: Arrows) -> dict[str, set[str]]:
    """The arrows without those that follow from others; there must be no circle."""
    return {
        start: {
            end for end in ends if not any(end in reachable(arrows, other) for other in ends if other != end)
        }
        for start, ends in arrows.items()
    }


def diagram() -> str:
    """The packages as a Mermaid flowchart."""
    modules = imports()
    nodes = _nodes(modules)
    inside = reduced(_merged(modules, nodes))
    by_layer = _merged(modules, {module: module.split(".")[0] for module in modules})
    lines = ["flowchart TB"]
    for layer in (name for line in layers() for name in line):
        own = sorted({node for node in nodes.values() if node.startswith(f"{layer}.")})
        if not own:
            lines.append(f'  {layer}["{layer}"]')
            continue
        arrows = [(start, end) for start in own for end in sorted(inside[start]) if end in own]
        lines.append(f'  subgraph {layer}["{layer}"]')
        if not arrows:  # side by side, not in a column
            lines.append("    direction TB")
        lines += [f'    {_identifier(node)}["{_label(node)}"]' for node in own]
        lines += [f"    {_identifier(start)} --> {_identifier(end)}" for start, end in arrows]
        lines.append("  end")
    lines += [
        f"  {start} ==> {end}" for start, ends in sorted(reduced(by_layer).items()) for end in sorted(ends)
    ]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def drawn(page: str) -> str:
    """The diagram a page holds between its marks."""
    match = _MARKED.search(page)
    if match is None:
        raise ValueError(f"{PAGE.name} has lost the marks that the diagram of packages stands between")
    return match[2]


def main() -> None:
    """Draws the diagram on its page."""
    page = PAGE.read_text(encoding="utf-8")
    drawn(page)
    PAGE.write_text(_MARKED.sub(lambda match: match[1] + diagram() + match[3], page), encoding="utf-8")


def _merged(modules: Arrows, nodes: Mapping[str, str]) -> dict[str, set[str]]:
    arrows: dict[str, set[str]] = defaultdict(set)
    for module, imported in modules.items():
        arrows[nodes[module]] |= {nodes[other] for other in imported} - {nodes[module]}
    return dict(arrows)


def _nodes(modules: Arrows) -> dict[str, str]:
    """Module → node of the diagram.

    Files that lie in a layer itself are drawn as one node for those that its folders stand on, and one for the rest:
    `orchestration` has a dozen of them.
    """
    folders = {room_of(module) for module in modules if module.count(".") > 1}
    used = {
        other
        for module, imported in modules.items()
        for other in imported
        if room_of(module) in folders and module.split(".")[0] == other.split(".")[0]
    }
    files: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for module in modules:
        layer, _, name = module.partition(".")
        if name and room_of(module) not in folders:
            files[layer, module in used].append(name)
    layers_with_folders = {folder.split(".")[0] for folder in folders}
    nodes = {}
    for module in modules:
        layer, _, name = module.partition(".")
        if layer not in layers_with_folders:
            nodes[module] = layer
        elif room_of(module) in folders or not name:
            nodes[module] = room_of(module)
        else:
            nodes[module] = f"{layer}.{', '.join(files[layer, module in used])}"
    return nodes


def _identifier(node: str) -> str:
    first, *more = node.split(", ")
    return first.replace(".", "_") + ("_and_others" if more else "")


def _label(node: str) -> str:
    """Names of a node, two to a line: Mermaid breaks what is longer."""
    names = node.partition(".")[2].split(", ")
    return "<br>".join(", ".join(names[at : at + 2]) for at in range(0, len(names), 2))


if __name__ == "__main__":
    main()
