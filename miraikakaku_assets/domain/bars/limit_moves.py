"""Moves of the close where an exchange limits them: the TSE's daily price limits.

The table of limits is about quoted prices. What a source delivers is divided by every split since, so a price of 99 yen
before a consolidation of ten shares to one stands as 990, whose limit is 150 yen and not 300.
"""

from datetime import date, timedelta

import polars as pl

from miraikakaku_assets.domain.bars.moves import (
    NEIGHBOUR_RULES,
    finding,
    is_unit,
    look_closely,
    no_verdicts,
    strays_from_close,
    stretch_length,
    with_actions,
)
from miraikakaku_assets.domain.bars.quality_rule import Check, first_broken
from miraikakaku_assets.domain.bars.rules import BEYOND_LIMIT, SPLIT_UNADJUSTED, UNIT_CHANGE
from miraikakaku_assets.domain.market import price_limits

_TAKEN_BACK = 0.25  # of the move: an undone spike ends this near to where it began
_AGAIN = timedelta(days=5)  # a like split within it is the same one, dated a second time


def judge_by_limits(valid: pl.DataFrame, actions: pl.DataFrame, today: date) -> pl.DataFrame:
    """Judges moves against the daily limits of the session; see docs/decisions/0003-price-moves.md.

    Args:
        valid: As in `miraikakaku_assets.domain.bars.settling.settle`; prices in JPY.
        actions: Schema `ACTIONS`; splits by which the prices before them are divided.
        today: Exchange date of the delivery: splits that are still to come have divided nothing.
    """
    close, base, after = pl.col("close"), pl.col("base"), pl.col("after1")
    move = (close - base).abs()
    is_large = (move > price_limits.SMALLEST_FRACTION * base) | strays_from_close()
    large = look_closely(valid, is_large)
    if large.is_empty():
        return no_verdicts(large)
    large = with_actions(large, actions)
    large = large.with_columns(ratio=quoted_ratio(large, actions.filter(pl.col("ex_date") <= today)))
    ratio = pl.col("ratio")
    tick = price_limits.tick_size(pl.max_horizontal("close", "base") * ratio) / ratio
    width, next_width = (price_limits.limit_width(price * ratio) / ratio for price in (base, close))
    factor = (close / base).log()
    expanded = move > price_limits.EXPANDED * width + tick
    large = large.with_columns(
        move=factor,
        beyond=((move > width + tick) & ~pl.col("near")).fill_null(value=False),
        expanded=expanded,
        impossible=expanded | (pl.col("volume") == 0) | (move > price_limits.LARGEST_FRACTION * base),
        confirmed=((after - close).abs() <= next_width + tick).fill_null(value=False),
        undone=((after - base).abs() <= _TAKEN_BACK * move).fill_null(value=False),
        length=stretch_length(factor, base),
    )
    flag = (
        pl.when(pl.col("by_split"))
        .then(pl.lit(SPLIT_UNADJUSTED))
        .when(pl.col("beyond") & is_unit(pl.col("move")))
        .then(pl.lit(UNIT_CHANGE))
        .when(pl.col("beyond"))
        .then(pl.lit(BEYOND_LIMIT))
    )
    return finding(large, first_broken(NEIGHBOUR_RULES, Check.LIMITS), flag)


def quoted_ratio(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.Series:
    """By what a price is multiplied to be the one that was quoted: the splits after its session.

    Args:
        bars: Columns ``symbol`` and ``at`` (session).
        actions: Schema `ACTIONS`.
    """
    splits = actions.filter((pl.col("kind") == "split") & pl.col("value").is_finite() & (pl.col("value") > 0))
    splits = splits.join(bars.select("symbol").unique(), on="symbol", how="semi")
    splits = splits.unique(["symbol", "ex_date"], keep="last").sort("symbol", "ex_date")
    again = (pl.col("value") == pl.col("value").shift(1)) & (
        pl.col("ex_date") - pl.col("ex_date").shift(1) <= _AGAIN
    )
    splits = splits.filter(~again.over("symbol").fill_null(value=False))
    dated = bars.select("symbol", "at").with_row_index("nth")
    later = dated.join(splits, on="symbol").filter(pl.col("ex_date") > pl.col("at"))
    ratios = later.group_by("nth").agg(ratio=pl.col("value").product())
    return dated.join(ratios, on="nth", how="left", maintain_order="left")["ratio"].fill_null(1.0)
