"""Tests and answer files that wheels leave out and source distributions carry.

The source distributions of the locked versions are downloaded once, by the hashes in ``requirements.lock``. pip asks a
source distribution for its metadata before it hands it out, which runs its ``setup.py``; here a backend answers that
reads the file ``PKG-INFO`` and runs nothing of it. As a program it downloads, and says what went wrong in one sentence.
"""

import fcntl
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"
FOLDERS: Mapping[str, str] = {"ta-lib": "tests", "exchange-calendars": "tests/resources"}
"""Package → what is unpacked of its source distribution."""
_BACKEND = """
import re
from pathlib import Path


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    known = Path("PKG-INFO").read_text(encoding="utf-8")
    name, version = (re.search(rf"^{field}: (\\S+)", known, re.M)[1] for field in ("Name", "Version"))
    folder = Path(metadata_directory, f"{name.replace('-', '_')}-{version}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(known, encoding="utf-8")
    return folder.name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise NotImplementedError("nothing is built here")
"""


class SourceMissingError(Exception):
    """A suite cannot be had; says which version was asked for and why it did not come."""


def folder_of(package: str, lock: Path = REPOSITORY / "requirements.lock", cache: Path = CACHE) -> Path:
    """Where the suite of a package of `FOLDERS` lies; it is downloaded if it is not in the cache.

    Raises:
        SourceMissingError: The lock names no version with hashes, or the download failed.
    """
    pattern = rf"^{package}==(?P<version>\S+)(?:(?: \\\n +--hash=\S+)+)"
    locked = re.search(pattern, lock.read_text(encoding="utf-8"), re.MULTILINE)
    if locked is None:
        raise SourceMissingError(
            f"{lock}: no line {package}==… with hashes; resolve the lock anew (make lock)"
        )
    folder = cache / f"{package}-{locked['version']}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{package}.lock").open("w") as exclusive:
        fcntl.flock(exclusive, fcntl.LOCK_EX)
        if not folder.exists():
            _download(package, locked["version"], locked[0], folder)
    return folder / FOLDERS[package]


def _download(package: str, version: str, requirement: str, folder: Path) -> None:
    """Unpacks the suite below the folder, which appears when it is complete."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        place = Path(name)
        backend = place / "backend" / "setuptools"
        backend.mkdir(parents=True)
        (backend / "__init__.py").touch()
        (backend / "build_meta.py").write_text(_BACKEND, encoding="utf-8")
        (place / "requirements.txt").write_text(requirement + "\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps"]
        by_hash = ["--no-binary", ":all:", "--require-hashes", "--no-build-isolation"]
        command = [*pip, *by_hash, "--dest", name, "--requirement", str(place / "requirements.txt")]
        environment = {**os.environ, "PYTHONPATH": str(backend.parent)}
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if answer.returncode:
            reasons = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
            raise SourceMissingError(
                f"the source distribution of {package} {version}, which carries its tests, could not be downloaded: "
                f"{(reasons or [answer.stderr.strip()])[-1]}"
            )
        top = f"{package.replace('-', '_')}-{version}"
        with tarfile.open(place / f"{top}.tar.gz") as archive:
            chosen = [member for member in archive if member.name.startswith(f"{top}/{FOLDERS[package]}/")]
            archive.extractall(place, members=chosen, filter="data")
        (place / top).rename(folder)


if __name__ == "__main__":
    try:
        for known in FOLDERS:
            folder_of(known)
    except SourceMissingError as reason:
        sys.exit(f"The suites that others wrote cannot be run: {reason}")
