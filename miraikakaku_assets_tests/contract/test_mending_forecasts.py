"""Forecasts that were missing are made until the next session begins; those that were made stand for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import inf, nan, sqrt
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.forecasting.predict import PredictionReport
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import NUMBERS, Z_80, TrainedForecaster
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.forecasts.forecast_days import (
    AT,
    BOTH,
    NEXT_OPEN,
    ORIGIN,
    RATES,
    Days,
    bar,
    close_at,
    evening,
    late,
    slope,
)
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import DAYS, store

pytestmark = pytest.mark.slow

SECOND = timedelta(seconds=1)
LATER = NEXT_OPEN - SECOND
EACH = len(RATES) * 5
BARE = [*NUMBERS, "calibration", "calibration_scores"]


@dataclass(frozen=True)
class Failing(Drift):
    """The drift on a day on which it breaks off."""

    def forecasts(self, *_: object) -> pl.DataFrame:
        raise FloatingPointError("overflow")


@dataclass(frozen=True)
class FailingWalk(RandomWalk):
    """No change on a day on which it breaks off."""

    def forecasts(self, *_: object) -> pl.DataFrame:
        raise FloatingPointError("underflow")


@dataclass(frozen=True)
class Unsound(Drift):
    """The drift on a day on which some of its numbers are none."""

    wrong: ClassVar = {
        ("1301.T", 1): ("point", nan),
        ("7203.T", 2): ("lo95", -inf),
        ("9984.T", 3): ("sd", inf),
    }

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        made = super().forecasts(trained, panel, origins)
        for (symbol, horizon), (name, value) in self.wrong.items():
            here = (pl.col("symbol") == symbol) & (pl.col("horizon") == horizon)
            made = made.with_columns(pl.when(here).then(pl.lit(value)).otherwise(name).alias(name))
        return made


@pytest.fixture
def days(database: Database, tmp_path: Path) -> Days:
    return Days(database, tmp_path)


def rows(days: Days, *models: str) -> pl.DataFrame:
    """Everything stored from the origin, of some models only."""
    return store(days.database).predictions(JP, ORIGIN, ORIGIN, models=models or None)


def assert_drifts(forecasts: pl.DataFrame, *symbols: str) -> None:
    """Five drifts of each symbol: its slope goes on, as wide as the square root of the time, and of the 30 behind."""
    assert forecasts.select("symbol", "horizon").rows() == [
        (symbol, h) for symbol in symbols for h in range(1, 6)
    ]
    for row in forecasts.iter_rows(named=True):
        h, drift = row["horizon"], slope(row["symbol"])
        sd = abs(drift) * sqrt(h * (1 + h / AT))
        assert row["point"] == pytest.approx(h * drift)
        assert (row["sd"], row["hi80"]) == (pytest.approx(sd), pytest.approx(h * drift + Z_80 * sd))
        assert (row["reason"], row["close"]) == (None, close_at(row["symbol"], AT))


def missing_drift(days: Days, reason: str) -> None:
    """The first run of the evening stores why the drift of 7203.T is missing; afterwards nothing is amiss."""
    days.deliver_history(*(["7203.T"] if reason == "no_bar" else []))
    days.train([RandomWalk()] if reason == "not_trained" else BOTH)
    days.predict((RandomWalk(), Failing()) if reason == "failed" else BOTH)
    forecasts = rows(days, "drift").filter(pl.col("symbol") == "7203.T")
    assert forecasts["reason"].to_list() == [reason] * 5
    assert forecasts.select(BARE).null_count().row(0) == (5,) * len(BARE)
    if reason == "no_bar":
        days.deliver(late(AT, {"7203.T": 0.0}))
    days.train()


MENDABLE = ["not_trained", "failed", "no_bar"]


@pytest.mark.parametrize("reason", MENDABLE)
def test_what_was_missing_is_made_until_the_next_session_begins(days: Days, reason: str) -> None:
    missing_drift(days, reason)
    before = rows(days)
    gone = before.filter(pl.col("reason").is_not_null())
    report = days.predict(now=LATER)
    assert report.written == gone.height == {"not_trained": EACH, "failed": EACH, "no_bar": 3 * 5}[reason]
    assert report.failures == {}
    after = rows(days)
    assert_drifts(after.filter(pl.col("model") == "drift"), *RATES)
    assert after["reason"].null_count() == after.height == 3 * EACH
    key = ["symbol", "model", "as_of", "horizon"]
    assert after.join(before, on=[*key, "made_at"], how="anti").select(key).equals(gone.select(key))
    assert set(after.join(gone, on=key)["made_at"]) == {LATER}
    made = before.filter(pl.col("reason").is_null())
    assert_frame_equal(after.join(gone, on=key, how="anti"), made, check_exact=True)
    assert days.predict(now=LATER).written == 0


@pytest.mark.parametrize("reason", MENDABLE)
@pytest.mark.parametrize("now", [NEXT_OPEN, NEXT_OPEN + timedelta(days=3)])
def test_a_reason_that_stood_when_the_session_began_stays(days: Days, reason: str, now: datetime) -> None:
    missing_drift(days, reason)
    before = rows(days)
    assert days.predict(now=now).written == 0
    assert rows(days).equals(before)


def test_a_forecast_stands_although_its_bars_are_restated(days: Days) -> None:
    days.deliver_history("7203.T")
    days.train()
    days.predict()
    before = rows(days)
    days.deliver(late(AT, {"7203.T": 0.0, "1301.T": 0.2}))  # one that was awaited, one that was another
    assert days.predict(now=LATER).written == 3 * 5
    after, others = rows(days), pl.col("symbol") != "7203.T"
    assert after.filter(others).equals(before.filter(others))
    assert_drifts(after.filter(~others, pl.col("model") == "drift"), "7203.T")


def arrives(days: Days) -> None:
    """The bars of a fourth issue, whose close rises by 2 % a session."""
    days.deliver(bar("1306.T", day, 500.0 * 1.02**n) for n, day in enumerate(DAYS[: AT + 1]))


@pytest.mark.parametrize("now", [LATER, NEXT_OPEN, NEXT_OPEN + timedelta(days=3)])
def test_a_symbol_without_rows_gets_them_at_any_time(days: Days, now: datetime) -> None:
    missing_drift(days, "failed")
    before = rows(days)
    arrives(days)
    mended = EACH if now == LATER else 0
    report = days.predict(now=now)
    assert report.written == 3 * 5 + mended
    assert report.symbols == 4
    after, new = rows(days), pl.col("symbol") == "1306.T"
    assert set(after.filter(new)["made_at"]) == {now}
    drift = after.filter(new, pl.col("model") == "drift")
    assert drift["point"].to_list() == pytest.approx([h * 0.01980262729617973 for h in range(1, 6)])
    assert after.filter(new)["reason"].null_count() == 3 * 5
    if now >= NEXT_OPEN:
        assert after.filter(~new).equals(before)


def test_a_model_that_breaks_off_says_so_and_the_others_go_on(days: Days) -> None:
    days.deliver_history("7203.T")
    days.train()
    report = days.predict((Failing(), RandomWalk()))
    assert report.failures == {"drift": "FloatingPointError: overflow"}
    assert report.missing == {
        "drift": {"failed": 2, "no_bar": 1},  # a bar that is missing says so itself
        "random_walk": {"no_bar": 1},
        "ensemble": {"no_bar": 1},
    }
    assert report.made == {"random_walk": 2, "ensemble": 2}
    forecasts = rows(days)
    assert forecasts.height == 3 * EACH
    walk = forecasts.filter(pl.col("model") == "random_walk", pl.col("reason").is_null())
    assert walk.select("symbol", "point").unique().sort("symbol").rows() == [("1301.T", 0.0), ("9984.T", 0.0)]
    assert walk["sd"].to_list() == pytest.approx(
        [abs(slope(symbol)) * sqrt(h) for symbol in ("1301.T", "9984.T") for h in range(1, 6)]
    )


def test_without_no_change_there_is_no_ensemble_until_both_are_mended(days: Days) -> None:
    days.deliver_history()
    days.train()
    report = days.predict((FailingWalk(), Drift()))
    assert report.failures == {"random_walk": "FloatingPointError: underflow"}
    assert report.missing == {"random_walk": {"failed": 3}, "ensemble": {"failed": 3}}
    assert_drifts(rows(days, "drift"), *RATES)
    assert days.predict(now=LATER).written == 2 * EACH
    ensemble = rows(days, "ensemble")
    assert ensemble["reason"].null_count() == EACH
    assert set(ensemble["point"]) == {0.0}  # nothing is decided yet: no change has all the weight


@dataclass(frozen=True)
class Counted(Drift):
    """The drift, with the times that it was asked."""

    origins: ClassVar[list[date]] = []

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        self.origins.extend(origins)
        return super().forecasts(trained, panel, origins)


def test_a_bar_that_has_not_come_still_forecasts_nobody_again(days: Days) -> None:
    missing_drift(days, "no_bar")
    rows_before = rows(days)
    days.market.now = evening(ORIGIN)
    models = (RandomWalk(), Counted())
    Counted.origins.clear()
    days.predict(models)  # it has come by now
    assert Counted.origins == [ORIGIN]
    days.predict(models)
    assert Counted.origins == [ORIGIN]
    assert rows(days).height == rows_before.height


def test_while_a_bar_is_missing_nothing_is_forecast_again(days: Days) -> None:
    days.deliver_history("7203.T")
    days.train()
    days.predict()
    Counted.origins.clear()
    assert days.predict((RandomWalk(), Counted())).written == 0
    assert Counted.origins == []


def unsound(days: Days) -> PredictionReport:
    days.deliver_history()
    days.train()
    return days.predict((RandomWalk(), Unsound()))


def test_numbers_that_are_none_are_failures_and_the_others_stay(days: Days) -> None:
    report = unsound(days)
    assert report.failures == {"drift": "3 of its 15 forecasts are missing, or no numbers in order"}
    assert (report.made["drift"], report.missing["drift"]) == (2, {"failed": 1})  # one session ahead
    forecasts = rows(days, "drift")
    bad = forecasts.filter(pl.col("reason").is_not_null())
    assert bad.select("symbol", "horizon", "reason").rows() == [(*key, "failed") for key in Unsound.wrong]
    assert bad.select(BARE).null_count().row(0) == (3,) * len(BARE)
    good = forecasts.filter(pl.col("reason").is_null())
    expected: list[Any] = [
        h * slope(rate) for rate in RATES for h in range(1, 6) if (rate, h) not in Unsound.wrong
    ]
    assert good["point"].to_list() == pytest.approx(expected)
    assert rows(days, "random_walk")["reason"].null_count() == EACH


def test_numbers_that_were_none_are_mended_in_time(days: Days) -> None:
    unsound(days)
    kept = rows(days).filter(pl.col("reason").is_null())
    report = days.predict(now=LATER)
    assert (report.written, report.failures) == (3, {})
    after = rows(days)
    assert_drifts(after.filter(pl.col("model") == "drift"), *RATES)
    assert after.filter(pl.col("made_at") == evening(ORIGIN)).equals(kept)
