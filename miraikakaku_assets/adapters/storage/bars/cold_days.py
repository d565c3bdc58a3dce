"""Bars of exchange dates from both places they lie in, in one frame."""

from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from miraikakaku_assets.adapters.storage.cold.reader import ALWAYS, NEVER
from miraikakaku_assets.domain.market.instruments import Universe

_FIRST, _LAST = date(1, 1, 8), date(9999, 12, 24)  # dates that a week can be taken from or added to


def begin_of(day: date | None, later: int) -> datetime:
    """Midnight (UTC) so many days after a date, or a moment beyond all bars on that side of it."""
    if day is None or not _FIRST <= day <= _LAST:
        return ALWAYS if later < 0 else NEVER
    return datetime.combine(day + timedelta(days=later), time(), UTC)


def with_cold(
    stored: pl.DataFrame, cold: pl.DataFrame, universe: Universe, since: date | None, until: date | None
) -> pl.DataFrame:
    """Stored bars and those of files, by symbol and time, as if all of them were stored.

    Args:
        stored: Columns of the port's `read`.
        cold: As of `cold_bars`, of those dates and around them.
        universe: Whose dates they are.
        since: First exchange date, None for the first there is.
        until: Last exchange date.
    """
    if cold.is_empty():
        return stored
    dated = cold.with_columns(session=pl.col("ts").dt.convert_time_zone(universe.time_zone).dt.date())
    within = pl.col("session").is_between(since or date.min, until or date.max)
    return pl.concat([dated.filter(within).select(stored.columns), stored]).sort("symbol", "ts")
