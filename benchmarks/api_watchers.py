"""Progress from the commit to the clients: many WebSockets of one job, and a ledger that moves."""

import asyncio
import json
import statistics
import time
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.api_load import FailedRequestsError
from miraikakaku_assets.adapters.storage.engine import Database

_BETWEEN_SECONDS = 1.3  # a client hears of progress at most once a second
_PATIENCE_SECONDS = 60.0
_AT_ONCE = 25  # connections that are being opened
_MOVE = """
UPDATE miraikakaku.run_progress SET processed = %(number)s, successful = %(number)s, updated_at = clock_timestamp()
"""


def measure(database: Database, address: str, job_id: str, clients: int, moves: int) -> dict[str, float]:
    """Times every message from its commit to its arrival.

    Args:
        database: Whose ledger moves.
        address: Of the API, ``http://…``.
        job_id: A job at work that has more symbols than moves.
        clients: WebSockets, all in one process.
        moves: Commits, each of them told to every client.

    Returns:
        ``p95_ms``, ``median_ms``, ``most_ms``.

    Raises:
        FailedRequestsError: A client did not hear of a commit.
    """
    return asyncio.run(
        _measure(database, f"ws{address.removeprefix('http')}/ws/bulk/{job_id}", clients, moves)
    )


async def _measure(database: Database, url: str, clients: int, moves: int) -> dict[str, float]:
    opening = asyncio.Semaphore(_AT_ONCE)
    heard: dict[int, list[float]] = {number: [] for number in range(1, moves + 1)}
    committed: dict[int, float] = {}
    async with AsyncExitStack() as stack:

        async def opened() -> ClientConnection:
            async with opening:
                socket = await connect(url, open_timeout=_PATIENCE_SECONDS, ping_interval=None)
                stack.push_async_callback(socket.close)
                await socket.recv()  # the state first
                return socket

        sockets = await asyncio.gather(*(opened() for _ in range(clients)))
        listening = [asyncio.create_task(_listen(socket, heard, moves)) for socket in sockets]
        for number in range(1, moves + 1):
            await asyncio.sleep(_BETWEEN_SECONDS)
            committed[number] = await asyncio.to_thread(_move, database, number)
        done, late = await asyncio.wait(listening, timeout=_PATIENCE_SECONDS)
        for task in late:
            task.cancel()
        for task in done:
            task.result()
    if late or any(len(moments) != clients for moments in heard.values()):
        raise FailedRequestsError(
            f"{clients} clients: {sum(map(len, heard.values())):,} of {clients * moves:,} heard"
        )
    delays = [(moment - committed[number]) * 1000 for number, moments in heard.items() for moment in moments]
    return {
        "p95_ms": statistics.quantiles(delays, n=100)[94],
        "median_ms": statistics.median(delays),
        "most_ms": max(delays),
    }


async def _listen(socket: ClientConnection, heard: dict[int, list[float]], moves: int) -> None:
    number = 0
    while number < moves:
        text = await socket.recv()
        arrived = time.monotonic()
        number = json.loads(text)["progress"]["processed"]
        if number in heard:
            heard[number].append(arrived)


def _move(database: Database, number: int) -> float:
    """Moves the ledger; the monotonic second at which the commit was done."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql(_MOVE, {"number": number})
    return time.monotonic()
