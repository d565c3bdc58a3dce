"""The stock master before an update can be had back, and nothing else passes for one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.files.state_folders import FolderFileStore
from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.reference.restore_master import restore_master
from miraikakaku_assets.application.reference.update_master import update_master
from miraikakaku_assets.domain.errors import BackupRefusedError
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.markets.stored_market import rows_of
from miraikakaku_assets_tests.support.markets.workbooks import Cell, line, workbook

NOW = datetime(2025, 12, 5, 6, tzinfo=UTC)
COLUMNS = "stock_code, stock_name, is_active, status"
FIRST: list[list[Cell]] = [line(1301.0, "極洋"), line("130A", "ＶＩＳ")]
SECOND: list[list[Cell]] = [line(1301.0, "別の名"), line(1332.0, "ニッスイ")]


def test_back_to_before_an_update(database: Database, tmp_path: Path) -> None:
    masters, shelf = PostgresMasters(database), FolderFileStore(tmp_path)
    for lines in (FIRST, SECOND):
        (tmp_path / "data_j.xls").write_bytes(workbook(lines))
        update_master(
            JP, str(tmp_path / "data_j.xls"), source=JpxList(5.0), store=masters, shelf=shelf, clock=lambda: NOW,
            accept_mass_change=True,
        )  # fmt: skip
    second = rows_of(database, "stock_master", COLUMNS, "stock_code")
    copies = tmp_path / "backups" / "jp_stocks"
    assert len(list(copies.iterdir())) == 1, "there was nothing before the first list"

    name, issues = restore_master(JP, "latest", store=masters, shelf=shelf, clock=lambda: NOW.replace(hour=7))

    assert issues == 2
    assert rows_of(database, "stock_master", COLUMNS, "stock_code") == [
        ("1301", "極洋", True, "listed"),
        ("130A", "ＶＩＳ", True, "listed"),
        ("1332", "ニッスイ", False, "delisted"),
    ]
    # the one that was in force has been saved, too
    (saved,) = {path.name for path in copies.iterdir()} - {name}
    restore_master(JP, saved, store=masters, shelf=shelf, clock=lambda: NOW.replace(hour=8))
    assert rows_of(database, "stock_master", COLUMNS, "stock_code") == second
    for content, rule in ((b"id,universe\n1,us\n", "foreign"), (b"\xff", "foreign")):
        (copies / "bad.csv").write_bytes(content)
        with pytest.raises(BackupRefusedError, match=rf"\[{rule}\]"):
            restore_master(JP, "bad.csv", store=masters, shelf=shelf, clock=lambda: NOW)
    with pytest.raises(BackupRefusedError, match=r"\[missing\]"):
        restore_master(JP, "none.csv", store=masters, shelf=shelf, clock=lambda: NOW)
    assert rows_of(database, "stock_master", COLUMNS, "stock_code") == second
