"""A process killed at any moment: the same command again ends with what an undisturbed run leaves behind."""

import random
import textwrap
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.killing import kill_at_work, run_to_end
from miraikakaku_assets_tests.support.markets.stored_market import contents, listed, rows_of
from miraikakaku_assets_tests.support.markets.workbooks import Cell, line, workbook

pytestmark = pytest.mark.slow
DAYS = sessions_between(JP.calendar, date(2025, 1, 1), date(2025, 9, 30))
CODES = [str(code) for code in range(1301, 1361)]

COLLECT = textwrap.dedent("""
    import sys
    from datetime import UTC, date, datetime
    from pathlib import Path
    from miraikakaku_assets.adapters.sources.files import archive
    from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
    from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
    from miraikakaku_assets.application.collection.collect_prices import collect_prices
    from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
    from miraikakaku_assets.domain.market.instruments import JP, Timeframe
    from miraikakaku_assets.domain.market.sessions import session_table

    archive.SYMBOLS_PER_DELIVERY = 4
    database = Database(sys.argv[1])
    source = archive.ArchiveSource(Path(sys.argv[2]))
    masters = PostgresMasters(database)
    request = CollectionRequest(
        JP, Timeframe.D1, masters.instruments(JP), masters.known_symbols(JP), date.min, since=date.min,
        whole_market=True,
    )
    session_table(JP.calendar)
    print("ready", flush=True)
    sys.stdin.readline()
    clock = lambda: datetime.now(UTC)
    ports = CollectionPorts(source, PostgresBars(database), PostgresLedger(database), clock)
    assert collect_prices(request, ports, lambda outcomes: None).balanced
    print("done", flush=True)
    database.close()
""")

UPDATE = textwrap.dedent("""
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from miraikakaku_assets.adapters.files.state_folders import FolderFileStore
    from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
    from miraikakaku_assets.application.reference.update_master import update_master
    from miraikakaku_assets.domain.market.instruments import JP

    database = Database(sys.argv[1])
    database.check()
    print("ready", flush=True)
    sys.stdin.readline()
    update = update_master(
        JP, sys.argv[2], source=JpxList(5), store=PostgresMasters(database), clock=lambda: datetime.now(UTC),
        shelf=FolderFileStore(Path(sys.argv[2]).parent / "home"), accept_mass_change=True,
    )
    assert update.status == "success"
    print("done", flush=True)
    database.close()
""")


def archive(path: Path, *, today: bool) -> Path:
    """Bars of sixty issues: yesterday's with a spike at the end, today's longer, restated and with the spike undone."""
    rows = []
    for number, code in enumerate(CODES):
        days = DAYS if today else DAYS[: 120 + number]
        for position, day in enumerate(days):
            close = 1_900.0 + number + position % 5
            if position == 119 + number:
                close = (
                    1_300.0 if number % 2 else 2.985e10
                )  # stored until its successor comes; refused at once
            if today and position == 50:
                close += 1.0
            rows.append((f"{code}.T", day, close, close, close, close, 100.0 + position))
        rows.append((f"{code}.T", date(2025, 1, 1), 1.0, 1.0, 1.0, 1.0, 0.0))
    names = ["symbol", "date", "open", "high", "low", "close", "volume"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(path)
    return path


def emptied(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("TRUNCATE miraikakaku.price_bars, miraikakaku.quarantined_bars CASCADE"))


def test_collection_killed_at_random_moments_ends_as_if_nothing_had_happened(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    listed(database, *CODES)
    yesterday, today = (
        archive(tmp_path / "a.parquet", today=False),
        archive(tmp_path / "b.parquet", today=True),
    )
    run_to_end(COLLECT, database_url, str(yesterday))
    before = contents(database)
    seconds = run_to_end(COLLECT, database_url, str(today))
    undisturbed = contents(database)
    assert len(undisturbed["price_bars"]) == 60 * (len(DAYS) - 1)

    emptied(database)
    run_to_end(COLLECT, database_url, str(yesterday))
    assert contents(database) == before
    moments = random.Random(20250930)  # noqa: S311 - the same moments in every run
    for _ in range(5):
        kill_at_work(COLLECT, database_url, str(today), seconds=moments.uniform(0.02, 0.9) * seconds)
    run_to_end(COLLECT, database_url, str(today))
    assert contents(database) == undisturbed
    run_to_end(COLLECT, database_url, str(today))
    assert contents(database) == undisturbed


def test_first_collection_killed_at_random_moments_ends_as_if_nothing_had_happened(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    listed(database, *CODES)
    path = str(archive(tmp_path / "b.parquet", today=True))
    seconds = run_to_end(COLLECT, database_url, path)
    undisturbed = contents(database)
    emptied(database)
    moments = random.Random(20241105)  # noqa: S311
    for _ in range(3):
        kill_at_work(COLLECT, database_url, path, seconds=moments.uniform(0.02, 0.9) * seconds)
    run_to_end(COLLECT, database_url, path)
    assert contents(database) == undisturbed


def test_master_update_killed_at_random_moments_leaves_the_old_list_or_the_new_one(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    old: list[list[Cell]] = [line(float(code), f"銘柄{code}") for code in range(1301, 2301)]
    new: list[list[Cell]] = [line(float(code), f"新銘柄{code}", day=20251031.0) for code in range(1311, 2321)]
    first, second = tmp_path / "september.xls", tmp_path / "october.xls"
    first.write_bytes(workbook(old))
    second.write_bytes(workbook(new))
    columns = "stock_code, stock_name, is_active, status, last_list_date"

    run_to_end(UPDATE, database_url, str(first))
    september = rows_of(database, "stock_master", columns, "stock_code")
    moments = random.Random(8303)  # noqa: S311
    in_force = []
    for moment in sorted(moments.uniform(0.01, 0.8) for _ in range(5)):
        kill_at_work(UPDATE, database_url, str(second), seconds=moment)
        updates = rows_of(database, "stock_master_updates", "status", "id")
        in_force.append(len(updates) > 1)
        assert (rows_of(database, "stock_master", columns, "stock_code") != september) == in_force[-1]
    assert in_force[0] is False  # the first kill came before the commit
    run_to_end(UPDATE, database_url, str(second))
    assert len(PostgresMasters(database).instruments(JP)) == 1_010
    assert len(rows_of(database, "stock_master")) == len(rows_of(database, "instruments")) == 1_020
    assert {row[1][0] for row in rows_of(database, "stock_master WHERE is_active", columns)} == {"新"}
