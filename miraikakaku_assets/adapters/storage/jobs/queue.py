"""Bulk jobs as runs and their sensor see them, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import TextClause, text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.jobs import statements
from miraikakaku_assets.application.ports.jobs import JobState, OpenJob, TakenJob
from miraikakaku_assets.application.ports.results import ResultFile, WantedResults

_OPEN = text(f"""
SELECT job.id, job.state, job.run_id, job.attempts,
       job.launch_due_at <= clock_timestamp() AS is_due, {statements.PROCESSED} >= job.total AS is_done
FROM miraikakaku.bulk_jobs AS job WHERE job.ended_at IS NULL ORDER BY job.number
""")
_RELEASE = text("""
UPDATE miraikakaku.bulk_jobs
SET run_id = NULL, state = CASE WHEN state = 'running' THEN 'accepted' ELSE state END,
    launch_due_at = clock_timestamp() + interval '1 second' * CAST(:wait AS float8), updated_at = clock_timestamp()
WHERE id = :job AND run_id = :run AND ended_at IS NULL
""")
_TAKE = text("""
UPDATE miraikakaku.bulk_jobs
SET state = 'running', run_id = :run, started_at = coalesce(started_at, clock_timestamp()),
    updated_at = clock_timestamp()
WHERE id = :job AND state = 'accepted' AND run_id IS NULL
RETURNING symbols, interval, since, period
""")
_TAKEN = text("""
INSERT INTO miraikakaku.bulk_job_runs (run_id, job_id) VALUES (:run, :job) ON CONFLICT DO NOTHING
""")
_OUTCOMES = text("""
SELECT DISTINCT detail.symbol FROM miraikakaku.bulk_job_runs AS own
JOIN miraikakaku.batch_executions AS batch ON batch.run_id = own.run_id
JOIN miraikakaku.batch_execution_details AS detail ON detail.batch_execution_id = batch.id
WHERE own.job_id = :job AND detail.verdict <> 'underway'
""")
_REQUESTED = text("SELECT state, run_id FROM miraikakaku.bulk_jobs WHERE id = :job")
# A job of which not one symbol was successful has failed.
_FINISH = text(f"""
UPDATE miraikakaku.bulk_jobs AS job
SET state = coalesce(CAST(:state AS text), CASE WHEN {statements.SUCCESSFUL} = 0 THEN 'failed' ELSE 'completed' END),
    error = CAST(:error AS text), run_id = NULL, ended_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE job.id = :job AND job.ended_at IS NULL
