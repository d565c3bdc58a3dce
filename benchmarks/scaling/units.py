"""Measures the unit costs: each size in a process of its own, on a database of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from benchmarks import bookkeeping, fetching
from benchmarks.processor import postgres_seconds
from benchmarks.scaling.growth import Growth, growth
from benchmarks.scaling.needs import SESSIONS_A_YEAR, YEARS, Units
from benchmarks.scaling.size import Size, read
from miraikakaku_assets.adapters.storage.engine import Database

ASSETS = 4
"""Daily bars, weeks, months, indicators: what a night materializes of each symbol."""
_OVER_BARS = ("collect", "analyze", "coverage", "vacuum", "backup")


@dataclass(frozen=True)
class Plan:
    """Sizes that are measured.

    Attributes:
        markets: Issues, each with a year of daily bars.
        long: Issues with twenty years of them.
        fetched: Issues that are fetched from a simulated exchange.
        partitions: Keys whose books are kept.
    """

    markets: tuple[int, ...]
    long: tuple[int, ...]
    fetched: tuple[int, ...]
    partitions: tuple[int, ...]


QUICK = Plan((250, 500, 1_000), (25, 50), (100, 400), (250, 500, 1_000))
FULL = Plan((2_000, 4_000, 8_000), (200, 400, 800), (1_000, 2_000, 4_000), (2_000, 4_000, 8_000))


@dataclass(frozen=True)
class Measured:
    """All that was measured.

    Attributes:
        markets: A year of daily bars of several markets, the smallest first.
        long: Twenty years of few issues, the fewest first.
        units: What follows a unit.
        fetch_mib: Most memory of a collection over HTTP, all its processes, at its largest size.
        memory_bytes: Of this machine.
    """

    markets: tuple[Size, ...]
    long: tuple[Size, ...]
    units: Units
    fetch_mib: float
    memory_bytes: int


def measure(plan: Plan, say: Callable[[str], object]) -> Measured:
    """Measures every size of a plan.

    Args:
        plan: Which.
        say: Is told what is measured next.
    """
    with bookkeeping.server() as url:
        markets = tuple(_size(url, symbols, SESSIONS_A_YEAR, say) for symbols in plan.markets)
        long = tuple(_size(url, symbols, SESSIONS_A_YEAR * YEARS, say) for symbols in plan.long)
        books = [_books(url, partitions, say) for partitions in plan.partitions]
    say(f"{plan.fetched} symbols over HTTP")
    fetched = fetching.measure_growth(plan.fetched)
    both = (*markets, *long)
    cpu = {name: growth([(size.bars, size.stages[name].cpu_s) for size in markets]) for name in _OVER_BARS}
    cpu["forecasts"] = growth([(size.rows["forecasts"], size.stages["forecasts"].cpu_s) for size in markets])
    cpu["night_analyze"] = growth([(size.symbols, size.stages["night_analyze"].cpu_s) for size in long])
    cpu["books"] = growth([(run["partitions"] * ASSETS, run["cpu_s"]) for run in books])
    cpu["fetch"] = growth([(run.requests, run.ran.cpu_seconds) for run in fetched])
    sizes = {name: _sizes(both, name) for name in ("bars", "bars_key", "indicators", "backup")}
    sizes["forecasts"] = growth([(size.rows["forecasts"], size.sizes["forecasts"]) for size in markets])
    sizes["books"] = growth([(run["partitions"] * ASSETS, run["event_bytes"]) for run in books])
    rows = {
        "derived": growth([(size.bars, size.rows["built"] + size.rows["indicators"]) for size in both]),
        "books": growth([(run["partitions"] * ASSETS, run["event_rows"]) for run in books]),
    }
    night = growth([(size.symbols, _night_transactions(size)) for size in markets])
    return Measured(
        markets,
        long,
        Units(cpu, sizes, rows, night, ASSETS),
        max(run.ran.peak_mib for run in fetched),
        psutil.virtual_memory().total,
    )


def _sizes(measured: Sequence[Size], name: str) -> Growth:
    return growth([(size.bars, size.sizes[name]) for size in measured])


def _night_transactions(size: Size) -> int:
    return sum(size.stages[name].transactions for name in ("night_collect", "night_analyze"))


def _size(server_url: str, symbols: int, sessions: int, say: Callable[[str], object]) -> Size:
    say(f"{symbols:,} issues x {sessions:,} sessions")
    name = f"size_{symbols}_{sessions}"
    url = make_url(server_url).set(drivername="postgresql+psycopg2")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    address = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    words = [sys.executable, "-m", "benchmarks.scaling.size", address, str(symbols), str(sessions)]
    shown = subprocess.run(
        words, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=True
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    admin.dispose()
    return read(json.loads(shown.stdout.splitlines()[-1]))


def _books(server_url: str, partitions: int, say: Callable[[str], object]) -> dict[str, Any]:
    say(f"books of {partitions:,} partitions x {ASSETS} assets")
    server = Database(server_url)
    before = postgres_seconds(server)
    run = bookkeeping.in_fresh_process(server_url, "pooled", partitions, ASSETS)
    spent = postgres_seconds(server) - before
    server.close()
    return {**run, "cpu_s": run["cpu_seconds"] + spent}
