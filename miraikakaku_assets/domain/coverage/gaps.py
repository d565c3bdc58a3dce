"""Gaps as ranges of sessions, found on the grid of issues and sessions some hundred issues at a time."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.coverage.causes import (
    AFTER_LAST_BAR,
    FETCH_FAILED,
    HALTED,
    LISTED_LATER,
    NEVER_DELIVERED,
    NEVER_REQUESTED,
    NOT_ON_SOURCE,
    ORDERED,
    OUT_OF_RANGE,
    QUARANTINED,
    RATE_LIMITED,
    SOURCE_HOLE,
)
from miraikakaku_assets.domain.coverage.frames import DAYS, GAPS
from miraikakaku_assets.domain.coverage.grid import SessionGrid

_CODES = {cause: code for code, cause in enumerate(ORDERED, start=1)}
_CELLS = 1_000_000
"""Cells that are looked at together: a dozen arrays of some megabytes each, whatever the market's size."""
DAYS_SHOWN = 60
"""Newest sessions of which expected and stored bars are counted per sector."""


@dataclass(frozen=True)
class Holdings:
    """What is listed, what is stored, and what is known about the rest.

    Attributes:
        list_date: Date of the list the issues are taken from.
        issues: Columns ``instrument_id``, ``symbol``, ``segment``, ``sector``, ``listed_on``, ``delisted_on``,
            ``fetch_failed`` (whether its last collection failed), ``rate_limited`` (whether because the source refused
            it), ``not_on_source`` (whether the source said then that it does not know the symbol). Active issues.
        grid: Final bars stored, by issue in this order and session.
        refused: Schema `REFUSED`.
        asked: Schema `ASKED`.
    """

    list_date: date
    issues: pl.DataFrame
    grid: SessionGrid
    refused: pl.DataFrame
    asked: pl.DataFrame


@dataclass(frozen=True)
class Tally:
    """What was counted; arrays by issue.

    Attributes:
        begins: First column that is expected.
        ends: The column after the last that is expected.
        last_bar: Column of the newest stored bar, -1 for none.
        expected: Bars.
        stored: Expected bars that are stored.
        gaps: Schema `GAPS` and ``segment``.
        days: Schema `DAYS`.
    """

    begins: NDArray[Any]
    ends: NDArray[Any]
    last_bar: NDArray[Any]
    expected: NDArray[Any]
    stored: NDArray[Any]
    gaps: pl.DataFrame
    days: pl.DataFrame


