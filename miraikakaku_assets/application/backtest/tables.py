"""What the scoreboard shows of a set of instruments, counted from forecasts with their outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from miraikakaku_assets.domain.forecasting.bands import Calibration
from miraikakaku_assets.domain.forecasting.comparison import holm
from miraikakaku_assets.domain.forecasting.edges import with_edges
from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE
from miraikakaku_assets.domain.forecasting.scores import score

POOLED = 0
"""Stands for all horizons together."""

FAIR = (0.70, 0.90)
"""A band of 80 % holds what it says of an instrument if it covers within these."""

FEWEST_OUTCOMES = 60
"""Of one horizon, or an instrument's coverage is chance: its standard deviation is 5 % with so many."""

_AVERAGED = ("mae", "mape", "mape_no_change", "coverage_80", "coverage_95", "width_80", "width_95")
_TENTHS = {"low": 0.1, "middle": 0.5, "high": 0.9}


@dataclass(frozen=True)
class BacktestResult:
    """The scoreboard of one set.

    Attributes:
        name: Of the set, e.g. ``jp``.
        first: First origin (exchange date).
        last: Last origin.
        origins: Sessions that were forecast from; every one of the window.
        refit_every: Origins that a training served; None for a single training.
        instruments: Instruments that were forecast.
        market: Instruments that were trained on.
        few: Model of single series → how many instruments it forecast.
        left_out: Model that was not run on this set → why.
        failed: Model → why a training came to nothing, and how many did.
        scores: A row per model and horizon: `domain.forecasting.scores.score` with ``instruments``, ``calibrated``
            (share of bands that past errors made) and ``p_holm``.
        missing: ``model``, ``reason``, ``forecasts``.
        sectors: Scores of the ensemble one session ahead, a row per ``sector``; empty where no list names sectors.
        spread: What differs between instruments, see `spread`; empty for a few instruments.
        champions: Horizon → model that would be shown first after the last origin.
        weights: Horizon → model → weight of the ensemble after the last origin.
    """

    name: str
    first: date
    last: date
    origins: int
    refit_every: int | None
    instruments: int
    market: int
    scores: pl.DataFrame
    missing: pl.DataFrame
    few: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    sectors: pl.DataFrame = field(default_factory=pl.DataFrame)
    spread: pl.DataFrame = field(default_factory=pl.DataFrame)
    champions: Mapping[int, str] = field(default_factory=dict)
    weights: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


def scores_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Scores per model and horizon.

    Args:
        rows: Forecasts with outcomes and ``calibration``.

    Returns:
        The columns of `score`, ``instruments`` (with an outcome) and ``calibrated`` (share of the forecasts made).
    """
    by_errors = pl.col("calibration").is_in([Calibration.REGIME.value, Calibration.POOLED.value])
    beside = rows.group_by("model", "horizon").agg(
        instruments=pl.col("symbol").filter(pl.col("actual").is_not_null()).n_unique().cast(pl.Int64),
        calibrated=by_errors.filter(pl.col("reason").is_null()).mean(),
    )
    return score(rows).join(beside, on=["model", "horizon"], how="left")


def corrected(scores: pl.DataFrame, by: tuple[str, ...] = ("model", "horizon")) -> pl.DataFrame:
    """With ``p_holm``: p-values of "better than no change" as they count when so many were tested at once.

    No change is not compared with itself. A test that cannot be made (equal errors, no days) counts as one that was
    lost.
    """
    tested = scores.filter(pl.col("model") != NO_CHANGE)
    keys = ["\t".join(str(value) for value in row) for row in tested.select(by).rows()]
    p_values = dict(zip(keys, tested["dm_p_better"].fill_null(1.0).to_list(), strict=True))
    adjusted = holm(p_values)
    column = pl.Series("p_holm", [adjusted[key] for key in keys], dtype=pl.Float64)
    return scores.join(tested.select(by).with_columns(column), on=by, how="left", maintain_order="left")


def pooled(scores: pl.DataFrame, by: tuple[str, ...] = ("model",)) -> pl.DataFrame:
    """All horizons together, weighted by their outcomes: ``n``, means, and ``mae_to_no_change``."""
    n = pl.col("n")
    still = pl.when(pl.col("mae_to_no_change") > 0).then(pl.col("mae") / pl.col("mae_to_no_change"))
    known = scores.filter(n > 0).with_columns(still=still)
    means = {
        name: (pl.col(name) * n).sum() / n.filter(pl.col(name).is_not_null()).sum() for name in _AVERAGED
    }
    errors = (pl.col("mae") * n).filter(pl.col("still").is_not_null()).sum()
    ratio = errors / (pl.col("still") * n).sum()
    table = known.group_by(by).agg(n=n.sum(), **means, mae_to_no_change=ratio)
    return table.with_columns(horizon=pl.lit(POOLED, pl.Int64())).sort(by)


def missing_by_reason(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns ``model``, ``reason``, ``forecasts``: how many were not made, and why."""
    absent = rows.filter(pl.col("reason").is_not_null())
    counted = absent.group_by("model", "reason").agg(forecasts=pl.len().cast(pl.Int64))
    return counted.sort("model", "reason")


