"""Ports of bulk jobs: where they are kept, who launches their runs, who hears of their progress.

A job is accepted by writing it down; whoever launches it may be killed at any time, and whoever looks next finds it.
Clients of the API are many and short, so what they need is asynchronous (`JobStore`); a run and the sensor that watches
over jobs are one thread each (`JobQueue`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class JobState(StrEnum):
    """Where a job stands."""

    ACCEPTED = "accepted"
    """It is written down and waits for a run."""
    RUNNING = "running"
    PAUSED = "paused"
    CANCEL_REQUESTED = "cancel_requested"
    """Its run ends before the next symbols; whoever watches over jobs closes it if there is none."""
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    """Every symbol was processed, and at least one successfully."""
    FAILED = "failed"
    """No symbol was successful, or the job could not be carried to its end."""


FINISHED = frozenset({JobState.CANCELLED, JobState.COMPLETED, JobState.FAILED})
"""States that a job does not leave."""


@dataclass(frozen=True)
class NewJob:
    """A job that is about to be accepted.

    Attributes:
        symbols: Universe → symbols, each once; those in no master are with the first universe.
        unknown: Of them, those in no master, as the client wrote them.
        interval: Timeframe of the bars.
        period: As the client wrote it; None goes on where the stored bars end.
        since: First session that `period` means; None goes on where the stored bars end.
        requested_by: Name of the key.
        idempotency_key: Of the request; None if it has none.
        body_digest: SHA-256 of what was asked for, in hex.
    """

    symbols: Mapping[str, Sequence[str]]
    unknown: Sequence[str]
    interval: str
    period: str | None
    since: date | None
    requested_by: str
    idempotency_key: str | None = None
    body_digest: str = ""

    @property
    def total(self) -> int:
        """How many symbols it has."""
        return sum(map(len, self.symbols.values()))


@dataclass(frozen=True)
class Job:
    """A job as clients see it; all moments in UTC.

    Attributes:
        id: ``job-<milliseconds>``.
        total: Symbols it was asked for.
        processed: Of them, those whose outcome is known.
        successful: Of those, the ones that were served.
        failed: And the ones that were not.
        records: Bars read.
        current: Some of the symbols that are being fetched.
        symbols_per_minute: Of the collection at work; None without one.
        records_per_minute: Likewise, bars.
        unknown: Symbols that are in no master.
        error: Why it failed, in one sentence.
        started_at: When a run took it first.
        updated_at: When its state or its progress changed last.
        ended_at: When it was finished.
    """

    id: str
    state: JobState
    interval: str
    period: str | None
    total: int
    processed: int
    successful: int
    failed: int
    records: int
    current: Sequence[str]
    symbols_per_minute: float | None
    records_per_minute: float | None
    unknown: Sequence[str]
    error: str | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    ended_at: datetime | None


class Acceptance(StrEnum):
    """What became of a request for a new job."""

    NEW = "new"
    REPEATED = "repeated"
    """The same key and the same body were accepted before: the job is that one."""
    OTHER_BODY = "other_body"
    """The key was used for another body."""
    IN_FLIGHT = "in_flight"
    """A request with that key is being accepted at this moment."""


@dataclass(frozen=True)
class Accepted:
    """A request for a new job, answered.

    Attributes:
        acceptance: What became of it.
        job_id: The job, where there is one.
        unknown: Its symbols that are in no master.
    """

    acceptance: Acceptance
    job_id: str = ""
    unknown: Sequence[str] = ()


@dataclass(frozen=True)
class JobFiles:
    """What became of the files of a job.

    Attributes:
        ended_at: When the job ended (UTC); None while it has not.
        has_begun: Whether a run took it.
        written_at: When the files were complete (UTC); None while they are not.
        files: Columns ``name``, ``universe``, ``timeframe``, ``rows``, ``bytes``, ``sha256``.
    """

    ended_at: datetime | None
    has_begun: bool
    written_at: datetime | None
    files: Sequence[Mapping[str, object]]


class JobStore(Protocol):
    """Jobs, as clients ask for them.

    Every method raises `DependencyUnavailableError` while the database cannot be reached.
    """

    async def resolve(self, names: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """Symbol, or code of the Tokyo exchange, → universe and symbol; what is in no master is left out."""

    async def accept(self, new: NewJob) -> Accepted:
        """Writes a job down, in one transaction; the same idempotency key is one job."""

    async def read(self, job_id: str) -> Job | None:
        """A job with its progress."""

    async def recent(
        self, states: Collection[JobState] | None, limit: int, offset: int
    ) -> tuple[int, Sequence[Job]]:
        """How many jobs there are, and some of them, newest first."""

    async def change(self, job_id: str, to: JobState, allowed: Collection[JobState]) -> bool:
        """Changes the state if the job is in one of those allowed; whether it was."""

    async def resume(self, job_id: str) -> bool:
        """Lets a paused job go on: with the run that has not noticed the pause yet, or a new one, due at once."""

    async def begin_launch(self, job_id: str) -> bool:
        """Takes the launch of a job that waits for a run; False if somebody else has taken it, or it is not due."""

    async def launch_failed(self, job_id: str) -> None:
        """Makes the launch due again, for whoever looks next."""

    async def manifest(
        self, job_id: str, limit: int, offset: int
    ) -> tuple[int, Sequence[Mapping[str, object]]]:
        """How many of a job's symbols have an outcome, and the outcomes of some, by symbol."""

    async def files(self, job_id: str) -> JobFiles | None:
        """The files of a job and how far they are; None without the job."""