RETURNING state
""")
_PROGRESS = text(
    f"SELECT {statements.PROCESSED}, job.total FROM miraikakaku.bulk_jobs AS job WHERE job.id = :job"
)
_LAUNCH = text(statements.BEGIN_LAUNCH.format(job=":job"))
_WANTED = text("""
SELECT symbols, unknown, interval, period, since, created_at FROM miraikakaku.bulk_jobs
WHERE id = :job AND results_at IS NULL
""")
_FORGET_FILES = text("DELETE FROM miraikakaku.bulk_job_files WHERE job_id = :job")
_NOTE_FILE = text("""
INSERT INTO miraikakaku.bulk_job_files (job_id, name, universe, timeframe, rows, bytes, sha256)
VALUES (:job, :name, :universe, :timeframe, :rows, :size_bytes, :sha256)
""")
_NOTED = text("UPDATE miraikakaku.bulk_jobs SET results_at = clock_timestamp() WHERE id = :job RETURNING id")
_WITHOUT = text("""
SELECT id FROM miraikakaku.bulk_jobs
WHERE results_at IS NULL AND ended_at > clock_timestamp() - CAST(:within AS interval)
ORDER BY number LIMIT :limit
""")
_USUAL_WINDOW = timedelta(days=31)


class PostgresJobQueue:
    """Implements the ports `JobQueue` and `ResultBooks`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def open_jobs(self) -> list[OpenJob]:
        """Every job that is not finished, oldest first."""
        with self._engine.connect() as connection:
            return [
                OpenJob(row.id, JobState(row.state), row.run_id, row.attempts, bool(row.is_due), row.is_done)
                for row in connection.execute(_OPEN)
            ]

    def begin_launch(self, job_id: str) -> int | None:
        """Takes the launch of a job that is due; the number of the launch, None if somebody else has taken it."""
        launch: int | None = self._changed(_LAUNCH, job=job_id)
        return launch

    def release(self, job_id: str, run_id: str, wait_seconds: float) -> None:
        """Takes a job from a run that is over; it may be launched again after some seconds."""
        with self._engine.begin() as connection:
            connection.execute(_RELEASE, {"job": job_id, "run": run_id, "wait": wait_seconds})

    def take(self, job_id: str, run_id: str) -> TakenJob | None:
        """Gives a job that waits for a run to this one; None if it does not wait any more."""
        named = {"job": job_id, "run": run_id}
        with self._engine.begin() as connection:
            taken = connection.execute(_TAKE, named).first()
            if taken is None:
                return None
            connection.execute(_TAKEN, named)
            done = set(connection.scalars(_OUTCOMES, named))
        left = {
            universe: [symbol for symbol in symbols if symbol not in done]
            for universe, symbols in taken.symbols.items()
        }
        symbols = {universe: those for universe, those in left.items() if those}
        return TakenJob(job_id, symbols, taken.interval, taken.since, taken.period == "max")

    def request_of(self, job_id: str, run_id: str) -> JobState | None:
        """`PAUSED` or `CANCEL_REQUESTED` where the run should end before its next symbols; None to go on."""
        with self._engine.connect() as connection:
            state, theirs = connection.execute(_REQUESTED, {"job": job_id}).one()
        if state == JobState.RUNNING and theirs == run_id:
            return None
        # Taken from this run, or closed behind its back: it ends as if it was asked to.
        return JobState.PAUSED if state == JobState.PAUSED else JobState.CANCEL_REQUESTED

    def finish(self, job_id: str, state: JobState | None, error: str | None = None) -> JobState | None:
        """Ends a job; None as the state derives it from the outcomes. Returns the state, None if it had ended."""
        ended = self._changed(_FINISH, job=job_id, state=state, error=error)
        return None if ended is None else JobState(ended)

    def progress(self, job_id: str) -> tuple[int, int]:
        """How many symbols have been processed, and how many there are."""
        with self._engine.connect() as connection:
            processed, total = connection.execute(_PROGRESS, {"job": job_id}).one()
        return int(processed), int(total)

    def wanted_results(self, job_id: str) -> WantedResults | None:
        """What its files have to hold: the window that was asked for, or the newest month before the job."""
        with self._engine.connect() as connection:
            job = connection.execute(_WANTED, {"job": job_id}).first()
        if job is None:
            return None
        unknown = set(job.unknown)
        symbols = {
            universe: [symbol for symbol in symbols if symbol not in unknown]
            for universe, symbols in job.symbols.items()
        }
        since = (job.created_at - _USUAL_WINDOW).date() if job.period is None else job.since
        return WantedResults(symbols, job.interval, since)

    def note_results(self, job_id: str, files: Sequence[ResultFile]) -> None:
        """Notes that its files are complete; done twice, the second holds."""
        with self._engine.begin() as connection:
            if connection.execute(_NOTED, {"job": job_id}).first() is None:  # it has left meanwhile
                return
            connection.execute(_FORGET_FILES, {"job": job_id})
            for file in files:
                connection.execute(_NOTE_FILE, {"job": job_id, **asdict(file)})

    def without_results(self, limit: int, within: timedelta) -> list[str]:
        """Jobs that ended within a span up to now and have no files yet, oldest first."""
        with self._engine.connect() as connection:
            return list(connection.scalars(_WITHOUT, {"limit": limit, "within": within}))

    def _changed(self, statement: TextClause, **values: object) -> Any:
        with self._engine.begin() as connection:
            return connection.scalar(statement, values)
