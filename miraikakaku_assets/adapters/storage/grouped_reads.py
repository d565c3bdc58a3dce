"""Reads that are asked for while another is under way are one read: under load a statement answers many questions."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class GroupedReads(Generic[K, V]):
    """Answers questions in groups, one group at a time.

    An answer comes from a read that begins after its question was asked, as if each question were a read of its own:
    what was committed before the question is seen.

    Args:
        read: Reads all keys of a group; keys that are not there are left out.
    """

    def __init__(self, read: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read = read
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def read(self, key: K) -> V | None:
        """What there is of a key, None without any.

        Raises:
            DependencyUnavailableError: What is read from cannot be reached.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[V | None] = loop.create_future()
        self._waiting.setdefault(key, []).append(answer)
        if self._reading is None:
            self._reading = loop.create_task(self._read_all())
        return await answer

    async def _read_all(self) -> None:
        """Reads group after group until nobody waits."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting, {}
                try:
                    answered = await self._read(group.keys())
                except Exception as error:  # noqa: BLE001 - each of those who wait is told
                    for answer in _open(group.values()):
                        answer.set_exception(error)
                    continue
                except asyncio.CancelledError:
                    for answer in _open(group.values()):
                        answer.cancel()
                    raise
                for key, answers in group.items():
                    for answer in _open([answers]):
                        answer.set_result(answered.get(key))
        finally:
            self._reading = None


def _open(answers: Iterable[list[asyncio.Future[V | None]]]) -> Iterator[asyncio.Future[V | None]]:
    """Those that somebody still waits for: a client may have left."""
    return (answer for several in answers for answer in several if not answer.done())
