"""Files kept in the state folder: whole or not at all, once, under readable names."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.files.state_folders import FolderFileStore, FolderReportStore, write_whole
from miraikakaku_assets.application.ports import Publication, PublishedFile
from miraikakaku_assets.domain.errors import ConfigurationError


def published(*files: PublishedFile) -> Publication:
    return Publication(files)


def test_list_is_kept_as_it_came_under_its_date_and_digest(tmp_path: Path) -> None:
    file = PublishedFile("https://example.org/att/data_j.xls", b"\xd0\xcf\x11\xe0\r\n\x00")
    path = FolderFileStore(tmp_path).keep("quarantine", published(file), "jp_20250930")
    digest = hashlib.sha256(file.content).hexdigest()
    assert path == tmp_path / "quarantine" / f"jp_20250930_{digest[:12]}.xls"
    assert path.read_bytes() == file.content


def test_same_list_is_kept_once_and_a_nameless_one_gets_a_suffix(tmp_path: Path) -> None:
    shelf = FolderFileStore(tmp_path)
    list_ = published(PublishedFile("https://example.org/list", b"x"))
    first, again = (shelf.keep("masters", list_, "jp_20250930") for _ in range(2))
    assert first == again
    assert first.suffix == ".bin"
    assert [path.name for path in (tmp_path / "masters").iterdir()] == [first.name]


def test_files_that_make_one_list_are_kept_together_each_with_its_digest(tmp_path: Path) -> None:
    shelf = FolderFileStore(tmp_path)
    parts = [PublishedFile(f"https://example.org/{name}", name.encode(), name) for name in ("a.txt", "b.csv")]
    folder = shelf.keep("masters", published(*parts), "us_20250721")
    assert folder == shelf.keep("masters", published(*parts), "us_20250721")
    assert folder != shelf.keep("masters", published(*reversed(parts)), "us_20250721")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        f"{hashlib.sha256(part.content).hexdigest()[:12]}_{part.part}": part.content for part in parts
    }


def test_report_is_named_after_the_hour_in_tokyo_and_is_readable_json(tmp_path: Path) -> None:
    moment = datetime(2025, 9, 30, 16, 5, 9, tzinfo=UTC)
    path = FolderReportStore(tmp_path).write(
        "coverage_jp", moment, {"segment": "プライム", "coverage": 0.957}
    )
    assert path == tmp_path / "reports" / "coverage_jp_20251001_010509.json"
    text = path.read_text(encoding="utf-8")
    assert "プライム" in text
    assert json.loads(text) == {"segment": "プライム", "coverage": 0.957}


def test_file_that_could_not_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_whole(tmp_path / "list.xls", b"old")

    def full_disk(_self: Path, content: bytes) -> int:
        raise OSError(28, f"No space left for {len(content)} bytes")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(ConfigurationError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
