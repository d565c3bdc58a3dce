"""PostgreSQL's own statistics, and how long our work took."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations import review_statements as statements
from miraikakaku_assets.application.ports.operations.performance import (
    MissingIndex,
    ServerStatistics,
    StageDuration,
    Statement,
    TableStatistics,
    UnusedIndex,
)
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError

_LOCK_SECONDS = 2
_WORST = 10


class PostgresServerReview:
    """Implements the port `ServerReview`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def statistics(self) -> ServerStatistics:
        """What it knows now."""
        with self._database.engine.connect() as connection:
            server = connection.execute(statements.SERVER).one()
            oldest = connection.execute(statements.OLDEST_TRANSACTION).first()
            return ServerStatistics(
                tables=tuple(_table(row) for row in connection.execute(statements.TABLES, {"table": None})),
                statements=_statements(connection),
                unused_indexes=tuple(
                    UnusedIndex(row.index_name, row.table, row.size_bytes)
                    for row in connection.execute(statements.UNUSED_INDEXES)
                ),
                missing_indexes=tuple(
                    MissingIndex(row.table, tuple(row.columns), int(row.size_bytes))
                    for row in connection.execute(statements.MISSING_INDEXES)
                ),
                cache_hit_ratio=_number(server.cache_hit_ratio),
                index_hit_ratio=_number(server.index_hit_ratio),
                blocks_asked=int(server.blocks_asked or 0),
                connections=server.connections,
                max_connections=server.max_connections,
                longest_transaction_seconds=float(oldest.seconds) if oldest else None,
                longest_transaction=oldest.query if oldest else "",
                since=server.since and server.since.astimezone(UTC),
            )

    def stages(self, now: datetime) -> list[StageDuration]:
        """How long cycles and collections took, against their own last thirty days."""
        with self._database.engine.connect() as connection:
            return [
                StageDuration(row.stage, float(row.seconds), _number(row.usual_seconds), row.earlier)
                for row in connection.execute(statements.STAGES, {"now": now})
            ]

    def table(self, name: str) -> TableStatistics:
        """What it knows of one table now.

        Raises:
            ConfigurationError: There is no such table of ours.
        """
        with self._database.engine.connect() as connection:
            row = connection.execute(statements.TABLES, {"table": name}).first()
        if row is None:
            raise ConfigurationError(f"{name} is no table of this installation; name one of its schemas")
        return _table(row)

    def analyze(self, name: str, limit: timedelta) -> None:
        """Takes the statistics of a table anew.

        Raises:
            WorkFellShortError: It took longer than the limit, or the table is locked; nothing has changed then.
        """
        self.table(name)  # the name is one of ours, and goes into the statement below
        schema, _, table = name.partition(".")
        quoted = f'"{schema}"."{table}"'
        try:
            with self._database.engine.begin() as connection:
                connection.execute(text(f"SET LOCAL statement_timeout = '{limit.total_seconds():.0f}s'"))
                connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
                connection.execute(text(f"ANALYZE {quoted}"))
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) not in {"57014", "55P03"}:
                raise
            raise WorkFellShortError(
                f"ANALYZE {name} was given up after {limit.total_seconds():.0f} s, or the table was locked"
            ) from error


def _statements(connection: Connection) -> tuple[Statement, ...] | None:
    """The worst statements of this database; None where the extension is not there, or may not be read."""
    schema = connection.scalar(statements.EXTENSION)
    if schema is None:
        return None
    try:
        with connection.begin_nested():
            rows = connection.execute(
                text(statements.STATEMENTS.format(schema=schema)), {"limit": _WORST}
            ).all()
    except (OperationalError, ProgrammingError):  # made, and not loaded by shared_preload_libraries
        return None
    return tuple(
        Statement(row.query, row.calls, float(row.total_ms), float(row.mean_ms), row.rows) for row in rows
    )


def _table(row: Any) -> TableStatistics:
    return TableStatistics(
        row.table,
        row.live_rows,
        row.dead_rows,
        row.modified_rows,
        row.analyzed_at and row.analyzed_at.astimezone(UTC),
        row.size_bytes,
        row.whole_reads,
        row.rows_read_whole,
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
