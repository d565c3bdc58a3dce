"""Histories that a source has restated as a whole: a split moves every price before it.

Daily collections ask for the newest sessions only. When the source publishes a split, it divides the whole history;
what is stored from before would keep the old scale, and a jump nobody traded. The signs are looked for in what
each collection brings anyway: a split that is not stored yet, and stored closes that all moved by one factor.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

LOOK_BACK = 15
"""Stored bars of a symbol that are compared with the delivery."""

_SAME_FACTOR = 0.0025  # distance of a ratio from its factor; a 1:5 split of a 300 yen share rounds by 0.2 %
_MOVED = 0.01  # below it a restated close is a correction; the smallest stock dividends seen are 1:1.02
_FEWEST = 2  # bars that must agree: one restated bar is no restated history
_SHARE = 0.75  # of the compared bars that must agree; the others are corrections


@dataclass(frozen=True)
class Rescaling:
    """One restated history.

    Attributes:
        symbol: Whose.
        reason: ``split`` (a new one is delivered) or ``scale`` (all prices moved, and no split says why).
        factor: New price of an old bar over its stored price, e.g. 0.2 for a 5:1 split; NaN when no stored bar
            is in the delivery to compare with.
        oldest: First session stored, from which on the history is pulled again.
        ex_date: Of the split.
        session: The bar that is shown, before and after.
        old_close: Its stored close.
        new_close: Its close in the history that was pulled again.
    """

    symbol: str
    reason: str
    factor: float
    oldest: date
    ex_date: date | None = None
    session: date | None = None
    old_close: float | None = None
    new_close: float | None = None

    def __str__(self) -> str:
        """One line, old → new."""
        why = f"split on {self.ex_date}" if self.ex_date else "the source restated all prices"
        if self.old_close is None or self.new_close is None:
            return f"{why}: history pulled again from {self.oldest}"
        return f"{why}: close of {self.session} {self.old_close:g} → {self.new_close:g}"


def rescaled_histories(
    overlap: pl.DataFrame, delivered: pl.DataFrame, known: pl.DataFrame, actions: pl.DataFrame
) -> dict[str, Rescaling]:
    """Which stored histories no longer have the scale of what was delivered.

    Args:
        overlap: Columns ``symbol``, ``session``, ``close``, ``oldest``: stored bars of the delivered window, of
            symbols whose history begins before it.
        delivered: Delivered bars, columns ``symbol``, ``session``, ``close``.
        known: Stored corporate actions (schema `ACTIONS`).
        actions: Delivered corporate actions (schema `ACTIONS`).

    Returns:
        Symbol → what was found, empty when every history still fits.
    """
    if overlap.is_empty():
        return {}
    oldest = dict(overlap.select("symbol", "oldest").unique("symbol").iter_rows())
    ratios = _ratios(overlap, delivered)
    splits = _new_splits(known, actions, oldest)
    before = ratios.join(splits, on="symbol", how="inner").filter(pl.col("session") < pl.col("ex_date"))
    compared = before.group_by("symbol", "ex_date").agg(factor=pl.col("ratio").median(), bars=pl.len())
    seen = {(symbol, day): factor for symbol, day, factor, bars in compared.iter_rows() if bars >= _FEWEST}
    rescaled = {}
    for symbol, ex_date in splits.iter_rows():
        # Too few to compare: it is believed. Bars before it that did not move: they have the new scale already.
        factor = seen.get((symbol, ex_date), float("nan"))
        if not abs(factor - 1) <= _MOVED:
            rescaled[symbol] = Rescaling(symbol, "split", factor, oldest[symbol], ex_date)
    for symbol, factor in _moved(ratios).items():
        rescaled.setdefault(symbol, Rescaling(symbol, "scale", factor, oldest[symbol]))
    return rescaled


def _ratios(overlap: pl.DataFrame, delivered: pl.DataFrame) -> pl.DataFrame:
    """Delivered close over stored close, where both are prices."""
    both = overlap.join(
        delivered.select("symbol", "session", new="close"), on=["symbol", "session"], how="inner"
    )
    ratio = pl.col("new") / pl.col("close")
    return both.select("symbol", "session", ratio=ratio).filter(
        pl.col("ratio").is_finite() & (pl.col("ratio") > 0)
    )


def _moved(ratios: pl.DataFrame) -> dict[str, float]:
    """Symbols whose stored closes up to some day moved by one factor, with the factor."""
    ratio = pl.col("ratio")
    last = ratios.filter((ratio - 1).abs() > _MOVED).group_by("symbol").agg(last=pl.col("session").max())
    # A history restated as a whole moves up to some day; a bar of it may have been corrected at the same time.
    until = ratios.join(last, on="symbol", how="inner").filter(pl.col("session") <= pl.col("last"))
    factors = until.group_by("symbol").agg(
        factor=ratio.median(),
        agreeing=((ratio / ratio.median() - 1).abs() < _SAME_FACTOR).sum(),
        bars=pl.len(),
    )
    whole = factors.filter(
        ((pl.col("factor") - 1).abs() > _MOVED)
        & (pl.col("agreeing") >= _FEWEST)
        & (pl.col("agreeing") >= _SHARE * pl.col("bars"))
    )
    return dict(whole.select("symbol", "factor").iter_rows())


def _new_splits(known: pl.DataFrame, actions: pl.DataFrame, oldest: dict[str, date]) -> pl.DataFrame:
    """Delivered splits that are not stored, or with another ratio, of histories that began before them."""
    key = ["symbol", "ex_date", "value"]
    splits = actions.filter(pl.col("kind") == "split").select(key)
    stored = known.filter(pl.col("kind") == "split").select(key)
    new = splits.join(stored, on=key, how="anti").select("symbol", "ex_date").sort("symbol", "ex_date")
    begins = pl.DataFrame(list(oldest.items()), schema={"symbol": pl.String, "begins": pl.Date}, orient="row")
    later = new.join(begins, on="symbol", how="inner").filter(pl.col("begins") < pl.col("ex_date"))
    return later.select("symbol", "ex_date").sort("symbol", "ex_date")
