"""Prices on the basis a reader wants: as stored, adjusted for splits, or for splits and dividends.

Stored prices are never changed. What a source quotes is already divided by the splits of its day: daily bars,
whose history is pulled again after every split, are on today's scale as they are. 5-minute bars are not pulled
again, the source having them for 60 days only: what was fetched before a split keeps the old scale.

Longer timeframes are built from bars on the wanted basis (`aggregate` after `on_basis`): the high of a week that
pays a dividend is no multiple of the week's raw high.
"""

from enum import StrEnum

import polars as pl

from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted
from miraikakaku_assets.domain.bars.frame import PRICES
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import session_table, trading_hours


class PriceBasis(StrEnum):
    """What a price of the past is compared by; the value is its spelling in commands and tables."""

    RAW = "raw"  # as stored
    SPLIT_ADJUSTED = "split_adjusted"  # on the newest scale
    ADJUSTED = "adjusted"  # and as if every dividend had been reinvested: the newest bar keeps its price


def on_basis(
    bars: pl.DataFrame,
    basis: PriceBasis,
    timeframe: Timeframe,
    universe: Universe,
    actions: pl.DataFrame,
    daily: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The bars with prices on another basis; volumes follow splits only.

    Args:
        bars: Stored bars: ``symbol``, ``ts`` (UTC start), the prices, ``volume``; for 5-minute bars also
            ``fetched_at`` (UTC). Sorted by symbol and ts; other columns are kept.
        basis: What is wanted.
        timeframe: 5m or 1d, the collected ones.
        universe: Whose sessions date the bars.
        actions: Schema `ACTIONS`: splits in new shares per old share, dividends per share on the daily bars' scale.
        daily: Stored daily bars of the same symbols, needed to adjust 5-minute bars for dividends: a dividend
            is measured by the close before it, and 5-minute bars do not have Tokyo's.

    Raises:
        ConfigurationError: A timeframe that is built, or 5-minute bars without what is needed to adjust them.
    """
    if basis is PriceBasis.RAW:
        return bars
    if timeframe is Timeframe.D1:
        return bars if basis is PriceBasis.SPLIT_ADJUSTED else _whole_days(bars, universe, actions)
    if timeframe is not Timeframe.M5:
        raise ConfigurationError(
            f"{timeframe} bars are built: put their 5m or 1d bars on the basis {basis} first"
        )
    if "fetched_at" not in bars.columns:
        raise ConfigurationError(
            "5m bars need their column fetched_at: it says on which side of a split they are"
        )
    adjusted = _split_adjusted(bars, universe, actions)
    if basis is PriceBasis.SPLIT_ADJUSTED:
        return adjusted
    if daily is None:
        raise ConfigurationError(
            "5m bars are adjusted for dividends by the closes of daily bars; give them, too"
        )
    return _times_daily_factor(adjusted, daily, universe, actions)


def _split_adjusted(bars: pl.DataFrame, universe: Universe, actions: pl.DataFrame) -> pl.DataFrame:
    """Divides what was fetched before the open of an ex-date by its ratio, and every later one's."""
    splits = actions.filter(pl.col("kind") == "split").sort("ex_date")
    if splits.is_empty():
        return bars
    opens = session_table(universe.calendar).select("session", "opens")
    dated = splits.join_asof(opens, left_on="ex_date", right_on="session", strategy="forward").sort("opens")
    ahead = dated.select("symbol", "opens", ratio=pl.col("value").cum_prod(reverse=True).over("symbol"))
    fetched = bars.select("symbol", "fetched_at").unique().sort("fetched_at")
    ratios = fetched.join_asof(
        ahead,
        left_on="fetched_at",
        right_on="opens",
        by="symbol",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    ).select("symbol", "fetched_at", pl.col("ratio").fill_null(1.0))
    known = bars.join(ratios, on=["symbol", "fetched_at"], how="left", maintain_order="left")
    volume = (pl.col("volume") * pl.col("ratio")).round().cast(pl.Int64)
    return known.with_columns(*(pl.col(name) / pl.col("ratio") for name in PRICES), volume=volume).select(
        bars.columns
    )


def _whole_days(bars: pl.DataFrame, universe: Universe, actions: pl.DataFrame) -> pl.DataFrame:
    if "session" in bars.columns:
        return dividend_adjusted(bars, actions)
    dates = session_table(universe.calendar).select("session", ts="opens")
    dated = bars.join(dates, on="ts", how="left", maintain_order="left")
    return dividend_adjusted(dated, actions).select(bars.columns)


def _times_daily_factor(
    bars: pl.DataFrame, daily: pl.DataFrame, universe: Universe, actions: pl.DataFrame
) -> pl.DataFrame:
    """A session without a daily bar has the factor of the one before it, or of the first one."""
    whole = _whole_days(daily.with_columns(open=pl.lit(1.0)), universe, actions)  # an open of 1 is the factor
    opens = trading_hours(universe.calendar).select("session", "opens")
    named = session_table(universe.calendar).select("session", ts="opens")
    factors = whole.select("symbol", "ts", factor="open").join(named, on="ts").drop("ts").sort("session")
    dated = (
        bars.with_row_index("row")
        .sort("ts")
        .join_asof(opens, left_on="ts", right_on="opens", strategy="backward")
    )
    places = dated.select("row", "symbol", "session").sort("session")
    scaled = places.join_asof(factors, on="session", by="symbol", strategy="backward", check_sortedness=False)
    first = factors.group_by("symbol").agg(first=pl.col("factor").sort_by("session").first())
    scaled = scaled.join(first, on="symbol", how="left").sort("row")
    factor = scaled.select(pl.coalesce("factor", "first").fill_null(1.0)).to_series()
    return bars.with_columns(pl.col(name) * factor for name in PRICES)
