"""Repairs of gaps: which are worth asking for, in which windows, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl

from miraikakaku_assets.domain.coverage.causes import NEVER_DELIVERED, PERMANENT, SOURCE_HOLE
from miraikakaku_assets.domain.coverage.repair_selection import RepairSelection

FILLED, PARTLY_FILLED, STILL_MISSING, GIVEN_UP = "filled", "partly_filled", "still_missing", "given_up"
OUTCOMES = {
    FILLED: "every bar of the gap is stored now",
    PARTLY_FILLED: "some of its bars are stored now",
    STILL_MISSING: "none came; another repair asks again",
    GIVEN_UP: "none will come: the cause is permanent, or the source has answered without it three times",
}
"""Outcome of a repair → what it says."""

_ANSWERED = (SOURCE_HOLE.name, NEVER_DELIVERED.name)
"""Causes of gaps that the source was asked for and left out."""
_ATTEMPTS = 3
_MOST_WINDOWS = 5
"""Windows of one symbol that are asked for one by one; the nearest of more are asked for together."""

Window = tuple[date, date]


@dataclass(frozen=True)
class RepairPlan:
    """What a repair asks for.

    Attributes:
        gaps: Gaps that are repaired, schema `GAPS`, cut to the selection's window.
        skipped: Cause, or ``given_up`` → gaps that are left alone because no request is expected to fill them.
        passes: Symbol → window of each round of requests; a symbol has one window a round.
    """

    gaps: pl.DataFrame
    skipped: Mapping[str, int]
    passes: Sequence[Mapping[str, Window]]

    @property
    def requests(self) -> int:
        """Windows that are asked for."""
        return sum(len(windows) for windows in self.passes)


def plan_repair(
    gaps: pl.DataFrame, selection: RepairSelection, given_up: pl.DataFrame, sessions: Sequence[date]
) -> RepairPlan:
    """Chooses gaps and makes the smallest windows that hold them.

    Args:
        gaps: Schema `GAPS`.
        selection: Which of them.
        given_up: Columns ``instrument_id``, ``first_session``, ``last_session``: what earlier repairs gave up.
        sessions: Of the window that was checked, ascending.
    """
    chosen = _named(gaps, selection)
    chosen = _cut(chosen, selection, sessions)
    skipped: dict[str, int] = {}
    if not selection.force:
        lasting = pl.col("cause").is_in(PERMANENT)
        skipped = dict(chosen.filter(lasting).group_by("cause").len().sort("cause").iter_rows())
        chosen = chosen.filter(~lasting)
        left = _without(chosen, given_up)
        if left.height < chosen.height:
            skipped[GIVEN_UP] = chosen.height - left.height
        chosen = left
    chosen = _newest(chosen, selection.limit)
    return RepairPlan(chosen, skipped, _passes(chosen))


def chosen_gaps(gaps: pl.DataFrame, selection: RepairSelection) -> pl.DataFrame:
    """Gaps of the selection's symbols and causes, the newest first, at most its limit."""
    return _newest(_named(gaps, selection), selection.limit)


def _named(gaps: pl.DataFrame, selection: RepairSelection) -> pl.DataFrame:
    if selection.symbols is not None:
        gaps = gaps.filter(pl.col("symbol").is_in(list(selection.symbols)))
    if selection.causes is not None:
        gaps = gaps.filter(pl.col("cause").is_in(list(selection.causes)))
    return gaps


def _newest(gaps: pl.DataFrame, limit: int) -> pl.DataFrame:
    ordered = gaps.sort(["last_session", "symbol"], descending=[True, False])
    return ordered.head(limit) if limit else ordered


