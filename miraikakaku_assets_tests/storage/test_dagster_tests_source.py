"""Dagster's own storage tests come by the lock's hash, or it is said in a sentence why they do not come."""

from pathlib import Path

import dagster as dg
import pytest

from miraikakaku_assets_tests.storage.dagster_tests_source import (
    REPOSITORY,
    SourceMissingError,
    make_importable,
)

HASH = "--hash=sha256:" + 64 * "0"


def lock_file(folder: Path, text: str) -> Path:
    lock = folder / "requirements.lock"
    lock.write_text(text)
    return lock


def test_the_lock_names_more_than_one_file_of_dagster_by_hash() -> None:
    """The wheel and the source distribution."""
    lock = (REPOSITORY / "requirements.lock").read_text().partition("\ndagster==")[2].partition("==")[0]

    assert lock.count("--hash=sha256:") >= 2


def test_a_lock_without_hashes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match="no line dagster==… with hashes"):
        make_importable(lock_file(tmp_path, f"dagster=={dg.__version__}\n"), tmp_path / "cache")


def test_another_version_than_the_installed_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match=r"build \.venv from the lock"):
        make_importable(lock_file(tmp_path, f"dagster==1.0.0 \\\n    {HASH}\n"), tmp_path / "cache")


def test_without_a_package_index_it_fails_and_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    cache = tmp_path / "cache"

    with pytest.raises(SourceMissingError, match=r"could not be downloaded: ERROR: .*dagster=="):
        make_importable(lock_file(tmp_path, f"dagster=={dg.__version__} \\\n    {HASH}\n"), cache)

    assert [path.name for path in cache.iterdir()] == ["lock"]
