"""The quarantine: what is refused is kept with its rule, leaves when a valid bar comes, and takes back stored ones."""

from datetime import date, timedelta
from typing import Any

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS, bar, closes, january, raw
from miraikakaku_assets_tests.support.markets.stored_market import (
    FETCHED,
    contents,
    counts,
    listed,
    rows_of,
    write,
)

LATER = FETCHED + timedelta(days=1)
REFUSED = "symbol, rule, close, released_at IS NULL"


def held(database: Database) -> list[tuple[Any, ...]]:
    return rows_of(database, "quarantined_bars", REFUSED, "symbol, ts, rule, occurrence")


def stored(database: Database) -> list[float]:
    return [row[0] for row in rows_of(database, "price_bars", "close", "instrument_id, ts")]


def test_refused_row_is_kept_with_rule_values_row_and_source(database: Database) -> None:
    ids = listed(database, "7203")
    written = write(
        database, ids, [bar(january(6), high=1.0, volume=-3.0, row=41), bar(january(7), symbol="none.T")]
    )
    assert written == {"7203.T": counts(), "none.T": counts()}
    columns = (
        "symbol, rule, detail, instrument_id, open, high, low, close, volume, source, row_number, timeframe"
    )
    assert rows_of(database, "quarantined_bars", columns, "symbol") == [
        (
            "7203.T", "inconsistent_range", "high and low do not enclose open and close", ids["7203.T"],
            1_000.0, 1.0, 1_000.0, 1_000.0, -3.0, "test", 41, "1d",
        ),
        (
            "none.T", "not_in_master", "the symbol is in no stock master", None,
            1_000.0, 1_000.0, 1_000.0, 1_000.0, 100.0, "test", 2, "1d",
        ),
    ]  # fmt: skip


def test_same_refused_row_again_is_the_same_row_seen_later(database: Database) -> None:
    ids = listed(database, "7203")
    delivery = [bar(january(1)), bar(january(6)), bar(january(6)), bar(january(6))]
    write(database, ids, delivery)
    before = contents(database)
    write(database, ids, delivery, LATER)
    assert contents(database) == before
    assert [row[1:] for row in held(database)] == [
        ("not_a_session", 1_000.0, True), ("duplicate_bar", 1_000.0, True), ("duplicate_bar", 1_000.0, True)
    ]  # fmt: skip
    assert set(rows_of(database, "quarantined_bars", "first_seen_at, last_seen_at")) == {(FETCHED, LATER)}


def test_every_refused_double_is_kept(database: Database) -> None:
    ids = listed(database, "7203")
    write(database, ids, [bar(january(6), float(price)) for price in range(100, 140)])
    assert len(held(database)) == 40
    assert stored(database) == []


def test_bar_that_was_refused_and_then_comes_right_is_released(database: Database) -> None:
    ids = listed(database, "7203")
    write(database, ids, [*closes(6_050.0), bar(SESSIONS[1], 1_210.0)])  # nobody vouches for it yet
    assert held(database) == [("7203.T", "limit_absurd", 1_210.0, True)]
    write(database, ids, closes(6_050.0, 1_210.0, 1_215.0), LATER)
    assert held(database) == [("7203.T", "limit_absurd", 1_210.0, False)]
    assert stored(database) == [6_050.0, 1_210.0, 1_215.0]
    assert rows_of(database, "quarantined_bars", "released_at") == [(LATER,)]


def test_release_happens_also_when_the_issue_had_no_bar_before(database: Database) -> None:
    ids = listed(database, "7203")
    write(database, ids, [bar(january(6), -1.0)])
    write(database, ids, [bar(january(6))], LATER)
    assert held(database) == [("7203.T", "not_positive", -1.0, False)]


def test_rows_of_an_unknown_symbol_are_released_when_it_is_listed(database: Database) -> None:
    ids = listed(database, "7203")
    write(database, ids, closes(10.0, 11.0, symbol="130A.T"))
    assert {row[1] for row in held(database)} == {"not_in_master"}
    ids = listed(database, "7203", "130A", day=date(2025, 1, 31))
    write(database, ids, closes(10.0, 11.0, symbol="130A.T"), LATER)
    assert [row[3] for row in held(database)] == [False, False]
    assert stored(database) == [10.0, 11.0]


def test_row_refused_beside_an_accepted_one_stays_in_quarantine(database: Database) -> None:
    ids = listed(database, "7203")
    for fetched_at in (FETCHED, LATER):
        write(database, ids, [bar(january(6)), bar(january(6))], fetched_at)
        assert held(database) == [("7203.T", "duplicate_bar", 1_000.0, True)]


def test_bar_judged_bad_by_its_successor_is_withdrawn(database: Database) -> None:
    ids = listed(database, "7203")
    spike = closes(1_900.0, 1_300.0)  # a fall of 600 yen, inside the expanded limit: stored
    assert write(database, ids, spike)["7203.T"] == counts(inserted=2)
    undone = closes(1_900.0, 1_300.0, 1_900.0)
    written = write(database, ids, undone, LATER)
    assert written["7203.T"] == counts(inserted=1, unchanged=1, withdrawn=1)
    assert stored(database) == [1_900.0, 1_900.0]
    assert held(database) == [("7203.T", "limit_undone", 1_300.0, True)]
    before = contents(database)
    assert write(database, ids, undone, LATER)["7203.T"] == counts(unchanged=2)
    assert contents(database) == before


def test_withdrawn_bar_comes_back_when_the_source_corrects_it(database: Database) -> None:
    ids = listed(database, "7203")
    write(database, ids, closes(1_900.0, 1_300.0))
    write(database, ids, closes(1_900.0, 1_300.0, 1_900.0))
    write(database, ids, closes(1_900.0, 1_890.0, 1_900.0), LATER)
    assert stored(database) == [1_900.0, 1_890.0, 1_900.0]
    assert held(database) == [("7203.T", "limit_undone", 1_300.0, False)]


def test_good_stored_bar_survives_a_bad_delivery_of_its_session(database: Database) -> None:
    ids = listed(database, "7203")
    write(database, ids, closes(596.0, 597.0, 598.0))
    write(database, ids, closes(596.0, 2.985e10, 598.0), LATER)
    assert stored(database) == [596.0, 597.0, 598.0]
    assert held(database) == [("7203.T", "price_out_of_range", 2.985e10, True)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_values_that_are_no_numbers_are_kept_as_they_came(database: Database, value: float | None) -> None:
    ids = listed(database, "7203")
    write(database, ids, [bar(january(6), open=value, volume=value)])
    ((kept, volume),) = rows_of(database, "quarantined_bars", "open::text, volume::text")
    expected = None if value is None else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    assert (kept, volume) == (expected, expected)


@pytest.mark.parametrize("day", [date.min, date(1, 1, 2), date.max])
def test_dates_at_the_end_of_the_calendar_do_not_stop_a_delivery(database: Database, day: date) -> None:
    ids = listed(database, "7203")
    rows = [*closes(1.0), bar(day)]
    assert raw(rows).height == 2
    assert write(database, ids, rows)["7203.T"] == counts(inserted=1)
    assert len(held(database)) == 1
