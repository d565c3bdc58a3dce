"""What is usual of a day: golden cases with injected anomalies, and how often real days are called unusual."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.application.quality.usual import measured_days
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.quality.batch import Batch
from miraikakaku_assets.domain.quality.results import State
from miraikakaku_assets.domain.quality.seasons import seasons
from miraikakaku_assets.domain.quality.usual_days import (
    FEWEST,
    MEASURES,
    Judgement,
    judge,
)

ROWS, VOLUME, DELAY = MEASURES
LAST = date(2025, 6, 11)
"""A Wednesday in the middle of a month."""


def days(until: date = LAST, sessions: int = 300, seed: int = 1) -> pl.DataFrame:
    """A year of Tokyo: Mondays are quiet, ends of months and rebalancings busy, and the market grows."""
    known = seasons(JP, until).tail(sessions)
    rng = np.random.default_rng(seed)
    weekday, month_end, rebalance = (known[name].to_numpy() for name in ("weekday", "month_end", "rebalance"))
    log = 21 + 0.001 * np.arange(sessions) - 0.2 * (weekday == 1) + 0.7 * month_end + 0.9 * rebalance
    return known.with_columns(
        volume=pl.Series(np.exp(log + rng.normal(0, 0.08, sessions))),
        bars=pl.Series(4000 + np.arange(sessions) // 10),
        delay=pl.Series(4_800 + rng.integers(0, 300, sessions), dtype=pl.Float64),
    )


def with_last(frame: pl.DataFrame, column: str, value: float | None) -> pl.DataFrame:
    is_last = pl.int_range(pl.len()) == pl.len() - 1
    return frame.with_columns(pl.when(is_last).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))


def last_where(flag: str) -> date:
    known = seasons(JP, LAST)
    sessions: list[date] = known.filter(pl.col(flag) & ~pl.col("half_day"))["session"].to_list()
    return sessions[-1]


def figures(judgement: Judgement) -> tuple[float, float, float, float]:
    """What a session is judged by: low, value, high and spreads."""
    low, value, high, spreads = judgement.low, judgement.value, judgement.high, judgement.spreads
    assert low is not None
    assert value is not None
    assert high is not None
    assert spreads is not None
    return low, value, high, spreads


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("seed", range(5))
def test_a_usual_day_is_usual(measure, seed):
    judgement = judge(days(seed=seed), measure)

    assert judgement.state is State.PASSED
    low, value, high, _ = figures(judgement)
    assert low <= value <= high
    assert judgement.learnt_from == 250


@pytest.mark.parametrize(
    ("measure", "factor"),
    [(ROWS, 0.95), (ROWS, 0.0), (ROWS, 1.05), (VOLUME, 0.4), (VOLUME, 0.0), (VOLUME, 2.5), (DELAY, 8.0)],
)
def test_an_injected_anomaly_is_found(measure, factor):
    usual = days()
    judgement = judge(with_last(usual, measure.column, usual[measure.column][-1] * factor), measure)

    assert judgement.state is State.FAILED
    assert (figures(judgement)[3] > 0) == (factor > 1)


def test_bars_that_come_early_are_no_anomaly():
    assert judge(with_last(days(), "delay", 10.0), DELAY).state is State.PASSED


def test_one_bar_less_of_a_few_instruments_is_no_anomaly():
    few = days().with_columns(bars=pl.lit(8))

    assert judge(with_last(few, "bars", 7), ROWS).state is State.PASSED
    assert judge(with_last(few, "bars", 4), ROWS).state is State.FAILED


@pytest.mark.parametrize("flag", ["month_end", "rebalance"])
def test_what_comes_with_the_season_is_expected_and_its_absence_is_not(flag):
    busy = days(last_where(flag))
    quiet = busy["volume"][-1] / 5

    assert judge(busy, VOLUME).state is State.PASSED
    assert judge(with_last(busy, "volume", quiet), VOLUME).state is State.FAILED
    plain = with_last(days(), "volume", busy["volume"][-1] * 1.5)
    assert judge(plain, VOLUME).state is State.FAILED, "the same volume on a plain day"


def test_mondays_are_judged_as_mondays():
    monday = days(date(2025, 6, 9))
    plain = days()

    assert figures(judge(monday, VOLUME))[2] < figures(judge(plain, VOLUME))[2]
    assert monday["weekday"][-1] == 1


@pytest.mark.parametrize("measure", MEASURES)
def test_the_judged_day_is_not_in_its_own_training(measure):
    usual = judge(days(), measure)
    wild = judge(with_last(days(), measure.column, 1e15), measure)

    assert (wild.low, wild.high, wild.learnt_from) == (usual.low, usual.high, usual.learnt_from)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_few_wild_days_before_hide_nothing_and_alarm_nobody(measure):
    frame = days()
    wild = pl.int_range(pl.len()).is_in([100, 150, 200, 250, 290])
    spoilt = frame.with_columns(pl.when(wild).then(pl.col(measure.column) * 50).otherwise(measure.column))

    assert judge(spoilt, measure).state is State.PASSED
    assert (
        judge(with_last(spoilt, measure.column, frame[measure.column][-1] * 20), measure).state
        is State.FAILED
    )


def test_until_enough_is_known_it_is_in_training_and_says_how_much():
    assert judge(days(sessions=FEWEST), VOLUME) == Judgement(
        State.TRAINING,
        days(sessions=FEWEST)["volume"][-1],
        learnt_from=59,
        note="training: 59 of 60 sessions",
    )
    assert judge(days(sessions=FEWEST + 1), VOLUME).state is State.PASSED
    first_of_kind = judge(days(last_where("month_end"), sessions=70), VOLUME)
    assert (first_of_kind.state, first_of_kind.note) == (
        State.TRAINING,
        "training: 2 of 3 days of the kind month_end",
    )


def test_announced_days_are_neither_judged_nor_learnt_from():
    frame = days()
    outage = frame["session"][-21:-1].to_list()
    spoilt = frame.with_columns(
        pl.when(pl.col("session").is_in(outage)).then(1).otherwise("bars").alias("bars")
    )

    assert judge(spoilt, ROWS).state is State.FAILED, "twenty days of an outage would be the new level"
    assert judge(spoilt, ROWS, outage).state is State.PASSED
    assert judge(with_last(frame, "bars", 1), ROWS, [LAST]).state is State.EXPECTED


def totals(frame: pl.DataFrame) -> pl.DataFrame:
    """As the store counts them: delays behind the start of a bar."""
    length = (pl.col("closes") - pl.col("opens")).dt.total_seconds()
    return frame.select("session", "bars", "volume", delay=pl.col("delay") + length)


def batch(hours: float = 3) -> Batch:
    return Batch(JP, LAST, datetime(2025, 6, 11, 6, 30, tzinfo=UTC) + timedelta(hours=hours))


def test_a_session_without_bars_has_none_and_is_late_since_its_end():
    measured = measured_days(batch(hours=30), Timeframe.D1, totals(days())[:-1])

    newest = measured.row(-1, named=True)
    assert (newest["session"], newest["bars"], newest["volume"], newest["delay"]) == (LAST, 0, 0, 30 * 3600)
    assert [judge(measured, measure).state for measure in MEASURES] == [State.FAILED] * 3


def test_holidays_are_no_days_without_bars():
    measured = measured_days(batch(), Timeframe.D1, totals(days()))

    assert measured["session"].to_list() == days()["session"].to_list()
    assert measured["bars"].min() == 4000
    assert max(measured["delay"].to_list()) < 5_200


def test_what_was_imported_says_nothing_about_delays():
    old = totals(days()).with_columns(delay=pl.when(pl.col("session") < LAST).then(1e8).otherwise("delay"))

    assert judge(measured_days(batch(), Timeframe.D1, old), DELAY).state is State.TRAINING


def test_bars_of_a_sunday_evening_count_for_monday():
    sunday, monday = date(2025, 6, 8), date(2025, 6, 9)
    rows = pl.DataFrame(
        {
            "session": [date(2025, 6, 6), sunday, monday],
            "bars": [250, 20, 260],
            "volume": [0.0] * 3,
            "delay": [400.0] * 3,
        }
    )
    moment = datetime(2025, 6, 10, 1, tzinfo=UTC)

    measured = measured_days(Batch(FX, monday, moment), Timeframe.M5, rows)

    assert measured["bars"].to_list() == [250, 280]
    assert measured["delay"].to_list() == [100.0, 100.0]


def unusual(universe: Universe, bars: pl.DataFrame, measure: str) -> tuple[list[date], int]:
    """Days that are called unusual, and how many were judged."""
    totals = bars.group_by("session").agg(bars=pl.len(), volume=pl.col("volume").cast(pl.Float64).sum())
    stored: list[date] = totals["session"].sort().to_list()
    known = seasons(universe, stored[-1])
    frame = known.filter(pl.col("session") >= stored[0]).join(totals, on="session", how="left")
    frame = frame.sort("session").with_columns(pl.col("bars", "volume").fill_null(0))
    chosen = next(each for each in MEASURES if each.column == measure)
    states = {frame["session"][n]: judge(frame[: n + 1], chosen).state for n in range(frame.height)}
    failed = [day for day, state in states.items() if state is State.FAILED]
    return failed, sum(state is not State.TRAINING for state in states.values())


def real(folder: Path, file: str, *columns: str) -> pl.DataFrame:
    frame = pl.read_parquet(folder / file, columns=["symbol", *columns])
    day = pl.col(columns[0]).cast(pl.String).str.slice(0, 10).str.to_date()
    return frame.select("symbol", day.alias("session"), pl.col(columns[1]).alias("volume")).drop_nulls()


@pytest.mark.slow
def test_of_real_days_of_tokyo_few_are_called_unusual_and_holes_are(real_data):
    bars = real(real_data, "jp_daily_history/jp_daily_adjusted_2013_2018.parquet", "date", "volume")

    failed, judged = unusual(JP, bars, "volume")
    holes = {date(2015, 12, 25), date(2016, 7, 11)}  # a hundredth of what is traded on other days

    assert judged > 1_300
    assert holes <= set(failed)
    assert len(set(failed) - holes) <= 0.005 * judged, failed
    rows, judged = unusual(JP, bars, "bars")
    assert (rows, judged > 1_300) == ([], True)


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["bars", "volume"])
def test_of_real_days_of_2025_and_of_new_york_few_are_called_unusual(real_data, measure):
    tokyo = real(real_data, "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet", "date", "volume")
    tokyo = tokyo.filter(
        pl.col("session").is_between(date(2024, 12, 23), date(2025, 12, 19))
    )  # later: few issues
    new_york = real(real_data, "us_daily/us_sp500_506sym_2016_2019_adjclose.parquet", "date", "volume")

    for universe, bars in ((JP, tokyo), (US, new_york)):
        failed, judged = unusual(universe, bars, measure)
        assert judged > 150
        assert len(failed) <= 0.02 * judged, (universe.name, failed)
