"""The REST API as a client meets it: `miraikakaku serve` over the tables of a whole market, and a generator of load."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import psutil

from benchmarks import coverage
from benchmarks.api_load import Load, load
from benchmarks.processor import postgres_seconds, processor_seconds
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.free_port import free_port

WORKERS, YEAR_SESSIONS = 2, 245
_SCRIPT = Path(sys.executable).with_name("miraikakaku")
_START_SECONDS = 120.0
_MIB = 2**20


@dataclass(frozen=True)
class Route:
    """A route under load beside the floor.

    Attributes:
        ours: Every round.
        floor: A bare route that answers as many bytes, between them.
        cpu_ms: Processor time of the server and of PostgreSQL per request, milliseconds.
        floor_cpu_ms: The bare server's.
        size: Bytes of an answer.
    """

    ours: Sequence[Load]
    floor: Sequence[Load]
    cpu_ms: float
    floor_cpu_ms: float
    size: int

    def __str__(self) -> str:
        """All of it, beside the floor."""
        return (
            f"{self.per_s:,.0f}/s, p99 {self.p99_ms:.0f} ms, {self.cpu_ms:.3f} ms of processor ({self.size:,} bytes) "
            f"beside {self.floor_per_s:,.0f}/s, {self.floor_p99_ms:.0f} ms, {self.floor_cpu_ms:.3f} ms"
        )

    @property
    def per_s(self) -> float:
        """Requests a second, median of the rounds."""
        return statistics.median(round_.per_s for round_ in self.ours)

    @property
    def floor_per_s(self) -> float:
        """The bare route's."""
        return statistics.median(round_.per_s for round_ in self.floor)

    @property
    def p99_ms(self) -> float:
        """Latency that 99 % kept, median of the rounds."""
        return statistics.median(round_.p99_ms for round_ in self.ours)

    @property
    def floor_p99_ms(self) -> float:
        """The bare route's."""
        return statistics.median(round_.p99_ms for round_ in self.floor)


def fill(database: Database, issues: int, sessions: int) -> list[date]:
    """A market of made-up daily bars; its sessions."""
    window = coverage.window_of(sessions)
    coverage.make_market(database, issues, window, 1.0)
    return window


@contextmanager
def served(database: Database, home: Path, workers: int) -> Iterator[tuple[str, psutil.Process]]:
    """The address of the API in processes of its own, as an operator starts it."""
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": database.url,
        "MIRAIKAKAKU_HOME": str(home),
        "DAGSTER_URL": "http://127.0.0.1:9",
        "RATE_LIMIT_PER_MINUTE": "1000000",
        "LOG_LEVEL": "WARNING",  # every WebSocket is a line otherwise
    }
    words = [str(_SCRIPT), "serve", "--port", str(port), "--workers", str(workers)]
    with _running(words, f"http://127.0.0.1:{port}/health", environment) as process:
        yield f"http://127.0.0.1:{port}", process


def begin_job(database: Database, address: str, issues: int) -> str:
    """A job at work, with a collection in the ledger."""
    symbols = [f"S{number}.T" for number in range(issues)]
    answer = httpx.post(f"{address}/api/bulk/start", json={"symbols": symbols}, timeout=60)
    job_id: str = answer.raise_for_status().json()["job_id"]
    ports = Ports(Settings(_env_file=None, database_url=database.url))
    if ports.stores.job_queue.take(job_id, "run") is None:
        raise RuntimeError(f"{job_id} was not to be had")
    with database.engine.begin() as connection:
        connection.exec_driver_sql(_COLLECTION, {"total": issues})
    ports.opened.close()
    return job_id


def measure_route(database: Database, process: psutil.Process, url: str, rounds: int, seconds: int) -> Route:
    """Loads a route and the floor by turns."""
    size = len(httpx.get(url).raise_for_status().content)
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    words = [sys.executable, "-m", "benchmarks.api_floor", str(port), str(WORKERS), str(size)]
    ours, floor, cpu, floor_cpu = [], [], 0.0, 0.0
    with _running(words, address, dict(os.environ)) as bare:
        for target in (url, address):
            load(target, 1)  # what is asked for the first time is prepared
        for _ in range(rounds):
            begun = processor_seconds(process) + postgres_seconds(database)
            ours.append(load(url, seconds))
            cpu += processor_seconds(process) + postgres_seconds(database) - begun
            begun = processor_seconds(bare)
            floor.append(load(address, seconds))
            floor_cpu += processor_seconds(bare) - begun
    own, other = (sum(round_.requests for round_ in those) for those in (ours, floor))
    return Route(ours, floor, cpu / own * 1000, floor_cpu / other * 1000, size)


def median_ms(urls: Sequence[str]) -> tuple[float, int]:
    """Milliseconds from a question to the whole answer over one connection, median, and the bytes of the last one."""
    took, size = list[float](), 0
    with httpx.Client(timeout=60) as client:
        client.get(urls[0]).raise_for_status()
        for url in urls:
            begun = time.perf_counter()
            answer = client.get(url).raise_for_status()
            took.append((time.perf_counter() - begun) * 1000)
            size = len(answer.content)
    return statistics.median(took), size


def resident_mib(process: psutil.Process) -> float:
    """Memory of the largest process that answers, MiB: the readers of tables are the children of those."""
    workers = process.children() or [process]
    return max(worker.memory_info().rss for worker in workers) / _MIB


@contextmanager
def _running(words: Sequence[str], url: str, environment: dict[str, str]) -> Iterator[psutil.Process]:
    started = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                httpx.get(url, timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                if started.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{' '.join(words)} does not answer") from None
                time.sleep(0.1)
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait(30)


_COLLECTION = """
WITH batch AS (
    INSERT INTO miraikakaku.batch_executions
        (id, batch_type, status, universe, timeframe, source, run_id, total_stocks)
    VALUES (1, 'partial', 'running', 'jp', '1d', 'made', 'run', %(total)s) RETURNING id
)
INSERT INTO miraikakaku.run_progress (batch_execution_id, run_id, status, total)
SELECT id, 'run', 'running', %(total)s FROM batch
"""
