"""When a bar is known: never before its last part has ended, on half days, at changed closes and changed clocks too."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.application.leakage.pattern_subjects import (
    check_pattern_look_ahead,
    patterns_of,
)
from miraikakaku_assets.domain.bars.aggregation import aggregate
from miraikakaku_assets.domain.bars.intervals import SOURCES, intervals, with_ends
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import (
    FINAL_AFTER,
    SLOT,
    expected_slots,
    session_table,
    sessions_between,
    trading_hours,
)

_UTC = pl.Datetime("us", "UTC")

PERIODS = [
    pytest.param(JP, date(2024, 8, 20), date(2024, 11, 22), id="Tokyo's close moves to 15:30"),
    pytest.param(US, date(2024, 9, 16), date(2024, 12, 27), id="New York's winter time and two half days"),
    pytest.param(US, date(2025, 1, 6), date(2025, 3, 28), id="New York's summer time"),
    pytest.param(FX, date(2025, 2, 24), date(2025, 4, 4), id="London follows New York's summer time"),
    pytest.param(FX, date(2025, 10, 6), date(2025, 11, 14), id="London is first with the winter time"),
]


def bars(universe: Universe, stamps: pl.Series, size: float) -> pl.DataFrame:
    """A random walk; every bar has a price of its own."""
    rng = np.random.default_rng(len(stamps))
    close = 1000 * np.exp(np.cumsum(rng.standard_t(4, len(stamps)) * size))
    opens = np.concatenate([[close[0]], close[:-1]])
    prices = {
        "open": opens,
        "high": np.maximum(opens, close) * (1 + rng.exponential(size, len(close))),
        "low": np.minimum(opens, close) * (1 - rng.exponential(size, len(close))),
        "close": close,
    }
    rest = {"volume": 10 if universe.has_volume else 0, "status": "final"}
    frame = pl.DataFrame({"symbol": "X", "ts": stamps.cast(_UTC), **prices, **rest})
    return frame.with_columns(flag=pl.lit(None, pl.String))


def minutes(universe: Universe, first: date, last: date) -> pl.DataFrame:
    """Every five-minute bar that may be, with the prints at the end of Tokyo's mornings and before its close."""
    days = sessions_between(universe.calendar, first, last)
    prints = trading_hours(universe.calendar).filter(pl.col("session").is_in(days))
    prints = prints.select(pl.concat_list("break_start", "call_start").explode().alias("ts")).drop_nulls()
    due = pl.concat([expected_slots(universe.calendar, day) for day in days])
    return bars(universe, pl.concat([due, prints["ts"]]).unique().sort(), 0.001)


def days_until(universe: Universe, last: date) -> pl.DataFrame:
    table = session_table(universe.calendar).filter(pl.col("session") <= last).tail(300)
    return bars(universe, table["opens"], 0.02)


@pytest.mark.parametrize("universe", [JP, US, FX], ids=lambda universe: universe.name)
@pytest.mark.parametrize("target", [Timeframe.H1, Timeframe.H4])
def test_no_interval_of_thirty_years_ends_before_its_last_part(universe: Universe, target: Timeframe) -> None:
    table = intervals(universe, target)
    assert (table["last"].dt.truncate(SLOT) + SLOT <= table["ends"]).all()


@pytest.mark.parametrize(("universe", "first", "last"), PERIODS)
@pytest.mark.parametrize("target", [Timeframe.H1, Timeframe.H4])
def test_what_a_bar_says_was_known_from_its_parts_that_had_ended(
    universe: Universe, first: date, last: date, target: Timeframe
) -> None:
    m5 = minutes(universe, first, last)
    now = m5["ts"][-1] + timedelta(days=1)
    whole = with_ends(aggregate(m5, Timeframe.M5, target, universe, now), target, universe)
    for moment in whole["ends"].unique().sort().gather_every(11):
        known = m5.filter(pl.col("ts") + SLOT <= moment)
        then = with_ends(aggregate(known, Timeframe.M5, target, universe, now), target, universe)
        assert then.filter(pl.col("ends") <= moment).equals(whole.filter(pl.col("ends") <= moment))


@pytest.mark.parametrize("universe", [JP, US, FX], ids=lambda market: market.name)
def test_a_day_is_known_when_it_is_final_and_a_week_not_before_its_days(universe: Universe) -> None:
    table = session_table(universe.calendar).select("session", "closes", ts="opens")
    days = with_ends(table, Timeframe.D1, universe)
    assert (days["ends"] == days["closes"] + FINAL_AFTER).all()
    for target in (timeframe for timeframe, sources in SOURCES.items() if Timeframe.D1 in sources):
        starts = intervals(universe, target).select("ts", "last")
        longer = with_ends(starts, target, universe).rename({"ends": "until"})
        each = days.join_asof(longer, on="ts", strategy="backward")
        assert (each["ends"] <= each["until"]).all()


@pytest.mark.parametrize(("universe", "first", "last"), PERIODS)
def test_no_pattern_looks_ahead(universe: Universe, first: date, last: date) -> None:
    m5, daily = minutes(universe, first, last), days_until(universe, last)

    report, _ = check_pattern_look_ahead(patterns_of("v2", ["all"]), m5, daily, universe, 8)

    assert report.differences.is_empty()
    assert report.values > 300_000


@pytest.mark.parametrize("universe", [JP, US], ids=lambda universe: universe.name)
def test_no_five_minute_bar_of_a_session_knows_the_day(universe: Universe) -> None:
    """The closing auction is in it, and it is stored half an hour later: what was judged by then must stay."""
    hours = trading_hours(universe.calendar).select("session", "closes")
    last = hours.select("session", ts=pl.col("closes") - SLOT)
    days = with_ends(
        session_table(universe.calendar).select(ts="opens", day="session"), Timeframe.D1, universe
    )
    read = with_ends(last, Timeframe.M5, universe).join_asof(days.drop("ts"), on="ends")
    assert (read["session"][1:] > read["day"][1:]).all()
    assert read["day"][1:].equals(read["session"][:-1], check_names=False)
