"""What is stored, as a grid of issues and sessions: one small number a cell instead of a row a bar.

4,435 issues × 5,731 sessions are 25 MB. Fifteen million bars pass through it in batches and are never held at once.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import (
    FINAL_AFTER,
    session_table,
    slot_bounds,
    slots_per_session,
    utc_of,
)

_NOBODY = -1


class SessionGrid:
    """Counts stored bars per issue and session of a window.

    Attributes:
        universe: Whose sessions.
        timeframe: Collected timeframe: one bar a session of 1d, one a slot of 5m.
        sessions: Session dates, ascending: the columns.
        due: How many bars each session should have.
        instrument_ids: The rows.
        stored: Bars that are stored, by row and column.
        closed: Cells in which the market of an instrument was closed while another of the universe traded; None where
            all instruments trade on the same days.
    """

    def __init__(
        self,
        universe: Universe,
        timeframe: Timeframe,
        first: date,
        last: date,
        instrument_ids: Sequence[int],
        symbols: Sequence[str] = (),
    ) -> None:
        self.universe = universe
        self.timeframe = timeframe
        table = session_table(universe.calendar).filter(pl.col("session").is_between(first, last))
        self.sessions: list[date] = table["session"].to_list()
        self._final = _microseconds(table["closes"] + FINAL_AFTER)
        self._starts, self._ends, self._columns, self.due = _spans(universe, timeframe, table)
        self.instrument_ids = np.asarray(instrument_ids, dtype=np.int64)
        self._rows = _row_numbers(self.instrument_ids)
        kind = np.uint8 if timeframe is Timeframe.D1 else np.uint16
        self.stored = np.zeros((len(self.instrument_ids), len(self.sessions)), dtype=kind)
        self.closed = self._closed(symbols)

    def _closed(self, symbols: Sequence[str]) -> NDArray[np.bool_] | None:
        if not self.universe.markets or not symbols:
            return None
        calendars = [self.universe.calendar_of(symbol) for symbol in symbols]
        days = pl.Series(self.sessions, dtype=pl.Date)
        rests = {
            name: ~days.is_in(session_table(name)["session"].implode()).to_numpy() for name in set(calendars)
        }
        return np.array([rests[name] for name in calendars], dtype=np.bool_).reshape(len(symbols), len(days))

    def rest_days(self) -> NDArray[Any]:
        """Cumulated closed columns of each row, one more than there are columns; one row of zeros for none."""
        if self.closed is None:
            return np.zeros((1, len(self.sessions) + 1), dtype=np.int64)
        return np.pad(np.cumsum(self.closed, axis=1, dtype=np.int64), ((0, 0), (1, 0)))

    @cached_property
    def bounds(self) -> tuple[datetime, datetime] | None:
        """From when until when (UTC) bars count; None where the window has no session."""
        if not self.sessions:
            return None
        zero = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
        return (
            zero + timedelta(microseconds=int(self._starts[0])),
            zero + timedelta(microseconds=int(self._ends[-1])),
        )

    def add(self, instrument_ids: NDArray[Any], starts: NDArray[Any]) -> None:
        """Counts bars.

        Args:
            instrument_ids: Whose each is; those of no row are left out.
            starts: Their starts, microseconds since 1970 (UTC); those in no session are left out.
        """
        if not self.sessions:
            return
        rows = self.rows_of(instrument_ids)
        spans = np.searchsorted(self._starts, starts, side="right") - 1
        counts = (rows >= 0) & (spans >= 0) & (starts < self._ends[np.maximum(spans, 0)])
        if not counts.all():
            rows, spans = rows[counts], spans[counts]
        if self.timeframe is Timeframe.D1:
            self.stored[rows, self._columns[spans]] = 1
        else:
            np.add.at(self.stored, (rows, self._columns[spans]), 1)

    def shortfall(self, row: int, first: date, last: date) -> int:
        """Bars that a row misses between two dates, both included, of those its sessions should have."""
        begin, end = np.searchsorted(
            self._days, pl.Series([first, last], dtype=pl.Date).to_physical().to_numpy()
        )
        columns = slice(begin, end + 1 if end < len(self.sessions) and self.sessions[end] == last else end)
        due = self.due[columns] if self.closed is None else self.due[columns] * ~self.closed[row, columns]
        return int(np.maximum(due - self.stored[row, columns].astype(np.int64), 0).sum())

    def rows_of(self, instrument_ids: NDArray[Any]) -> NDArray[Any]:
        """The row of each instrument, -1 for those that have none."""
        known = np.minimum(instrument_ids, len(self._rows) - 1)
        return np.where(known == instrument_ids, self._rows[known], _NOBODY)

    def columns_from(self, days: pl.Series) -> NDArray[Any]:
        """The first column at or after each date; as many as there are sessions where none is left."""
        return np.searchsorted(self._days, days.to_physical().to_numpy(), side="left")

    def columns_final_at(self, moments: pl.Series) -> NDArray[Any]:
        """How many columns were final at each moment (UTC)."""
        return np.searchsorted(self._final, _microseconds(moments), side="right")

    @cached_property
    def _days(self) -> NDArray[Any]:
        return pl.Series(self.sessions, dtype=pl.Date).to_physical().to_numpy()


def _row_numbers(instrument_ids: NDArray[Any]) -> NDArray[Any]:
    """Row of each instrument id, as a table that is looked up by it."""
    highest = int(instrument_ids.max(initial=0))
    rows = np.full(highest + 2, _NOBODY, dtype=np.int32)
    rows[instrument_ids] = np.arange(len(instrument_ids), dtype=np.int32)
    return rows


def _spans(
    universe: Universe, timeframe: Timeframe, table: pl.DataFrame
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Starts and ends of the spans in which bars count, the column of each, and how many bars a session should have."""
    numbered = table.select("session").with_row_index("column")
    if timeframe is Timeframe.D1:
        zone = universe.time_zone
        begins = utc_of(pl.col("session"), 0, zone)
        ends = utc_of(pl.col("session") + timedelta(days=1), 0, zone)
        spans = numbered.select("column", begins=begins, ends=ends)
        due = np.ones(table.height, dtype=np.int64)
    else:
        bounds = numbered.join(
            slot_bounds(universe.calendar), on="session", how="left", maintain_order="left"
        )
        spans = pl.concat(
            [
                bounds.select("column", begins="opens", ends="pauses"),
                bounds.select("column", begins="resumes", ends="ends").drop_nulls(),
            ]
        ).sort("begins")
        slots = numbered.join(
            slots_per_session(universe.calendar), on="session", how="left", maintain_order="left"
        )
        due = slots["slots"].fill_null(0).to_numpy().astype(np.int64)
    return _microseconds(spans["begins"]), _microseconds(spans["ends"]), spans["column"].to_numpy(), due


def _microseconds(moments: pl.Series) -> NDArray[Any]:
    return moments.dt.epoch("us").to_numpy()
