"""An installation with workers: Redis, Dagster's daemon and worker processes, each as on a machine of its own.

Where the system allows it every worker has a host name of its own, so that nobody can look at another's processes, and
what is noticed of one that was killed is noticed by its silence.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

import psutil

from benchmarks.fetch_site import Site
from miraikakaku_assets_tests.support.machine_clock import handed_on

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "hunter2-of-redis"  # noqa: S105 - of a Redis on loopback that lives for minutes  # pragma: allowlist secret
_CLONE_NEWUTS = 0x04000000  # <sched.h>
_HANG_SECONDS = 600.0
_STOP_SECONDS = 60.0
_BACKFILL = """
import time
import dagster as dg
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.utils import make_new_backfill_id
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.orchestration.instance.home import open_instance

with open_instance(ports().settings) as instance:
    instance.add_backfill(PartitionBackfill.from_asset_partitions(
        make_new_backfill_id(),
        asset_graph=build_defs().get_repository_def().asset_graph,
        partition_names=list(instance.get_dynamic_partitions("jp_symbols")),
        asset_selection=[dg.AssetKey(["jp", "prices_1d"])],
        backfill_timestamp=time.time(),
        tags={}, dynamic_partitions_store=instance, all_partitions=False,
        title=None, description=None, run_config=None,
    ))
"""
_TERMINATE = """
import sys
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.orchestration.instance.home import open_instance

with open_instance(ports().settings) as instance:
    print(instance.run_coordinator.cancel_run(sys.argv[1]))
"""
Found = TypeVar("Found")


def _may_name_hosts() -> bool:
    """Whether this user may give processes a host name of their own."""
    if sys.platform != "linux":
        return False
    script = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({_CLONE_NEWUTS}) != 0)"
    return subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@dataclass
class Worker:
    """A worker process.

    Attributes:
        name: Of the worker.
        process: Its main process.
    """

    name: str
    process: subprocess.Popen[bytes]

    def kill(self) -> list[psutil.Process]:
        """Kills its main process by SIGKILL; returns what it had started, which has to end by itself."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        return family


@dataclass
class WorkerSite:
    """The installation.

    Attributes:
        site: Its command line.
        workers: Name → worker.
        logs: Folder of the processes' output.
        apart: Whether each worker has a host name of its own.
    """

    site: Site
    logs: Path
    workers: dict[str, Worker] = field(default_factory=dict)
    apart: bool = field(default_factory=_may_name_hosts)

    @property
    def environment(self) -> dict[str, str]:
        """Of all its processes."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.site.folder),
            "MIRAIKAKAKU_HOME": str(self.site.home),
            "DAGSTER_HOME": str(self.site.home / "dagster"),
            "PYTHONWARNINGS": "ignore",
            **handed_on(),
            **self.site.variables,
        }

    def backfill(self) -> None:
        """Asks for the daily bars of every Tokyo symbol, as the web UI does."""
        self._script(_BACKFILL)

    def terminate(self, run_id: str) -> bool:
        """Ends a run, as the web UI does; whether it will end."""
        return self._script(_TERMINATE, run_id) == "True"

    def holder(self, *, processed: int = 0) -> tuple[str, str] | None:
        """A run at work of which so many symbols are done, and the worker that does it."""
        rows = self.site.rows(
            "SELECT l.run_id, split_part(l.worker, '@', 1) FROM miraikakaku.run_leases l "
            "JOIN dagster.runs r ON r.run_id = l.run_id AND r.status = 'STARTED' "
            "JOIN miraikakaku.batch_executions b ON b.run_id = l.run_id AND b.status = 'running' "
            "WHERE b.processed_stocks >= :processed ORDER BY r.id LIMIT 1",
            processed=processed,
        )
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def status(self, run_id: str) -> str:
        """Of a run."""
        return str(self.site.rows("SELECT status FROM dagster.runs WHERE run_id = :run", run=run_id)[0][0])

    def next_attempt(self, run_id: str) -> str | None:
        """The run that does what another has left."""
        rows = self.site.rows(
            "SELECT run_id FROM dagster.run_tags WHERE key = 'dagster/parent_run_id' AND value = :run",
            run=run_id,
        )
        return str(rows[0][0]) if rows else None

    def collected_by(self, run_id: str) -> frozenset[str]:
        """Symbols that a run has stored and booked."""
        query = (
            "SELECT d.symbol FROM miraikakaku.batch_execution_details d "
            "JOIN miraikakaku.batch_executions b ON b.id = d.batch_execution_id "
            "WHERE b.run_id = :run AND d.status = 'completed'"
        )
        return frozenset(symbol for (symbol,) in self.site.rows(query, run=run_id))

    def failure_message(self, run_id: str) -> str:
        """What Dagster says of a run that has failed."""
        query = (
            "SELECT event::json ->> 'user_message', event::json -> 'dagster_event' ->> 'message' "
            "FROM dagster.event_logs WHERE run_id = :run AND dagster_event_type = 'PIPELINE_FAILURE'"
        )
        (said, message), *_ = self.site.rows(query, run=run_id)
        return str(message or said)

    def runs_by_worker(self) -> dict[str, int]:
        """Name of a worker → runs that it was the last to do."""
        query = (
            "SELECT split_part(worker, '@', 1), count(*) FROM miraikakaku.run_leases GROUP BY 1 ORDER BY 1"
        )
        return {str(name): int(number) for name, number in self.site.rows(query)}

    def most_requests(self, seconds: int) -> float:
        """Most requests that were booked in so many seconds in a row, per second."""
        query = (
            "SELECT max(sum) FROM (SELECT sum(requests) OVER (ORDER BY logged_at RANGE BETWEEN "
            f"'{seconds} s'::interval PRECEDING AND CURRENT ROW) FROM miraikakaku.data_collection_log) AS w"
        )
        return float(self.site.rows(query)[0][0]) / seconds

    def backfill_status(self) -> str:
        """Of the newest backfill."""
        return str(self.site.rows("SELECT status FROM dagster.bulk_actions ORDER BY id DESC LIMIT 1")[0][0])

    def start_worker(self, name: str) -> Worker:
        """A worker with one slot."""
        command = [str(Path(sys.executable).with_name("miraikakaku")), "worker", "--name", name]
        process = self._start(command, name, _named_host(name) if self.apart else None)
        self.workers[name] = Worker(name, process)
        return self.workers[name]

    def start_daemon(self) -> subprocess.Popen[bytes]:
        """Dagster's daemon."""
        workspace = str(ROOT / "workspace.yaml")
        return self._start([sys.executable, "-m", "dagster._daemon", "run", "-w", workspace], "daemon")

    def _start(
        self, command: list[str], name: str, first: Callable[[], None] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                env=self.environment,
                cwd=self.site.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=first,  # noqa: PLW1509 - a system call or two
            )

    def _script(self, script: str, *arguments: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=self.environment,
            cwd=self.site.folder,
            capture_output=True,
            text=True,
            timeout=_HANG_SECONDS,
            check=False,
        )
        if ran.returncode != 0:
            raise RuntimeError(ran.stderr)
        return ran.stdout.strip()


