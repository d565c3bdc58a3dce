"""Densities, order and calls are judged by what proper scores say."""

from itertools import pairwise
from math import sqrt

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm, spearmanr
from statsmodels.regression.linear_model import OLS

from miraikakaku_assets.domain.forecasting.bands import QUANTILES
from miraikakaku_assets.domain.forecasting.comparison import FEWEST_DAYS
from miraikakaku_assets.domain.forecasting.judging.density_scores import (
    breaks,
    calibration_table,
    confidence_set,
    density_table,
    move_beyond,
    with_density_scores,
)
from miraikakaku_assets.domain.forecasting.judging.ranks import (
    break_even_cost,
    rank_series,
    rank_skill,
    risk_coverage,
)
from miraikakaku_assets_tests.support.forecasts.forecast_panels import sessions

DAYS = sessions(300)
Z = norm.ppf(QUANTILES)


def densities(widths: dict[str, float], days: int = 120, issues: int = 10) -> pl.DataFrame:
    """Normal densities of so many times the true width, on the same outcomes."""
    rng = np.random.default_rng(1)
    actual = rng.normal(0, 0.02, days * issues)
    rows = pl.DataFrame(
        {
            "symbol": np.tile([f"S{nth}" for nth in range(issues)], days),
            "as_of": DAYS.head(days).gather(np.repeat(np.arange(days), issues)),
            "horizon": np.ones(days * issues, dtype=np.int64),
            "actual": actual,
        }
    )
    return pl.concat(
        rows.with_columns(
            model=pl.lit(model), quantiles=pl.Series([(0.02 * width * Z).tolist()] * rows.height)
        )
        for model, width in widths.items()
    )


def test_density_scores_by_hand():
    quantiles = (0.01 * Z).tolist()
    rows = pl.DataFrame(
        {"quantiles": [quantiles, None, quantiles], "actual": [0.03, 0.01, None]},
        schema={"quantiles": pl.List(pl.Float64), "actual": pl.Float64},
    )
    scored = with_density_scores(rows)
    pinball = [
        2 * (level * (0.03 - value) if value <= 0.03 else (1 - level) * (value - 0.03))
        for level, value in zip(QUANTILES, quantiles, strict=True)
    ]
    assert scored["crps"].to_list() == [pytest.approx(np.mean(pinball)), None, None]
    width = 2 * 1.959964 * 0.01
    assert scored["interval_95"][0] == pytest.approx(width + 2 / 0.05 * (0.03 - width / 2), rel=1e-5)


def test_the_true_width_scores_best_and_the_confidence_set_knows_it():
    table = density_table(
        with_density_scores(densities({"true": 1.0, "near": 1.01, "wide": 2.0, "narrow": 0.5})),
        ["wide", "narrow"],
    )
    own = {row["model"]: row for row in table.iter_rows(named=True)}
    assert table["model"][0] in {"true", "near"}
    assert own["true"]["in_set"]
    assert not own["narrow"]["in_set"]
    assert not own["wide"]["in_set"]
    assert own["true"]["to_best_peer"] < 0.98
    assert own["true"]["p_better"] < 0.001
    assert own[own["true"]["best_peer"]]["to_best_peer"] == 1
    assert table["days"].unique().to_list() == [120]


def test_losses_that_are_the_same_are_all_in_the_set():
    losses = np.random.default_rng(3).uniform(1, 2, 100)
    assert confidence_set({"one": losses, "other": losses.copy()}, 1) == {"one": True, "other": True}
    worse = confidence_set({"one": losses, "other": losses.copy(), "worse": losses + 0.1 * losses}, 1)
    assert worse == {"one": True, "other": True, "worse": False}
    assert confidence_set({"one": losses[:10], "other": losses[:10]}, 1) == {}


def test_the_chance_of_a_move_is_that_of_the_distribution():
    quantiles = (0.02 * Z).tolist()
    for size in (0.01, 0.02, 0.03):
        assert move_beyond(quantiles, size) == pytest.approx(2 * norm.sf(size / 0.02), abs=0.02)
    tail = move_beyond(quantiles, 0.08)
    assert tail is not None
    assert 0 < tail < 0.02
    assert move_beyond(quantiles, 0.01, down=False) == pytest.approx(norm.sf(0.5), abs=0.02)
    assert move_beyond([0.0] * 9, 0.01) is None


