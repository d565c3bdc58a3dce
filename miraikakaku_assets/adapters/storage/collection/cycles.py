"""Account of the five-minute cycles, in PostgreSQL."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.analysis.tables import cycle_log
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.cycles import Cycle, CycleEnd
from miraikakaku_assets.fault_points import fault_point


class PostgresCycles:
    """Implements the port `CycleLog`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def begin(self, universe: str, run_id: str, now: datetime) -> int:
        """Notes that a cycle begins and returns its number; the same run begins its own anew."""
        row = {"universe": universe, "run_id": run_id, "started_at": now}
        anew = asdict(CycleEnd(now)) | {"universe": universe, "started_at": now, "ended_at": None}
        statement = insert(cycle_log).values(row).on_conflict_do_update(index_elements=["run_id"], set_=anew)
        with self._engine.begin() as connection:
            cycle = int(connection.scalar(statement.returning(cycle_log.c.id)) or 0)
        fault_point("cycle.after_begin")
        return cycle

    def end(self, cycle: int, end: CycleEnd) -> None:
        """Notes how it ended."""
        with self._engine.begin() as connection:
            connection.execute(update(cycle_log).where(cycle_log.c.id == cycle).values(asdict(end)))
            fault_point("cycle.before_end")
        fault_point("cycle.after_end")

    def ended(self, universe: str, limit: int) -> list[Cycle]:
        """The newest cycles that have ended, newest first."""
        query = select(cycle_log).where(cycle_log.c.universe == universe, cycle_log.c.ended_at.is_not(None))
        return self._cycles(query.order_by(cycle_log.c.started_at.desc(), cycle_log.c.id.desc()).limit(limit))

    def unended(self) -> list[Cycle]:
        """Cycles that run, or whose process died, and that no cycle of their universe has outlasted."""
        later = cycle_log.alias()
        outlasted = (
            select(later.c.id)
            .where(later.c.universe == cycle_log.c.universe, later.c.started_at > cycle_log.c.started_at)
            .where(later.c.ended_at.is_not(None))
            .exists()
        )
        query = select(cycle_log).where(cycle_log.c.ended_at.is_(None), ~outlasted)
        return self._cycles(query.order_by(cycle_log.c.started_at))

    def _cycles(self, query: Select[Any]) -> list[Cycle]:
        with self._engine.connect() as connection:
            return [_cycle(row) for row in connection.execute(query)]


def _cycle(row: Any) -> Cycle:
    end = row.ended_at and CycleEnd(
        row.ended_at.astimezone(UTC),
        row.symbols,
        row.succeeded,
        row.bars,
        row.indicators,
        row.signals,
        row.error,
    )
    return Cycle(row.id, row.universe, row.run_id, row.started_at.astimezone(UTC), end)
