"""How a delivery of bars is written: one transaction, and marks of what is due because of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import (
    append_rows,
    bulk_cursor,
    lock_instruments,
    moment_array,
    plain_array,
    read_frame,
    stage,
    text_array,
)
from miraikakaku_assets.adapters.storage.alerts.statements import as_json, raise_statement
from miraikakaku_assets.adapters.storage.bars import statements
from miraikakaku_assets.adapters.storage.cold.thaw import thaw_touched
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.withdrawals import withdrawal_alert, withdrawals
from miraikakaku_assets.domain.market.instruments import COLLECTED_TIMEFRAMES, Timeframe
from miraikakaku_assets.fault_points import fault_point

_RAISED = raise_statement("$1", "$2")

_WITHDRAWN: dict[str, pl.DataType] = {
    "instrument_id": pl.Int32(),
    "symbol": pl.String(),
    "universe": pl.String(),
    "ts": pl.Datetime("us", "UTC"),
    "close": pl.Float64(),
    "status": pl.String(),
    "rule": pl.String(),
}


class StaleRanges:
    """What a delivery has changed, and therefore what is derived from it has to be computed again.

    Attributes:
        whole: Instruments of which everything is due, from the first bar on.
    """

    def __init__(self) -> None:
        self.whole = pl.Series("instrument_id", [], dtype=pl.Int32)
        self._earliest: list[pl.DataFrame] = []

    def taken_from(self, changed: pl.DataFrame) -> pl.DataFrame:
        """Takes ``since`` (start of the earliest bar that changed) per instrument; returns the other columns."""
        self._earliest.append(changed.select("instrument_id", "since"))
        return changed.drop("since")

    def gone(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Takes bars that are no longer there, columns as of `_WITHDRAWN`; returns them."""
        self._earliest.append(rows.group_by("instrument_id").agg(since=pl.col("ts").min()))
        return rows

    def set(self, cursor: Any, timeframe: Timeframe) -> None:
        """Writes the marks; a delivery that changed nothing marks nothing."""
        if timeframe in COLLECTED_TIMEFRAMES and any(not changed.is_empty() for changed in self._earliest):
            earliest = pl.concat(self._earliest).group_by("instrument_id").agg(pl.col("since").min())
            ids, since = plain_array(earliest["instrument_id"]), moment_array(earliest["since"])
            cursor.execute(statements.MARK, (ids, since, timeframe.value))
        if not self.whole.is_empty():
            collected = text_array(COLLECTED_TIMEFRAMES)
            cursor.execute(statements.MARK_WHOLE, (plain_array(self.whole), collected))


@dataclass(frozen=True)
class Delivery:
    """What one transaction writes.

    Attributes:
        accepted: Delivered bars.
        refused: Rows for the quarantine: delivered ones, and stored bars that are refused now.
        reconsidered: Bars that were not delivered and are let out of quarantine, or get another flag.
        beside: Frames of what was said beside the bars.
        now: When it came (UTC).
        channels: Who is told when a stored bar is withdrawn.
    """

    timeframe: Timeframe
    accepted: pl.DataFrame
    refused: pl.DataFrame
    reconsidered: pl.DataFrame
    beside: Mapping[str, pl.DataFrame]
    now: datetime
    channels: tuple[str, ...]


@dataclass
class Written:
    """What a transaction has changed.

    Attributes:
        counts: Frames of counts per ``instrument_id``.
        gone: Bars that are no longer stored.
    """

    counts: list[pl.DataFrame] = field(default_factory=list)
    gone: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_WITHDRAWN))

    def withdraw(self, rows: pl.DataFrame) -> None:
        """Adds bars that are no longer stored."""
        self.gone = pl.concat(
            [self.gone, rows.select(pl.col(name).cast(kind) for name, kind in _WITHDRAWN.items())]
        )


