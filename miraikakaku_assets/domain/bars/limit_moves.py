"""Moves of the close where an exchange limits them: the TSE's daily price limits."""

import polars as pl

from miraikakaku_assets.domain.bars.moves import (
    finding,
    is_unit,
    look_closely,
    nothing_found,
    stray_price,
    strays_from_close,
    stretch_length,
    with_actions,
)
from miraikakaku_assets.domain.bars.rules import BEYOND_LIMIT, SPLIT_UNADJUSTED, UNIT_CHANGE
from miraikakaku_assets.domain.market import price_limits

_TAKEN_BACK = 0.25  # of the move: an undone spike ends this near to where it began


def judge_by_limits(valid: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Judges moves against the daily limits of the session; see docs/decisions/0003-price-moves.md.

    Args:
        valid: As in `miraikakaku_assets.domain.bars.settling.settle`; prices in JPY.
        actions: Schema `ACTIONS`.
    """
    close, base, after = pl.col("close"), pl.col("base"), pl.col("after1")
    move = (close - base).abs()
    is_large = (move > price_limits.SMALLEST_FRACTION * base) | strays_from_close()
    large = look_closely(valid, is_large)
    if large.is_empty():
        return nothing_found(large)
    large = with_actions(large, actions)
    tick = price_limits.tick_size(pl.max_horizontal("close", "base"))
    width = price_limits.limit_width(base)
    factor = (close / base).log()
    large = large.with_columns(
        beyond=((move > width + tick) & ~pl.col("near")).fill_null(value=False),
        expanded=move > price_limits.EXPANDED * width + tick,
        confirmed=((after - close).abs() <= price_limits.limit_width(close) + tick).fill_null(value=False),
        undone=((after - base).abs() <= _TAKEN_BACK * move).fill_null(value=False),
        length=stretch_length(factor, base),
        unit=is_unit(factor),
    )
    impossible = pl.col("expanded") | (pl.col("volume") == 0) | (move > price_limits.LARGEST_FRACTION * base)
    stretch = pl.col("beyond") & (pl.col("length") > 1)
    verdict = (
        pl.when(stray_price())
        .then(pl.lit("stray_price"))
        .when(stretch & pl.col("unit"))
        .then(pl.lit("unit_error"))
        .when(stretch & pl.col("by_split"))
        .then(pl.lit("split_error"))
        .when(pl.col("beyond") & pl.col("undone") & impossible)
        .then(pl.lit("limit_undone"))
        .when(pl.col("beyond") & pl.col("expanded") & ~pl.col("confirmed"))
        .then(pl.lit("limit_absurd"))
    )
    flag = (
        pl.when(pl.col("by_split"))
        .then(pl.lit(SPLIT_UNADJUSTED))
        .when(pl.col("beyond") & pl.col("unit"))
        .then(pl.lit(UNIT_CHANGE))
        .when(pl.col("beyond"))
        .then(pl.lit(BEYOND_LIMIT))
    )
    return finding(large, verdict, flag)
