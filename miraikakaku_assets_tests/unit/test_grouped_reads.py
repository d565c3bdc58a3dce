"""Reads in groups: as exact as a read for each question, and fewer."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from miraikakaku_assets.adapters.storage.grouped_reads import GroupedReads
from miraikakaku_assets.domain.errors import DependencyUnavailableError


class Stored:
    """Numbers that change, and a read of them that takes until it is let go."""

    def __init__(self) -> None:
        self.values = {"a": 1, "b": 1}
        self.groups: list[set[str]] = []
        self.may_end = asyncio.Event()
        self.is_down = False

    async def read(self, keys: Collection[str]) -> Mapping[str, int]:
        self.groups.append(set(keys))
        seen = {key: self.values[key] for key in keys if key in self.values}  # a statement's snapshot
        await self.may_end.wait()
        if self.is_down:
            raise DependencyUnavailableError("down")
        return seen


async def begun(reads: GroupedReads[str, int], *keys: str) -> list[asyncio.Task[int | None]]:
    tasks = [asyncio.create_task(reads.read(key)) for key in keys]
    for _ in range(3):  # they ask, and the read begins
        await asyncio.sleep(0)
    return tasks


def test_who_asks_during_a_read_waits_for_the_next_and_sees_what_was_stored_before_he_asked() -> None:
    async def run() -> None:
        stored = Stored()
        reads = GroupedReads(stored.read)
        first = await begun(reads, "a", "a", "b")
        stored.values["a"] = 2
        second = await begun(reads, "a", "absent", "a", "a")
        assert stored.groups == [{"a", "b"}]
        second[0].cancel()  # a client has left; the others wait for the same read
        stored.may_end.set()

        assert await asyncio.gather(*first) == [1, 1, 1]
        assert await asyncio.gather(*second[1:]) == [None, 2, 2]
        assert stored.groups == [{"a", "b"}, {"a", "absent"}]

    asyncio.run(run())


def test_all_of_a_group_hear_of_an_error_and_the_next_group_is_read() -> None:
    async def run() -> None:
        stored = Stored()
        reads = GroupedReads(stored.read)
        stored.is_down = True
        first = await begun(reads, "a", "b")
        stored.may_end.set()
        for task in first:
            with pytest.raises(DependencyUnavailableError):
                await task
        stored.is_down = False
        assert await reads.read("a") == 1

    asyncio.run(run())
