"""Bars around a delivery, read for its validation: stored ones, and those in quarantine for a move they made."""

from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import read_frame
from miraikakaku_assets.adapters.storage.cold.reader import (
    Instruments,
    beside_stored,
    cold_bars,
    cold_ranges,
    replaced_in,
    steady,
)
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.bars.frame import STORED_BARS
from miraikakaku_assets.domain.bars.rules import MOVE_RULES
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.operations.cold_months import COLD_TIMEFRAMES

_WINDOWS = """
    SELECT i.id, i.symbol, asked.day::timestamp AT TIME ZONE $4 AS begins,
           (asked.last + 1)::timestamp AT TIME ZONE $4 AS ends
    FROM unnest($1::text[], $2::date[], $3::date[]) AS asked(symbol, day, last)
    JOIN miraikakaku.instruments i ON i.symbol = asked.symbol AND i.universe = $5"""

_COLUMNS = "open, high, low, close, volume::float8 AS volume, status, flag, source"

# LIMIT NULL is no limit. Three ranges of one index instead of a window function over a whole history.
_STORED = f"""
SELECT wanted.symbol, (held.ts AT TIME ZONE $4)::date AS session, held.*, NULL::text AS rule,
       held.ts < wanted.begins AS older, held.ts >= wanted.ends AS newer
FROM ({_WINDOWS}) AS wanted
CROSS JOIN LATERAL (
    (SELECT ts, {_COLUMNS} FROM miraikakaku.price_bars b
     WHERE b.instrument_id = wanted.id AND b.timeframe = $6 AND b.ts < wanted.begins ORDER BY ts DESC LIMIT $7::int)
    UNION ALL
    (SELECT ts, {_COLUMNS} FROM miraikakaku.price_bars b
     WHERE b.instrument_id = wanted.id AND b.timeframe = $6 AND b.ts >= wanted.begins AND b.ts < wanted.ends)
    UNION ALL
    (SELECT ts, {_COLUMNS} FROM miraikakaku.price_bars b
     WHERE b.instrument_id = wanted.id AND b.timeframe = $6 AND b.ts >= wanted.ends ORDER BY ts LIMIT $7::int)
) AS held
"""

_HELD = f"""
SELECT wanted.symbol, (held.ts AT TIME ZONE $4)::date AS session, held.ts, held.open, held.high, held.low, held.close,
       held.volume, NULL::text AS status, NULL::text AS flag, held.source, held.rule, held.last_seen_at
FROM ({_WINDOWS}) AS wanted
JOIN miraikakaku.quarantined_bars AS held ON held.instrument_id = wanted.id AND held.timeframe = $6
WHERE held.released_at IS NULL AND held.rule IN ({", ".join(f"'{rule}'" for rule in MOVE_RULES)})
"""


def read_neighbours(
    database: Database, cursor: Any, parameters: tuple[str, ...], bars: int | None
) -> pl.DataFrame:
    """Schema `STORED_BARS`, sorted by symbol and time.

    Args:
        database: Knows where cold bars are.
        cursor: Of a bulk connection.
        parameters: Arrays of symbols, first and last exchange dates; time zone, universe and timeframe.
        bars: How many stored bars before and after each window; None for all there are.
    """
    steady(cursor, Timeframe(parameters[-1]))
    stored = read_frame(cursor, _STORED, (*parameters, bars))
    reaching = _reaching_cold(cursor, parameters, stored, bars)
    if reaching:
        chosen = Instruments(ids=reaching)
        cold = cold_bars(database, cursor, Timeframe(parameters[-1]), chosen)
        both = beside_stored(cursor, cold, Timeframe(parameters[-1]))
        stored = read_frame(cursor, replaced_in(_STORED, both), (*parameters, bars))
    held = read_frame(cursor, _HELD, parameters)
    if not held.is_empty():
        held = held.sort("last_seen_at").unique(["symbol", "ts"], keep="last")
        held = _between(held.join(stored, on=["symbol", "ts"], how="anti"), stored, bars)
    frames = [
        frame.select(pl.col(name).cast(kind) for name, kind in STORED_BARS.items())
        for frame in (stored, held)
    ]
    return pl.concat(frames).sort("symbol", "ts")


def _reaching_cold(
    cursor: Any, parameters: tuple[str, ...], stored: pl.DataFrame, bars: int | None
) -> list[int]:
    """Instruments whose bars in or around their windows may lie in files.

    Of most none does: their windows begin after the files end, and the database has enough bars before them.
    """
    timeframe = Timeframe(parameters[-1])
    if timeframe not in COLD_TIMEFRAMES:
        return []
    windows = read_frame(cursor, _WINDOWS, parameters[:5])
    ranges = cold_ranges(cursor, timeframe, Instruments(ids=windows["id"]))
    if ranges.is_empty():
        return []
    newest = ranges.group_by("instrument_id").agg(newest=pl.col("last_ts").max())
    before = stored.group_by("symbol").agg(before=pl.col("older").sum())
    known = windows.join(newest, left_on="id", right_on="instrument_id").join(before, on="symbol", how="left")
    enough = pl.lit(value=False) if bars is None else pl.col("before").fill_null(0) >= bars
    return known.filter((pl.col("newest") >= pl.col("begins")) | ~enough)["id"].unique().to_list()


def _between(held: pl.DataFrame, stored: pl.DataFrame, bars: int | None) -> pl.DataFrame:
    """The held bars that lie among the stored ones at hand, not beyond the last of them."""
    if bars is None:
        return held
    ends = stored.group_by("symbol").agg(
        oldest=pl.when(pl.col("older").sum() >= bars).then(pl.col("ts").min()),
        newest=pl.when(pl.col("newer").sum() >= bars).then(pl.col("ts").max()),
    )
    placed = held.join(ends, on="symbol", how="left")
    beyond = (pl.col("ts") < pl.col("oldest")) | (pl.col("ts") > pl.col("newest"))
    return placed.filter(~beyond.fill_null(value=False))
