"""How good forecasts were, always beside "no change" and "always up".

On the scale of log returns "no change" forecasts 0, so its error is the outcome itself: the comparison is on exactly
the same rows, for whatever a model has forecast.

Ties. A hit needs two signs: a forecast of exactly 0 calls no direction (the random walk never does), an outcome of
exactly 0 has none; both are counted (``no_call``, ``unchanged``) and stay out of the hit rate and of always-up. An
outcome on the edge of a band lies within it.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.comparison import diebold_mariano, long_run_variance
from miraikakaku_assets.domain.patterns.track_record import wilson

FEW_DAYS = 20
"""With fewer days the spread between them says nothing yet; each then counts as a single outcome."""

BAND_COLUMNS = {"80": ("lo80", "hi80"), "95": ("lo95", "hi95")}

Numbers = NDArray[np.float64]


def score(scored: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """The scoreboard.

    Args:
        scored: Forecasts with outcomes (`evaluation.outcomes`).
        by: Columns that make a segment besides model and horizon, e.g. ``symbol``, ``universe``, ``sector``.

    Returns:
        One row per segment, model and horizon, sorted:

        - ``n`` (forecasts with an outcome), ``days`` (origins of those), ``missing`` (forecasts not made),
          ``pending`` (made, no outcome),
        - ``mae``, ``rmse`` (log returns), ``mae_price``, ``rmse_price`` (currency of the instrument, on today's
          adjusted basis; null for several instruments), ``mape`` (of the price, share of 1), ``mase`` (absolute
          error over the mean size of one-session returns up to the origin),
        - ``mae_no_change``, ``mape_no_change``, ``mae_to_no_change`` (ratio), ``skill`` (1 minus it; above 0 is better
          than no change), ``dm_statistic`` and ``dm_p_better`` (one-sided Diebold-Mariano test of the daily mean
          absolute errors against no change, see `comparison`),
        - ``calls`` (forecasts with a direction that moved), ``no_call``, ``unchanged``, ``hit_rate``, ``hit_low``
          and ``hit_high`` (Wilson, 95 %), ``independent`` (how many independent outcomes the calls are worth),
          ``always_up`` (share of moves that went up, on the same rows),
        - ``coverage_80``, ``coverage_95`` (shares), ``width_80``, ``width_95`` (mean, log returns).
    """
    keys = [*by, "model", "horizon"]
    error = pl.col("point") - pl.col("actual")
    called = (pl.col("point") != 0) & (pl.col("actual") != 0)
    rows = scored.with_columns(
        error=error,
        off=(error.exp() - 1).abs(),
        done=error.is_not_null(),
        called=called.fill_null(value=False),
        hit=(called & (pl.col("point") * pl.col("actual") > 0)).fill_null(value=False),
    )
    table = rows.group_by(keys).agg(_counts() + _errors() + _directions() + _bands())
    table = table.with_columns(skill=1 - pl.col("mae_to_no_change"))
    return table.join(_per_day(rows, keys), on=keys, how="left", nulls_equal=True).sort(keys)


def _counts() -> list[pl.Expr]:
    done, made = pl.col("done"), pl.col("reason").is_null()
    return [
        done.sum().cast(pl.Int64).alias("n"),
        pl.col("as_of").filter(done).n_unique().cast(pl.Int64).alias("days"),
        (~made).sum().cast(pl.Int64).alias("missing"),
        (made & ~done).sum().cast(pl.Int64).alias("pending"),
    ]


def _errors() -> list[pl.Expr]:
    error, actual, done = pl.col("error"), pl.col("actual"), pl.col("done")
    single = pl.col("symbol").n_unique() == 1
    price = pl.col("close") * (pl.col("point").exp() - actual.exp())
    no_change = actual.filter(done)
    size = no_change.abs().mean()
    return [
        error.abs().mean().alias("mae"),
        error.pow(2).mean().sqrt().alias("rmse"),
        pl.when(single).then(price.abs().mean()).alias("mae_price"),
        pl.when(single).then(price.pow(2).mean().sqrt()).alias("rmse_price"),
        pl.col("off").mean().alias("mape"),
        (error.abs() / pl.when(pl.col("naive") > 0).then(pl.col("naive"))).mean().alias("mase"),
        size.alias("mae_no_change"),
        ((-no_change).exp() - 1).abs().mean().alias("mape_no_change"),
        (error.abs().mean() / pl.when(size > 0).then(size)).alias("mae_to_no_change"),
    ]


def _directions() -> list[pl.Expr]:
    done, called, up = pl.col("done"), pl.col("called"), pl.col("actual") > 0
    calls = called.sum().cast(pl.Int64)
    some = pl.when(calls > 0)
    return [
        calls.alias("calls"),
        (done & (pl.col("point") == 0)).sum().cast(pl.Int64).alias("no_call"),
        (done & (pl.col("actual") == 0)).sum().cast(pl.Int64).alias("unchanged"),
        some.then(pl.col("hit").sum() / calls).alias("hit_rate"),
        some.then((called & up).sum() / calls).alias("always_up"),
    ]


def _bands() -> list[pl.Expr]:
    measures = []
    for level, (low, high) in BAND_COLUMNS.items():
        within = (pl.col("actual") >= pl.col(low)) & (pl.col("actual") <= pl.col(high))
        measures.append(within.mean().alias(f"coverage_{level}"))
        measures.append((pl.col(high) - pl.col(low)).filter(pl.col("done")).mean().alias(f"width_{level}"))
    return measures


def _per_day(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """What must be counted in days: the interval of the hit rate and the test against no change."""
    daily = (
        rows.filter("done")
        .group_by([*keys, "as_of"])
        .agg(
            loss=pl.col("error").abs().mean(),
            still=pl.col("actual").abs().mean(),
            called_then=pl.col("called").sum(),
            hit_then=pl.col("hit").sum(),
        )
        .sort(*keys, "as_of")
        .group_by(keys, maintain_order=True)
        .agg("loss", "still", "called_then", "hit_then")
    )
    columns = ("horizon", "loss", "still", "called_then", "hit_then")
    tested = []
    for horizon, *lists in daily.select(columns).iter_rows():
        loss, still, calls, hits = (np.asarray(values, dtype=np.float64) for values in lists)
        test = diebold_mariano(loss, still, horizon)
        tested.append((test.statistic, test.p_better, independent_outcomes(calls, hits, horizon)))
    names = ("dm_statistic", "dm_p_better", "independent")
    added = pl.DataFrame(tested, schema=dict.fromkeys(names, pl.Float64()), orient="row")
    rates = daily["hit_then"].list.sum() / daily["called_then"].list.sum()
    low, high = hit_interval(rates, added["independent"])
    added = added.with_columns(pl.col("independent").cast(pl.Int64), hit_low=low, hit_high=high)
    return daily.select(keys).hstack(added)


def independent_outcomes(calls: Numbers, hits: Numbers, horizon: int) -> float | None:
    """Number of independent outcomes that the calls are worth; None without a call.

    The variance of the rate is estimated from its spread between days (with the lags by which horizons overlap); as
    many coin flips as have that variance are what the calls are worth, never more than there are.
    """
    total, right = float(calls.sum()), float(hits.sum())
    if total == 0:
        return None
    rate, days = right / total, int((calls > 0).sum())
    if days < FEW_DAYS:
        worth = float(days)
    else:
        spread = long_run_variance(hits - rate * calls, horizon - 1) * len(calls) / total**2
        spread *= days / (days - 1)
        worth = rate * (1 - rate) / spread if spread > 0 else float(days)
    return float(max(1, round(min(worth, total))))


def hit_interval(rates: pl.Series, independent: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Ends of Wilson's 95 % intervals of hit rates from so many independent outcomes; null for null."""
    return wilson((rates * independent).round(mode="half_to_even"), independent)