def redis_server() -> str | None:
    """Path of Debian's ``redis-server``; None where it is not installed."""
    return shutil.which("redis-server")


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """A Redis for the time of a measurement; yields its URL, with a password."""
    program = redis_server()
    if program is None:
        raise RuntimeError("redis-server is not installed (Debian: apt-get install redis-server)")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--requirepass", PASSWORD]
    with _log(folder, "redis") as log, subprocess.Popen(command, stdout=log, cwd=folder) as process:
        try:
            wait_for(lambda: _listens(port))
            yield f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        finally:
            process.terminate()


@contextmanager
def running_workers(site: Site, instance: Path, names: tuple[str, ...]) -> Iterator[WorkerSite]:
    """Redis, daemon and workers over an installation whose master is there; all are gone afterwards.

    Args:
        site: The installation.
        instance: Its ``dagster.yaml``.
        names: Of the workers.
    """
    logs = site.folder / "processes"
    logs.mkdir()
    with ExitStack() as stack:
        url = stack.enter_context(running_redis(logs))
        site.variables.update({"CELERY_BROKER_URL": url, "DAGSTER_YAML": str(instance)})
        made = WorkerSite(site, logs)
        stack.callback(_stop, made)
        for name in names:
            made.start_worker(name)
        in_force = site.home / "dagster" / "dagster.yaml"
        wait_for(lambda: in_force.exists() and in_force.read_bytes() == instance.read_bytes())
        daemon = made.start_daemon()
        stack.callback(_end, daemon)
        wait_for(lambda: all(" ready" in (logs / f"{name}.log").read_text() for name in names))
        yield made


def wait_for(look: Callable[[], Found | None], pause: float = 0.1) -> Found:
    """Looks until there is something to see.

    Raises:
        TimeoutError: It did not come.
    """
    deadline = time.monotonic() + _HANG_SECONDS
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError("it has not come")
        time.sleep(pause)
    return seen


def is_alive(process: psutil.Process) -> bool:
    """Whether a process is there and has not ended."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _stop(made: WorkerSite) -> None:
    for worker in made.workers.values():
        if worker.process.poll() is None:
            worker.process.send_signal(signal.SIGTERM)
    for worker in made.workers.values():
        _end(worker.process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks a process to end, and ends what it has left."""
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()


def _log(folder: Path, name: str) -> IO[bytes]:
    return (folder / f"{name}.log").open("ab")


def _listens(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def _named_host(name: str) -> Callable[[], None]:
    """Gives a process a host name of its own, with its children."""
    library = ctypes.CDLL(None)

    def rename() -> None:
        if library.unshare(_CLONE_NEWUTS) == 0:
            socket.sethostname(f"host-of-{name}")

    return rename
