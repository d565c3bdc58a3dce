"""The bar store on a real server: what is written is what was delivered, once, however often it comes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import JP, US, Timeframe
from miraikakaku_assets_tests.support.bars.raw_bars import JST, SESSIONS, actions, bar, closes, january
from miraikakaku_assets_tests.support.markets.stored_market import (
    FETCHED,
    contents,
    counts,
    listed,
    rows_of,
    write,
)

LATER = FETCHED + timedelta(days=1)


def test_bars_come_back_as_they_were_delivered(database: Database) -> None:
    ids = listed(database, "7203", "130A")
    rows = [
        bar(january(6), open=10.5, high=12.25, low=9.125, close=11.0, volume=123_456_789_012.0),
        bar(january(7), 1 / 3, symbol="130A.T", volume=0.0),
    ]
    assert write(database, ids, rows) == {"7203.T": counts(inserted=1), "130A.T": counts(inserted=1)}

    bars = PostgresBars(database).read(JP, Timeframe.D1)
    assert bars.rows(named=True) == [
        {
            "symbol": "130A.T", "session": january(7), "ts": datetime(2025, 1, 7, tzinfo=UTC), "open": 1 / 3,
            "high": 1 / 3, "low": 1 / 3, "close": 1 / 3, "volume": 0, "status": "final", "flag": None, "source": "test",
        },
        {
            "symbol": "7203.T", "session": january(6), "ts": datetime(2025, 1, 6, tzinfo=UTC), "open": 10.5,
            "high": 12.25, "low": 9.125, "close": 11.0, "volume": 123_456_789_012, "status": "final", "flag": None,
            "source": "test",
        },
    ]  # fmt: skip


@pytest.mark.parametrize("first", [[], closes(900.0, symbol="9984.T")], ids=["append", "upsert"])
def test_same_delivery_again_changes_nothing(database: Database, first: list[dict[str, Any]]) -> None:
    ids = listed(database, "7203", "9984")
    delivery = [*closes(1_000.0, 1_010.0, 1_020.0), bar(january(13)), *first]
    write(database, ids, first)
    write(database, ids, delivery)
    before, fetched = contents(database), rows_of(database, "price_bars", "fetched_at")

    again = write(database, ids, delivery, LATER)

    assert again["7203.T"] == counts(unchanged=3)
    assert contents(database) == before
    assert rows_of(database, "price_bars", "fetched_at") == fetched  # the time of the first delivery stays


def test_append_and_upsert_leave_the_same_contents(database: Database) -> None:
    ids = listed(database, "7203", "9984", "130A")
    delivery = [*closes(1_000.0, 1_010.0), *closes(5.0, 6.0, 7.0, symbol="130A.T"), bar(january(1))]
    write(database, ids, delivery)  # nobody has bars: appended
    appended = contents(database)
    with database.engine.begin() as connection:
        connection.execute(text("TRUNCATE miraikakaku.price_bars, miraikakaku.quarantined_bars"))
    write(database, ids, closes(1_000.0))  # 7203 has a bar: the rest is upserted
    second = write(database, ids, delivery)
    assert second == {"7203.T": counts(inserted=1, unchanged=1), "130A.T": counts(inserted=3)}
    assert contents(database) == appended


def test_restated_bar_is_replaced_and_counted(database: Database) -> None:
    ids = listed(database, "7203")
    write(database, ids, closes(1_000.0, 1_010.0, 1_020.0))
    restated = closes(1_000.0, 1_011.0, 1_020.0)
    restated[2]["volume"] = 101.0
    assert write(database, ids, restated, LATER) == {"7203.T": counts(restated=2, unchanged=1)}
    stored = rows_of(database, "price_bars", "close, volume, fetched_at", "ts")
    assert stored == [(1_000.0, 100, FETCHED), (1_011.0, 100, LATER), (1_020.0, 101, LATER)]


RUNNING = datetime(2025, 1, 6, 14, 0, tzinfo=JST)


def test_running_bar_is_replaced_by_the_final_one_and_never_the_other_way_round(database: Database) -> None:
    ids = listed(database, "7203")
    assert write(database, ids, closes(990.0), now=RUNNING)["7203.T"] == counts(inserted=1)
    assert write(database, ids, closes(995.0), now=RUNNING)["7203.T"] == counts(restated=1)
    assert rows_of(database, "price_bars", "close, status") == [(995.0, "provisional")]

    assert write(database, ids, closes(1_000.0))["7203.T"] == counts(restated=1)
    assert rows_of(database, "price_bars", "close, status") == [(1_000.0, "final")]

    late = write(
        database, ids, closes(996.0), LATER, now=RUNNING
    )  # a slow process that read the price at 14:00
    assert late["7203.T"] == counts(unchanged=1)
    assert rows_of(database, "price_bars", "close, status") == [(1_000.0, "final")]


def test_running_bar_becomes_final_even_at_the_same_price(database: Database) -> None:
    ids = listed(database, "7203")
    write(database, ids, closes(1_000.0), now=RUNNING)
    assert write(database, ids, closes(1_000.0))["7203.T"] == counts(restated=1)
    assert rows_of(database, "price_bars", "status") == [("final",)]


def test_newest_session_is_that_of_the_newest_final_bar(database: Database) -> None:
    ids = listed(database, "7203", "9984", "1301")
    write(database, ids, closes(1_000.0, 1_001.0, 1_002.0))
    write(database, ids, closes(900.0, symbol="9984.T"), now=RUNNING)  # provisional only
    held = PostgresBars(database).holdings(JP, Timeframe.D1)
    assert {symbol: holding.newest for symbol, holding in held.items()} == {"7203.T": SESSIONS[2]}
    assert PostgresBars(database).holdings(JP, Timeframe.M5) == {}
    assert PostgresBars(database).holdings(US, Timeframe.D1) == {}


def test_neighbours_are_the_bars_within_a_window_and_some_on_each_side(database: Database) -> None:
    store, ids = PostgresBars(database), listed(database, "7203", "9984", "1301")
    write(database, ids, [*closes(*range(1, 10)), *closes(7.0, symbol="9984.T")])

    def around(bars: int | None, **windows: tuple[date, date]) -> list[tuple[str, float]]:
        requested = {f"{code[1:]}.T": window for code, window in windows.items()}
        return store.neighbours(JP, Timeframe.D1, requested, bars).select("symbol", "close").rows()

    window = (SESSIONS[3], SESSIONS[4])
    assert around(2, _7203=window) == [("7203.T", close) for close in (2.0, 3.0, 4.0, 5.0, 6.0, 7.0)]
    assert around(0, _7203=window, _1301=window) == [("7203.T", 4.0), ("7203.T", 5.0)]
    assert len(around(None, _7203=window)) == 9
    assert around(5, _9984=(SESSIONS[2], SESSIONS[2])) == [("9984.T", 7.0)]
    assert around(1, _7203=(date.min, date.min)) == [("7203.T", 1.0)]
    assert len(around(1, _7203=(date.min, date.max))) == 9
    assert around(1) == []


def test_held_bars_are_neighbours_as_far_as_the_stored_ones_reach(database: Database) -> None:
    store, ids = PostgresBars(database), listed(database, "7203")
    rows = closes(1_000.0, 1_001.0, 9e6, 1_003.0, 1_004.0, 1_005.0, 9e6, 1_007.0, 8e6)
    write(database, ids, rows)

    def around(bars: int | None) -> list[tuple[float, str | None]]:
        requested = {"7203.T": (SESSIONS[4], SESSIONS[4])}
        return store.neighbours(JP, Timeframe.D1, requested, bars).select("close", "rule").rows()

    held = [row for row in around(None) if row[1]]
    assert held == [(9e6, "limit_undone"), (9e6, "limit_undone"), (8e6, "limit_absurd")]
    assert around(2) == [
        (1_001.0, None), (9e6, "limit_undone"), (1_003.0, None), (1_004.0, None), (1_005.0, None),
        (9e6, "limit_undone"), (1_007.0, None),
    ]  # fmt: skip
    write(database, ids, closes(1_000.0, 1_001.0, 1_002.0, 1_003.0), LATER)  # what was held has come right
    assert [row for row in around(2) if row[1]] == [(9e6, "limit_undone")]


def test_window_and_symbols_of_a_reading(database: Database) -> None:
    store, ids = PostgresBars(database), listed(database, "7203", "9984")
    write(database, ids, [*closes(1.0, 2.0, 3.0), *closes(7.0, symbol="9984.T")])

    def read(*arguments: Any) -> list[float]:
        return store.read(JP, Timeframe.D1, *arguments)["close"].to_list()

    assert read() == [1.0, 2.0, 3.0, 7.0]
    assert read(["9984.T", "none.T"]) == [7.0]
    assert read([]) == []
    assert read(None, SESSIONS[1], SESSIONS[1]) == [2.0]
    assert read(["7203.T"], SESSIONS[1]) == [2.0, 3.0]
    assert read(['"}', "a,b", "\\"]) == []
    assert store.read(JP, Timeframe.M5).is_empty()


def test_dividends_and_splits_are_kept_and_corrected(database: Database) -> None:
    store, ids = PostgresBars(database), listed(database, "7203", "9984")
    paid = actions(("7203.T", january(8), "dividend", 40.0), ("7203.T", january(8), "split", 5.0))
    write(database, ids, closes(1.0), actions=paid)
    assert store.actions(JP).rows() == paid.rows()
    assert store.actions(JP, ["9984.T"]).is_empty()

    corrected = actions(("7203.T", january(8), "dividend", 41.0), ("none.T", january(8), "dividend", 1.0))
    write(database, ids, [], LATER, actions=corrected)
    assert store.actions(JP, ["7203.T"])["value"].to_list() == [41.0, 5.0]
    assert rows_of(database, "corporate_actions", "kind, fetched_at", "kind") == [
        ("dividend", LATER),
        ("split", FETCHED),
    ]


def test_two_answers_to_one_dividend_do_not_stop_a_delivery(database: Database) -> None:
    ids = listed(database, "7203")
    twice = actions(("7203.T", january(8), "dividend", 40.0), ("7203.T", january(8), "dividend", 41.0))
    assert write(database, ids, closes(1.0), actions=twice)["7203.T"] == counts(inserted=1)
    assert PostgresBars(database).actions(JP)["value"].to_list() == [41.0]


@pytest.mark.parametrize(
    "values",
    ["1, 2, 0, 1, 0", "1, 2, 1.5, 1, 0", "1, .5, 1, 1, 0", "1, 'Infinity', 1, 1, 0", "1, 2, 1, 1, -1"],
)
def test_table_itself_refuses_what_no_bar_can_be(database: Database, values: str) -> None:
    insert = (
        "INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, open, high, low, close, volume,"
        f" source, status, fetched_at) VALUES (1, '1d', now(), {values}, 'test', 'final', now())"
    )
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text(insert))


def test_empty_delivery_writes_nothing(database: Database) -> None:
    assert write(database, listed(database, "7203"), []) == {}
    assert isinstance(PostgresBars(database).read(JP, Timeframe.D1), pl.DataFrame)
    assert contents(database) == {"price_bars": [], "quarantined_bars": [], "corporate_actions": []}
