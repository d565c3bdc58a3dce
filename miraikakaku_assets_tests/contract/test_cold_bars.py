"""Bars in files answer as bars in the database: every reader, before they move, after, and when they are back."""

import json
import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr

from miraikakaku_assets.adapters.files.cold_files import FolderColdFiles
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.backups.find_damage import find_damage
from miraikakaku_assets.application.cold.move_bars import move_bars
from miraikakaku_assets.application.cold.restore_bars import restore_bars
from miraikakaku_assets.application.cold.verify_files import verify_files
from miraikakaku_assets.application.maintenance.run_maintenance import COLD, run_maintenance
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ColdFileError
from miraikakaku_assets.domain.market.instruments import FX, Timeframe
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.markets.analysed_market import (
    Market,
    currencies,
    derived,
    scaled,
    slots,
    utc,
    walk,
)
from miraikakaku_assets_tests.support.markets.cold_market import (
    NOW,
    PAIRS,
    answers,
    cold_ports,
    differences,
    markets,
    stored_rows,
)
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

D1, M5 = Timeframe.D1, Timeframe.M5


@pytest.mark.slow
def test_every_answer_is_the_same_before_bars_move_after_and_when_they_are_back(
    database: Database, tmp_path: Path
) -> None:
    both = markets(database, tmp_path)
    for market in both:
        for timeframe in (D1, M5):
            assert not market.analyze(timeframe).failures
    rows, before, ports = stored_rows(database), answers(database), cold_ports(database)

    moved = move_bars(ports)
    after = answers(database)

    assert {(file.universe, str(file.month)) for file in moved} == {
        (name, month) for name in ("fx", "jp") for month in ("2026-01-01", "2026-02-01")
    }
    assert len(stored_rows(database)) == len(rows) - sum(file.rows for file in moved)
    assert differences(before, after) == []
    assert verify_files(ports).damaged == {}
    for market in both:  # everything anew, from bars of which a part lies in files
        market.analyze(M5, full_refresh=True)
    assert derived(database) == before["derived"]

    assert restore_bars(ports).rows == sum(file.rows for file in moved)
    assert stored_rows(database) == rows
    assert differences(before, answers(database)) == []


@pytest.fixture
def pair(database: Database, tmp_path: Path) -> Market:
    """A currency pair and another with a few days of bars in February, March and June."""
    database.cold_files = FolderColdFiles(tmp_path)
    market = currencies(database, *PAIRS, now=NOW)
    days = [(utc(2026, month, 2).date(), utc(2026, month, 4).date()) for month in (2, 3, 6)]
    for number, symbol in enumerate(PAIRS):
        stamps = [ts for first, last in days for ts in slots(FX, first, last)]
        market.deliver(M5, walk(symbol, stamps, FX, number))
    return market


def at(database: Database, ts: datetime) -> list[tuple[Any, ...]]:
    """What is in the database of a bar of any pair."""
    return rows_of(database, f"price_bars WHERE ts = '{ts}'", "instrument_id, close", "1")


