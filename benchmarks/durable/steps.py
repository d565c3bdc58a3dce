"""Steps a second, and how soon the first new step is done after a kill: ours beside DBOS on the same PostgreSQL."""

import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.bookkeeping import server

PEERS = ("dbos", "dbos-transaction")
_HANG_SECONDS = 900.0
_LOOK_SECONDS = 0.005


@dataclass(frozen=True)
class Resumed:
    """What followed a kill in the middle of the steps.

    Attributes:
        killed_at: Steps that were stored at the kill.
        first_s: From the start of the next process until it had stored a step that was not.
        whole_s: Until it had ended with every step stored and recorded.
    """

    killed_at: int
    first_s: float
    whole_s: float


@dataclass(frozen=True)
class Durable:
    """An engine's figures.

    Attributes:
        engine: Its name, see `benchmarks.durable.worker`.
        per_s: Steps a second of an undisturbed process, imports and start not counted.
        resumed: After a kill.
    """

    engine: str
    per_s: float
    resumed: Resumed

    def __str__(self) -> str:
        """All of it."""
        after = self.resumed
        return (
            f"{self.engine} {self.per_s:,.0f} steps/s, killed at {after.killed_at:,}: first new step after "
            f"{after.first_s:.1f} s, all after {after.whole_s:.1f} s"
        )


@dataclass(frozen=True)
class _Worker:
    """A process that does steps, with what it says of itself."""

    process: subprocess.Popen[str]
    log: IO[bytes]

    def last_words(self) -> str:
        """The end of its log, which has a line for every event."""
        self.log.seek(0)
        return self.log.read()[-2_000:].decode(errors="replace")


def measure(steps: int) -> dict[str, Durable]:
    """Every engine with as many steps, undisturbed and killed by SIGKILL when half of them are stored.

    Raises:
        RuntimeError: A step is missing, or a process ended otherwise than it should.
    """
    figures = {}
    with server() as url:
        for engine in ("ours", "ours-single", *PEERS):
            with _database(url) as (address, database):
                per_s = steps / _run(engine, address, steps)
                _require(database, steps)
            with _database(url) as (address, database):
                figures[engine] = Durable(
                    engine, per_s, _killed_and_resumed(engine, address, database, steps)
                )
    return figures


def _killed_and_resumed(engine: str, address: str, database: Engine, steps: int) -> Resumed:
    with _started(engine, address, steps) as first:
        while _stored(database) < steps // 2:
            if first.process.poll() is not None:
                raise RuntimeError(f"{engine} ended before it could be killed")
            time.sleep(_LOOK_SECONDS)
        first.process.kill()
        first.process.wait()
    killed_at = _settled(database)
    if killed_at >= steps:
        raise RuntimeError(f"{engine} had stored all {steps:,} steps before it was killed: take more of them")
    begun = time.monotonic()
    with _started(engine, address, steps) as second:
        while _stored(database) <= killed_at:
            if second.process.poll() not in (None, 0):
                raise RuntimeError(
                    f"{engine} did not go on: {second.process.returncode}, {second.last_words()}"
                )
            if time.monotonic() - begun > _HANG_SECONDS:
                raise RuntimeError(f"{engine} stored nothing more within {_HANG_SECONDS:.0f} s of its kill")
            time.sleep(_LOOK_SECONDS)
        went_on = time.monotonic()
        if second.process.wait(_HANG_SECONDS):
            raise RuntimeError(
                f"{engine} did not end its work: {second.process.returncode}, {second.last_words()}"
            )
    _require(database, steps)
    return Resumed(killed_at, went_on - begun, time.monotonic() - begun)


def _settled(database: Engine) -> int:
    """Steps that are stored once no connection of the killed process is left."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with database.connect() as connection:
        while connection.execute(text(others)).scalar_one():
            connection.rollback()  # a transaction sees one snapshot of the activity
            time.sleep(_LOOK_SECONDS)
    return _stored(database)


def _require(database: Engine, steps: int) -> None:
    if (stored := _stored(database)) != steps:
        raise RuntimeError(f"{stored:,} of {steps:,} steps are stored")


def _stored(database: Engine) -> int:
    with database.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM stored_steps")).scalar_one())


def _run(engine: str, address: str, steps: int) -> float:
    with _started(engine, address, steps) as worker:
        shown, _ = worker.process.communicate(timeout=_HANG_SECONDS)
        if worker.process.returncode:
            raise RuntimeError(f"{engine} ended with {worker.process.returncode}: {worker.last_words()}")
    return float(json.loads(shown.splitlines()[-1])["seconds"])


@contextmanager
def _started(engine: str, address: str, steps: int) -> Iterator[_Worker]:
    words = [sys.executable, "-m", "benchmarks.durable.worker", engine, address, str(steps)]
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen(
            words,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
        ) as process,
    ):
        try:
            yield _Worker(process, out)
        finally:
            process.kill()


@contextmanager
def _database(server_url: str) -> Iterator[tuple[str, Engine]]:
    """An empty database with the table of the steps: its address, and connections to look at it."""
    name = f"durable_{uuid.uuid4().hex}"
    url = make_url(server_url).set(drivername="postgresql+psycopg2")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    database = create_engine(url.set(database=name))
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE stored_steps (step integer PRIMARY KEY)"))
    try:
        yield url.set(database=name).render_as_string(hide_password=False), database
    finally:
        database.dispose()
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
        admin.dispose()
