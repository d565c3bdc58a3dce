"""Who is there, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, timedelta

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.tables import service_heartbeats as beats
from miraikakaku_assets.application.ports.operations.system import ServiceBeat, ServiceState


class PostgresHeartbeats:
    """Implements the port `ServiceHeartbeats`; the time is the database's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, services: Sequence[ServiceBeat]) -> None:
        """Records that these are in that state now; another process of the same name and host takes the place."""
        if not services:
            return
        given = insert(beats)
        new = given.excluded
        statement = given.on_conflict_do_update(
            index_elements=["service", "host"],
            set_={
                "pid": new.pid,
                "started_at": case((beats.c.pid == new.pid, beats.c.started_at), else_=func.now()),
                "beat_at": func.now(),
                "state": new.state,
                "address": new.address,
                "health_path": new.health_path,
            },
        )
        # In one order, or two that beat for the same names would wait for each other.
        rows = sorted(
            (asdict(service) for service in services), key=lambda row: (row["service"], row["host"])
        )
        with self._database.engine.begin() as connection:
            for row in rows:
                connection.execute(statement, row)

    def services(self) -> list[ServiceState]:
        """Every service that was ever there and was not forgotten, by name."""
        silent = func.greatest(func.extract("epoch", func.clock_timestamp() - beats.c.beat_at), 0)
        query = select(beats, silent.label("silent")).order_by(beats.c.service, beats.c.host)
        with self._database.engine.connect() as connection:
            return [
                ServiceState(
                    row.service,
                    row.host,
                    row.pid,
                    row.state,
                    row.address,
                    row.health_path,
                    started_at=row.started_at.astimezone(UTC),
                    silent_seconds=float(row.silent),
                )
                for row in connection.execute(query)
            ]

    def forget(self, silent: timedelta) -> int:
        """Removes services that have been silent for longer; says how many."""
        with self._database.engine.begin() as connection:
            return connection.execute(delete(beats).where(beats.c.beat_at < func.now() - silent)).rowcount