def test_a_late_delivery_brings_its_month_back_and_the_next_move_takes_it_away(
    database: Database, pair: Market
) -> None:
    ports = cold_ports(database)
    (file,) = move_bars(ports)
    ts = slots(FX, date(2026, 2, 3), date(2026, 2, 3))[100]
    bars = PostgresBars(database)
    before = bars.read(FX, M5)
    rows = [scaled(row, 1.01) for row in walk(PAIRS[0], slots(FX, date(2026, 2, 2), date(2026, 2, 4)), FX, 0)]
    late = next(row for row in rows if row["ts"] == ts)

    counts = pair.deliver(M5, [late]).counts.to_dicts()
    during = bars.read(FX, M5)
    partly = ports.store.in_force()
    moved_again = move_bars(ports)

    assert [count["restated"] for count in counts] == [1]
    assert at(database, ts) == []
    assert partly == [replace(file, rows_in_force=file.rows // 2, instruments=1)]
    assert [(again.rows, again.instruments) for again in moved_again] == [(file.rows // 2, 1)]
    changed = during.join(before, on=before.columns, how="anti", nulls_equal=True)
    assert changed.select("symbol", "ts", "close").rows() == [(PAIRS[0], ts, late["close"])]
    assert during.height == before.height
    assert bars.read(FX, M5).equals(during, null_equal=True)
    assert verify_files(ports).damaged == {}


def test_a_delivery_of_recent_bars_opens_no_file(database: Database, pair: Market, tmp_path: Path) -> None:
    (file,) = move_bars(cold_ports(database))
    path = tmp_path / "cold" / file.figures.path
    path.unlink()
    bars, recent = PostgresBars(database), date(2026, 3, 1)
    rows = walk(PAIRS[0], slots(FX, date(2026, 6, 5), date(2026, 6, 5)), FX, 1)

    pair.deliver(M5, rows)

    assert not bars.read(FX, M5, since=recent).is_empty()
    assert bars.holdings(FX, M5)[PAIRS[0]].newest == date(2026, 6, 5)
    assert not bars.neighbours(FX, M5, {PAIRS[0]: (date(2026, 6, 3), date(2026, 6, 5))}, 3).is_empty()
    with pytest.raises(
        ColdFileError, match=f"The cold file {file.figures.path} is not in .*restore.*missing"
    ):
        bars.read(FX, M5)
    with pytest.raises(ColdFileError, match="missing"):
        pair.deliver(M5, walk(PAIRS[0], slots(FX, date(2026, 2, 3), date(2026, 2, 3)), FX, 1))
    assert rows_of(database, "price_bars WHERE ts < '2026-03-01'") == []


def test_a_damaged_file_is_named_by_readers_and_by_the_search_for_damage(
    database: Database, database_url: str, pair: Market, tmp_path: Path
) -> None:
    (file,) = move_bars(cold_ports(database))
    path = tmp_path / "cold" / file.figures.path
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    use = Ports(Settings(miraikakaku_home=tmp_path, database_url=SecretStr(database_url)), lambda: NOW)

    with pytest.raises(ColdFileError, match="altered"):
        PostgresBars(database).read(FX, M5)
    with pytest.raises(ColdFileError, match="altered"):
        restore_bars(cold_ports(database))
    report = find_damage(use.backups.integrity_check, use.backups.integrity, use.backups.cold, use.clock)
    path.write_bytes(whole)

    assert list(report.damaged) == [file.figures.path]
    assert "altered" in report.damaged[file.figures.path]
    assert restore_bars(cold_ports(database)).rows == file.rows
    use.close()


def test_bars_in_both_places_are_found(database: Database, pair: Market) -> None:
    (file,) = move_bars(cold_ports(database))
    ts = slots(FX, date(2026, 2, 3), date(2026, 2, 3))[0]
    with database.engine.begin() as connection:  # as no delivery would
        connection.exec_driver_sql(
            "INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, close, volume, source, status,"
            f" fetched_at) VALUES ({pair.ids[PAIRS[0]]}, '5m', '{ts}', 1, 0, 'foreign', 'final', now())"
        )

    assert f"has bars of {PAIRS[0]}" in verify_files(cold_ports(database)).damaged[file.figures.path]


def test_maintenance_moves_bars_and_removes_files_that_nobody_reads(
    database: Database, database_url: str, pair: Market, tmp_path: Path
) -> None:
    settings = Settings(miraikakaku_home=tmp_path, database_url=SecretStr(database_url), cold_after_days=90)
    now, later = Ports(settings, lambda: NOW), Ports(settings, lambda: NOW + timedelta(days=10))
    would = run_maintenance([COLD], now.backups.maintenance, dry_run=True)
    done = run_maintenance([COLD], now.backups.maintenance)
    (file,) = now.backups.cold.store.in_force()
    manifest = json.loads((tmp_path / "cold" / file.figures.path).with_suffix(".json").read_text())
    restore_bars(now.backups.cold)
    off = replace(later.backups.maintenance, cold=replace(later.backups.cold, after_days=None))

    files = [path for path in (tmp_path / "cold").rglob("*") if path.is_file()]
    for path in files:  # written by the clock of the machine
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    removed = run_maintenance([COLD], off)

    assert [part.count for part in (*would, *done, *removed)] == [1, 1, 2]
    assert sorted(path.suffix for path in files) == [".json", ".parquet"]
    assert not [path for path in (tmp_path / "cold").rglob("*") if path.is_file()]
    assert rows_of(database, "cold_files") == []
    assert {name: manifest[name] for name in ("rows", "sha256", "schema_version", "prices")} == {
        "rows": file.rows,
        "sha256": file.figures.sha256,
        "schema_version": 1,
        "prices": "real",
    }
    for use in (now, later):
        use.close()


def test_people_read_the_files_as_they_are(database: Database, pair: Market, tmp_path: Path) -> None:
    before = PostgresBars(database).read(FX, M5, until=date(2026, 2, 28))
    move_bars(cold_ports(database))

    told = pl.scan_parquet(tmp_path / "cold" / "**" / "*.parquet", hive_partitioning=True).collect()

    assert told.select("universe", "timeframe", "year").unique().rows() == [("fx", "5m", 2026)]
    columns = ["symbol", "ts", "close", "volume"]
    assert told.sort("symbol", "ts").select(columns).equals(before.select(columns))
