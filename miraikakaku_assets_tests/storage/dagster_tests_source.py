"""Dagster's own storage tests, which its wheel leaves out and its source distribution carries.

The source distribution of the locked version is downloaded once, by the hash in ``requirements.lock``, and only its
folder ``dagster_tests`` is unpacked: its ``dagster`` must not stand in front of the installed one. As a program it
downloads and says what went wrong in one sentence.
"""

import fcntl
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import types
from pathlib import Path

import dagster as dg
from dagster._core.utils import make_new_run_id

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"
_LOCKED = re.compile(r"^dagster==(?P<version>\S+)(?P<hashes>(?: \\\n +--hash=\S+)+)", re.MULTILINE)


class SourceMissingError(Exception):
    """The tests cannot be had; says which version was asked for and why it did not come."""


def make_importable(lock: Path = REPOSITORY / "requirements.lock", cache: Path = CACHE) -> None:
    """Makes ``dagster_tests`` of the locked version importable, downloading it where it is not in the cache.

    Raises:
        SourceMissingError: The lock names no version with hashes, or the download failed.
    """
    locked = _LOCKED.search(lock.read_text())
    if locked is None:
        raise SourceMissingError(f"{lock}: no line dagster==… with hashes; resolve the lock anew (make lock)")
    if locked["version"] != dg.__version__:
        raise SourceMissingError(
            f"dagster {dg.__version__} is installed, {lock} names {locked['version']}; build .venv from the lock"
        )
    folder = cache / f"dagster-{locked['version']}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as exclusive:
        fcntl.flock(exclusive, fcntl.LOCK_EX)
        if not folder.exists():
            _download(locked["version"], locked[0], folder)
    sys.path.append(str(folder))
    _add_run_factory()


def _download(version: str, requirement: str, folder: Path) -> None:
    """Puts ``dagster_tests`` of the source distribution below the folder, which appears when it is complete."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        place = Path(name)
        (place / "requirements.txt").write_text(requirement)
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps"]
        # Its metadata is built with the hatchling of the lock, not with one that pip would download unchecked.
        by_hash = ["--no-binary", ":all:", "--require-hashes", "--no-build-isolation"]
        command = [*pip, *by_hash, "--dest", name, "--requirement", str(place / "requirements.txt")]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            reasons = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
            raise SourceMissingError(
                f"the source distribution of dagster {version}, which carries the storage tests, could not be "
                f"downloaded: {(reasons or [answer.stderr.strip()])[-1]}"
            )
        top = f"dagster-{version}"
        with tarfile.open(place / f"{top}.tar.gz") as archive:
            tests = [member for member in archive if member.name.startswith(f"{top}/dagster_tests/")]
            archive.extractall(place, members=tests, filter="data")
        shutil.move(place / top, folder)


def _add_run_factory() -> None:
    """The one function of ``dagster_test``, which is in no distribution of this version, that the tests call."""

    def dagster_run(**given: object) -> dg.DagsterRun:
        return dg.DagsterRun(**({"run_id": make_new_run_id(), "job_name": "a_job"} | given))  # type: ignore[arg-type]

    factory = types.ModuleType("dagster_test.utils.data_factory")
    factory.dagster_run = dagster_run  # type: ignore[attr-defined]
    for name in ("dagster_test", "dagster_test.utils"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules[factory.__name__] = factory


if __name__ == "__main__":
    try:
        make_importable()
    except SourceMissingError as reason:
        sys.exit(f"Dagster's storage tests cannot be run: {reason}")
