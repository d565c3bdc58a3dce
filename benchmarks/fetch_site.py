"""An installation that collects from a simulated exchange, driven only through its command line."""

import json
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import polars as pl
import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.watched import Ran, Watched
from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.engine import open_database
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table

SCRIPT = Path(sys.executable).with_name("miraikakaku")
UNLIMITED = {"REQUESTS_PER_SECOND": "100000", "BURST_LIMIT": "100000"}
"""A rate limit that is asked before every request as always, and never makes anybody wait."""
_PATIENCE = 30.0


@dataclass(frozen=True)
class Exchange:
    """A running simulator.

    Attributes:
        base: Its base URL.
    """

    base: str

    def counts(self, *, every_symbol: bool = False) -> dict[str, Any]:
        """What it was asked for since its counters were reset."""
        return self._ask(f"/simulator/requests{'?symbols=all' if every_symbol else ''}")

    def reset_counts(self) -> None:
        """Counts from zero."""
        self._ask("/simulator/requests", method="DELETE")

    def state(self) -> dict[str, Any]:
        """Its clock, its faults and how often each has hit."""
        return self._ask("/simulator/state")

    def set_clock(self, moment: datetime) -> None:
        """Makes its clock stand at another moment."""
        self._ask("/simulator/clock", {"now": moment.isoformat()})

    def set_faults(self, specs: Sequence[str]) -> None:
        """Replaces its faults."""
        self._ask("/simulator/faults", {"faults": list(specs)})

    def variables(self) -> dict[str, str]:
        """Environment that sends an installation's questions to it."""
        return {
            "YAHOO_BASE_URL": self.base,
            "JPX_LIST_URL": f"{self.base}/jpx/data_j.xls",
            "NASDAQ_LISTED_URL": f"{self.base}/symdir/nasdaqlisted.txt",
            "OTHER_LISTED_URL": f"{self.base}/symdir/otherlisted.txt",
            "ALPHA_VANTAGE_BASE_URL": self.base,
            "ALPHA_VANTAGE_API_KEY": "SIMULATED",
        }

    def _ask(self, path: str, body: object = None, method: str | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - our own loopback address
        with urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            content: dict[str, Any] = json.load(answer)
            return content


@dataclass(frozen=True)
class Site:
    """One installation.

    Attributes:
        folder: Its state folder lies in here.
        variables: Its environment; without DATABASE_URL it has an embedded server of its own.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Its state folder."""
        return self.folder / "home"

    def run(self, *arguments: str) -> tuple[Ran, dict[str, Any]]:
        """Runs ``miraikakaku`` with ``--json`` to its end.

        Returns:
            How it ended, and the only stage of its document.

        Raises:
            RuntimeError: It ended without a stage.
        """
        ran, stage = self.attempt(*arguments)
        if stage is None:
            raise RuntimeError(f"miraikakaku {' '.join(arguments)}: {ran.code}, {ran.err or ran.out}")
        return ran, stage

    def attempt(
        self, *arguments: str, meanwhile: Callable[[psutil.Process], object] | None = None
    ) -> tuple[Ran, dict[str, Any] | None]:
        """The same for a command that may be killed; its stage is None when it came to none."""
        variables = {"MIRAIKAKAKU_HOME": str(self.home), **self.variables}
        ran = Watched(self.folder, variables).run([str(SCRIPT), *arguments, "--json"], meanwhile)
        try:
            stage: dict[str, Any] = json.loads(ran.out)["stages"][0]
        except (ValueError, LookupError):
            return ran, None
        return ran, stage

    def update_master(self, universe: str) -> int:
        """Puts the exchange's list into force; returns how many issues it has."""
        _, stage = self.run("master", "update", "--universe", universe)
        if not stage["succeeded"]:
            raise RuntimeError(f"the {universe} master was not updated: {stage['error']}")
        return int(stage["listed"])

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """What a query of its database answers; starts the embedded server if it is down."""
        database = open_database(self.home, self.variables.get("DATABASE_URL"))
        try:
            with database.engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query), values)]
        finally:
            database.close()


@contextmanager
def server() -> Iterator[str]:
    """A PostgreSQL server for the time of a measurement; yields its libpq URL."""
    with tempfile.TemporaryDirectory(prefix="fetching-") as folder:
        Path(folder).chmod(0o755)  # as root the server runs as another user
        yield embedded.ensure_running(Path(folder))
        embedded.stop(Path(folder))


@contextmanager
def fresh_site(server_url: str, exchange: Exchange, **variables: str) -> Iterator[Site]:
    """An installation with an empty database; both are gone afterwards."""
    name = f"fetching_{uuid.uuid4().hex}"
    admin = create_engine(
        make_url(server_url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory(prefix="fetching-") as folder:
        yield Site(Path(folder), {"DATABASE_URL": url, **exchange.variables(), **variables})
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    admin.dispose()


def last_evening() -> datetime:
    """The moment the newest TSE bar became final; New York's last bar is final, too, so no bar moves any more."""
    closes = session_table("XTKS").filter(pl.col("closes") <= datetime.now(UTC) - FINAL_AFTER)["closes"]
    evening: datetime = closes[-1] + FINAL_AFTER
    return evening


def month_before(moment: datetime) -> str:
    """First day of a history of one month: what a catching-up collection asks for, about 22 bars."""
    return (moment - timedelta(days=31)).date().isoformat()
