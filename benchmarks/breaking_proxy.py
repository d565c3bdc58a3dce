"""A TCP proxy on loopback that breaks connections on purpose: cuts them, delays them, or closes one half.

What happens to a connection is drawn when it is accepted, from the seed and the number of the connection alone.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CUT, DELAY, HALF_CLOSE, PASS = "cut", "delay", "half-close", "pass"
BREAKAGES = (CUT, DELAY, HALF_CLOSE)
_BLOCK = 4096
_CUT_AFTER = 2_000
"""Bytes of answers after which a connection is cut at the latest."""
_DELAY_SECONDS = 0.3
_HELD_SECONDS = 20.0
"""How long the open half of a connection is held at the most."""


@dataclass
class BreakingProxy:
    """A running proxy.

    Attributes:
        url: Base URL that leads to the target through it.
        share: Part of the connections that are broken, 0 to 1; may be changed while it runs.
        seed: Decides which, and how.
        kinds: What may happen to them.
        done: What has happened, by kind.
    """

    url: str
    share: float = 0.0
    seed: int = 0
    kinds: tuple[str, ...] = BREAKAGES
    done: Counter[str] = field(default_factory=Counter)
    accepted: int = 0

    def fate(self) -> tuple[str, int]:
        """What happens to the next connection, and after how many bytes of its answers."""
        self.accepted += 1
        draw = random.Random(f"{self.seed} {self.accepted}")  # noqa: S311 - the same in every run
        kind = draw.choice(self.kinds) if draw.random() < self.share else PASS
        self.done[kind] += 1
        return kind, draw.randint(0, _CUT_AFTER)


@contextmanager
def breaking_proxy(target: str) -> Iterator[BreakingProxy]:
    """A proxy in a thread of its own.

    Args:
        target: Base URL of what it leads to, on this machine.
    """
    port = urlsplit(target).port
    if port is None:
        raise ValueError(f"{target} names no port")
    loop, ready = asyncio.new_event_loop(), threading.Event()
    proxy = BreakingProxy("")
    at_work = set[asyncio.Task[None] | None]()  # the loop holds a task weakly once its client has left

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        at_work.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await _connect(proxy, port, reader, writer)
        finally:
            at_work.discard(task)

    async def serve() -> None:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        with suppress(asyncio.CancelledError):
            await server.serve_forever()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    serving = loop.create_task(serve())
    thread = threading.Thread(target=lambda: loop.run_until_complete(serving), name="proxy", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()
        loop.close()


async def _connect(
    proxy: BreakingProxy, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    kind, limit = proxy.fate()
    try:
        answers, questions = await asyncio.open_connection("127.0.0.1", port)
        try:
            if kind == DELAY:
                await asyncio.sleep(_DELAY_SECONDS)
            asking = asyncio.create_task(_pass_on(reader, questions, None))
            try:
                whole = await _pass_on(answers, writer, limit if kind in {CUT, HALF_CLOSE} else None)
                if not whole and kind == HALF_CLOSE:
                    writer.write_eof()  # no more answers, while it still listens
                    await asyncio.wait({asking}, timeout=_HELD_SECONDS)
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
        finally:
            questions.close()
    finally:
        if kind == CUT:
            writer.transport.abort()  # a reset, as from a router that was switched off
        else:
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> bool:
    """Passes bytes on until one side ends, or up to a limit; whether it came to the end."""
    passed = 0
    while block := await reader.read(_BLOCK):
        rest = block if limit is None else block[: limit - passed]
        writer.write(rest)
        await writer.drain()
        passed += len(block)
        if limit is not None and passed > limit:
            return False
    return True
