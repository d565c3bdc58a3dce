"""The packages: which may know which, how large they are, and what they say of themselves."""

import re
from collections.abc import Mapping
from functools import cache

import pytest

from miraikakaku_assets_tests.package_diagram import (
    PACKAGE,
    PAGE,
    ROOT,
    arrows_between_rooms,
    diagram,
    drawn,
    imports,
    layers,
    reachable,
    reduced,
)

TESTS = "miraikakaku_assets_tests"
MOST_MODULES = 22
HEIGHT = {name: place for place, line in enumerate(layers()) for name in line}


@cache
def modules() -> Mapping[str, set[str]]:
    return imports()


def folders(*below: str) -> list[str]:
    packages = (path for name in below or (PACKAGE,) for path in (ROOT / name).rglob("__init__.py"))
    return sorted(path.parent.relative_to(ROOT).as_posix() for path in packages)


def test_the_diagram_on_the_page_is_drawn_from_the_imports() -> None:
    page = drawn(PAGE.read_text(encoding="utf-8"))

    assert page == diagram(), "`make diagram` draws it anew"


@pytest.mark.parametrize("layer", ["domain", "application", "adapters", "simulator"])
def test_the_tree_on_the_page_names_every_folder(layer: str) -> None:
    tree = PAGE.read_text(encoding="utf-8").split("```")[1]
    there = {folder.rpartition("/")[2] for folder in folders() if folder.startswith(f"{PACKAGE}/{layer}")}

    assert there - {"versions"} - set(re.findall(r"\w+", tree)) == set()


def test_no_import_runs_up_or_between_layers_of_one_line() -> None:
    layer = {module: module.split(".")[0] for module in modules()}
    up = [
        (module, other)
        for module, imported in modules().items()
        for other in imported
        if layer[module] != layer[other] and HEIGHT[layer[module]] >= HEIGHT[layer[other]]
    ]

    assert up == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    arrows = arrows_between_rooms(modules())

    assert [room for room in arrows if room in reachable(arrows, room)] == []


def test_an_arrow_that_follows_from_others_is_not_drawn() -> None:
    assert reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_a_circle_is_seen() -> None:
    assert "a" in reachable({"a": {"b"}, "b": {"c"}, "c": {"a"}}, "a")


@pytest.mark.parametrize("layer", ["domain", "application"])
@pytest.mark.parametrize("word", ["yahoo", "yfinance", "dagster"])
def test_no_vendor_and_no_framework_is_named_where_nobody_knows_them(layer: str, word: str) -> None:
    files = (ROOT / PACKAGE / layer).rglob("*.py")
    naming = [path.name for path in files if word in path.read_text(encoding="utf-8").lower()]

    assert naming == []


@pytest.mark.parametrize("folder", folders(PACKAGE, f"{TESTS}/support", f"{TESTS}/fakes"))
def test_a_folder_holds_few_modules(folder: str) -> None:
    if folder.endswith(
        "/versions"
    ):  # migrations are a history: one is added with each change, and none leaves
        return
    assert len(list((ROOT / folder).glob("*.py"))) <= MOST_MODULES


def test_nobody_imports_from_a_test_module() -> None:
    imported = re.compile(rf"(?:from|import) {TESTS}[\w.]*\.(?:test_\w+|conftest)\b")  # in scripts, too
    files = [*(ROOT / TESTS).rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]

    assert [(file.name, line) for file in files for line in imported.findall(file.read_text())] == []


@pytest.mark.parametrize("folder", [package for package in folders() if not package.endswith("/versions")])
def test_a_package_says_what_belongs_there(folder: str) -> None:
    assert (ROOT / folder / "__init__.py").read_text(encoding="utf-8").startswith('"""')
