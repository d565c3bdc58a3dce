"""Adjusted prices, derived from raw bars and corporate actions; they are never stored over the raw ones.

Stored bars are raw as Yahoo quotes them: already divided by later splits. What remains is the dividend
adjustment of CRSP and Yahoo: prices before an ex-date are multiplied by ``1 - dividend / previous close``.
"""

import polars as pl

from miraikakaku_assets.domain.bars.frame import PRICES


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
