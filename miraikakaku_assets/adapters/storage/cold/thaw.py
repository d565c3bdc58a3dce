"""Bars that come back from files, in the transaction of whoever needs them in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import append_rows, plain_array
from miraikakaku_assets.adapters.storage.cold.reader import (
    BAR_TYPES,
    Instruments,
    by_file,
    cold_ranges,
    in_file,
)
from miraikakaku_assets.adapters.storage.cold.statements import LEAVE_RANGES, RELEASE
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.operations.cold_months import COLD_TIMEFRAMES

_KEY = ("instrument_id", "ts")
_TICK = timedelta(microseconds=1)


def thaw_touched(
    database: Database, cursor: Any, timeframe: Timeframe, rows: Sequence[pl.DataFrame], now: datetime
) -> int:
    """Brings back the months that rows about to be written reach into; says how many bars.

    A delivery for a time that lies in a file is rare: it is written as any other, and the next move takes the months
    away again.

    Args:
        database: Knows where the files are.
        cursor: Of a bulk connection that holds the locks of the instruments.
        timeframe: Of the rows.
        rows: Frames with ``instrument_id`` and ``ts``.
        now: The moment (UTC).

    Raises:
        ColdFileError: A file is missing or altered.
    """
    if timeframe not in COLD_TIMEFRAMES:
        return 0
    touched = pl.concat([frame.select(pl.col(name).cast(BAR_TYPES[name]) for name in _KEY) for frame in rows])
    touched = touched.drop_nulls().unique()
    if touched.is_empty():
        return 0
    earliest, latest = touched.select(first=pl.col("ts").min(), last=pl.col("ts").max()).row(0)
    instruments = Instruments(ids=touched["instrument_id"].unique().sort())
    ranges = cold_ranges(cursor, timeframe, instruments, earliest, latest + _TICK)
    if ranges.is_empty():
        return 0
    within = pl.col("ts").is_between("first_ts", "last_ts")
    met = ranges.join(touched, on="instrument_id").filter(within).select("instrument_id", "month").unique()
    return thaw(database, cursor, timeframe, ranges.join(met, on=["instrument_id", "month"], how="semi"), now)


def thaw(database: Database, cursor: Any, timeframe: Timeframe, ranges: pl.DataFrame, now: datetime) -> int:
    """Puts the bars of some ranges into the database and takes the ranges out of force; says how many bars.

    Args:
        database: Knows where the files are.
        cursor: Of a bulk connection that holds the locks of the instruments.
        timeframe: Of the ranges.
        ranges: As of `cold_ranges`.
        now: The moment (UTC).

    Raises:
        ColdFileError: A file is missing or altered.
    """
    if ranges.is_empty():
        return 0
    count = 0
    for figures, of_file in by_file(ranges):
        bars = in_file(database, figures, of_file).select(
            *BAR_TYPES, pl.lit(timeframe.value).alias("timeframe")
        )
        append_rows(cursor, "price_bars", bars)
        count += bars.height
    months = plain_array(ranges["month"])
    cursor.execute(LEAVE_RANGES, (plain_array(ranges["instrument_id"]), months, timeframe.value))
    cursor.execute(RELEASE, (plain_array(ranges["file_id"].unique().sort()), now.isoformat()))
    return count