def test_breaks_are_seen_and_end():
    size = np.full(300, 0.01)
    size[200] = 0.06
    table = breaks(pl.DataFrame({"session": DAYS.head(300), "size": size}), sessions=60)
    assert table["after_break"].to_list() == [200 <= day < 260 for day in range(300)]


def test_calibration_is_told_by_segment():
    rows = pl.DataFrame(
        {
            "horizon": [1] * 4,
            "actual": [0.0, 0.05, 0.0, 0.02],
            "lo80": [-0.01] * 4,
            "hi80": [0.01] * 4,
            "lo95": [-0.03] * 4,
            "hi95": [0.03] * 4,
            "third": [0, 0, 2, 2],
            "after_break": [True, False, False, False],
        }
    )
    table = {row[1]: row[2:] for row in calibration_table(rows).iter_rows()}
    assert table == {
        "all": (4, 0.5, 0.75),
        "calm": (2, 0.5, 0.5),
        "wild": (2, 0.5, 1.0),
        "after_break": (1, 1.0, 1.0),
    }


def ordered(skill: float, days: int = 100, issues: int = 50) -> pl.DataFrame:
    """Forecasts with that correlation; the symbols' order changes every day."""
    rng = np.random.default_rng(4)
    actual = rng.normal(0, 0.02, (days, issues))
    point = skill * actual + sqrt(1 - skill**2) * rng.normal(0, 0.02, (days, issues))
    return pl.DataFrame(
        {
            "symbol": np.tile([f"S{nth:02}" for nth in range(issues)], days),
            "as_of": DAYS.head(days).gather(np.repeat(np.arange(days), issues)),
            "point": point.ravel(),
            "lo80": point.ravel() - 0.02,
            "hi80": point.ravel() + 0.02,
            "actual": actual.ravel(),
        }
    )


def test_rank_skill_is_the_mean_of_spearmans_correlations():
    rows = ordered(0.2)
    daily = [spearmanr(own["point"], own["actual"])[0] for _, own in rows.group_by("as_of")]
    skill = rank_skill(rank_series(rows)["ic"], 1)
    assert skill.mean == pytest.approx(np.mean(daily), abs=1e-6)
    assert skill.t == pytest.approx(np.mean(daily) / np.std(daily) * 10, rel=1e-6)
    assert skill.icir == pytest.approx(np.mean(daily) / np.std(daily, ddof=1), rel=1e-6)
    assert rank_series(rows.filter(pl.col("symbol") < "S10")).is_empty()  # ten instruments have no order


def test_t_of_ranks_counts_the_lags_by_which_outcomes_overlap():
    daily = pl.Series(np.random.default_rng(7).normal(0.05, 0.1, 60)).rolling_mean(3).drop_nulls()
    for horizon in (1, 3, 5):
        fit = OLS(daily.to_numpy(), np.ones(len(daily))).fit(
            cov_type="HAC", cov_kwds={"maxlags": horizon - 1, "kernel": "bartlett", "use_correction": False}
        )
        assert rank_skill(daily, horizon).t == pytest.approx(fit.tvalues[0])
    few = rank_skill(daily.head(FEWEST_DAYS - 1), 3)
    assert (few.days, few.t, few.icir) == (FEWEST_DAYS - 1, None, None)
    assert few.mean is not None


def test_break_even_is_the_excess_over_what_is_traded():
    rows = ordered(0.3)
    cost = break_even_cost(rows, 1)
    daily = []
    held = []
    for _, own in rows.group_by("as_of", maintain_order=True):
        best = own.sort("point", descending=True).head(5)
        daily.append(np.exp(best["actual"].to_numpy()).mean() - np.exp(own["actual"].to_numpy()).mean())
        held.append(set(best["symbol"]))
    kept = np.mean([len(now & before) / 5 for before, now in pairwise(held)])
    assert cost is not None
    assert cost == pytest.approx(np.mean(daily) / (2 * (1 - kept)) * 10_000, rel=1e-6)
    assert cost > 0
    assert break_even_cost(rows.filter(pl.col("symbol") < "S10"), 1) is None


def test_surer_calls_are_right_more_often():
    table = risk_coverage(ordered(0.3, days=200), 1)
    assert table["share"].to_list() == [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0]
    assert table["calls"].to_list()[-1] == 10_000
    assert table["hit_rate"][0] > table["hit_rate"][-1] + 0.05
    assert table["least"].is_sorted(descending=True)
    assert (table["hit_low"] < table["hit_rate"]).all()
    assert risk_coverage(ordered(0.3).with_columns(point=pl.lit(0.0)), 1).is_empty()
