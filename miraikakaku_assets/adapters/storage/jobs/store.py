"""Bulk jobs as clients of the API see them, in PostgreSQL."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from miraikakaku_assets.adapters.storage.async_database import AsyncDatabase
from miraikakaku_assets.adapters.storage.grouped_reads import GroupedReads
from miraikakaku_assets.adapters.storage.jobs import statements
from miraikakaku_assets.application.ports.jobs import Acceptance, Accepted, Job, JobFiles, JobState, NewJob

_CHANGED = "UPDATE 1"


class PostgresJobStore:
    """Implements the port `JobStore`."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        self._jobs = GroupedReads(self._read_jobs)

    async def resolve(self, names: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """Symbol, or code of the Tokyo exchange, → universe and Yahoo symbol; what is in no master is left out."""
        rows = await self._database.rows(statements.RESOLVE, list(names))
        return {row["name"]: (row["universe"], row["symbol"]) for row in rows}

    async def accept(self, new: NewJob) -> Accepted:
        """Writes a job down, in one transaction; the same idempotency key is one job."""
        async with self._database.connection() as connection, connection.transaction():
            if new.idempotency_key is not None:
                # Whoever is accepted right now holds the lock until it is written down or has failed.
                key = f"{new.requested_by}\n{new.idempotency_key}"
                if not await connection.fetchval(statements.TRY_KEY, key):
                    return Accepted(Acceptance.IN_FLIGHT)
                earlier = await connection.fetchrow(statements.KEYED, new.requested_by, new.idempotency_key)
                if earlier is not None:
                    same = earlier["body_digest"] == new.body_digest
                    became = Acceptance.REPEATED if same else Acceptance.OTHER_BODY
                    return Accepted(became, earlier["id"], json.loads(earlier["unknown"]))
            await connection.execute(statements.NUMBERING)
            job_id = await connection.fetchval(
                statements.ACCEPT,
                json.dumps({universe: list(symbols) for universe, symbols in new.symbols.items()}),
                json.dumps(list(new.unknown), ensure_ascii=False),
                new.total,
                new.interval,
                new.period,
                new.since,
                new.requested_by,
                new.idempotency_key,
                new.body_digest,
            )
        return Accepted(Acceptance.NEW, job_id, new.unknown)

    async def read(self, job_id: str) -> Job | None:
        """A job with its progress."""
        return await self._jobs.read(job_id)

    async def recent(
        self, states: Collection[JobState] | None, limit: int, offset: int
    ) -> tuple[int, Sequence[Job]]:
        """How many jobs there are, and some of them, newest first."""
        chosen = None if states is None else [state.value for state in states]
        async with self._database.connection() as connection:
            total = await connection.fetchval(statements.COUNT, chosen)
            rows = await connection.fetch(statements.LIST, chosen, limit, offset)
        return total, [_job(row) for row in rows]

    async def change(self, job_id: str, to: JobState, allowed: Collection[JobState]) -> bool:
        """Changes the state if the job is in one of those allowed; whether it was."""
        names = [state.value for state in allowed]
        async with self._database.connection() as connection:
            return bool(await connection.execute(statements.CHANGE, job_id, to.value, names) == _CHANGED)

    async def resume(self, job_id: str) -> bool:
        """Lets a paused job go on: with the run that has not noticed the pause yet, or a new one, due at once."""
        async with self._database.connection() as connection:
            return bool(await connection.execute(statements.RESUME, job_id) == _CHANGED)

    async def begin_launch(self, job_id: str) -> bool:
        """Takes the launch of a job that waits for a run; False if somebody else has taken it, or it is not due."""
        return await self._database.value(statements.BEGIN_LAUNCH.format(job="$1"), job_id) is not None

    async def launch_failed(self, job_id: str) -> None:
        """Makes the launch due again, for whoever looks next."""
        await self._database.rows(statements.LAUNCH_FAILED, job_id)

    async def manifest(
        self, job_id: str, limit: int, offset: int
    ) -> tuple[int, Sequence[Mapping[str, object]]]:
        """How many of a job's symbols have an outcome, and the outcomes of some, by symbol."""
        async with self._database.connection() as connection:
            total = await connection.fetchval(statements.COUNT_OUTCOMES, job_id)
            rows = await connection.fetch(statements.OUTCOMES, job_id, limit, offset)
        return total, [dict(row) for row in rows]

    async def files(self, job_id: str) -> JobFiles | None:
        """The files of a job and how far they are; None without the job."""
        async with self._database.connection() as connection:
            state = await connection.fetchrow(statements.FILES_OF, job_id)
            rows = await connection.fetch(statements.FILES, job_id)
        if state is None:
            return None
        return JobFiles(
            state["ended_at"], state["has_begun"], state["results_at"], [dict(row) for row in rows]
        )

    async def _read_jobs(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        rows = await self._database.rows(statements.READ, list(job_ids))
        return {row["id"]: _job(row) for row in rows}


def _job(row: Any) -> Job:
    values = dict(row)
    values["state"] = JobState(values["state"])
    values["unknown"] = json.loads(values["unknown"])
    return Job(**values)
