"""Several rows for one session or slot: which one is the bar."""

import polars as pl

from miraikakaku_assets.domain.bars.frame import PRICES
from miraikakaku_assets.domain.bars.quality_rule import Check, QualityRule, first_broken

DUPLICATE_RULES = (
    QualityRule(
        "provisional_duplicate",
        "a running bar beside the official bar of its session or slot",
        {Check.SAME_TIME: ~pl.col("competes")},
    ),
    QualityRule(
        "conflicting_duplicate",
        "two different bars claim the same session or slot",
        {Check.SAME_TIME: pl.col("variants") > 1},
    ),
    QualityRule("duplicate_bar", "the same bar came twice", {Check.SAME_TIME: pl.col("nth") > 1}),
)


def mark_duplicates(bars: pl.DataFrame, at: str, official: pl.Expr) -> pl.DataFrame:
    """Fills ``rule`` so that at most one valid row per symbol and time stays.

    A running bar gives way to an official one; of equal rows the first stays; of different ones none.

    Args:
        bars: Columns ``symbol``, the one named `at`, the prices, ``volume`` and ``rule``; rows of the same key
            are neighbours.
        at: Column that names the session or slot.
        official: Whether a row is the bar itself and no snapshot of its last trade.
    """
    key = ["symbol", at]
    candidates = bars.with_row_index("position").filter(pl.col("rule").is_null())
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key).fill_null(value=False)
    doubled = candidates.filter(same | same.shift(-1, fill_value=False))
    if doubled.is_empty():
        return bars
    doubled = (
        doubled.with_columns(official=official.fill_null(value=True))
        .with_columns(officials=pl.col("official").sum().over(key))
        .with_columns(competes=pl.col("official") | (pl.col("officials") == 0))
        .with_columns(
            nth=pl.col("position").rank("ordinal").over([*key, "competes"]),
            variants=pl.struct(*PRICES, "volume").n_unique().over([*key, "competes"]),
        )
    )
    verdicts = doubled.select("position", second_rule=first_broken(DUPLICATE_RULES, Check.SAME_TIME))
    return (
        bars.with_row_index("position")
        .join(verdicts, on="position", how="left", maintain_order="left")
        .with_columns(rule=pl.coalesce("rule", "second_rule"))
        .drop("position", "second_rule")
    )
