"""Bars of a file beside stored ones of the same sessions: on one scale, taken onto it, or on another.

A slice of a file of adjusted prices names the dividends within it. The later ones, by which it is adjusted as well, are
in the store where the history goes on; with both the way back to the quoted prices is exact. What does not come back
that way must not be stored: the first 2,889 bars of 7203.T were once restated to adjusted prices, and others stayed.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import polars as pl

from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted
from miraikakaku_assets.domain.bars.frame import PRICES

_ROUNDED = 1e-6  # of the price: single precision, and the factors of vendors
_SAME = 1e-4  # of the price: vendors round dividends, and take a factor from a rounded close
_OFF = 5e-4  # beyond it a close is another one
_STEP = 0.0025  # between neighbouring ratios; prices of a 300 yen share before a 1:5 split round by 0.2 %
_SHARE = 0.75  # of the compared bars that must agree; the others are corrections
_FEWEST = 2  # one bar that differs is a correction


@dataclass(frozen=True)
class StoredScale:
    """What became of bars that overlap stored ones.

    Attributes:
        bars: As they came, those of `undone` with the prices that were quoted.
        undone: Symbol → how many dividends after its last bar were taken out of its prices.
        off: Symbols whose bars lie on another scale than the stored ones.
    """

    bars: pl.DataFrame
    undone: Mapping[str, int] = field(default_factory=dict)
    off: AbstractSet[str] = frozenset()


def on_stored_scale(
    bars: pl.DataFrame, actions: pl.DataFrame, stored: pl.DataFrame, known: pl.DataFrame
) -> StoredScale:
    """Compares bars of histories whose stored end lies behind them.

    Args:
        bars: Schema `RAW_DAILY`, the dividends of their own file taken out of the prices.
        actions: Schema `ACTIONS`, of that file.
        stored: Columns ``symbol``, ``session`` and the four prices (raw), sorted by both, from the first of the bars
            to the end of what is stored.
        known: Stored corporate actions (schema `ACTIONS`).
    """
    numbered = bars.with_row_index("place")
    priced = numbered.filter(pl.col("refusal").is_null() & pl.col("close").is_finite())
    both = priced.join(stored.select("symbol", "session", held="close"), on=["symbol", "session"])
    ratio = pl.col("close") / pl.col("held")
    doubtful = both.filter((ratio - 1).abs() > _SAME)["symbol"].unique().sort()
    undone: dict[str, int] = {}
    off, back = set(), []
    for symbol in doubtful:
        mine = pl.col("symbol") == symbol
        own = priced.filter(mine).sort("session", "place")
        held = stored.filter(mine)
        later = known.filter(
            mine & (pl.col("kind") == "dividend") & (pl.col("ex_date") > own["session"].max())
        )
        quoted = _later_undone(own, actions.filter(mine), held, later)
        if _agreeing(quoted, held) >= _SHARE and _agreeing(quoted, held) > _agreeing(own, held):
            undone[symbol] = later["ex_date"].n_unique()
            back.append(_as_stored(quoted, held).select("place", *PRICES))
        elif _is_moved(own, held):
            off.add(symbol)
    if back:
        numbered = numbered.update(pl.concat(back), on="place", maintain_order="left")
    return StoredScale(numbered.drop("place"), undone, off)


def _later_undone(
    own: pl.DataFrame, actions: pl.DataFrame, held: pl.DataFrame, later: pl.DataFrame
) -> pl.DataFrame:
    """Prices without dividends that were paid after the last bar.

    With ``f`` the factor of those dividends at the last bar, the adjusted price ``A`` before an ex-date is
    ``f * F * C``. Without ``f`` the dividends of the file led to ``A * (1 + growth)`` where ``A * (1 / f + growth)``
    was quoted: what lacks is ``A * (1 / f - 1)``.
    """
    past = held.filter(pl.col("session") <= own["session"].max()).tail(1)
    until = pl.concat([past, held.filter(pl.col("session") > own["session"].max())])
    factor = (dividend_adjusted(until, later)["close"] / until["close"])[0]
    came = dividend_adjusted(own, actions)
    return own.with_columns(own[name] + came[name] * (1 / factor - 1) for name in PRICES)


def _ratios(bars: pl.DataFrame, held: pl.DataFrame) -> pl.Series:
    """Closes over stored ones, in the order of their sessions."""
    both = bars.join(held.select("session", held="close"), on="session", maintain_order="left")
    return both["close"] / both["held"]


def _agreeing(bars: pl.DataFrame, held: pl.DataFrame) -> float:
    return float(((_ratios(bars, held) - 1).abs() <= _SAME).mean() or 0.0)  # type: ignore[arg-type]


def _as_stored(bars: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Prices that differ by rounding only are the stored ones: nothing is restated."""
    both = bars.join(
        held.select("session", *(pl.col(name).alias(f"held_{name}") for name in PRICES)),
        on="session",
        how="left",
        maintain_order="left",
    )
    return both.with_columns(
        pl.when((pl.col(name) / pl.col(f"held_{name}") - 1).abs() <= _ROUNDED)
        .then(f"held_{name}")
        .otherwise(name)
        .alias(name)
        for name in PRICES
    )


def _is_moved(bars: pl.DataFrame, held: pl.DataFrame) -> bool:
    """Whether closes up to some day are off the stored ones by a factor that hardly ever changes.

    Corrections differ from bar to bar; the factor of dividends and splits changes on their ex-dates only.
    """
    ratios = _ratios(bars, held)
    off = (ratios - 1).abs() > _OFF
    moved = ratios.head(int(off.arg_true().max() or 0) + 1) if off.any() else ratios.clear()  # type: ignore[arg-type]
    if moved.len() < _FEWEST:
        return False
    size = abs(float(moved.median()) - 1)  # type: ignore[arg-type]
    steady = (moved / moved.shift(1) - 1).abs().drop_nulls() <= min(_STEP, size / 4)
    return float(off.head(moved.len()).mean()) >= _SHARE and float(steady.mean()) >= _SHARE  # type: ignore[arg-type]
