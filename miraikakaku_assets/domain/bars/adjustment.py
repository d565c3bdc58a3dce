"""Adjusted prices, derived from raw bars and corporate actions; they are never stored over the raw ones.

Stored bars are raw as the source quotes them: already divided by later splits. What remains is the dividend
adjustment of CRSP: prices before an ex-date are multiplied by ``1 - dividend / previous close``.
"""

import numpy as np
import polars as pl

from miraikakaku_assets.domain.bars.frame import PRICES

_DAYS = 1 << 24  # more days than between the years 1 and 9999


def dividend_adjusted(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Prices as if every dividend had been reinvested; the newest bar keeps its price.

    Args:
        bars: Columns ``symbol``, ``session`` and the four prices (raw), sorted by both; others are kept.
        actions: Schema `ACTIONS`; amounts per share on the basis of the bars (split-adjusted alike).

    Returns:
        The bars with adjusted prices. A dividend as large as the previous close is ignored: it is an error.
    """
    dividends = (
        actions.filter(pl.col("kind") == "dividend").group_by("symbol", "ex_date").agg(pl.col("value").sum())
    )
    if bars.is_empty() or dividends.is_empty():
        return bars
    # A dividend dated to a day without a bar counts from the next bar on.
    at = dividends.sort("ex_date").join_asof(
        bars.select("symbol", "session").sort("session"),
        left_on="ex_date",
        right_on="session",
        by="symbol",
        strategy="forward",
        check_sortedness=False,
    )
    at = at.drop_nulls("session").group_by("symbol", "session").agg(dividend=pl.col("value").sum())
    previous = pl.col("close").shift(1).over("symbol")
    step = 1 - pl.col("dividend") / previous
    known = bars.join(at, on=["symbol", "session"], how="left", maintain_order="left")
    known = known.with_columns(step=pl.when(step > 0).then(step).otherwise(1.0).fill_null(1.0))
    # The factor of a bar is the product of the steps after it.
    factor = pl.col("step").reverse().cum_prod().reverse().shift(-1, fill_value=1.0).over("symbol")
    adjusted = known.with_columns(factor=factor).with_columns(
        pl.col(name) * pl.col("factor") for name in PRICES
    )
    return adjusted.select(bars.columns)


def dividends_undone(bars: pl.DataFrame, actions: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """The inverse of `dividend_adjusted`: prices before the adjustment, from those after it and the dividends.

    With ``F`` the factor of the bars from an ex-date on and ``A`` the adjusted close before it, the factor before it
    is ``F * (1 - D / C)`` and ``A = F * (C - D)``. The unknown close ``C`` drops out: ``1 / factor`` grows by
    ``D / A`` at every ex-date. That is exact, also where a vendor's dividend exceeds the price and its adjusted
    prices are negative (all of 8919.T before 2016).

    Args:
        bars: Columns ``symbol``, ``session`` and the four prices, in any order; others are kept.
        actions: Schema `ACTIONS`: the dividends that the prices were adjusted by.
        sessions: Days whose close may be the one before a dividend; vendors fill holidays with copies.
    """
    dividends = actions.filter(pl.col("kind") == "dividend").unique(["symbol", "ex_date", "value"])
    ends = bars.group_by("symbol").agg(end=pl.col("session").max())
    within = dividends.join(ends, on="symbol").filter(pl.col("ex_date") <= pl.col("end"))
    paid = within.group_by("symbol", "ex_date").agg(pl.col("value").sum())
    if paid.is_empty():
        return bars
    codes = {symbol: code for code, symbol in enumerate(paid["symbol"].unique().sort())}
    priced = bars.select("symbol", "session", "close").filter(
        pl.col("close").is_finite()
        & (pl.col("close") != 0)
        & pl.col("symbol").is_in(list(codes))
        & pl.col("session").is_in(sessions.implode())
    )
    closes = priced.with_columns(key=_keys(priced, "session", codes)).sort("key")
    steps = paid.with_columns(key=_keys(paid, "ex_date", codes)).sort("key")
    before = np.searchsorted(closes["key"].to_numpy(), steps["key"].to_numpy()) - 1
    known = closes[np.maximum(before, 0)] if closes.height else closes.clear(len(before))
    same = pl.Series(before >= 0) & (known["symbol"] == steps["symbol"])
    steps = steps.with_columns(close=known["close"]).filter(same)
    growth = (pl.col("value") / pl.col("close")).cum_sum(reverse=True).over("symbol")
    factor = 1 + after_session(bars, steps.select("symbol", "ex_date", value=growth), default=0.0)
    return bars.with_columns(pl.col(name) * factor for name in PRICES)


def after_session(bars: pl.DataFrame, steps: pl.DataFrame, default: float) -> pl.Series:
    """What holds at each bar when a value is given for all sessions before a day.

    Args:
        bars: Columns ``symbol`` and ``session``, in any order.
        steps: Columns ``symbol``, ``ex_date``, ``value``: what holds between the step before and this day.
        default: What holds from a symbol's last day on.
    """
    if steps.is_empty():
        return pl.Series([default], dtype=pl.Float64).new_from_index(0, bars.height)
    codes = {symbol: code for code, symbol in enumerate(steps["symbol"].unique().sort())}
    ordered = steps.with_columns(key=_keys(steps, "ex_date", codes)).sort("key")
    keys, mine = ordered["key"].to_numpy(), _keys(bars, "session", codes).to_numpy()
    place = np.searchsorted(keys, mine, side="right")
    there = np.minimum(place, len(keys) - 1)
    same = (place < len(keys)) & (keys[there] // _DAYS == mine // _DAYS)
    return pl.Series(np.where(same, ordered["value"].to_numpy()[there], default))


def _keys(rows: pl.DataFrame, day: str, codes: dict[str, int]) -> pl.Series:
    """One number per symbol and day that sorts like both, so that a binary search finds a day of a symbol."""
    code = pl.col("symbol").replace_strict(codes, default=-1, return_dtype=pl.Int64)
    return rows.select(code * _DAYS + pl.col(day).to_physical().cast(pl.Int64) + _DAYS // 2).to_series()
