"""Scores of a window, summed from its days, are those of all its forecasts at once."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.evaluation import outcomes, rolling_origins, walk_forward
from miraikakaku_assets.domain.forecasting.judging.windows import window_scores
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets_tests.support.forecasts.forecast_panels import walk

EXACT = [
    "n",
    "days",
    "missing",
    "mae",
    "rmse",
    "mape",
    "mase",
    "mae_no_change",
    "mape_no_change",
    "mae_to_no_change",
    "skill",
]
EXACT += ["calls", "hit_rate", "always_up", "coverage_80", "coverage_95", "width_80", "width_95"]
TESTED = ["dm_p_better", "hit_low", "hit_high"]


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    """A month of forecasts of three instruments by two models, one of them with holes."""
    data = walk(3, symbols=3, days=130)
    folds = list(rolling_origins(data.sessions, data.sessions[90], data.sessions[115], 10))
    made = pl.concat([walk_forward(forecaster, data, folds) for forecaster in (RandomWalk(), Drift())])
    holes = (pl.col("symbol") == "S0001") & (pl.col("as_of").dt.day() % 7 == 0)
    broken = [
        pl.when(~holes).then(pl.col(name)).alias(name) for name in ("point", "lo80", "hi80", "lo95", "hi95")
    ]
    made = made.with_columns(*broken, reason=pl.when(holes).then(pl.lit("failed")))
    return outcomes(made, data).with_columns(segment=pl.lit("all"))


def daily(scored: pl.DataFrame) -> pl.DataFrame:
    table = score(scored, ["segment", "target"]).rename({"target": "until"})
    return table.with_columns(window=pl.lit(1, pl.Int64()))


@pytest.mark.parametrize("days", [5, 20])
def test_the_sum_of_the_days_is_the_window(scored: pl.DataFrame, days: int) -> None:
    windows = window_scores(daily(scored), ["segment"], days)
    newest = scored.group_by("horizon").agg(pl.col("target").unique().sort().tail(days))
    whole = scored.join(newest.explode("target"), on=["horizon", "target"], how="semi")
    expected = score(whole, ["segment"])
    keys = ["model", "horizon"]
    ends = scored.group_by("horizon").agg(until=pl.col("target").max())
    assert windows.join(ends, on=["horizon", "until"], how="anti").is_empty()
    assert_frame_equal(windows.select(*keys, *EXACT), expected.select(*keys, *EXACT), rel_tol=1e-9)
    assert_frame_equal(windows.select(*keys, *TESTED), expected.select(*keys, *TESTED), rel_tol=1e-6)


def test_days_without_a_forecast_count_as_missing_only(scored: pl.DataFrame) -> None:
    days = daily(scored)
    last = days["until"].max()
    empty = days.filter(pl.col("until") == last).with_columns(
        until=pl.lit(last).dt.offset_by("1d"),
        n=pl.lit(0, pl.Int64()),
        mae=pl.lit(None, pl.Float64()),
        missing=pl.lit(3, pl.Int64()),
    )
    whole = window_scores(days, ["segment"], 20)
    windows = window_scores(pl.concat([days, empty]), ["segment"], 20)
    assert_frame_equal(windows, whole.with_columns(pl.col("missing") + 3 * (pl.col("until") == last)))
