"""Runs that do not come to their end: killed processes and Ctrl-C."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.databases import INSTALLED, fresh_database
from miraikakaku_assets_tests.support.installations.installation import (
    SESSIONS,
    history_start,
)
from miraikakaku_assets_tests.support.moments import last_evening
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow

BAD_ROWS = ("nan-bars@1301.T", "garbage-tick@6758.T")
SLOW = "latency=300ms"
CONTENTS = {
    "bars": """
        SELECT symbol, timeframe, ts, open, high, low, close, volume, source, status, flag
        FROM miraikakaku.price_bars JOIN miraikakaku.instruments ON id = instrument_id ORDER BY symbol, ts""",
    "refused": """
        SELECT symbol, timeframe, ts, rule, occurrence, detail, source, released_at,
               format('%%s %%s %%s %%s %%s', open, high, low, close, volume) -- NaN is no equal of itself
        FROM miraikakaku.quarantined_bars ORDER BY symbol, ts, rule, occurrence""",
    "actions": """
        SELECT symbol, ex_date, a.kind, value, a.source
        FROM miraikakaku.corporate_actions a JOIN miraikakaku.instruments i ON i.id = instrument_id
        ORDER BY symbol, ex_date, a.kind""",
}


@pytest.fixture(scope="module")
def exchange() -> Iterator[Simulated]:
    with simulated(symbols=24, us_symbols=0, now=last_evening()) as running:
        yield running


class Site:
    """An installation that is only used through its commands."""

    def __init__(self, exchange: Simulated, url: str, folder: Path) -> None:
        folder.mkdir()
        self.exchange = exchange
        self.engine: Engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
        self.command = Command(
            folder,
            QUICK
            | {
                "MIRAIKAKAKU_HOME": str(folder / "home"),
                "DATABASE_URL": url,
                "YAHOO_BASE_URL": exchange.base,
                "MIRAIKAKAKU_NOW": exchange.moment.isoformat(),
                "JPX_LIST_URL": f"{exchange.base}/jpx/data_j.xls",
                "HISTORY_START": history_start(),
                "MAX_WORKERS": "2",
                "BATCH_SIZE": "2",  # symbols in one transaction
            },
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: self.rows(query) for name, query in CONTENTS.items()}

    def interrupt_in_the_middle(self, number: signal.Signals) -> tuple[int, str]:
        """Starts a collection, sends the signal when some symbols are committed, and waits for the end."""
        self.exchange.set_faults(SLOW, *BAD_ROWS)
        process = self.command.start("collect")
        self._wait_until(process, lambda: self.processed() >= 6)
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
        self.exchange.set_faults(*BAD_ROWS)
        return process.returncode, errors

    def processed(self) -> int:
        try:
            return int(
                self.rows("SELECT coalesce(max(processed_stocks), 0) FROM miraikakaku.batch_executions")[0][0]
            )
        except ProgrammingError:  # the tables are not there yet
            return 0

    @staticmethod
    def _wait_until(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
        until(lambda: process.poll() is not None or ready())
        assert process.poll() is None, "it ended before it was interrupted"

    def batches(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT status, error_message FROM miraikakaku.batch_executions ORDER BY id")

    def run_statuses(self) -> list[str]:
        return [status for (status,) in self.rows("SELECT status FROM dagster.runs ORDER BY id")]


@pytest.fixture(scope="module")
def with_master(
    exchange: Simulated, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database after `master update`, to be copied; its name."""
    with fresh_database(server_url, INSTALLED) as url:
        made = Site(exchange, url, tmp_path_factory.mktemp("with_master") / "site")
        assert made.command("master", "update").code == 0
        yield str(make_url(url).database)


@pytest.fixture
def site(exchange: Simulated, server_url: str, with_master: str, tmp_path: Path) -> Iterator[Site]:
    with fresh_database(server_url, with_master) as url:
        made = Site(exchange, url, tmp_path / "site")
        yield made
        exchange.set_faults()
        made.engine.dispose()


@pytest.fixture(scope="module")
def undisturbed(
    exchange: Simulated, server_url: str, with_master: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple[Any, ...]]]:
    """What a collection that nobody disturbs leaves in the tables."""
    with fresh_database(server_url, with_master) as url:
        site = Site(exchange, url, tmp_path_factory.mktemp("undisturbed") / "site")
        exchange.set_faults(*BAD_ROWS)
        assert site.command("collect").code == 0
        contents = site.contents()
        site.engine.dispose()
    assert len(contents["bars"]) > 20 * (SESSIONS - 5)
    assert {row[3] for row in contents["refused"]} >= {"no_price"}
    return contents


def test_a_killed_collection_is_closed_at_the_next_start_which_ends_as_if_nothing_had_happened(
    site: Site, undisturbed: dict[str, list[tuple[Any, ...]]]
) -> None:
    code, _ = site.interrupt_in_the_middle(signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert site.run_statuses() == ["SUCCESS", "STARTED"]
    assert [status for status, _ in site.batches()] == ["running"]

    again = site.command("collect")

    assert again.code == 0, again.err
    assert site.run_statuses() == ["SUCCESS", "FAILURE", "SUCCESS"]
    assert site.batches() == [
        ("failed", "the process ended before the batch did; run the same command again"),
        ("completed", None),
    ]
    assert site.contents() == undisturbed


def test_a_run_whose_process_lives_is_left_alone(site: Site) -> None:
    site.exchange.set_faults(SLOW, *BAD_ROWS)
    working = site.command.start("collect")
    site._wait_until(working, lambda: site.processed() >= 2)

    site.command("collect", "--symbols", "7203.T")
    _, errors = working.communicate(timeout=PATIENCE)

    assert working.returncode == 0, errors
    assert site.run_statuses() == ["SUCCESS", "SUCCESS", "SUCCESS"]
    assert [status for status, _ in site.batches()] == ["completed", "completed"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_collection_ends_in_order_and_is_continued(
    site: Site, undisturbed: dict[str, list[tuple[Any, ...]]], number: signal.Signals
) -> None:
    code, errors = site.interrupt_in_the_middle(number)

    assert code == 130, errors
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == (
        "error: interrupted; what was committed stays, the same command goes on from there"
    )
    assert site.run_statuses()[1] == "CANCELED"
    assert site.rows("SELECT status, error_class FROM miraikakaku.batch_executions") == [
        ("failed", "cancelled")
    ]
    assert site.command("status", "--json").document["batches"][0]["status"] == "cancelled"
    # What is stored of a symbol is all of it: a delivery is there whole or not at all.
    stored = {row[0] for row in site.contents()["bars"]}
    assert 0 < len(stored) < 24
    for name, rows in site.contents().items():
        assert rows == [row for row in undisturbed[name] if row[0] in stored], name
    details = site.rows("SELECT symbol FROM miraikakaku.batch_execution_details WHERE status = 'completed'")
    assert {symbol for (symbol,) in details} - {"25935.T"} <= stored

    if number == signal.SIGINT:  # once is enough: both end in the same way
        assert site.command("collect").code == 0
        assert site.contents() == undisturbed
