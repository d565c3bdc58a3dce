"""Written account of collections: ``batch_executions`` and ``batch_execution_details``."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.tables import batch_execution_details as details
from miraikakaku_assets.adapters.storage.tables import batch_executions as batches
from miraikakaku_assets.application.ports import SymbolOutcome
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

_SILENCE = timedelta(
    hours=1
)  # a live batch moves its counters with every delivery, every few minutes at worst
_GONE = {
    "status": "failed",
    "error_message": "the process ended before the batch did; run the same command again",
    "end_time": func.now(),
    "updated_at": func.now(),
}

_CODE_LENGTH = 20  # of the column, which the specification fixes


class PostgresLedger:
    """Implements the port `Ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        universe: Universe,
        timeframe: Timeframe,
        source: str,
        total: int,
        batch_type: str,
        run_id: str | None,
    ) -> int:
        """Opens a batch and returns its number."""
        row = {
            "batch_type": batch_type,
            "status": "running",
            "universe": universe.name,
            "timeframe": timeframe.value,
            "source": source,
            "run_id": run_id,
            "total_stocks": total,
        }
        silent = batches.c.updated_at < func.now() - _SILENCE
        with self._database.engine.begin() as connection:
            connection.execute(update(batches).where(batches.c.status == "running", silent).values(_GONE))
            return int(connection.scalar(insert(batches).values(row).returning(batches.c.id)) or 0)

    def add(self, batch: int, outcomes: Sequence[SymbolOutcome]) -> None:
        """Adds outcomes to the batch and moves its counters, in one transaction."""
        if not outcomes:
            return
        requested = [outcome for outcome in outcomes if outcome.requested]
        rows = [self._detail(batch, outcome) for outcome in outcomes]
        failed = sum(outcome.failed for outcome in requested)
        moved = {
            "processed_stocks": len(requested),
            "successful_stocks": len(requested) - failed,
            "failed_stocks": failed,
            "rows_read": sum(outcome.rows_read for outcome in outcomes),
            "rows_inserted": sum(outcome.inserted for outcome in outcomes),
            "rows_restated": sum(outcome.restated for outcome in outcomes),
            "rows_unchanged": sum(outcome.unchanged for outcome in outcomes),
            "rows_quarantined": sum(outcome.quarantined for outcome in outcomes),
        }
        counters = {name: batches.c[name] + count for name, count in moved.items()}
        with self._database.engine.begin() as connection:
            connection.execute(upsert(details).on_conflict_do_nothing(), rows)
            connection.execute(
                update(batches).where(batches.c.id == batch).values(updated_at=func.now(), **counters)
            )

    def end(self, batch: int, status: str, error_message: str | None = None) -> None:
        """Closes the batch as ``completed``, ``failed`` or ``paused``."""
        values = {"status": status, "error_message": error_message}
        with self._database.engine.begin() as connection:
            connection.execute(
                update(batches)
                .where(batches.c.id == batch)
                .values(end_time=func.now(), updated_at=func.now(), **values)
            )

    def abandon(self, run_id: str) -> None:
        """Closes batches of a run whose process is gone."""
        with self._database.engine.begin() as connection:
            connection.execute(
                update(batches).where(batches.c.run_id == run_id, batches.c.status == "running").values(_GONE)
            )

    def open_runs(self) -> list[str]:
        """Runs with a batch that nobody has closed."""
        query = select(batches.c.run_id).where(batches.c.status == "running", batches.c.run_id.is_not(None))
        with self._database.engine.connect() as connection:
            return list(connection.scalars(query.distinct()))

    def progress(self, run_id: str) -> tuple[int, int, int, int] | None:
        """Total, processed, failed symbols and rows read of a run's newest batch, for progress displays."""
        query = (
            select(
                batches.c.total_stocks,
                batches.c.processed_stocks,
                batches.c.failed_stocks,
                batches.c.rows_read,
            )
            .where(batches.c.run_id == run_id)
            .order_by(batches.c.id.desc())
            .limit(1)
        )
        with self._database.engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row[0], row[1], row[2], row[3])

    @staticmethod
    def _detail(batch: int, outcome: SymbolOutcome) -> dict[str, object]:
        error = outcome.error
        return {
            "batch_execution_id": batch,
            "symbol": outcome.symbol,
            # A file's name may stand where a symbol should; the whole of it is in the column before.
            "stock_code": outcome.symbol.partition(".")[0][:_CODE_LENGTH],
            "status": "failed" if outcome.failed else "completed",
            "verdict": outcome.verdict,
            "error_class": error.error_class if error else None,
            "error_message": str(error) if error else None,
            "rows_read": outcome.rows_read,
            "records_inserted": outcome.inserted,
            "records_restated": outcome.restated,
            "records_quarantined": outcome.quarantined,
        }
