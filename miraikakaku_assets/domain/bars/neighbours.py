"""A delivery among the bars that are stored: what its bars are judged to be, and what they change about the others."""

from dataclasses import dataclass

import polars as pl

from miraikakaku_assets.domain.bars.frame import STORED_BARS, empty
from miraikakaku_assets.domain.bars.moves import Judge
from miraikakaku_assets.domain.bars.rules import MOVE_FLAGS, SUPERSEDING_RULES
from miraikakaku_assets.domain.bars.settling import settle

_SEEN = ("high", "low", "close", "volume")


@dataclass(frozen=True)
class Moves:
    """A delivery judged by the moves of its closes.

    Attributes:
        bars: The delivered rows with ``rule`` filled and ``flag`` added.
        reconsidered: Schema `STORED_BARS`: bars that were not delivered, with the ``rule`` and ``flag`` that are new.
        cut: Symbols whose stored bars at hand do not suffice.
    """

    bars: pl.DataFrame
    reconsidered: pl.DataFrame
    cut: tuple[str, ...]


def mark_moves(
    bars: pl.DataFrame, at: str, stored: pl.DataFrame, whole: frozenset[str], judge: Judge
) -> Moves:
    """Refuses and flags what does not fit its neighbours, delivered and stored ones alike.

    Args:
        bars: Columns ``symbol``, the one named `at`, the prices, ``volume`` and ``rule``, sorted by the first two.
        at: Column that names the session or slot, one valid row each.
        stored: Schema `STORED_BARS`.
        whole: Symbols whose whole stored history is in `stored`.
        judge: What the instruments may do.
    """
    key = ["symbol", at]
    others = _not_delivered(bars, key, stored)
    valid = bars.filter(pl.col("rule").is_null()).select(*key, *_SEEN, delivered=pl.lit(value=True))
    valid = valid.with_columns(marked=pl.lit(value=False))
    if not others.is_empty():
        marked = pl.col("rule").is_not_null() | pl.col("flag").is_in(MOVE_FLAGS)
        beside = others.select(
            *key, *_SEEN, delivered=pl.lit(value=False), marked=marked.fill_null(value=False)
        )
        valid = pl.concat([valid, beside]).sort(key)
    settled = settle(valid.rename({at: "at"}), judge, whole)
    verdicts = settled.refused.join(settled.flagged, on=["symbol", "at"], how="full", coalesce=True)
    verdicts = verdicts.rename({"at": at, "flag": "mark"})
    return Moves(
        _marked(bars, key, verdicts),
        _reconsidered(others, key, settled.judged.rename({"at": at}), verdicts),
        settled.cut,
    )


def _not_delivered(bars: pl.DataFrame, key: list[str], stored: pl.DataFrame) -> pl.DataFrame:
    """Stored bars that the delivery does not replace: what it sends broken leaves the stored bar as it is."""
    if stored.is_empty():
        return stored
    replaced = bars.filter(pl.col("rule").is_null() | pl.col("rule").is_in(SUPERSEDING_RULES)).select(key)
    return stored.join(replaced, on=key, how="anti", maintain_order="left")


def _marked(bars: pl.DataFrame, key: list[str], verdicts: pl.DataFrame) -> pl.DataFrame:
    if verdicts.is_empty():
        return bars.with_columns(flag=pl.lit(None, pl.String))
    marked = bars.join(verdicts, on=key, how="left", maintain_order="left")
    unmarked = pl.col("rule").is_null()
    return marked.with_columns(
        rule=pl.coalesce("rule", "verdict"), flag=pl.when(unmarked & pl.col("verdict").is_null()).then("mark")
    ).drop("verdict", "mark")


def _reconsidered(
    others: pl.DataFrame, key: list[str], judged: pl.DataFrame, verdicts: pl.DataFrame
) -> pl.DataFrame:
    if others.is_empty():
        return empty(STORED_BARS)
    anew = others.join(judged, on=key, how="semi", maintain_order="left")
    anew = anew.join(verdicts, on=key, how="left", maintain_order="left")
    own = pl.when(~pl.col("flag").is_in(MOVE_FLAGS)).then(
        "flag"
    )  # what the bar is marked for by itself stays
    flag = pl.when(pl.col("verdict").is_null()).then(pl.coalesce("mark", own))
    changed = pl.col("verdict").ne_missing(pl.col("rule")) | flag.ne_missing(pl.col("flag"))
    return anew.filter(changed).with_columns(flag=flag, rule="verdict").select(*STORED_BARS)
