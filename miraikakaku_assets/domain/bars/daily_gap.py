"""How far the 5-minute bars of a session are from its daily bar. It is measured, and never used to build.

Tokyo's opening and closing auctions are priced by the exchange in one go; the source's 5-minute bars miss the closing
one, so a daily bar built from them would have another close and too little volume on most days.
"""

import polars as pl

from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import session_table, trading_hours


def daily_gap(daily: pl.DataFrame, intraday: pl.DataFrame, universe: Universe) -> pl.DataFrame:
    """Compares each session's 5-minute bars, put together, with the daily bar that was collected.

    Args:
        daily: Collected daily bars: ``symbol``, ``ts`` (UTC open of the session), prices, ``volume``.
        intraday: Stored 5-minute bars of the same basis (both as collected, without a split in between).
        universe: Whose sessions they belong to.

    Returns:
        One row per symbol with sessions in both: ``symbol``, ``sessions`` (compared), ``volume_share`` (median of
        5-minute volume over daily volume, null without volume), ``close_equal``, ``open_equal`` (shares of the
        sessions in which last and first price are the daily ones, to a 1e-9th), ``range_equal`` (high and low
        alike) and ``close_gap`` (median distance of the closes, as a part of the daily close); sorted.
    """
    dated = session_table(universe.calendar).select("session", "opens")
    of_day = daily.join(dated, left_on="ts", right_on="opens", how="inner")
    hours = trading_hours(universe.calendar).select("session", "opens")
    put_together = (
        intraday.sort("ts")
        .join_asof(hours, left_on="ts", right_on="opens", strategy="backward")
        .group_by("symbol", "session", maintain_order=True)
        .agg(
            first=pl.col("open").first(),
            top=pl.col("high").max(),
            bottom=pl.col("low").min(),
            last=pl.col("close").last(),
            sold=pl.col("volume").sum(),
        )
    )
    both = of_day.join(put_together, on=["symbol", "session"], how="inner")
    share = pl.when(pl.col("volume") > 0).then(pl.col("sold") / pl.col("volume"))
    return (
        both.group_by("symbol")
        .agg(
            sessions=pl.len(),
            volume_share=share.median(),
            close_equal=_equal("last", "close").mean(),
            open_equal=_equal("first", "open").mean(),
            range_equal=(_equal("top", "high") & _equal("bottom", "low")).mean(),
            close_gap=(pl.col("last") / pl.col("close") - 1).abs().median(),
        )
        .sort("symbol")
    )


def _equal(built: str, collected: str) -> pl.Expr:
    return (pl.col(built) / pl.col(collected) - 1).abs() < 1e-9  # noqa: PLR2004 - rounding of a vendor's factors
