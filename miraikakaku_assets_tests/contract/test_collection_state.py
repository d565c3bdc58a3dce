"""What is known to be complete: holes are asked for again, whatever window the bars around them came from."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.errors import TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.fakes.exchange import NOW, Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import bar
from miraikakaku_assets_tests.support.markets.collecting import HISTORY_START, collect, stored_closes
from miraikakaku_assets_tests.support.markets.stored_market import listed, rows_of, write

SYMBOL = "7203.T"
DAYS = sessions_between(JP.calendar, date(2024, 12, 2), date(2025, 3, 31))
EARLY, LATE = DAYS[:20], DAYS[-20:]


def history(days: list[date] = DAYS, symbol: str = SYMBOL) -> list[dict[str, Any]]:
    return [bar(day, symbol=symbol) for day in days]


@pytest.fixture
def source(database: Database) -> Exchange:
    """An exchange with four months of one listed issue."""
    listed(database, "7203")
    return Exchange({SYMBOL: history()})


def state(database: Database) -> dict[str, date]:
    held = PostgresBars(database).holdings(JP, Timeframe.D1)
    return {
        symbol: holding.complete_from for symbol, holding in held.items() if holding.complete_from is not None
    }


def at_close(day: date) -> Any:
    return NOW.replace(year=day.year, month=day.month, day=day.day, hour=12)


def test_plain_collection_knows_that_nothing_is_missing(database: Database, source: Exchange) -> None:
    collect(database, source)
    assert state(database) == {SYMBOL: HISTORY_START}
    collect(database, source, restatement_sessions=3)
    assert source.since() == {SYMBOL: DAYS[-3]}
    assert state(database) == {SYMBOL: HISTORY_START}


def test_hole_before_a_given_first_day_is_filled_by_the_next_plain_collection(
    database: Database, source: Exchange
) -> None:
    collect(database, source, since=LATE[0])
    assert sorted(stored_closes(database, SYMBOL)) == LATE
    assert state(database) == {SYMBOL: LATE[0]}
    collect(database, source)
    assert source.since() == {SYMBOL: HISTORY_START}
    assert sorted(stored_closes(database, SYMBOL)) == DAYS
    collect(database, source, restatement_sessions=3)
    assert source.since() == {SYMBOL: DAYS[-3]}  # once is enough


def test_window_with_an_end_promises_nothing(database: Database, source: Exchange) -> None:
    collect(database, source, since=HISTORY_START, until=EARLY[-1])
    assert state(database) == {}
    collect(database, source)
    assert source.since() == {SYMBOL: HISTORY_START}


def test_window_with_an_end_leaves_no_hole_behind_bars_that_are_complete(
    database: Database, source: Exchange
) -> None:
    """Collected to the end of EARLY, months pass, a window of LATE is looked at: the months between are missing."""
    collect(database, source, now=at_close(EARLY[-1]))
    assert sorted(stored_closes(database, SYMBOL)) == EARLY
    collect(database, source, since=LATE[0], until=LATE[-1])
    assert sorted(stored_closes(database, SYMBOL)) == [*EARLY, *LATE]
    collect(database, source, restatement_sessions=3)
    assert source.since() == {SYMBOL: EARLY[-3]}
    assert sorted(stored_closes(database, SYMBOL)) == DAYS


def test_open_window_leaves_no_hole_behind_bars_that_are_complete(
    database: Database, source: Exchange
) -> None:
    collect(database, source, now=at_close(EARLY[-1]))
    collect(database, source, since=LATE[0])
    assert sorted(stored_closes(database, SYMBOL)) == [*EARLY, *LATE]
    assert state(database) == {SYMBOL: LATE[0]}  # before it, days are missing that nobody has asked for
    collect(database, source)
    assert source.since() == {SYMBOL: HISTORY_START}
    assert sorted(stored_closes(database, SYMBOL)) == DAYS
    assert state(database) == {SYMBOL: HISTORY_START}


def test_open_window_that_follows_without_a_gap_takes_nothing_back(
    database: Database, source: Exchange
) -> None:
    collect(database, source, now=at_close(EARLY[-1]))
    collect(database, source, since=EARLY[-1])
    assert state(database) == {SYMBOL: HISTORY_START}
    assert sorted(stored_closes(database, SYMBOL)) == DAYS
    collect(database, source, since=LATE[0])
    assert state(database) == {SYMBOL: HISTORY_START}


def test_bars_from_elsewhere_leave_no_hole_behind_them(database: Database, source: Exchange) -> None:
    """An import brings newer bars than any collection has asked for."""
    collect(database, source, now=at_close(EARLY[-1]))
    write(database, listed(database, "7203"), history(LATE))
    collect(database, source, restatement_sessions=3)
    assert source.since() == {SYMBOL: EARLY[-3]}
    assert sorted(stored_closes(database, SYMBOL)) == DAYS


def test_earlier_start_of_the_history_is_asked_for_once(database: Database, source: Exchange) -> None:
    collect(database, source)
    source.rows[SYMBOL] = history(sessions_between(JP.calendar, date(2023, 1, 4), DAYS[-1]))
    earlier = date(2023, 1, 4)
    collect(database, source, history_start=earlier)
    assert source.since() == {SYMBOL: earlier}
    assert min(stored_closes(database, SYMBOL)) == earlier
    collect(database, source, history_start=earlier, restatement_sessions=3)
    assert source.since() == {SYMBOL: DAYS[-3]}


def test_symbol_without_bars_is_asked_for_everything_each_time(database: Database, source: Exchange) -> None:
    source.rows = {}
    for _ in range(2):
        report = collect(database, source)
        assert source.since() == {SYMBOL: HISTORY_START}
        assert state(database) == {}
        assert report.verdicts == {"never_delivered": 1}


def test_an_empty_answer_promises_nothing_about_the_history(database: Database, source: Exchange) -> None:
    """A source that is not itself for an hour must not close a hole for ever."""
    rows = source.rows
    collect(database, source, since=DAYS[40], until=DAYS[49])
    source.rows = {}
    collect(database, source)
    assert source.since() == {SYMBOL: HISTORY_START}
    source.rows = rows
    collect(database, source)
    assert source.since() == {SYMBOL: HISTORY_START}
    assert len(rows_of(database, "price_bars")) == len(rows[SYMBOL])


def test_failed_symbol_is_promised_nothing(database: Database, source: Exchange) -> None:
    source.failures = {SYMBOL: TemporarySymbolError(SYMBOL, "timeout", "no answer")}
    collect(database, source)
    assert rows_of(database, "collection_state") == []


def test_each_symbol_goes_on_from_its_own_day(database: Database) -> None:
    listed(database, "1301", "7203", "9984")
    bars = {"1301.T": DAYS[:30], "7203.T": DAYS, "9984.T": []}
    source = Exchange({symbol: history(days, symbol) for symbol, days in bars.items()})
    collect(database, source)
    collect(database, source, restatement_sessions=2)
    assert source.since() == {"1301.T": DAYS[28], "7203.T": DAYS[-2], "9984.T": HISTORY_START}


def test_collection_while_the_market_trades_asks_for_that_session_again(
    database: Database, source: Exchange
) -> None:
    noon = at_close(DAYS[-1]) - timedelta(hours=9)  # 12:00 in Tokyo
    collect(database, source, now=noon)
    assert rows_of(database, "price_bars", "status", "ts")[-1] == ("provisional",)
    collect(database, source, restatement_sessions=1)
    assert source.since() == {SYMBOL: DAYS[-2]}  # the newest final bar
    assert rows_of(database, "price_bars", "status", "ts")[-1] == ("final",)


def test_archive_goes_on_where_its_bars_end_and_promises_nothing(database: Database, tmp_path: Path) -> None:
    listed(database, "7203")
    rows = [(SYMBOL, day, 10.0, 10.0, 10.0, 10.0, 5.0) for day in DAYS]
    names = ["symbol", "date", "open", "high", "low", "close", "volume"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(tmp_path / "all.parquet")
    archive = ArchiveSource(tmp_path)
    assert collect(database, archive, history_start=date.min).inserted == len(DAYS)
    again = collect(database, archive, history_start=date.min, restatement_sessions=3)
    assert (again.rows_read, again.unchanged) == (3, 3)
    assert state(database) == {}
    online = Exchange({SYMBOL: [bar(day, 10.0) for day in DAYS]})
    collect(database, online)
    assert online.since() == {SYMBOL: HISTORY_START}  # what an archive holds is not all there is