def _cut(gaps: pl.DataFrame, selection: RepairSelection, sessions: Sequence[date]) -> pl.DataFrame:
    """The part of each gap that lies in the selection's window."""
    days = pl.DataFrame({"day": sessions}, schema={"day": pl.Date}).with_row_index("place")
    first, last = selection.since or date.min, selection.until or date.max
    within = gaps.filter((pl.col("last_session") >= first) & (pl.col("first_session") <= last))
    if selection.since is None and selection.until is None:
        return within
    inside = days.filter(pl.col("day").is_between(first, last))
    if inside.is_empty():
        return within.clear()
    whole = (pl.col("first_session") >= first) & (pl.col("last_session") <= last)
    cut = within.filter(~whole).with_columns(
        pl.col("first_session").clip(lower_bound=inside["day"][0]),
        pl.col("last_session").clip(upper_bound=inside["day"][-1]),
    )
    places = days.with_columns(pl.col("place").cast(pl.Int64))
    placed = cut.join(places, left_on="first_session", right_on="day").join(
        places, left_on="last_session", right_on="day", suffix="_last"
    )
    count = pl.col("place_last") - pl.col("place") + 1
    bars = (pl.col("missing_bars") * count // pl.col("sessions")).alias("missing_bars")
    resized = placed.with_columns(bars, sessions=count.cast(pl.Int32)).select(gaps.columns)
    return pl.concat([within.filter(whole), resized.filter(pl.col("sessions") > 0)])


def _without(gaps: pl.DataFrame, given_up: pl.DataFrame) -> pl.DataFrame:
    """The gaps that lie in nothing that was given up."""
    numbered = gaps.with_row_index("number")
    settled = numbered.join_where(
        given_up.select(given="instrument_id", given_first="first_session", given_last="last_session"),
        pl.col("instrument_id") == pl.col("given"),
        pl.col("first_session") >= pl.col("given_first"),
        pl.col("last_session") <= pl.col("given_last"),
    )
    return numbered.filter(~pl.col("number").is_in(settled["number"].unique().implode())).drop("number")


def _passes(gaps: pl.DataFrame) -> list[dict[str, Window]]:
    """Rounds in which every symbol has one window at most."""
    rounds: list[dict[str, Window]] = []
    for (symbol,), own in gaps.sort("symbol", "first_session").group_by("symbol", maintain_order=True):
        windows = list(own.select("first_session", "last_session").iter_rows())
        for number, window in enumerate(_joined(windows)):
            if number == len(rounds):
                rounds.append({})
            rounds[number][str(symbol)] = window
    return rounds


def _joined(windows: Sequence[Window]) -> list[Window]:
    """The windows, ascending; of more than a few the nearest neighbours become one."""
    joined = list(windows)
    while len(joined) > _MOST_WINDOWS:
        distances = [after[0] - before[1] for before, after in pairwise(joined)]
        nearest = distances.index(min(distances))
        (first, last), (_, other_last) = joined[nearest : nearest + 2]
        joined[nearest : nearest + 2] = [(first, max(last, other_last))]
    return joined


RESULTS: dict[str, pl.DataType] = {
    "instrument_id": pl.Int32(),
    "symbol": pl.String(),
    "first_session": pl.Date(),
    "last_session": pl.Date(),
    "missing_before": pl.Int64(),
    "cause_before": pl.String(),
    "missing_after": pl.Int64(),
    "cause_after": pl.String(),
    "outcome": pl.String(),
}
"""Columns of what came of a repair, one row per gap."""


def judge_repair(
    repaired: pl.DataFrame,
    left: pl.DataFrame,
    missing_after: Sequence[int],
    attempts: Mapping[tuple[int, date], int],
) -> pl.DataFrame:
    """What came of each gap.

    Args:
        repaired: Gaps that were asked for, schema `GAPS`.
        left: Gaps after the repair, schema `GAPS`.
        missing_after: Bars that each of `repaired` still misses.
        attempts: Instrument and first session → earlier repairs of that gap that brought nothing.

    Returns:
        Schema `RESULTS`, in the order of `repaired`.
    """
    causes: dict[int, list[tuple[date, date, str]]] = {}
    for row in left.iter_rows(named=True):
        causes.setdefault(row["instrument_id"], []).append(
            (row["first_session"], row["last_session"], row["cause"])
        )
    rows: list[dict[str, Any]] = []
    for gap, missing in zip(repaired.iter_rows(named=True), missing_after, strict=True):
        first, last, instrument = gap["first_session"], gap["last_session"], gap["instrument_id"]
        inside = [cause for begin, end, cause in causes.get(instrument, ()) if begin <= last and end >= first]
        cause = inside[0] if missing and inside else None
        rows.append(
            {
                "instrument_id": instrument,
                "symbol": gap["symbol"],
                "first_session": first,
                "last_session": last,
                "missing_before": gap["missing_bars"],
                "cause_before": gap["cause"],
                "missing_after": missing,
                "cause_after": cause,
                "outcome": _outcome(
                    gap["missing_bars"], missing, cause, attempts.get((instrument, first), 0)
                ),
            }
        )
    return pl.DataFrame(rows, schema=RESULTS)


def _outcome(before: int, after: int, cause: str | None, attempts: int) -> str:
    if after == 0:
        return FILLED
    if cause in PERMANENT or (cause in _ANSWERED and attempts + 1 >= _ATTEMPTS):
        return GIVEN_UP
    return PARTLY_FILLED if after < before else STILL_MISSING
