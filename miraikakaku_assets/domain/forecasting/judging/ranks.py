"""Whether forecasts put instruments in the right order, what that would bear in costs, and which calls are worth it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import polars as pl

from miraikakaku_assets.domain.forecasting.comparison import FEWEST_DAYS, long_run_variance
from miraikakaku_assets.domain.forecasting.gates import daily_rank_correlations
from miraikakaku_assets.domain.forecasting.scores import hit_interval, independent_outcomes

FEWEST_ISSUES = 20
"""Instruments of a session below which their order says nothing."""

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Parts of the forecasts that are called, the surest first."""

_BASIS_POINTS = 10_000
_TENTH = 0.1


@dataclass(frozen=True)
class RankSkill:
    """Daily rank correlations of forecasts with what came.

    Attributes:
        days: Sessions that count.
        mean: Of the daily rank correlations; None without any.
        t: Mean over its standard error, see `rank_skill`; None on fewer than `FEWEST_DAYS` days.
        icir: Mean over the standard deviation of days, not annualised; None on fewer than `FEWEST_DAYS` days.
    """

    days: int
    mean: float | None = None
    t: float | None = None
    icir: float | None = None


def rank_skill(correlations: pl.Series, horizon: int) -> RankSkill:
    """What the daily rank correlations of one model at one horizon amount to; every t and ICIR that is shown is of it.

    Outcomes over h sessions of successive origins share up to h - 1 of them, so that their correlations are a moving
    average of that order: beyond lag h - 1 there is nothing to count, and each further lag adds noise. Bartlett's
    weights keep the variance above 0 and count the lags in part only; `comparison.diebold_mariano` does the same.

    Source: Hansen and Hodrick, Journal of Political Economy 88 (1980) 829-853 (order of the moving average); Newey and
    West, Econometrica 55 (1987) 703-708 (weights); Grinold and Kahn, Active Portfolio Management (2000), chapter 6
    (mean of the correlations over their spread).

    Args:
        correlations: Of each session with enough instruments, ascending, without nulls.
        horizon: Sessions ahead.
    """
    days = len(correlations)
    if not days:
        return RankSkill(0)
    values = correlations.to_numpy()
    mean = float(values.mean())
    if days < FEWEST_DAYS:
        return RankSkill(days, mean)
    variance, spread = long_run_variance(values, horizon - 1), float(values.std(ddof=1))
    t = mean / sqrt(variance / days) if variance > 0 else None
    return RankSkill(days, mean, t, mean / spread if spread > 0 else None)


def rank_series(rows: pl.DataFrame) -> pl.DataFrame:
    """``as_of`` and ``ic``: the rank correlation of each session with enough instruments, ascending.

    Args:
        rows: ``as_of``, ``point``, ``actual`` of one model and horizon.
    """
    known = rows.drop_nulls(["point", "actual"]).filter(pl.len().over("as_of") >= FEWEST_ISSUES)
    days = known["as_of"].to_physical().to_numpy()
    daily = daily_rank_correlations(
        known["actual"].cast(pl.Float32).to_numpy(), known["point"].cast(pl.Float32).to_numpy(), days
    )
    return daily.select(as_of=pl.col("session").cast(pl.Int32).cast(pl.Date), ic="ic")