def by_sector(rows: pl.DataFrame, sectors: pl.DataFrame) -> pl.DataFrame:
    """Scores one session ahead per sector, sorted by it, corrected for the number of sectors.

    Args:
        rows: Forecasts of one model with outcomes.
        sectors: ``symbol`` and ``sector``.
    """
    named = rows.filter(pl.col("horizon") == 1).join(sectors, on="symbol")
    table = score(named, ["sector"])
    counted = named.group_by("sector").agg(instruments=pl.col("symbol").n_unique().cast(pl.Int64))
    return corrected(table.join(counted, on="sector"), ("sector",)).sort("sector")


def spread(rows: pl.DataFrame) -> pl.DataFrame:
    """What differs between instruments, per model, one and five sessions ahead and over all horizons (`POOLED`).

    Returns:
        ``model``, ``horizon``, ``instruments`` (with enough outcomes), ``too_few`` (the others), ``fair`` (share whose
        80 % band covers within `FAIR`), ``coverage_low``, ``coverage_middle``, ``coverage_high`` (a tenth, half, nine
        tenths of the instruments lie below), ``ratio_low``… likewise of the mean absolute error to no change,
        ``better`` (share with less error than no change), ``no_edge`` (share that says 優位性なし, null where
        directions are not told apart) and ``mape_met`` (share with a MAPE below 3 %).
    """
    single = score(rows, ["symbol"])
    single = with_edges(single).with_columns(no_edge=~pl.col("edge"))
    whole = pooled(single, ("symbol", "model"))
    fewest = whole.join(_outcomes_per_horizon(single), on=["symbol", "model"], how="left")
    columns = ("symbol", "model", "horizon", "n", "coverage_80", "mae_to_no_change", "mape", "no_edge")
    together = pl.concat(
        [
            single.with_columns(least="n").select(*columns, "least"),
            fewest.with_columns(no_edge=pl.lit(None, pl.Boolean())).select(*columns, "least"),
        ]
    )
    enough = pl.col("least") >= FEWEST_OUTCOMES
    table = (
        together.filter(enough)
        .group_by("model", "horizon")
        .agg(
            instruments=pl.len().cast(pl.Int64),
            fair=pl.col("coverage_80").is_between(*FAIR).mean(),
            **_tenths("coverage", "coverage_80"),
            **_tenths("ratio", "mae_to_no_change"),
            better=(pl.col("mae_to_no_change") < 1).mean(),
            no_edge=pl.col("no_edge").mean(),
            mape_met=(pl.col("mape") < MAPE_LINE).mean(),
        )
    )
    left = together.filter(~enough).group_by("model", "horizon").agg(too_few=pl.len().cast(pl.Int64))
    table = table.join(left, on=["model", "horizon"], how="left").with_columns(pl.col("too_few").fill_null(0))
    return table.filter(pl.col("horizon").is_in([1, 5, POOLED])).sort("model", "horizon")


MAPE_LINE = 0.03
"""The line that was drawn for the mean absolute percentage error; share of the price."""

DIRECTION_LINE = 0.60
"""The line that was drawn for the share of directions called right."""


def _outcomes_per_horizon(single: pl.DataFrame) -> pl.DataFrame:
    return single.group_by("symbol", "model").agg(least=pl.col("n").max())


def _tenths(name: str, column: str) -> dict[str, pl.Expr]:
    return {
        f"{name}_{word}": pl.col(column).drop_nulls().quantile(share, "linear")
        for word, share in _TENTHS.items()
    }
