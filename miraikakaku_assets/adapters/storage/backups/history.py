"""Account of backups and of searches for damage, in PostgreSQL."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.backups.tables import backups, integrity_checks
from miraikakaku_assets.adapters.storage.collection.tables import batch_executions
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.operations.backups import BackupAttempt, BackupKind, BackupStatus
from miraikakaku_assets.application.ports.operations.integrity import IntegrityReport
from miraikakaku_assets.domain.utc import in_utc


class PostgresBackupHistory:
    """Implements the port `BackupHistory`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, attempt: BackupAttempt) -> None:
        """Whoever begins holds the lock: others that still run by the account were killed."""
        killed = update(backups).where(
            backups.c.status == BackupStatus.RUNNING, backups.c.name != attempt.name
        )
        ended = {"status": BackupStatus.INTERRUPTED, "ended_at": attempt.started_at}
        with self._database.engine.begin() as connection:
            connection.execute(killed.values(ended))
        self.end(attempt)

    def end(self, attempt: BackupAttempt) -> None:
        """Stores the line, instead of an earlier one of that name."""
        row = asdict(attempt) | {"seconds": dict(attempt.seconds)}
        storing = insert(backups).values(row)
        with self._database.engine.begin() as connection:
            connection.execute(storing.on_conflict_do_update(index_elements=["name"], set_=row))

    def newest(self, limit: int = 1) -> list[BackupAttempt]:
        """By their beginning."""
        query = select(backups).order_by(backups.c.started_at.desc(), backups.c.name.desc()).limit(limit)
        with self._database.engine.connect() as connection:
            return [_attempt(row) for row in connection.execute(query)]

    def data_since(self) -> datetime | None:
        """Beginning of the first collection or import that is still in the ledger."""
        with self._database.engine.connect() as connection:
            moment: datetime | None = connection.scalar(select(func.min(batch_executions.c.start_time)))
        return in_utc(moment)


class PostgresIntegrity:
    """Implements the port `IntegrityStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, report: IntegrityReport) -> None:
        """Stores one."""
        row = asdict(report) | {"damaged": dict(report.damaged)}
        with self._database.engine.begin() as connection:
            connection.execute(insert(integrity_checks).values(row).on_conflict_do_nothing())

    def newest(self) -> IntegrityReport | None:
        """By its moment."""
        query = select(integrity_checks).order_by(integrity_checks.c.checked_at.desc()).limit(1)
        with self._database.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        return IntegrityReport(**{**row, "checked_at": row["checked_at"].astimezone(UTC)})


def _attempt(row: Any) -> BackupAttempt:
    return BackupAttempt(
        row.name,
        BackupKind(row.kind),
        BackupStatus(row.status),
        row.started_at.astimezone(UTC),
        in_utc(row.ended_at),
        row.bytes,
        row.seconds,
        row.error,
    )
