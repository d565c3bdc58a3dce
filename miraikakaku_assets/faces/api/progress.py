"""Live progress: one connection listens, and every watcher of a job hears of it at most once a second."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pydantic_core import to_json

from miraikakaku_assets.application.bulk.documents import is_finished, progress_message
from miraikakaku_assets.application.ports.jobs import Job, JobStore
from miraikakaku_assets.domain.errors import DependencyUnavailableError

MOST_WATCHERS = 500
_BETWEEN_SECONDS = 1.0
_BEHIND = 8  # messages that a watcher may be behind before it is dropped
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """A message to watchers.

    Attributes:
        id: Grows with the job's changes; the same in every process.
        text: JSON.
        is_last: Whether the job has ended.
    """

    id: int
    text: str
    is_last: bool


def progress_of(job: Job) -> Progress:
    """What is to be said of a job."""
    moment = int(job.updated_at.timestamp() * 1_000_000)
    return Progress(moment, to_json(progress_message(job)).decode(), is_finished(job))


@dataclass(eq=False)
class Watcher:
    """Somebody who watches a job.

    Attributes:
        messages: What he has not taken yet; None at its end: he was too slow.
    """

    messages: asyncio.Queue[Progress | None] = field(default_factory=lambda: asyncio.Queue(_BEHIND + 1))

    def offer(self, message: Progress) -> bool:
        """Hands him a message; False if he is too far behind, and dropped."""
        if self.messages.qsize() < _BEHIND:
            self.messages.put_nowait(message)
            return True
        self.messages.put_nowait(None)
        return False

    async def __aiter__(self) -> AsyncIterator[Progress]:
        """The messages, up to the last of the job; ends earlier for one who was too slow."""
        while (message := await self.messages.get()) is not None:
            yield message
            if message.is_last:
                return


@dataclass
class _Feed:
    """The watchers of one job."""

    watchers: set[Watcher] = field(default_factory=set)
    published: float = 0.0
    newest: str = ""
    timer: asyncio.TimerHandle | None = None
    due: float = 0.0


class ProgressHub:
    """Hands on what the database tells of jobs.

    Args:
        jobs: Where they are read.
    """

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._feeds: dict[str, _Feed] = {}
        self._tasks = set[asyncio.Task[None]]()

    @property
    def watchers(self) -> int:
        """How many watch, over all jobs."""
        return sum(len(feed.watchers) for feed in self._feeds.values())

    @property
    def is_full(self) -> bool:
        """Whether nobody else may watch."""
        return self.watchers >= MOST_WATCHERS

    def watch(self, job: Job) -> Watcher:
        """A new watcher; what the job is now he knows from whoever lets him in."""
        watcher = Watcher()
        self._feeds.setdefault(job.id, _Feed()).watchers.add(watcher)
        return watcher

    def leave(self, job_id: str, watcher: Watcher) -> None:
        """A watcher leaves."""
        feed = self._feeds.get(job_id)
        if feed is not None:
            feed.watchers.discard(watcher)
            if not feed.watchers:
                if feed.timer is not None:
                    feed.timer.cancel()
                del self._feeds[job_id]

    def heard(self, payload: str) -> None:
        """Takes what the database tells: ``<job> progress`` or ``<job> state``, which is handed on at once."""
        job_id, _, what = payload.partition(" ")
        if job_id in self._feeds:
            self._plan(job_id, at_once=what == "state")

    def look_again(self) -> None:
        """Reads every watched job: what was told meanwhile is not known."""
        for job_id in self._feeds:
            self._plan(job_id, at_once=True)

    def close(self) -> None:
        """Ends what is under way."""
        for task in self._tasks:
            task.cancel()

    def _plan(self, job_id: str, *, at_once: bool) -> None:
        feed, loop = self._feeds[job_id], asyncio.get_running_loop()
        due = loop.time() if at_once else max(loop.time(), feed.published + _BETWEEN_SECONDS)
        if feed.timer is not None:
            if feed.due <= due:
                return
            feed.timer.cancel()
        feed.due = due
        feed.timer = loop.call_at(due, self._begin, job_id)

    def _begin(self, job_id: str) -> None:
        feed = self._feeds.get(job_id)
        if feed is None:
            return
        feed.timer, feed.published = None, asyncio.get_running_loop().time()
        task = asyncio.get_running_loop().create_task(self._publish(job_id, feed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, job_id: str, feed: _Feed) -> None:
        try:
            job = await self._jobs.read(job_id)
        except DependencyUnavailableError as error:  # `look_again` follows when it is back
            _log.warning("The progress of %s cannot be read: %s", job_id, error)
            return
        if job is None:
            return
        message = progress_of(job)
        if message.text == feed.newest:
            return
        feed.newest = message.text
        for watcher in [watcher for watcher in feed.watchers if not watcher.offer(message)]:
            feed.watchers.discard(watcher)
