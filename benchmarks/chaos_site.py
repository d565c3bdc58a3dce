"""The installation of `benchmarks.chaos`: its own PostgreSQL, an exchange behind a proxy, a webhook, two workers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from benchmarks.breaking_proxy import BreakingProxy, breaking_proxy
from benchmarks.day_kills import postmaster
from benchmarks.fetch_site import Exchange
from benchmarks.webhook import Webhook, webhook
from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.engine import EMBEDDED_DATABASE, open_database
from miraikakaku_assets.orchestration.drill.books import forget_disk
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.process import running_process
from miraikakaku_assets_tests.support.command import QUICK
from miraikakaku_assets_tests.support.faults.server import ScenarioServer, output_of, scenario_server
from miraikakaku_assets_tests.support.machine_clock import handed_on

PAIRS = ("EURUSD=X", "USDJPY=X")
WEDNESDAY = datetime(2026, 11, 18, 19, 12, 30, tzinfo=UTC)
"""Mid-session, just before the simulated euro shows a signal of high priority."""
CYCLE = timedelta(minutes=5)
_TEMPLATE = "chaos_template"
_PATIENT = {"WORKER_TIMEOUT": "2", "MAX_RETRIES": "3", "RUN_LOST_AFTER": "5", "BATCH_SIZE": "3"}
_HANGING_SECONDS = 3.0
_FORGOTTEN = (
    "UPDATE miraikakaku.rate_limits SET paused_until = NULL, blocked_until = NULL, trial_until = NULL",
    "UPDATE miraikakaku.notification_channels SET paused_until = NULL",
    "UPDATE miraikakaku.notification_outbox SET due_at = due_at - interval '1 day' WHERE delivered_at IS NULL",
)
"""Time that passes before a command is given again: pauses of the source and of the webhook end."""


@dataclass
class ChaosSite:
    """The installation and what it reaches.

    Attributes:
        folder: Its state folder lies in here.
        exchange: The simulator, without the proxy.
        proxy: Leads there.
        webhook: Who is told.
        workers: Do commands, two at once.
    """

    folder: Path
    exchange: Exchange
    proxy: BreakingProxy
    webhook: Webhook
    workers: tuple[ScenarioServer, ScenarioServer]
    moment: datetime = WEDNESDAY

    @property
    def home(self) -> Path:
        """Its state folder."""
        return self.folder / "home"

    @property
    def database_url(self) -> str:
        """Of its database; starts the server if it is down."""
        database = open_database(self.home, None)
        database.close()
        return database.url

    def environment(self, faults: str = "") -> dict[str, str]:
        """Variables of its commands."""
        through = Exchange(self.proxy.url).variables()
        return {
            **QUICK,
            **_PATIENT,
            **through,
            "PATH": os.environ["PATH"],
            **handed_on(),
            "HOME": str(self.folder),
            "MIRAIKAKAKU_HOME": str(self.home),
            "MIRAIKAKAKU_NOW": self.moment.isoformat(),
            "HISTORY_START": "2026-07-01",
            "FX_PAIRS": ",".join(PAIRS),
            "DISCORD_WEBHOOK_URL": self.webhook.url,
            "MIRAIKAKAKU_FAULTS": faults,
        }

    def do(self, worker: int, scenario: str, *arguments: str) -> int:
        """Does a command without disturbance; its exit code."""
        return self.workers[worker].run(self.folder, self.environment(), scenario, arguments)

    def let_time_pass(self) -> None:
        """Ends the pauses that a disturbance has left."""
        self._as_owner(*_FORGOTTEN)

    def begin_anew(self) -> None:
        """Gives the installation the contents that it had at first."""
        with self._maintenance() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{EMBEDDED_DATABASE}" WITH (FORCE)')
            connection.exec_driver_sql(
                f'CREATE DATABASE "{EMBEDDED_DATABASE}" TEMPLATE {_TEMPLATE} STRATEGY file_copy'
            )
        for order in (self.home / "faults").glob("*"):
            order.unlink()
        self.webhook.messages.clear()

    def keep_contents(self) -> None:
        """Makes what it holds now the contents of every round."""
        with self._maintenance() as connection:
            connection.exec_driver_sql(
                f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{EMBEDDED_DATABASE}'"
            )
            connection.exec_driver_sql(f'CREATE DATABASE {_TEMPLATE} TEMPLATE "{EMBEDDED_DATABASE}"')

    def postmaster(self) -> int | None:
        """Number of the server's first process; None while it is down."""
        return postmaster(self.home)

    def _as_owner(self, *statements: str) -> None:
        database = open_database(self.home, None)
        try:
            with database.engine.begin() as connection:
                for statement in statements:
                    connection.exec_driver_sql(statement)
        finally:
            database.close()

    @contextmanager
    def _maintenance(self) -> Iterator[Any]:
        url = make_url(embedded.ensure_running(self.home)).set(drivername="postgresql+psycopg2")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def chaos_site(folder: Path, symbols: int) -> Iterator[ChaosSite]:
    """An installation with its list of issues and the currencies of a first cycle; all of it is gone afterwards."""
    folder.chmod(0o755)  # as root the server runs as another user
    config = SimulatorConfig(
        symbols=symbols, us_symbols=0, now=WEDNESDAY, timeout_seconds=_HANGING_SECONDS, history_years=1
    )
    with (
        running_process(config) as base,
        breaking_proxy(base) as proxy,
        webhook() as told,
        scenario_server() as first,
        scenario_server() as second,
    ):
        site = ChaosSite(folder, Exchange(base), proxy, told, (first, second))
        try:
            _fill(site)
            yield site
        finally:
            embedded.stop(site.home)


def _fill(site: ChaosSite) -> None:
    site.home.mkdir(mode=0o755)
    database = open_database(site.home, None)
    forget_disk(database)
    database.close()
    for scenario, arguments in (("command", ("master", "update", "--universe", "jp")), ("cycle", PAIRS)):
        code = site.do(0, scenario, *arguments)
        if code:
            raise RuntimeError(f"{arguments}: {code}, {output_of(site.folder)}")
    site.moment += CYCLE
    site.exchange.set_clock(site.moment)
    site.keep_contents()


def fetching_processes(number: int) -> list[int]:
    """The processes that fetch for a command."""
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(number).children()]
    return []
