"""Bars of files that an old batch is judged by. Keep out: batches themselves, which are SQL for anybody."""

from datetime import timedelta
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import plain_array, read_frame
from miraikakaku_assets.adapters.storage.cold.reader import ALWAYS, Instruments, cold_bars, cold_ranges
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.quality.batches import CHANGED_SESSIONS
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.quality.batch import Batch

_ROOM = timedelta(
    days=2
)  # around the sessions, for those that begin the evening before and bars at the close
_EARLIER = """
SELECT i.id FROM unnest($1::int[]) AS i(id) WHERE NOT EXISTS (
    SELECT FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $2 COLLATE "C" AND b.ts < $3::timestamptz)
"""


def old_bars(database: Database, cursor: Any, batch: Batch) -> pl.DataFrame:
    """Five-minute bars in files that suites of a batch may look at; none where its sessions are newer than all files.

    These are the sessions whose bars a collection may have changed, and the newest month before the end of the batch of
    instruments that have traded in none of them: their newest indicators are judged as well.

    Raises:
        ColdFileError: A file is missing or altered.
    """
    days = batch.sessions(CHANGED_SESSIONS)
    end = days["closes"][-1] + _ROOM
    known = cold_ranges(cursor, Timeframe.M5, Instruments(batch.universe.name), ALWAYS, end)
    if known.is_empty():
        return known.clear()
    parameters = (plain_array(known["instrument_id"].unique().sort()), Timeframe.M5.value, end.isoformat())
    silent = read_frame(cursor, _EARLIER, parameters)["id"]
    since = days["opens"][0] - _ROOM
    newest = known.filter(pl.col("instrument_id").is_in(silent.implode())).group_by("instrument_id")
    begins = newest.agg(pl.col("first_ts").max())["first_ts"].to_list()
    begin = min([since, *begins])
    return cold_bars(database, cursor, Timeframe.M5, Instruments(batch.universe.name), begin, end)
