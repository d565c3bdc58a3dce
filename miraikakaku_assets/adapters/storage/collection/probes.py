"""Probes of the sources, in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import insert, select, text

from miraikakaku_assets.adapters.storage.collection.tables import source_probes
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.source_health import Probe

_OLD = text("""
DELETE FROM miraikakaku.source_probes WHERE source = :source AND probed_at < :now - interval '90 days'
""")


class PostgresProbes:
    """Implements the port `ProbeStore`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def add(self, probes: Sequence[Probe]) -> None:
        """Adds a round, in one transaction; drops what is older than a quarter of a year."""
        rows = [
            {
                "probed_at": probe.probed_at,
                "source": probe.source,
                "symbol": probe.symbol,
                "verdict": probe.verdict,
                "latency_ms": None if probe.latency is None else probe.latency * 1000,
                "requests": probe.requests,
                "newest_session": probe.newest_session,
                "rate": probe.rate,
            }
            for probe in probes
        ]
        with self._engine.begin() as connection:
            connection.execute(insert(source_probes), rows)
            connection.execute(_OLD, {"source": probes[0].source, "now": probes[0].probed_at})

    def since(self, source: str, moment: datetime) -> list[Probe]:
        """The probes of a source from a moment on, oldest first."""
        columns = source_probes.c
        query = (
            select(source_probes)
            .where(columns.source == source, columns.probed_at >= moment)
            .order_by(columns.probed_at, columns.id)
        )
        with self._engine.connect() as connection:
            return [
                Probe(
                    row.probed_at.astimezone(UTC),
                    row.source,
                    row.symbol,
                    row.verdict,
                    None if row.latency_ms is None else row.latency_ms / 1000,
                    row.requests,
                    row.newest_session,
                    row.rate,
                )
                for row in connection.execute(query)
            ]
