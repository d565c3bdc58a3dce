"""Files of trained models: whole or not at all, and read back only as they were stored."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.files.state_folders import FolderModelStore
from miraikakaku_assets.domain.errors import ConfigurationError

CONTENT = bytes(range(256)) * 4_000


def test_model_comes_back_by_its_name(tmp_path: Path) -> None:
    shelf = FolderModelStore(tmp_path)
    name, sha256 = shelf.keep("jp", "xgboost", CONTENT)
    assert sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert name == f"jp/xgboost_{sha256[:12]}.bin"
    assert (tmp_path / "models" / name).read_bytes() == CONTENT
    assert shelf.read(name, sha256) == CONTENT
    assert shelf.keep("jp", "xgboost", CONTENT) == (name, sha256)
    other, empty = shelf.keep("us", "xgboost", CONTENT), shelf.keep("jp", "xgboost", b"")
    assert shelf.read(*empty) == b""
    assert shelf.read(*other) == CONTENT
    assert len({name, other[0], empty[0]}) == 3
    files = sorted(
        str(path.relative_to(tmp_path / "models")) for path in tmp_path.rglob("*") if path.is_file()
    )
    assert files == sorted([name, other[0], empty[0]])  # and nothing unfinished


def test_model_that_is_gone_or_damaged_is_not_read(tmp_path: Path) -> None:
    shelf = FolderModelStore(tmp_path)
    name, sha256 = shelf.keep("jp", "lstm", CONTENT)
    path = tmp_path / "models" / name
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(
        ConfigurationError, match=r"lstm_\w{12}\.bin is not the one that was stored; train it again"
    ):
        shelf.read(name, sha256)
    assert shelf.keep("jp", "lstm", CONTENT) == (name, sha256)
    assert shelf.read(name, sha256) == CONTENT
    path.unlink()
    with pytest.raises(
        ConfigurationError, match=r"cannot be read \(No such file or directory\); train it again"
    ):
        shelf.read(name, sha256)
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    for elsewhere in ("../secret", str(secret), "jp/../../secret"):
        with pytest.raises(ConfigurationError, match="lies outside"):
            shelf.read(elsewhere, sha256)


def test_model_that_cannot_be_written_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        FolderModelStore(tmp_path).keep("jp", "lstm", CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_readers_beside_a_writer_see_whole_files(tmp_path: Path) -> None:
    shelf = FolderModelStore(tmp_path)
    place = shelf.keep("jp", "prophet", CONTENT)
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(shelf.keep, "jp", "prophet", CONTENT) for _ in range(40)]
        for _ in range(40):
            assert shelf.read(*place) == CONTENT
        assert {written.result() for written in writing} == {place}
