"""Reports of runs, in PostgreSQL: the way on which a run hands them back to whoever has started it."""

from datetime import datetime
from typing import TypeVar

from pydantic import TypeAdapter
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.collection.tables import stage_reports
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.stage_reports import StageReport
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.fault_points import fault_point

R = TypeVar("R", bound=StageReport)


class PostgresStageReports:
    """Implements the port `StageReports`; a report is one JSON document, with the names of its fields."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, run_id: str, universe: Universe, report: StageReport) -> None:
        """Stores what a run reports of a universe's stage, instead of what it may have reported before."""
        document = TypeAdapter(type(report)).dump_python(report, mode="json")
        key = {"run_id": run_id, "universe": universe.name, "stage": report.stage}
        anew = {"report": document, "stored_at": func.now()}
        storing = insert(stage_reports).values({**key, "report": document})
        with self._database.engine.begin() as connection:
            connection.execute(storing.on_conflict_do_update(index_elements=list(key), set_=anew))
            fault_point("report.before_commit")

    def read(self, run_id: str, universe: Universe, kind: type[R]) -> R | None:
        """The report of that type; None where the run came to none."""
        key = {"run_id": run_id, "universe": universe.name, "stage": kind.stage}
        with self._database.engine.connect() as connection:
            document = connection.scalar(select(stage_reports.c.report).filter_by(**key))
        return None if document is None else TypeAdapter(kind).validate_python(document)

    def prune(self, before: datetime) -> int:
        """Removes what was stored before a moment (UTC); says how many reports."""
        with self._database.engine.begin() as connection:
            return connection.execute(
                delete(stage_reports).where(stage_reports.c.stored_at < before)
            ).rowcount
