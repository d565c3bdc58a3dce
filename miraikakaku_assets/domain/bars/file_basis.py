"""On which basis a file's prices are, and the way back to what was quoted.

Stored prices are raw: as quoted, divided by later splits only. Download tools adjust for dividends unless told not
to, and drops ``Adj Close`` when it has done so: a file with dividends and without that column holds adjusted prices.
Taking its dividends on top would adjust twice (7203.T of 1999-05-06: 220.71 instead of 417.55).

What a file's layout says is checked by its prices where the exchange has ticks: quoted prices lie on them. Of 4,166 TSE
issues of 2025 as quoted, all but 85 have nine of ten closes on a tick (nearly all of those were split since); in three
files of adjusted prices one or two closes in a hundred are.
"""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from miraikakaku_assets.domain.bars.adjustment import after_session, dividends_undone
from miraikakaku_assets.domain.bars.frame import PRICES
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.price_limits import finest_tick
from miraikakaku_assets.domain.market.sessions import session_table

BASES: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "basis": pl.String(),  # a `FileBasis`
    "dividends": pl.Int64(),  # dividends that were taken out of the prices
}

_ROUNDED = 1e-6  # of the price: factors in files are rounded so far (7203.T: 721.9996 for 722)
_MOSTLY = 0.5
_TELLING = 20  # rows; fewer may lie on or off the ticks by chance


class FileBasis(StrEnum):
    """What the prices of one symbol in a file were; the value is its spelling in reports."""

    QUOTED = "quoted"  # they are taken as they are
    UNDONE = "adjustment_undone"  # adjusted for the dividends of the file, which were taken out again
    BEYOND = "adjusted_by_unnamed"  # adjusted also for dividends or splits that the file does not name


BASIS_SENTENCES = {
    FileBasis.UNDONE: "prices were adjusted for dividends (no Adj Close beside them); the adjustment was undone",
    FileBasis.BEYOND: (
        "prices are off the exchange's ticks: adjusted for dividends or splits that the file does not name, "
        "so what is stored is off what was quoted by that factor"
    ),
}
"""Basis → what a report says of the symbols; quoted prices need no word."""


@dataclass(frozen=True)
class QuotedPrices:
    """A file's bars as they were quoted, as far as the file tells.

    Attributes:
        bars: As they came, with other prices where an adjustment was undone.
        bases: Schema `BASES`, a row per symbol.
    """

    bars: pl.DataFrame
    bases: pl.DataFrame


def quoted_prices(
    bars: pl.DataFrame, actions: pl.DataFrame, universe: Universe, *, is_adjusted: bool
) -> QuotedPrices:
    """Takes a file's dividends out of its prices where they are in them.

    Args:
        bars: Schema `RAW_DAILY`, of one file.
        actions: Schema `ACTIONS`, of the same file.
        universe: Where the symbols belong.
        is_adjusted: Whether the layout says that prices are adjusted for the dividends of the file.
    """
    sessions = session_table(universe.calendar)["session"]
    undone = dividends_undone(bars, actions, sessions) if is_adjusted else bars
    facts = _facts(bars, undone, actions, universe)
    moved = is_adjusted & (pl.col("dividends") > 0)
    # Prices that are on the ticks as they came have not been multiplied by anything.
    as_they_came = universe.has_price_limits & (pl.col("before") > _MOSTLY).fill_null(value=False)
    beyond = (
        universe.has_price_limits
        & (pl.col("rows") >= _TELLING)
        & (pl.col("after") < _MOSTLY).fill_null(value=False)
    )
    basis = (
        pl.when(moved & as_they_came)
        .then(pl.lit(FileBasis.QUOTED.value))
        .when(beyond)
        .then(pl.lit(FileBasis.BEYOND.value))
        .when(moved)
        .then(pl.lit(FileBasis.UNDONE.value))
        .otherwise(pl.lit(FileBasis.QUOTED.value))
    )
    judged = facts.with_columns(basis=basis)
    untouched = pl.col("symbol").is_in(
        judged.filter(pl.col("basis") == FileBasis.QUOTED.value)["symbol"].implode()
    )
    if is_adjusted:
        undone = undone.with_columns(
            pl.when(untouched).then(bars[name]).otherwise(undone[name]).alias(name) for name in PRICES
        )
    taken = pl.when(moved & (pl.col("basis") != FileBasis.QUOTED.value)).then("dividends").otherwise(0)
    return QuotedPrices(undone, judged.select("symbol", "basis", dividends=taken.cast(pl.Int64)))


def _facts(
    bars: pl.DataFrame, undone: pl.DataFrame, actions: pl.DataFrame, universe: Universe
) -> pl.DataFrame:
    """Per symbol: dividends that move earlier prices, and shares of closes on the ticks.

    ``before`` is of closes before the last dividend as they came; ``after`` of those from it on, or of all. A split
    of the file is multiplied in again: prices were quoted before it.
    """
    day = pl.col("session")
    table = bars.select("symbol", "session", "close", quoted=undone["close"])
    paid = actions.filter(pl.col("kind") == "dividend")
    begins = table.group_by("symbol").agg(begins=day.min())
    paid = paid.join(begins, on="symbol").filter(pl.col("ex_date") > pl.col("begins"))
    last = paid.group_by("symbol").agg(last=pl.col("ex_date").max(), dividends=pl.len())
    table = _times_later_splits(table, actions).join(last, on="symbol", how="left")
    counted = pl.col("dividends").first().fill_null(0).cast(pl.Int64)
    if not universe.has_price_limits:
        nothing = pl.lit(None, pl.Float64)
        return table.group_by("symbol").agg(dividends=counted, rows=pl.len(), before=nothing, after=nothing)
    early = (day < pl.col("last")).fill_null(value=False)
    table = table.filter(pl.col("close").is_finite() & (pl.col("close") != 0))
    came, now = on_tick(pl.col("close") * pl.col("ratio")), on_tick(pl.col("quoted") * pl.col("ratio"))
    judged = table.group_by("symbol").agg(
        dividends=counted,
        rows=(~early).sum(),
        before=came.filter(early).mean(),
        after=now.filter(~early).mean(),
    )
    return (
        begins.select("symbol")
        .join(judged, on="symbol", how="left")
        .with_columns(pl.col("dividends", "rows").fill_null(0))
    )


def on_tick(price: pl.Expr) -> pl.Expr:
    """Whether a price lies on the Tokyo Stock Exchange's ticks, give or take what a vendor rounds."""
    ticks = price / finest_tick(price)
    return (ticks - ticks.round()).abs() * finest_tick(price) <= _ROUNDED * price


def _times_later_splits(table: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Adds ``ratio``: new shares for one share of that day."""
    splits = actions.filter((pl.col("kind") == "split") & (pl.col("value") > 0))
    if splits.is_empty():
        return table.with_columns(ratio=pl.lit(1.0))
    splits = splits.unique(["symbol", "ex_date"]).sort("symbol", "ex_date")
    ratios = splits.select("symbol", "ex_date", value=pl.col("value").cum_prod(reverse=True).over("symbol"))
    return table.with_columns(ratio=after_session(table, ratios, default=1.0))
