"""Whatever a model hands back, the others go on: what is no forecast, or not there, is a failure that names it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.forecasting.inputs import forecast_inputs
from miraikakaku_assets.application.forecasting.predict import make_predictions
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import NUMBERS, TrainedForecaster
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.forecasts.forecast_days import AT, NEXT_OPEN, ORIGIN, RATES, Days, bar
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import DAYS, store

pytestmark = pytest.mark.slow

EACH = len(RATES) * 5
HERE = (pl.col("symbol") == "7203.T") & (pl.col("horizon") == 2)

Change = Callable[[pl.DataFrame], pl.DataFrame]


def instead(value: float | None, *names: str) -> Change:
    """With another value of some numbers in one place."""
    changed = [pl.when(HERE).then(pl.lit(value, pl.Float64())).otherwise(name).alias(name) for name in names]
    return lambda made: made.with_columns(changed)


ODD: dict[str, tuple[Change, int]] = {
    "no median": (instead(None, "point"), 1),
    "no numbers and no reason": (instead(None, *NUMBERS), 1),
    "bands that cross": (instead(9.0, "lo80"), 1),
    "a negative deviation": (instead(-1.0, "sd"), 1),
    "a reason and numbers": (
        lambda made: made.with_columns(reason=pl.when(HERE).then(pl.lit("failed")).otherwise("reason")),
        1,
    ),
    "another day": (
        lambda made: made.with_columns(target=pl.when(HERE).then("as_of").otherwise("target")),
        1,
    ),
    "a row twice": (lambda made: pl.concat([made, made.filter(HERE)]), 1),
    "a row less": (lambda made: made.filter(~HERE), 1),
    "a symbol less": (lambda made: made.filter(pl.col("symbol") != "7203.T"), 5),
    "nothing": (pl.DataFrame.clear, EACH),
    "a column less": (lambda made: made.drop("hi95"), EACH),
    "no frame": (lambda _: None, EACH),  # type: ignore[dict-item, return-value]
}


@dataclass(frozen=True)
class Odd(Drift):
    """The drift with what somebody made of its forecasts."""

    change: Change = pl.DataFrame.clone

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        return self.change(super().forecasts(trained, panel, origins))


@pytest.fixture
def days(database: Database, tmp_path: Path) -> Days:
    days = Days(database, tmp_path)
    days.deliver_history()
    days.train()
    return days


@pytest.mark.parametrize("how", ODD)
def test_an_odd_model_fails_alone(days: Days, how: str) -> None:
    change, lost = ODD[how]
    report = days.predict((Odd(change=change), RandomWalk()))
    assert list(report.failures) == ["drift"]
    forecasts = store(days.database).predictions(JP, ORIGIN, ORIGIN)
    assert dict(forecasts.group_by("model").len().rows()) == dict.fromkeys(
        ["drift", "ensemble", "random_walk"], EACH
    )
    failed = forecasts.filter(pl.col("reason").is_not_null())
    assert (set(failed["model"]), failed.height) == ({"drift"}, lost)
    assert set(failed["reason"]) == {"failed"}
    whole = days.predict(now=NEXT_OPEN - timedelta(seconds=1))
    assert (whole.written, whole.failures, whole.missing) == (lost, {}, {})


def test_rows_of_nobody_are_left_out(days: Days) -> None:
    def more(made: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([made, made.filter(HERE).with_columns(symbol=pl.lit("1306.T"))])

    assert days.predict((Odd(change=more), RandomWalk())).failures == {}
    assert store(days.database).predicted(JP, ORIGIN) == dict.fromkeys(
        ["drift", "ensemble", "random_walk"], 3
    )


def test_a_session_that_begins_while_models_are_at_work_settles_what_is_missing(days: Days) -> None:
    days.predict((Odd(change=ODD["nothing"][0]), RandomWalk()))
    before = store(days.database).predictions(JP, ORIGIN, ORIGIN)
    moments = iter([NEXT_OPEN - timedelta(seconds=1)])

    def clock() -> datetime:
        return next(moments, NEXT_OPEN)

    ports = days.ports()
    inputs = forecast_inputs(JP, ORIGIN, ORIGIN, ports.bars)
    report = make_predictions(inputs, ORIGIN, replace(ports.prediction, clock=clock))
    assert report.written == 0
    assert store(days.database).predictions(JP, ORIGIN, ORIGIN).equals(before)


def test_a_report_counts_what_holds_and_not_what_is_new(days: Days) -> None:
    days.predict((Odd(change=ODD["nothing"][0]), RandomWalk()))
    days.deliver(bar("1306.T", day, 500.0 * 1.02**n) for n, day in enumerate(DAYS[: AT + 1]))
    report = days.predict(now=NEXT_OPEN)
    assert report.made == {"random_walk": 4, "drift": 1, "ensemble": 4}
    assert report.missing == {"drift": {"failed": 3}}
    assert (report.kept, report.written) == (3 * EACH, 3 * 5)