def break_even_cost(rows: pl.DataFrame, horizon: int) -> float | None:
    """What a trade may cost before the top tenth of the forecasts has earned nothing, in basis points.

    The tenth with the highest forecasts, weighed alike, is held over the horizon, beside all instruments weighed alike;
    its gross excess is divided by what has to be sold and bought for it. It is no profit: spreads, impact and prices
    that nobody gets stand between.

    Args:
        rows: ``symbol``, ``as_of``, ``point``, ``actual`` of one model and horizon.
        horizon: Sessions ahead: portfolios follow each other at that distance.

    Returns:
        Basis points a trade, one way; below 0 where the tenth has lost. None with too few instruments.
    """
    known = rows.drop_nulls(["point", "actual"]).filter(pl.len().over("as_of") >= FEWEST_ISSUES)
    if known.is_empty():
        return None
    ranked = known.with_columns(
        place=pl.col("point").rank("ordinal", descending=True).over("as_of") / pl.len().over("as_of"),
        excess=pl.col("actual").exp() - pl.col("actual").exp().mean().over("as_of"),
    )
    held = ranked.filter(pl.col("place") <= _TENTH)
    days = held.select(as_of=pl.col("as_of").unique().sort()).with_columns(
        before=pl.col("as_of").shift(horizon)
    )
    pairs = held.join(days, on="as_of").drop_nulls("before")
    kept = pairs.join(held.select("symbol", before="as_of"), on=["symbol", "before"], how="semi").height
    if not pairs.height or kept == pairs.height:
        return None
    turnover = 1 - kept / pairs.height
    excess = held.group_by("as_of").agg(pl.col("excess").mean())["excess"].mean()
    # What leaves is sold and what comes is bought: two trades for each part that is replaced.
    return None if not isinstance(excess, float) else excess / (2 * turnover) * _BASIS_POINTS


def risk_coverage(rows: pl.DataFrame, horizon: int, shares: Sequence[float] = SHARES) -> pl.DataFrame:
    """How often the direction is right if only the surest calls are made.

    Sure is what is far from nothing in units of its own width: the forecast over the width of its 80 % band.

    Args:
        rows: ``as_of``, ``point``, ``lo80``, ``hi80``, ``actual`` of one model and horizon.
        horizon: Sessions ahead, by which outcomes overlap.
        shares: Parts of the calls, ascending.

    Returns:
        ``share`` (asked for), ``calls``, ``least`` (from which size over the width of the band on), ``hit_rate``,
        ``hit_low``, ``hit_high`` (Wilson, 95 %, of as many independent outcomes as the calls are worth) and
        ``always_up``; empty without a call.
    """
    width = pl.col("hi80") - pl.col("lo80")
    calls = (
        rows.drop_nulls(["point", "actual"])
        .filter(pl.col("point") != 0, pl.col("actual") != 0, width > 0)
        .select(
            "as_of",
            sure=pl.col("point").abs() / width,
            hit=pl.col("point") * pl.col("actual") > 0,
            up=pl.col("actual") > 0,
        )
        .sort("sure", descending=True)
    )
    made = []
    for share in shares if calls.height else ():
        count = max(1, round(share * calls.height))
        part = calls.head(count)
        daily = part.group_by("as_of").agg(calls=pl.len(), hits=pl.col("hit").sum()).sort("as_of")
        counts, hits = (daily[name].cast(pl.Float64).to_numpy() for name in ("calls", "hits"))
        worth = independent_outcomes(counts, hits, horizon)
        made.append((share, count, part["sure"][-1], part["hit"].mean(), worth, part["up"].mean()))
    schema = ("share", "calls", "least", "hit_rate", "independent", "always_up")
    kinds = {name: pl.Int64() if name == "calls" else pl.Float64() for name in schema}
    table = pl.DataFrame(made, schema=kinds, orient="row")
    low, high = hit_interval(table["hit_rate"], table["independent"])
    return table.with_columns(hit_low=low, hit_high=high).drop("independent")


def liquidity(turnover: pl.DataFrame, floors: Sequence[float]) -> pl.DataFrame:
    """Median daily turnover of the last 60 bars, as a class: how many of the floors it reaches.

    Args:
        turnover: ``symbol``, ``session``, ``turnover`` (currency), sorted.
        floors: Ascending.

    Returns:
        ``symbol``, ``as_of``, ``reached`` (0 to all).
    """
    median = pl.col("turnover").rolling_median(60, min_samples=20).over("symbol")
    reached = pl.sum_horizontal((median >= floor).fill_null(value=False).cast(pl.Int64) for floor in floors)
    return turnover.select("symbol", as_of="session", reached=reached)
