"""Rows that leave, in PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.maintenance.statements import (
    LEAVING,
    count_statement,
    prune_statement,
)

_CHUNK = 2_000  # rows a transaction; one takes about 20 ms, for which nobody waits
_PATIENCE = text("SET LOCAL lock_timeout = '5s'")
_TABLES = text("""
    SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
    WHERE schemaname = 'miraikakaku' ORDER BY tablename""")
_MODELS = text("""
    SELECT DISTINCT ON (universe, model) file FROM miraikakaku.forecast_models
    WHERE file IS NOT NULL ORDER BY universe, model, trained_at DESC""")


class PostgresOldRows:
    """Implements the port `OldRows`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def count(self, kind: str, before: datetime) -> int:
        """Of all tables of a kind; some of a table may leave only after those of the one before."""
        with self._engine.connect() as connection:
            return sum(
                int(connection.scalar(text(count_statement(leaving)), {"before": before}) or 0)
                for leaving in LEAVING[kind]
            )

    def prune(self, kind: str, before: datetime) -> Iterator[int]:
        """Table by table, those that name others first."""
        for leaving in LEAVING[kind]:
            statement = text(prune_statement(leaving))
            while True:
                with self._engine.begin() as connection:
                    connection.execute(_PATIENCE)
                    gone = int(connection.scalar(statement, {"before": before, "limit": _CHUNK}) or 0)
                if not gone:
                    break
                yield gone

    def vacuum(self) -> Iterator[str]:
        """Each by itself: it holds up no reader or writer, and one that somebody has locked is skipped."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in connection.scalars(_TABLES).all():
                connection.execute(text(f"VACUUM (ANALYZE, SKIP_LOCKED) {table}"))
                yield table

    def tables(self) -> int:
        """Of the data schema."""
        with self._engine.connect() as connection:
            return len(connection.scalars(_TABLES).all())

    def newest_models(self) -> list[str]:
        """The newest training of each model that has a file."""
        with self._engine.connect() as connection:
            return list(connection.scalars(_MODELS))
