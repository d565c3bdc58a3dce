"""Samples of health checks, in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.tables import system_metrics as metrics
from miraikakaku_assets.application.ports.operations.system import Sample
from miraikakaku_assets.domain.operations.thresholds import Level


class PostgresSystemMetrics:
    """Implements the port `SystemMetrics`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, samples: Sequence[Sample], keep: timedelta) -> None:
        """Adds a check, in one transaction with the removal of what is older; a repeated one changes nothing."""
        if not samples:
            return
        rows = [
            {
                "sampled_at": sample.sampled_at,
                "resource": sample.resource,
                "value": sample.value,
                "unit": sample.unit,
                "level": sample.level.word,
                "detail": sample.detail,
            }
            for sample in samples
        ]
        newest = max(sample.sampled_at for sample in samples)
        with self._database.engine.begin() as connection:
            connection.execute(insert(metrics).on_conflict_do_nothing(), rows)
            connection.execute(delete(metrics).where(metrics.c.sampled_at < newest - keep))

    def newest(self, checks: int) -> list[Sample]:
        """The samples of the newest checks, newest first."""
        moments = select(metrics.c.sampled_at).distinct().order_by(metrics.c.sampled_at.desc()).limit(checks)
        query = select(metrics).where(metrics.c.sampled_at.in_(moments))
        with self._database.engine.connect() as connection:
            rows = connection.execute(query.order_by(metrics.c.sampled_at.desc(), metrics.c.resource)).all()
        return [
            Sample(
                row.sampled_at.astimezone(UTC),
                row.resource,
                row.value,
                row.unit,
                Level[row.level.upper()],
                row.detail,
            )
            for row in rows
        ]

    def peaks(self, since: datetime) -> dict[str, float]:
        """Resource → its highest value since a moment."""
        query = (
            select(metrics.c.resource, func.max(metrics.c.value))
            .where(metrics.c.sampled_at >= since, metrics.c.value.is_not(None))
            .group_by(metrics.c.resource)
        )
        with self._database.engine.connect() as connection:
            return {row[0]: float(row[1]) for row in connection.execute(query)}
