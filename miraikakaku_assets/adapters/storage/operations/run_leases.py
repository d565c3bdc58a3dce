"""Leases of runs, in PostgreSQL."""

from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.tables import run_leases as leases
from miraikakaku_assets.application.ports.operations.run_leases import RunLease
from miraikakaku_assets.fault_points import fault_point


class PostgresRunLeases:
    """Implements the port `RunLeases`; the time is the database's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, run_id: str) -> RunLease | None:
        """The lease of a run; None while nobody has taken one."""
        silent = func.greatest(func.extract("epoch", func.clock_timestamp() - leases.c.renewed_at), 0)
        query = select(leases.c.worker, leases.c.holder, silent.label("silent")).where(
            leases.c.run_id == run_id
        )
        with self._database.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else RunLease(run_id, row.worker, row.holder, float(row.silent))

    def take(self, run_id: str, worker: str, holder: str, lost_after: float) -> bool:
        """Takes a run that nobody holds; one of several that try at once gets it."""
        given = insert(leases).values(run_id=run_id, worker=worker, holder=holder)
        statement = given.on_conflict_do_update(
            index_elements=["run_id"],
            set_={
                "worker": worker,
                "holder": holder,
                "taken_at": func.clock_timestamp(),
                "renewed_at": func.clock_timestamp(),
            },
            where=leases.c.renewed_at < func.clock_timestamp() - timedelta(seconds=lost_after),
        )
        with self._database.engine.begin() as connection:
            taken = connection.execute(statement).rowcount == 1
        fault_point("lease.after_take")
        return taken

    def renew(self, run_id: str, holder: str) -> bool:
        """Renews a lease; False when somebody else holds it."""
        fault_point("lease.before_renew")
        own = (leases.c.run_id == run_id, leases.c.holder == holder)
        with self._database.engine.begin() as connection:
            renewal = update(leases).where(*own).values(renewed_at=func.clock_timestamp())
            return connection.execute(renewal).rowcount == 1

    def forget(self, silent: timedelta) -> int:
        """Removes leases that were not renewed for longer; says how many."""
        with self._database.engine.begin() as connection:
            return connection.execute(
                delete(leases).where(leases.c.renewed_at < func.now() - silent)
            ).rowcount
