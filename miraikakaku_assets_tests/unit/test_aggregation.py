"""Longer bars: what they hold, when they are closed, and that a rebuilt part equals a recompute from scratch."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.bars.aggregation import (
    AGGREGATED,
    aggregate,
    closing_by_time,
    recompute_from,
)
from miraikakaku_assets.domain.bars.intervals import intervals
from miraikakaku_assets.domain.errors import ConfigurationError, PermanentSymbolError
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, expected_slots, session_table

LATER = datetime(2026, 11, 20, tzinfo=UTC)
BARS = {name: AGGREGATED[name] for name in list(AGGREGATED)[:9]}
DAY = date(2025, 6, 2)


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=BARS).sort("symbol", "ts")


def bar(ts: datetime, price: float = 100.0, symbol: str = "7203.T", **fields: Any) -> dict[str, Any]:
    plain = {"open": price, "high": price + 2, "low": price - 2, "close": price + 1, "volume": 10}
    return {"symbol": symbol, "ts": ts, "status": "final", "flag": None, **plain, **fields}


def session(day: date = DAY, universe: Universe = JP, symbol: str = "7203.T") -> list[dict[str, Any]]:
    slots = expected_slots(universe.calendar, day)
    return [bar(ts, 100.0 + number % 7, symbol) for number, ts in enumerate(slots)]


def by_hand(bars: pl.DataFrame, universe: Universe, target: Timeframe) -> list[tuple[Any, ...]]:
    """The definition, row by row."""
    stamps = bars["ts"].to_list()
    near = pl.col("ts").is_between(min(stamps) - timedelta(days=1), max(stamps))
    table = intervals(universe, target).filter(near).rows()
    parts: dict[tuple[str, datetime], list[dict[str, Any]]] = defaultdict(list)
    for row in bars.iter_rows(named=True):
        start = max(ts for ts, _, _ in table if ts <= row["ts"])
        parts[row["symbol"], start].append(row)
    return [
        (
            *(symbol, start, rows[0]["open"], max(row["high"] for row in rows)),
            *(
                min(row["low"] for row in rows),
                rows[-1]["close"],
                sum(row["volume"] for row in rows),
                len(rows),
            ),
        )
        for (symbol, start), rows in sorted(parts.items())
    ]


def test_a_tokyo_session_in_hours() -> None:
    built = aggregate(frame(session()), Timeframe.M5, Timeframe.H1, JP, LATER)
    assert built.schema == pl.Schema(AGGREGATED)
    local = built["ts"].dt.convert_time_zone("Asia/Tokyo").dt.strftime("%H:%M").to_list()
    assert local == ["09:00", "10:00", "11:00", "12:30", "13:30", "14:30"]
    assert built["parts"].to_list() == [12, 12, 6, 12, 12, 11]
    assert built["parts"].equals(built["expected_parts"].rename("parts"))
    assert set(built["built_from"]) == {"5m"}
    assert set(built["status"]) == {"final"}


def test_the_print_that_closes_the_morning_belongs_to_the_morning() -> None:
    rows = [*session(), bar(datetime(2025, 6, 2, 2, 30, tzinfo=UTC), 500.0)]
    built = aggregate(frame(rows), Timeframe.M5, Timeframe.H1, JP, LATER)
    morning = built.row(2, named=True)
    assert (morning["close"], morning["parts"], morning["expected_parts"]) == (501.0, 7, 6)


def test_a_bar_begins_with_its_interval_even_if_nobody_traded_then() -> None:
    built = aggregate(frame(session()[4:9]), Timeframe.M5, Timeframe.H1, JP, LATER)
    assert built["ts"].to_list() == [datetime(2025, 6, 2, tzinfo=UTC)]
    assert built["parts"].to_list() == [5]


@given(
    st.lists(
        st.tuples(st.sampled_from(["A", "B"]), st.integers(0, 197), st.floats(1, 1e6), st.integers(0, 2**40)),
        min_size=1,
        max_size=60,
        unique_by=lambda row: row[:2],
    )
)
@settings(max_examples=40, deadline=None)
def test_any_bars_equal_the_definition(rows: list[tuple[str, int, float, int]]) -> None:
    days = [date(2025, 10, 31), date(2025, 11, 3), date(2025, 11, 28)]  # summer time ends, half a day
    slots = pl.concat([expected_slots("XNYS", day) for day in days])
    bars = frame([bar(slots[at], price, symbol, volume=volume) for symbol, at, price, volume in rows])
    for target in (Timeframe.H1, Timeframe.H4):
        built = aggregate(bars, Timeframe.M5, target, US, LATER)
        columns = ["symbol", "ts", "open", "high", "low", "close", "volume", "parts"]
        assert built.select(columns).rows() == by_hand(bars, US, target)


def test_four_hours_from_hours_equal_four_hours_from_minutes() -> None:
    rows = [row for day in (2, 3, 4) for row in session(date(2025, 6, day))]
    minutes = frame(rows)
    hours = aggregate(minutes, Timeframe.M5, Timeframe.H1, JP, LATER)
    from_hours = aggregate(hours, Timeframe.H1, Timeframe.H4, JP, LATER)
    from_minutes = aggregate(minutes, Timeframe.M5, Timeframe.H4, JP, LATER)
    provenance = ["built_from", "parts", "expected_parts"]
    assert_frame_equal(from_hours.drop(provenance), from_minutes.drop(provenance), check_exact=True)
    assert from_hours["expected_parts"].to_list() == [3, 3] * 3


def test_weeks_and_months_from_days() -> None:
    sessions = session_table("XTKS").filter(
        pl.col("session").is_between(date(2025, 4, 28), date(2025, 5, 30))
    )
    bars = frame([bar(ts, 100.0 + number) for number, ts in enumerate(sessions["opens"])])
    weeks = aggregate(bars, Timeframe.D1, Timeframe.W1, JP, LATER)
    assert weeks["parts"].to_list() == [4, 3, 5, 5, 5]
    assert weeks["ts"].dt.date().to_list()[:3] == [date(2025, 4, 28), date(2025, 5, 7), date(2025, 5, 12)]
    months = aggregate(bars, Timeframe.D1, Timeframe.MO1, JP, LATER)
    assert months["expected_parts"].to_list() == [21, 20]
    assert months["parts"].to_list() == [2, 20]
    assert months["close"].to_list() == [102.0, 122.0]
    assert months["ts"][0] == datetime(2025, 4, 1, tzinfo=UTC)  # the month's stamp, not the first day


@pytest.mark.parametrize("universe", [JP, FX], ids=["half an hour", "a minute"])
@given(st.integers(0, 26 * 60))
@settings(max_examples=60, deadline=None)
def test_an_open_bar_is_never_published_as_closed(universe: Universe, minutes: int) -> None:
    now = datetime(2025, 6, 1, 23, 50, tzinfo=UTC) + timedelta(minutes=minutes)
    known = [
        row
        | {
            "status": "final"
            if row["ts"] + timedelta(minutes=5) + universe.settling <= now
            else "provisional"
        }
        for row in session(universe=universe)
        if row["ts"] <= now
    ]
    for target in (Timeframe.H1, Timeframe.H4):
        built = aggregate(frame(known), Timeframe.M5, target, universe, now)
        ends = built.join(intervals(universe, target), on="ts")
        closed = ends.filter(pl.col("status") == "final")
        assert (closed["ends"] + universe.settling <= now).all()
        assert ends.filter(pl.col("ends") + universe.settling <= now)["status"].eq("final").all()


@pytest.mark.parametrize("universe", [JP, US, FX], ids=lambda universe: universe.name)
def test_weeks_and_months_wait_for_the_late_volumes_of_the_close_in_every_market(universe: Universe) -> None:
    days = session_table(universe.calendar).filter(
        pl.col("session").is_between(date(2025, 6, 2), date(2025, 6, 6))
    )
    bars, over = frame([bar(ts) for ts in days["opens"]]), days["closes"][-1] + FINAL_AFTER
    for now, status in ((over - timedelta(seconds=1), "provisional"), (over, "final")):
        assert aggregate(bars, Timeframe.D1, Timeframe.W1, universe, now)["status"].to_list() == [status]


def test_what_time_alone_will_close() -> None:
    rows, collected_at = session(), datetime(2025, 6, 2, 3, 15, tzinfo=UTC)  # 12:15 in Tokyo
    rows[3]["status"] = "provisional"  # a part that nobody delivers again: no clock closes its bar
    collected = pl.DataFrame({"symbol": ["7203.T"], "collected": [collected_at]})
    bars = frame(rows[:31])  # up to 12:30
    built = aggregate(bars, Timeframe.M5, Timeframe.H1, JP, LATER, collected)
    assert built["status"].to_list() == ["provisional", "final", "final", "provisional"]
    waiting = closing_by_time(built, Timeframe.H1, JP, collected)
    at = datetime(2025, 6, 2, 3, 30, tzinfo=UTC)
    assert waiting.rows() == [("7203.T", at, at + timedelta(hours=1, minutes=30))]

    collected_at = waiting["settles_at"][0]
    later = pl.DataFrame({"symbol": ["7203.T"], "collected": [collected_at]})
    again = aggregate(bars, Timeframe.M5, Timeframe.H1, JP, LATER, later)
    assert again["status"].to_list() == ["provisional", "final", "final", "final"]
    assert closing_by_time(again, Timeframe.H1, JP, later).is_empty()


def test_a_bar_is_as_final_as_its_parts_and_its_collection() -> None:
    rows = session()
    rows[3]["status"] = "provisional"
    other = [row | {"symbol": "9984.T"} for row in session()]
    bars = frame(rows + other)
    built = aggregate(bars, Timeframe.M5, Timeframe.H1, JP, LATER)
    assert built["status"].to_list() == ["provisional"] + ["final"] * 11
    collected = pl.DataFrame({"symbol": ["7203.T"], "collected": [datetime(2025, 6, 2, 3, 5, tzinfo=UTC)]})
    built = aggregate(bars, Timeframe.M5, Timeframe.H1, JP, LATER, collected)
    # Asked at 12:05 in Tokyo: the print of 11:30 has just become final. Nobody knows when 9984 was asked.
    assert built["status"].to_list() == ["provisional", "final", "final"] + ["provisional"] * 9


def test_flags_are_handed_on() -> None:
    rows = session()
    rows[14]["flag"], rows[16]["flag"], rows[40]["flag"] = "scale_jump", "split_unadjusted", "unit_change"
    built = aggregate(frame(rows), Timeframe.M5, Timeframe.H1, JP, LATER)
    assert built["flag"].to_list() == [None, "scale_jump", None, "unit_change", None, None]


def test_nothing_from_nothing() -> None:
    assert aggregate(frame([]), Timeframe.M5, Timeframe.H1, JP, LATER).schema == pl.Schema(AGGREGATED)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([bar(datetime(2025, 6, 2, 3, tzinfo=UTC))], "outside_hours"),  # lunch
        ([bar(datetime(2025, 6, 2, 6, 30, tzinfo=UTC))], "outside_hours"),  # the close
        ([bar(datetime(2025, 6, 1, 1, tzinfo=UTC))], "outside_hours"),  # a Sunday
        ([bar(datetime(1990, 6, 1, 1, tzinfo=UTC))], "outside_hours"),  # before the calendar
        ([bar(datetime(2025, 6, 2, 1, tzinfo=UTC))] * 2, "unordered_bars"),
        ([bar(datetime(2025, 6, 2, 1, tzinfo=UTC), close=None)], "null_in_bars"),
    ],
)
def test_what_cannot_be_right_is_refused(rows: list[dict[str, Any]], kind: str) -> None:
    with pytest.raises(PermanentSymbolError) as caught:
        aggregate(frame(rows), Timeframe.M5, Timeframe.H1, JP, LATER)
    assert (caught.value.symbol, caught.value.kind) == ("7203.T", kind)


def test_a_currency_bar_at_the_close_of_the_week_is_refused() -> None:
    friday = datetime(2025, 6, 6, 20, 55, tzinfo=UTC)  # 16:55 in New York
    assert aggregate(frame([bar(friday)]), Timeframe.M5, Timeframe.H4, FX, LATER).height == 1
    with pytest.raises(PermanentSymbolError, match="outside_hours"):
        aggregate(frame([bar(friday + timedelta(minutes=5))]), Timeframe.M5, Timeframe.H4, FX, LATER)


def test_a_frame_sorted_by_time_only_is_refused() -> None:
    bars = frame(session()[:6] + session(symbol="9984.T")[:6])
    with pytest.raises(PermanentSymbolError) as caught:
        aggregate(bars.sort("ts", "symbol"), Timeframe.M5, Timeframe.H1, JP, LATER)
    assert caught.value.kind == "unordered_bars"
    with pytest.raises(ConfigurationError):
        aggregate(bars, Timeframe.M5, Timeframe.D1, JP, LATER)


UNIVERSES = {
    "jp": (JP, [date(2025, 5, 30), date(2025, 6, 2), date(2025, 6, 3)]),
    "us": (US, [date(2025, 10, 31), date(2025, 11, 3), date(2025, 11, 4)]),
    "fx": (FX, [date(2025, 3, 7), date(2025, 3, 10), date(2025, 3, 11)]),
}
change = st.tuples(
    st.sampled_from(["A", "B", "C"]),
    st.integers(0, 190),
    st.floats(1, 1e5),
    st.sampled_from(["put", "drop", "young"]),
)


@pytest.mark.parametrize("name", list(UNIVERSES))
@given(collections=st.lists(st.lists(change, max_size=12), min_size=1, max_size=5), data=st.data())
@settings(max_examples=30, deadline=None)
def test_incremental_equals_full_bit_for_bit(
    name: str, collections: list[list[tuple[str, int, float, str]]], data: st.DataObject
) -> None:
    """Bars come late, change, are withdrawn and settle, in any order, while the clock goes on."""
    universe, days = UNIVERSES[name]
    slots = pl.concat([expected_slots(universe.calendar, day) for day in days])
    source: dict[tuple[str, datetime], dict[str, Any]] = {}
    stored = {target: pl.DataFrame(schema=AGGREGATED) for target in (Timeframe.H1, Timeframe.H4)}
    now = slots[0]
    for changes in collections:
        now += timedelta(minutes=data.draw(st.integers(0, 3_000)))
        touched = []
        for symbol, at, price, what in changes:
            ts = slots[at % len(slots)]
            touched.append({"symbol": symbol, "ts": ts})
            status = "provisional" if what == "young" else "final"
            source[symbol, ts] = bar(ts, price, symbol, status=status)
            if what == "drop":
                del source[symbol, ts]
        bars = frame(list(source.values()))
        changed = pl.DataFrame(touched, schema={"symbol": pl.String, "ts": pl.Datetime("us", "UTC")})
        for target, built in stored.items():
            since = rebuild_since(changed, built, target, universe)
            tail = bars.join(since, on="symbol").filter(pl.col("ts") >= pl.col("since")).drop("since")
            rebuilt = aggregate(tail, Timeframe.M5, target, universe, now)
            stored[target] = spliced(built, rebuilt, since)
            full = aggregate(bars, Timeframe.M5, target, universe, now)
            assert_frame_equal(stored[target], full, check_exact=True)


def test_what_must_be_built_again() -> None:
    at = datetime(2025, 6, 2, tzinfo=UTC)
    changed = pl.DataFrame(
        {"symbol": ["B", "A", "A"], "ts": [at + timedelta(minutes=m) for m in (215, 95, 125)]}
    )
    since = recompute_from(changed.cast({"ts": pl.Datetime("us", "UTC")}), Timeframe.H1, JP)
    assert since.rows() == [("A", at + timedelta(hours=1)), ("B", at + timedelta(minutes=210))]
    built = aggregate(frame(session()), Timeframe.M5, Timeframe.H1, JP, at + timedelta(hours=3, minutes=5))
    assert open_since(built).rows() == [("7203.T", at + timedelta(minutes=210))]


def open_since(built: pl.DataFrame) -> pl.DataFrame:
    """Columns ``symbol`` and ``since``: the earliest bar that is still provisional; time alone may close it."""
    waiting = built.filter(pl.col("status") == "provisional")
    return waiting.group_by("symbol").agg(since=pl.col("ts").min()).sort("symbol")


def rebuild_since(
    changed: pl.DataFrame, built: pl.DataFrame, target: Timeframe, universe: Universe
) -> pl.DataFrame:
    """The earlier of `recompute_from` and `open_since` per symbol; symbols without either are as they should be."""
    both = pl.concat([recompute_from(changed, target, universe), open_since(built)])
    return both.group_by("symbol").agg(pl.col("since").min()).sort("symbol")


def spliced(built: pl.DataFrame, rebuilt: pl.DataFrame, since: pl.DataFrame) -> pl.DataFrame:
    """The stored bars with everything from ``since`` on replaced.

    Args:
        built: Stored bars (schema `AGGREGATED`).
        rebuilt: What `aggregate` made of the source bars from ``since`` on.
        since: As from `rebuild_since`.
    """
    marked = built.join(since, on="symbol", how="left", maintain_order="left")
    kept = marked.filter((pl.col("ts") < pl.col("since")).fill_null(value=True)).select(built.columns)
    return pl.concat([kept, rebuilt]).sort("symbol", "ts")