class RunLauncher(Protocol):
    """Starts runs of the orchestrator."""

    async def launch(self, job: str, config: Mapping[str, object], tags: Mapping[str, str]) -> str:
        """Starts a run of a job with config and tags; returns its id.

        Raises:
            OrchestratorUnavailableError: The orchestrator cannot be reached, or refuses.
        """

    async def status(self, run_id: str) -> str:
        """Status of a run, as the orchestrator calls it.

        Raises:
            OrchestratorUnavailableError: The orchestrator cannot be reached.
        """

    async def is_reachable(self) -> bool:
        """Whether the orchestrator answers."""


@dataclass(frozen=True)
class OpenJob:
    """A job that is not finished, for whoever watches over jobs.

    Attributes:
        run_id: The run that has taken it; None while none has.
        attempts: Launches since it last came forward.
        is_due: Whether it may be launched.
        is_done: Whether every symbol has been processed.
    """

    id: str
    state: JobState
    run_id: str | None
    attempts: int
    is_due: bool
    is_done: bool


@dataclass(frozen=True)
class TakenJob:
    """What a run has to do of a job.

    Attributes:
        symbols: Universe → symbols without an outcome.
        interval: Timeframe of the bars.
        since: First session; None goes on where the stored bars end, or with `whole_history` takes all there is.
        whole_history: Whether everything was asked for.
    """

    id: str
    symbols: Mapping[str, Sequence[str]]
    interval: str
    since: date | None
    whole_history: bool


class JobQueue(Protocol):
    """Jobs, as runs and the sensor that watches over them see them."""

    def open_jobs(self) -> list[OpenJob]:
        """Every job that is not finished, oldest first."""

    def begin_launch(self, job_id: str) -> int | None:
        """Takes the launch of a job that is due; the number of the launch, None if somebody else has taken it."""

    def release(self, job_id: str, run_id: str, wait_seconds: float) -> None:
        """Takes a job from a run that is over; it may be launched again after some seconds, paused ones after that."""

    def take(self, job_id: str, run_id: str) -> TakenJob | None:
        """Gives a job that waits for a run to this one; None if it does not wait any more."""

    def request_of(self, job_id: str, run_id: str) -> JobState | None:
        """`PAUSED` or `CANCEL_REQUESTED` where the run should end before its next symbols; None to go on."""

    def finish(self, job_id: str, state: JobState | None, error: str | None = None) -> JobState | None:
        """Ends a job; None as the state derives it from the outcomes. Returns the state, None if it had ended."""

    def progress(self, job_id: str) -> tuple[int, int]:
        """How many symbols have been processed, and how many there are."""