@dataclass(frozen=True)
class _Evidence:
    """What decides about causes, by issue; columns where nothing else is said."""

    first_bar: NDArray[Any]
    last_bar: NDArray[Any]
    failed: NDArray[Any]
    limited: NDArray[Any]
    unknown: NDArray[Any]
    served_from: int
    asked: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
    refused: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def find_gaps(holdings: Holdings, served_from: date | None) -> Tally:
    """Counts what is expected and stored, and finds every gap with its cause.

    Args:
        holdings: What is listed and stored.
        served_from: First day the source still serves; None: it has no such limit.
    """
    grid, issues = holdings.grid, holdings.issues
    rows, columns = grid.stored.shape
    evidence = _evidence(holdings, served_from)
    begins, ends = _expected_span(holdings, evidence.first_bar)
    cumulated = np.concatenate([[0], np.cumsum(grid.due)])
    expected = np.where(ends > begins, cumulated[ends] - cumulated[np.minimum(begins, ends)], 0)
    expected = expected - _rested(grid, begins, ends)
    stored = np.zeros(rows, dtype=np.int64)
    sectors, sector_of = np.unique(issues["sector"].to_numpy(), return_inverse=True)
    shown = slice(max(columns - DAYS_SHOWN, 0), columns)
    days = np.zeros((2, len(sectors), columns - shown.start), dtype=np.int64)
    ranges = []
    step = max(_CELLS // max(columns, 1), 1)
    for start in range(0, rows, step) if columns else ():
        chunk = slice(start, min(start + step, rows))
        due, present = _chunk(grid, begins[chunk], ends[chunk], chunk)
        stored[chunk] = present.sum(axis=1)
        np.add.at(days[0], sector_of[chunk], due[:, shown])
        np.add.at(days[1], sector_of[chunk], present[:, shown])
        short = np.flatnonzero(stored[chunk] < expected[chunk])
        if len(short):
            missing = due[short] - present[short]
            ranges.append(_ranges(start + short, missing, _causes(start + short, missing > 0, evidence)))
    return Tally(
        begins, ends, evidence.last_bar, expected, stored, _gaps(holdings, ranges), _days(grid, sectors, days)
    )


def _rested(grid: SessionGrid, begins: NDArray[Any], ends: NDArray[Any]) -> NDArray[Any]:
    """Days in the expected span of each issue on which its own market was closed; one bar each would be due."""
    if grid.closed is None:
        return np.zeros(len(begins), dtype=np.int64)
    rests, rows = grid.rest_days(), np.arange(len(begins))
    rested: NDArray[Any] = np.where(
        ends > begins, rests[rows, ends] - rests[rows, np.minimum(begins, ends)], 0
    )
    return rested


def _chunk(
    grid: SessionGrid, begins: NDArray[Any], ends: NDArray[Any], chunk: slice
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bars that are due, and those of them that are stored, of some issues."""
    column = np.arange(len(grid.sessions))
    expected = (column >= begins[:, None]) & (column < ends[:, None])
    due = (expected * grid.due).astype(np.int32)
    if grid.closed is not None:
        due[grid.closed[chunk]] = 0
    return due, np.minimum(grid.stored[chunk], due)


def _expected_span(holdings: Holdings, first_bar: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """First column that is expected of each issue, and the one after the last."""
    issues, grid = holdings.issues, holdings.grid
    width = len(grid.sessions)
    listed = grid.columns_from(issues["listed_on"].fill_null(date.min))
    begins = np.where(issues["listed_on"].is_null().to_numpy(), 0, np.minimum(listed, first_bar))
    delisted = grid.columns_from(issues["delisted_on"].fill_null(date.max))
    return begins, np.where(issues["delisted_on"].is_null().to_numpy(), width, delisted)


def _evidence(holdings: Holdings, served_from: date | None) -> _Evidence:
    issues, grid = holdings.issues, holdings.grid
    width = len(grid.sessions)
    first_bar = np.full(len(grid.stored), width, dtype=np.int64)
    last_bar = np.full(len(grid.stored), -1, dtype=np.int64)
    for row, counts in enumerate(grid.stored):
        columns = np.flatnonzero(counts)
        if len(columns):
            first_bar[row], last_bar[row] = columns[0], columns[-1]
    return _Evidence(
        first_bar=first_bar,
        last_bar=last_bar,
        failed=issues["fetch_failed"].to_numpy(),
        limited=issues["rate_limited"].to_numpy(),
        unknown=issues["not_on_source"].to_numpy(),
        served_from=0 if served_from is None else int(grid.columns_from(pl.Series([served_from]))[0]),
        asked=_asked(holdings),
        refused=_refused(holdings),
    )


def _asked(holdings: Holdings) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Row, first column and column after the last of each answered window, in the order of the rows."""
    grid, asked = holdings.grid, holdings.asked
    rows = grid.rows_of(asked["instrument_id"].to_numpy())
    begins = grid.columns_from(asked["since"])
    final = grid.columns_final_at(asked["answered_at"])
    ends = grid.columns_from(asked["until"].fill_null(date.max - timedelta(days=1)) + timedelta(days=1))
    ends = np.minimum(ends, final)
    useful = (rows >= 0) & (ends > begins)
    order = np.argsort(rows[useful], kind="stable")
    return rows[useful][order], begins[useful][order], ends[useful][order]


def _refused(holdings: Holdings) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Row and column of each session with a refused bar, and the code of its cause, in the order of the rows."""
    grid, refused = holdings.grid, holdings.refused
    rows = grid.rows_of(refused["instrument_id"].to_numpy())
    columns = grid.columns_from(refused["session"])
    days = pl.Series(grid.sessions, dtype=pl.Date)
    # A row on a day without a session is refused, too, and explains no gap.
    inside = (rows >= 0) & refused["session"].is_in(days.implode()).to_numpy()
    codes = np.where(refused["without_trade"].to_numpy(), _CODES[HALTED], _CODES[QUARANTINED]).astype(
        np.uint8
    )
    order = np.argsort(rows[inside], kind="stable")
    return rows[inside][order], columns[inside][order], codes[inside][order]


def _causes(rows: NDArray[Any], short: NDArray[Any], evidence: _Evidence) -> NDArray[Any]:
    """The code of the cause of each cell that is short, 0 elsewhere; later lines overrule earlier ones."""
    column = np.arange(short.shape[1])
    first, last = evidence.first_bar[rows][:, None], evidence.last_bar[rows][:, None]
    bare, newer = last < 0, column > last
    codes = np.full(short.shape, _CODES[SOURCE_HOLE], dtype=np.uint8)
    codes[newer] = _CODES[AFTER_LAST_BAR]
    codes[column < first] = _CODES[LISTED_LATER]
    codes[np.broadcast_to(bare, short.shape)] = _CODES[NEVER_DELIVERED]
    codes[~_covered(rows, short.shape, evidence.asked)] = _CODES[NEVER_REQUESTED]
    codes[newer & evidence.failed[rows][:, None]] = _CODES[FETCH_FAILED]
    codes[newer & evidence.limited[rows][:, None]] = _CODES[RATE_LIMITED]
    codes[np.broadcast_to(bare & evidence.unknown[rows][:, None], short.shape)] = _CODES[NOT_ON_SOURCE]
    codes[:, : evidence.served_from] = _CODES[OUT_OF_RANGE]
    where, columns, named = _of_rows(rows, evidence.refused)
    codes[where, columns] = named
    codes[~short] = 0
    return codes


def _covered(
    rows: NDArray[Any], shape: tuple[int, ...], windows: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
) -> NDArray[Any]:
    """Which cells lie in a window: windows that begin less those that have ended."""
    where, begins, ends = _of_rows(rows, windows)
    steps = np.zeros((shape[0], shape[1] + 1), dtype=np.int16)
    np.add.at(steps, (where, begins), 1)
    np.add.at(steps, (where, ends), -1)
    covered: NDArray[Any] = np.cumsum(steps[:, :-1], axis=1, dtype=np.int16) > 0
    return covered


def _of_rows(
    rows: NDArray[Any], entries: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The entries of some issues, with the issue's place among them instead of its row."""
    low, high = np.searchsorted(entries[0], [rows[0], rows[-1] + 1])
    own = [column[low:high] for column in entries]
    place = np.searchsorted(rows, own[0])
    mine = rows[place] == own[0]
    return place[mine], own[1][mine], own[2][mine]


def _ranges(rows: NDArray[Any], missing: NDArray[Any], codes: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Runs of one cause: row, first and last column, missing bars, code."""
    width = codes.shape[1] + 1  # a column of nothing keeps the last run of a row from the first of the next
    flat = np.zeros((len(rows), width), dtype=np.uint8)
    flat[:, :-1] = codes
    line = np.concatenate([[0], flat.ravel()])
    changes = np.flatnonzero(line[1:] != line[:-1])
    begins = changes[line[changes + 1] != 0]
    nexts = np.searchsorted(changes, begins, side="right")
    ends = changes[nexts]  # the run ends before the next change, which the column of nothing always brings
    bars = np.zeros((len(rows), width), dtype=np.int64)
    bars[:, :-1] = missing
    cumulated = np.concatenate([[0], np.cumsum(bars.ravel())])
    return {
        "row": rows[begins // width],
        "first": begins % width,
        "last": (ends - 1) % width,
        "missing_bars": cumulated[ends] - cumulated[begins],
        "code": line[begins + 1],
    }


def _gaps(holdings: Holdings, ranges: list[dict[str, NDArray[Any]]]) -> pl.DataFrame:
    names = ("row", "first", "last", "missing_bars", "code")
    columns = {
        name: np.concatenate([np.zeros(0, dtype=np.int64), *(part[name] for part in ranges)]).astype(np.int64)
        for name in names
    }
    days = pl.Series(holdings.grid.sessions, dtype=pl.Date)
    causes = pl.Series([cause.name for cause in ORDERED], dtype=pl.String)
    issues = holdings.issues
    gaps = pl.DataFrame(
        {
            **{name: issues[name].gather(columns["row"]) for name in ("instrument_id", "symbol", "segment")},
            "first_session": days.gather(columns["first"]),
            "last_session": days.gather(columns["last"]),
            "sessions": columns["last"] - columns["first"] + 1,
            "missing_bars": columns["missing_bars"],
            "cause": causes.gather(columns["code"] - 1),
        }
    )
    return gaps.select(*(pl.col(name).cast(kind) for name, kind in GAPS.items()), "segment")


def _days(grid: SessionGrid, sectors: NDArray[Any], counts: NDArray[Any]) -> pl.DataFrame:
    shown = grid.sessions[len(grid.sessions) - counts.shape[2] :]
    return pl.DataFrame(
        {
            "sector": np.repeat(sectors.astype(str), len(shown)),
            "session": shown * len(sectors),
            "expected_bars": counts[0].ravel(),
            "stored_bars": counts[1].ravel(),
        },
        schema=DAYS,
    )
