"""An upgraded lock: resolved, installed and tried by uv away from the tree, from wheels that the test makes."""

import base64
import hashlib
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.files.report_folder import FolderReports
from miraikakaku_assets.adapters.security.lock_upgrade import COMPILE, UvWorkshop, changed
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.security.store import PostgresSecurityFindings
from miraikakaku_assets.application.ports.operations.security import CheckOutcome
from miraikakaku_assets.application.security.prepare_upgrade import UpgradeReport, prepare_upgrade
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.security.finding import Check
from miraikakaku_assets.domain.security.vulnerabilities import Vulnerability, as_finding

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def wheel(folder: Path, name: str, version: str, needs: str = "") -> None:
    """A wheel with one module that knows its version."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(content)}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project with a lock on weak 1.0, whose fixed version needs a helper."""
    wheels, folder = tmp_path / "wheels", tmp_path / "tree"
    wheels.mkdir()
    folder.mkdir()
    for version in ("1.0", "1.1", "1.2"):
        wheel(wheels, "weak", version, "helper" if version != "1.0" else "")
    wheel(wheels, "helper", "3.0")
    wheel(wheels, "steady", "5.0")
    wheel(wheels, "steady", "5.1")
    project = (
        '[project]\nname = "tried"\nversion = "0"\nrequires-python = ">=3.11"\n'
        f'dependencies = ["weak<2", "steady"]\n[tool.uv]\nno-index = true\nfind-links = ["{wheels}"]\n'
    )
    (folder / "pyproject.toml").write_text(project)
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in wheels.glob("*-py3-none-any.whl")
    }
    (folder / "requirements.lock").write_text(
        "".join(
            f"{name}=={version} \\\n    --hash=sha256:{hashes[f'{name}-{version}-py3-none-any.whl']}\n"
            for name, version in (("steady", "5.0"), ("weak", "1.0"))
        )
    )
    return folder


def prepared(
    tree: Path, database: Database, *packages: str, test: str = "import weak; assert weak.VERSION == '1.2'"
) -> UpgradeReport:
    home = tree.parent / "home"
    workshop = UvWorkshop(tree, home, tests=(("it works", ("-c", test)),))
    findings = PostgresSecurityFindings(database)
    return prepare_upgrade(packages, findings, workshop, FolderReports(home), lambda: NOW)


def found(database: Database, *fixes: str | None) -> None:
    """Stores a vulnerability of `weak` for each fix."""
    findings = tuple(
        as_finding(Vulnerability("weak", "1.0", frozenset({f"GHSA-{number}"}), "bad", None, fix))
        for number, fix in enumerate(fixes)
    )
    PostgresSecurityFindings(database).record(
        [CheckOutcome(Check.DEPENDENCIES, findings)], NOW - timedelta(hours=1)
    )


def test_the_fixed_version_is_locked_installed_and_tried_and_the_tree_is_not_touched(
    tree: Path, database: Database
) -> None:
    found(database, "1.1", "1.2", None)
    before = {path.name: path.read_bytes() for path in tree.iterdir()}

    report = prepared(tree, database)

    assert report.attempt is not None
    assert report.succeeded, report.attempt.steps
    assert report.wanted == {"weak": "1.2"}
    assert report.attempt.changes == {"helper": (None, "3.0"), "weak": ("1.0", "1.2")}  # steady stays
    assert {path.name: path.read_bytes() for path in tree.iterdir()} == before
    assert report.folder == tree.parent / "home" / "reports" / "upgrade_20261130_120000"
    result = json.loads((report.folder / "result.json").read_text())
    assert result["succeeded"] is True
    assert result["changes"]["weak"] == {"before": "1.0", "after": "1.2"}
    assert "+weak==1.2" in (report.folder / "requirements.diff").read_text()
    lock = (report.folder / "requirements.lock").read_text()
    assert "weak==1.2" in lock
    assert str(tree.parent) not in lock
    assert sorted(path.name for path in (tree.parent / "home").iterdir()) == ["reports", "upgrade.lock"]


def test_a_version_that_does_not_work_is_reported_with_its_reason(tree: Path, database: Database) -> None:
    found(database, "1.1")

    report = prepared(tree, database, test="raise SystemExit('weak has lost its function')")

    assert report.attempt is not None
    assert not report.succeeded
    assert report.attempt.steps[-1].name == "it works"
    assert report.attempt.steps[-1].output == "weak has lost its function"
    assert report.folder is not None
    assert json.loads((report.folder / "result.json").read_text())["succeeded"] is False


def test_a_version_that_needs_what_the_lock_leaves_out_is_not_usable(tree: Path, database: Database) -> None:
    found(database, "1.1")
    project = tree / "pyproject.toml"
    project.write_text(project.read_text() + 'exclude-dependencies = ["helper"]\n')

    report = prepared(tree, database)

    assert report.attempt is not None
    last = report.attempt.steps[-1]
    assert (last.name, last.succeeded) == ("its packages fit", False)
    assert last.output == "The package `weak` requires `helper`, but it's not installed"


def test_a_fix_that_the_project_does_not_allow_is_reported_with_the_resolvers_reason(
    tree: Path, database: Database
) -> None:
    found(database, "2.0")

    report = prepared(tree, database)

    assert report.attempt is not None
    (step,) = report.attempt.steps
    assert (step.name, step.succeeded) == ("the lock is resolved", False)
    assert "weak" in step.output
    assert not report.succeeded


def test_a_package_that_is_named_gets_its_newest_version(tree: Path, database: Database) -> None:
    report = prepared(tree, database, "Steady", test="import steady; assert steady.VERSION == '5.1'")

    assert report.succeeded
    assert report.attempt is not None
    assert report.attempt.changes == {"steady": ("5.0", "5.1")}


def test_without_anything_to_upgrade_nothing_is_tried(tree: Path, database: Database) -> None:
    nothing = prepared(tree, database)
    found(database, None)
    unfixable = prepared(tree, database)

    assert (nothing.succeeded, nothing.attempt, nothing.folder) == (True, None, None)
    assert (unfixable.succeeded, unfixable.unfixable) == (False, ("weak",))


def test_outside_of_a_checkout_it_says_so(tree: Path, database: Database) -> None:
    (tree / "requirements.lock").unlink()

    with pytest.raises(
        ConfigurationError, match=r"There is no requirements\.lock in .*: an upgrade is prepared in"
    ):
        prepared(tree, database, "weak")


def test_the_lock_is_resolved_as_make_lock_does() -> None:
    (command,) = re.findall(
        r"^\t\$\(BIN\)/uv (pip compile .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )

    assert " ".join(COMPILE) == command


def test_a_package_of_several_versions_is_compared_as_a_whole() -> None:
    before = "a==1 ; python_version < '3.12'\na==2 ; python_version >= '3.12'\nb==1 \\\n    --hash=sha256:0\n"

    assert changed(before, before.replace("a==2", "a==3")) == {"a": ("1, 2", "1, 3")}