def write_delivery(database: Database, delivery: Delivery, *, append: bool) -> Written:
    """Writes a delivery in one transaction.

    Args:
        database: Where to.
        delivery: What is written.
        append: Copy straight into the table where that is possible.

    Raises:
        IntegrityError: Another writer has stored bars that were about to be appended; nothing was written.
        ColdFileError: It is for a time that lies in a file, and that is missing or altered; nothing was written.
    """
    marks, written = StaleRanges(), Written()
    rows = delivery.accepted.select(statements.BAR_COLUMNS)
    with bulk_cursor(database) as cursor:
        frames = (delivery.accepted, delivery.refused, delivery.reconsidered, *delivery.beside.values())
        lock_instruments(
            cursor, pl.concat([frame["instrument_id"] for frame in frames]).drop_nulls().unique()
        )
        own = (delivery.accepted, delivery.refused, delivery.reconsidered)
        thaw_touched(database, cursor, delivery.timeframe, own, delivery.now)
        if append and not _has_bars(cursor, rows):
            append_rows(cursor, "price_bars", rows)
            new = rows.group_by("instrument_id").agg(
                inserted=pl.len().cast(pl.Int64), since=pl.col("ts").min()
            )
            written.counts.append(marks.taken_from(new.with_columns(restated=pl.lit(0, pl.Int64))))
        elif not rows.is_empty():
            stage(cursor, "delivered_bars", rows)
            written.counts.append(marks.taken_from(read_frame(cursor, statements.UPSERT)))
            cursor.execute(statements.RELEASE)
        fault_point("bars.after_copy")
        if not delivery.reconsidered.is_empty():
            stage(cursor, "reconsidered_bars", delivery.reconsidered.select(statements.BAR_COLUMNS))
            written.counts.append(marks.taken_from(read_frame(cursor, statements.RECONSIDER)))
            cursor.execute(statements.RELEASE_RECONSIDERED)
        if not delivery.refused.is_empty():
            stage(cursor, "delivered_refusals", delivery.refused)
            cursor.execute(statements.QUARANTINE)
            written.withdraw(marks.gone(read_frame(cursor, statements.WITHDRAW)))
        _write_beside(cursor, delivery.beside, written, marks)
        _raise_withdrawals(cursor, delivery, written.gone)
        marks.set(cursor, delivery.timeframe)
        fault_point("bars.before_commit")
    fault_point("bars.after_commit")
    return written


def _raise_withdrawals(cursor: Any, delivery: Delivery, gone: pl.DataFrame) -> None:
    alerts = []
    for (of,), rows in gone.group_by("universe", maintain_order=True):
        bars = withdrawals(rows, delivery.timeframe)
        alerts.append(withdrawal_alert(bars, str(of), delivery.timeframe, delivery.now, delivery.channels))
    if alerts:
        cursor.execute(_RAISED, (as_json(alerts), str(delivery.now)))
        cursor.fetchall()


def _write_beside(
    cursor: Any, beside: Mapping[str, pl.DataFrame], written: Written, marks: StaleRanges
) -> None:
    if "delivered_actions" in beside:
        stage(cursor, "delivered_actions", beside["delivered_actions"])
        marks.whole = read_frame(cursor, statements.ACTIONS)["instrument_id"]
    if "delivered_state" in beside:
        stage(cursor, "delivered_state", beside["delivered_state"])
        cursor.execute(statements.STATE)
    if "delivered_restatements" in beside:
        changed = pl.concat(
            [
                count.select("instrument_id", "restated")
                for count in written.counts
                if "restated" in count.columns
            ]
        )
        frame = beside["delivered_restatements"].join(changed, on="instrument_id", how="left")
        bars = pl.col("restated").fill_null(0).cast(pl.Int32).alias("bars")
        stage(cursor, "delivered_restatements", frame.with_columns(bars))
        cursor.execute(statements.RESTATEMENTS)
        marks.whole = pl.concat([marks.whole, frame["instrument_id"]]).unique()
        cursor.execute(statements.HELD_BEHIND)
        written.withdraw(marks.gone(read_frame(cursor, statements.LEFT_BEHIND)))
    if "delivered_refused_actions" in beside:
        stage(cursor, "delivered_refused_actions", beside["delivered_refused_actions"])
        cursor.execute(statements.REFUSED_ACTIONS)


def _has_bars(cursor: Any, rows: pl.DataFrame) -> bool:
    """Whether any instrument of the delivery has a bar of that timeframe, or a quarantined one to release."""
    if rows.is_empty():
        return False
    ids = plain_array(rows["instrument_id"].unique())
    cursor.execute(
        """SELECT EXISTS (
               SELECT 1 FROM unnest($1::int[]) AS wanted(id) WHERE EXISTS (
                   SELECT 1 FROM miraikakaku.price_bars b WHERE b.instrument_id = wanted.id AND b.timeframe = $2)
               OR EXISTS (
                   SELECT 1 FROM miraikakaku.instruments i
                   JOIN miraikakaku.quarantined_bars q ON q.symbol = i.symbol COLLATE "C"
                   WHERE i.id = wanted.id AND q.timeframe = $2 AND q.released_at IS NULL))""",
        (ids, rows["timeframe"][0]),
    )
    return bool(cursor.fetchone()[0])
