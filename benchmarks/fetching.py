"""What fetching costs: the real command line, real yfinance over HTTP, a real PostgreSQL, a simulated exchange.

The exchange runs in a process of its own and holds every answer back for 50 ms. Every measurement is a whole
``miraikakaku collect`` in a process of its own on a fresh database: a Dagster run with our storage, every request
through the shared rate limit, every symbol with its materialization, its line in the ledger and its bars
committed. Histories are one month long, as when a collection catches up.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.fetch_site import UNLIMITED, Exchange, Site, fresh_site, last_evening, month_before, server
from benchmarks.watched import Ran
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.process import running_process

LATENCY = 0.05
THREADS = 32
"""MAX_WORKERS of the measurements: 10 threads (the default) with answers after 50 ms end at 200 symbols a second."""
START_ALLOWANCE = 10.0
"""Seconds that a command may take before its first and after its last request."""
_WORTH_PROCESSES = (
    250  # symbols of the run that stands for start-up: enough for the fetching processes to start
)
_WORK = """
    SELECT count(*), extract(epoch FROM max(end_time) - min(start_time))
    FROM miraikakaku.batch_execution_details WHERE batch_execution_id = :batch"""
_FIRST_PASS_MOST = 1.05  # requests a symbol


@dataclass(frozen=True)
class Collected:
    """A collection of every listed symbol.

    Attributes:
        ran: What the command took.
        symbols: How many it was asked for.
        requests: How many the exchange has counted.
        working: Seconds from its first request to its last commit.
    """

    ran: Ran
    symbols: int
    requests: int
    working: float

    @property
    def described(self) -> str:
        """Size, time and memory in words."""
        ran = self.ran
        return (
            f"{self.symbols:,} symbols in {ran.seconds:.1f} s wall ({self.working:.1f} s from the first request to "
            f"the last commit), {ran.cpu_seconds:.1f} s CPU, "
            f"peak {ran.peak_mib:.0f} MiB"
        )


def measure_speed(jp: int, us: int, sample: int) -> dict[str, Any]:
    """Symbols a second from the first HTTP request to the last commit.

    Args:
        jp: Issues of the TSE.
        us: Issues of the US exchanges; collected after the Japanese, in a command of their own.
        sample: How many of the US symbols yfinance alone fetches.

    Returns:
        ``per_s``, ``floor_per_s`` (yfinance alone, one process, as many threads) and ``described``.
    """
    moment = last_evening()
    config = SimulatorConfig(symbols=jp, us_symbols=us, latency=LATENCY, now=moment)
    with server() as url, _exchange(config) as exchange, _site(url, exchange, moment) as site:
        runs = [_collect(site, exchange, universe) for universe in ("jp", "us")]
        floor = _alone(exchange, _symbols(site, sample), moment)
    symbols, seconds = sum(run.symbols for run in runs), sum(run.working for run in runs)
    return {
        "per_s": symbols / seconds,
        "floor_per_s": floor["symbols"] / floor["seconds"],
        "described": f"first pass over one month; jp {runs[0].described}; us {runs[1].described}",
    }


def measure_limit(symbols: int, per_second: float) -> dict[str, Any]:
    """Wall time at a rate limit against the time the limit alone would take.

    Returns:
        ``ratio`` of the wall time less the allowance, ``whole`` (the same with nothing taken off) and ``described``.
    """
    moment = last_evening()
    config = SimulatorConfig(symbols=1, us_symbols=symbols, latency=LATENCY, now=moment)
    limit = {"REQUESTS_PER_SECOND": str(per_second), "BURST_LIMIT": "1"}
    with server() as url, _exchange(config) as exchange, _site(url, exchange, moment, **limit) as site:
        collected = _collect(site, exchange, "us")
    due = collected.requests / per_second
    return {
        "ratio": (collected.ran.seconds - START_ALLOWANCE) / due,
        "whole": collected.ran.seconds / due,
        "described": f"{collected.described} at {per_second:g}/s, burst 1",
    }


def measure_scale(many: int, few: int, repeats: int) -> dict[str, Any]:
    """Cost of a symbol and peak memory in a large collection against a small one.

    The cost is the difference to a collection of 250 symbols, which has all the start-up (imports, two fetching
    processes, the run), divided by the further symbols. The small sizes are measured several times, the median
    counts.

    Returns:
        ``wall`` and ``cpu`` (cost of a symbol, many over few), ``peak_mib``, ``small_peak_mib``, ``described``.
    """
    moment = last_evening()
    with server() as url:
        pairs = [(_whole(url, _WORTH_PROCESSES, moment), _whole(url, few, moment)) for _ in range(repeats)]
        large = _whole(url, many, moment)
    base, small = (list(runs) for runs in zip(*pairs, strict=True))
    wall, cpu = (
        _cost(large, [large], base, what) / _cost(small[0], small, base, what)
        for what in ("seconds", "cpu_seconds")
    )
    return {
        "wall": wall,
        "cpu": cpu,
        "peak_mib": large.ran.peak_mib,
        "small_peak_mib": statistics.median(run.ran.peak_mib for run in small),
        "described": f"{large.described}; {small[0].described}; {base[0].described}",
    }


def measure_growth(sizes: Sequence[int]) -> list[Collected]:
    """First collections of a month of bars by as many US symbols, every size on a database of its own."""
    moment = last_evening()
    with server() as url:
        return [_whole(url, symbols, moment) for symbols in sizes]


def measure_requests(symbols: int, sample: int) -> dict[str, Any]:
    """Requests a symbol of a collection a week after the first one.

    Returns:
        ``second`` and ``first`` pass, ``floor`` (yfinance out of the box), ``described``.

    Raises:
        RuntimeError: The first pass took more than 1.05 requests a symbol.
    """
    evening = last_evening()
    begin = evening - timedelta(days=7)
    config = SimulatorConfig(symbols=1, us_symbols=symbols, latency=LATENCY, now=begin)
    with server() as url, _exchange(config) as exchange, _site(url, exchange, begin) as site:
        first = _collect(site, exchange, "us")
        exchange.set_clock(evening)
        second = _collect(site, exchange, "us", "--again", master=False)
        new = site.rows("SELECT rows_inserted FROM miraikakaku.batch_executions ORDER BY id DESC LIMIT 1")[0][
            0
        ]
        exchange.reset_counts()
        _alone(exchange, _symbols(site, sample), evening)
        alone = exchange.counts()["total"] / sample
    if not new:
        raise RuntimeError("the second pass found no new bar; it was no collection a week later")
    if first.requests > first.symbols * _FIRST_PASS_MOST:
        raise RuntimeError(f"the first pass took {first.requests:,} requests for {first.symbols:,} symbols")
    return {
        "second": second.requests / second.symbols,
        "first": first.requests / first.symbols,
        "floor": alone,
        "described": f"{second.symbols:,} symbols a week later, {new:,} new bars",
    }


@contextmanager
def _exchange(config: SimulatorConfig) -> Iterator[Exchange]:
    with running_process(config) as base:
        yield Exchange(base)


@contextmanager
def _site(url: str, exchange: Exchange, moment: datetime, **variables: str) -> Iterator[Site]:
    settings = {**UNLIMITED, "MAX_WORKERS": str(THREADS), "HISTORY_START": month_before(moment), **variables}
    with fresh_site(url, exchange, **settings) as site:
        yield site


def _whole(url: str, symbols: int, moment: datetime) -> Collected:
    config = SimulatorConfig(symbols=1, us_symbols=symbols, latency=LATENCY, now=moment)
    with _exchange(config) as exchange, _site(url, exchange, moment) as site:
        return _collect(site, exchange, "us")


def _collect(site: Site, exchange: Exchange, universe: str, *options: str, master: bool = True) -> Collected:
    """One whole-market collection.

    Raises:
        RuntimeError: It is not accounted for in the database, or it did not ask for every symbol.
    """
    if master:
        site.update_master(universe)
    exchange.reset_counts()
    ran, stage = site.run("collect", "--universe", universe, *options)
    symbols, batch = stage.get("symbols", 0), stage.get("batch", 0)
    counted = exchange.counts()
    committed, working = site.rows(_WORK, batch=batch)[0]
    # A few issues of the TSE are in the list before Yahoo knows them: one failed symbol in two hundred is theirs.
    if not symbols or committed != symbols or stage["failed_symbols"] > symbols / 200:
        raise RuntimeError(
            f"{universe}: {committed:,} of {symbols:,} symbols were committed: {stage['error']}"
        )
    return Collected(ran, symbols, counted["charts"], float(working))


def _cost(size: Collected, runs: Sequence[Collected], base: Sequence[Collected], what: str) -> float:
    took = statistics.median(getattr(run.ran, what) for run in runs)
    start = statistics.median(getattr(run.ran, what) for run in base)
    return float(took - start) / (size.symbols - base[0].symbols)


def _symbols(site: Site, count: int) -> list[str]:
    """Symbols spread over all that are listed in the US."""
    listed = site.rows("SELECT symbol FROM miraikakaku.instruments WHERE universe = 'us' ORDER BY symbol")
    return [symbol for (symbol,) in listed[:: max(1, len(listed) // count)]][:count]


def _alone(exchange: Exchange, symbols: Sequence[str], moment: datetime) -> dict[str, Any]:
    """What yfinance does by itself, see `benchmarks.fetch_floor`."""
    since = month_before(moment)
    command = [sys.executable, "-m", "benchmarks.fetch_floor", exchange.base, since, str(THREADS)]
    done = subprocess.run(
        command,
        input="\n".join(symbols),
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    if not measured["rows"]:
        raise RuntimeError(f"yfinance alone got no row: {done.stderr}")
    return measured
