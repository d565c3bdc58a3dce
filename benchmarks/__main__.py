"""Runs the suite, prints a table and writes ``benchmarks/results.json``.

``--quick`` runs everything at a small size; ``--only a,b`` runs some metrics and leaves the others in the file.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import analysis, bookkeeping, event_log, fetching, forecasting, ingest, market, startup
from miraikakaku_assets.adapters.storage import embedded, migrate
from miraikakaku_assets.adapters.storage.engine import Database, open_database

_RESULTS = Path(__file__).parent / "results.json"
_WHOLE_MARKET = 5_000  # more symbols than the TSE lists


@dataclass(frozen=True)
class Metric:
    """One measured figure, in the shape of the results file."""

    value: float
    unit: str
    floor: float | None
    floor_is: str
    goal: float
    better: str
    holds: bool


def _metric(value: float, unit: str, goal: float, better: str, floor: float | None, floor_is: str) -> Metric:
    holds = value <= goal if better == "lower" else value >= goal
    return Metric(value, unit, floor, floor_is, goal, better, holds)


def _ingest(*, quick: bool) -> dict[str, Metric]:
    with tempfile.TemporaryDirectory() as folder, _database() as database:
        # Always the whole market: with one delivery there is nothing to overlap, and start-up counts double.
        year = market.year(Path(folder), _WHOLE_MARKET)
        found = ingest.measure(database, year, 1 if quick else 5)
    what = f"{found['floor_s']:.2f} s: ADBC append of the same rows into the same table; {year.described}"
    what += f", {year.rows:,} rows of {year.symbols:,} symbols, ours {found['ours_s']:.2f} s"
    return {"ingest_vs_adbc": _metric(found["ratio"], "ratio", 0.5, "higher", found["floor_s"], what)}


def _bookkeeping(*, quick: bool) -> dict[str, Metric]:
    partitions, stock = 4000, 200 if quick else 4000
    found = bookkeeping.measure(partitions, 3, stock, repeats=1 if quick else 3)
    peer = found["stock_ms_per_partition_asset"]
    ours = found["ms_per_partition_asset"]
    what = f"stock dagster-postgres, {stock:,} partitions x 3 assets (ours: {partitions:,} x 3)"
    return {
        "bookkeeping_ms_per_partition_asset": _metric(ours, "ms", 0.6, "lower", peer, what),
        "bookkeeping_vs_stock": _metric(found["vs_stock"], "ratio", 25, "higher", peer, what),
    }


def _keys(*, quick: bool) -> dict[str, Metric]:  # noqa: ARG001 - 16,000 keys are quick
    found = bookkeeping.measure_partition_keys(16_000)
    return {"partition_keys_16k_s": _metric(found["seconds"], "s", 1.0, "lower", None, "no peer: one batch")}


def _startup(*, quick: bool) -> dict[str, Metric]:
    found = startup.measure(3 if quick else 7)
    what = "importing Dagster alone, whole process"
    return {"definitions_load_s": _metric(found["load_s"], "s", 2.0, "lower", found["dagster_s"], what)}


def _fetch_speed(*, quick: bool) -> dict[str, Metric]:
    found = fetching.measure_speed(*(400, 1_100, 300) if quick else (4_400, 11_600, 2_000))
    what = f"yfinance alone in one process, nothing stored, {fetching.THREADS} threads; ours: {found['described']}"
    return {"fetch_symbols_per_s": _metric(found["per_s"], "1/s", 120, "higher", found["floor_per_s"], what)}


def _fetch_limit(*, quick: bool) -> dict[str, Metric]:
    found = fetching.measure_limit(600 if quick else 2_400, 40.0)
    what = f"with nothing taken off for start and end (taken off: 10 s); {found['described']}"
    return {"fetch_wall_vs_limit": _metric(found["ratio"], "ratio", 1.03, "lower", found["whole"], what)}


def _fetch_scale(*, quick: bool) -> dict[str, Metric]:
    many = 4_000 if quick else 64_000
    few = 1_000  # fewer, and a tenth of a second of start-up would move the ratio by percents
    found = fetching.measure_scale(many, few, 2 if quick else 3)
    cost = max(found["wall"], found["cpu"])
    small = found["small_peak_mib"]
    grown = (
        f"the same at {few:,} symbols: {found['peak_mib'] - small:+.0f} MiB for {many - few:,} more symbols"
    )
    both = f"no peer: wall {found['wall']:.3f}, CPU {found['cpu']:.3f}, the worse one counts; {found['described']}"
    return {
        "fetch_peak_rss_mib": _metric(found["peak_mib"], "MiB", 1_024, "lower", small, grown),
        "fetch_cost_64k_vs_1k": _metric(cost, "ratio", 1.15, "lower", None, both),
    }


def _fetch_requests(*, quick: bool) -> dict[str, Metric]:
    found = fetching.measure_requests(500 if quick else 3_000, 20)
    what = f"yfinance out of the box, 20 new symbols; ours: {found['described']}, first pass {found['first']:.3f}"
    return {
        "incremental_requests_per_symbol": _metric(found["second"], "1", 1.05, "lower", found["floor"], what)
    }


def _analysis(*, quick: bool) -> dict[str, Metric]:
    with tempfile.TemporaryDirectory() as folder, _database() as database:
        # The whole market at every size: with one group of symbols there is nothing to overlap.
        year = market.year(Path(folder), _WHOLE_MARKET)
        found = analysis.measure_stage(database, year, 1 if quick else 5)
    what = (
        f"{found['floor_s']:.2f} s: ADBC read {found['read_s']:.2f}, bare TA-Lib {found['talib_s']:.2f}, ADBC append "
        f"{found['write_s']:.2f}; {year.described}, {year.symbols:,} symbols, {year.rows:,} bars, "
        f"{found['rows']:,} rows out, ours {found['ours_s']:.2f} s"
    )
    return {"analyze_vs_floor": _metric(found["ratio"], "ratio", 1.6, "lower", found["floor_s"], what)}


def _aggregation(*, quick: bool) -> dict[str, Metric]:
    found = analysis.measure_aggregation(*(100, 60, 5) if quick else (400, 60, 9))
    rate = found["rows"] / found["polars_s"] / 1e6
    what = (
        f"M rows/s: Polars group_by_dynamic over the same frame, {found['rows']:,} five-minute bars to hours; "
        f"ours {found['rows'] / found['ours_s'] / 1e6:.1f}"
    )
    return {"aggregate_vs_polars": _metric(found["ratio"], "ratio", 0.8, "higher", rate, what)}


def _cycle(*, quick: bool) -> dict[str, Metric]:
    from benchmarks import cycle  # Dagster's daemon is only needed here

    with _database() as database:
        found = cycle.measure(database.url, *(8, 4) if quick else (100, 8))
    steady = (
        f"s: the median; {found.pairs} pairs, {len(found.seconds)} ticks through Dagster's scheduler, queue (looked at "
        f"every second) and a process of its own, {found.bars:.0f} bars each; the first, which loads every timeframe, "
        f"took {found.first:.1f} s"
    )
    books = f"MiB a day before the pruning; {found.growth.cycles} cycles, scaled to {event_log.CYCLES_A_DAY} a day"
    kept, written = found.growth.kept_per_day, found.growth.written_per_day
    return {
        "fx_cycle_p95_s": _metric(found.p95, "s", 5.0, "lower", statistics.median(found.seconds), steady),
        "fx_cycle_event_log_mib_per_day": _metric(kept, "MiB", 20.0, "lower", written, books),
    }


def _forecast_day(*, quick: bool) -> dict[str, Metric]:
    with tempfile.TemporaryDirectory() as folder, _database() as database:
        place = Path(folder)
        year = market.year(place, 200 if quick else _WHOLE_MARKET)
        found = forecasting.measure_day(database, year, place)
    models = ", ".join(f"{model} {seconds:.0f} s" for model, seconds in found["trained"].items())
    made = ", ".join(f"{model} {symbols:,}" for model, symbols in found["made"].items())
    # AutoARIMA and Prophet take 91 and 87 ms a series and core when they are called one series after the other.
    floor = year.symbols * (0.091 + 0.087) / 60 / (os.cpu_count() or 1)
    by_hand = f"min: AutoARIMA and Prophet called series by series on all cores; {year.described}, forecasts: {made}"
    return {
        "train_minutes_4178": _metric(found["train_minutes"], "min", 25, "lower", None, f"no peer; {models}"),
        "predict_minutes_4178": _metric(found["predict_minutes"], "min", 12, "lower", floor, by_hand),
        "forecast_peak_rss_mib": _metric(
            found["peak_mib"], "MiB", 4_096, "lower", None, "no peer: the process tree of either command"
        ),
    }


_SETS = ("jp", "us", "fx", "copper")
_BANDS = {"80": (0.78, 0.82), "95": (0.935, 0.965)}


def _forecast_scores(*, quick: bool) -> dict[str, Metric]:
    data = forecasting.real_data()
    if data is None:
        raise SystemExit("the scores of forecasts need real market data: set MIRAIKAKAKU_REAL_DATA")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root the server runs as another user
        found = forecasting.measure_scores(data, Path(folder), quick=quick)
    metrics = {}
    for name in _SETS:
        reached = found[name]
        error = reached["mae_to_no_change"]
        still = "no change; real bars, every session an origin, docs/forecasting.md"
        metrics[f"forecast_mae_vs_random_walk_{name}"] = _metric(error, "ratio", 1.0, "lower", 1.0, still)
    for band, (low, high) in _BANDS.items():
        for name in _SETS:
            share = found[name][f"coverage_{band}"]
            promised = f"at most {high:g} as well"
            metric = _metric(share, "share", low, "higher", int(band) / 100, promised)
            metrics[f"band{band}_coverage_{name}"] = replace(metric, holds=low <= share <= high)
    return metrics


_GROUPS: dict[Callable[..., dict[str, Metric]], tuple[str, ...]] = {
    _startup: ("definitions_load_s",),
    _keys: ("partition_keys_16k_s",),
    _ingest: ("ingest_vs_adbc",),
    _analysis: ("analyze_vs_floor",),
    _aggregation: ("aggregate_vs_polars",),
    _cycle: ("fx_cycle_p95_s", "fx_cycle_event_log_mib_per_day"),
    _forecast_day: ("train_minutes_4178", "predict_minutes_4178", "forecast_peak_rss_mib"),
    _forecast_scores: (
        *(f"forecast_mae_vs_random_walk_{name}" for name in _SETS),
        *(f"band{band}_coverage_{name}" for band in _BANDS for name in _SETS),
    ),
    _bookkeeping: ("bookkeeping_ms_per_partition_asset", "bookkeeping_vs_stock"),
    _fetch_speed: ("fetch_symbols_per_s",),
    _fetch_limit: ("fetch_wall_vs_limit",),
    _fetch_scale: ("fetch_peak_rss_mib", "fetch_cost_64k_vs_1k"),
    _fetch_requests: ("incremental_requests_per_symbol",),
}


@contextmanager
def _database() -> Iterator[Database]:
    """A fresh embedded server with the newest schema, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)  # as root the server runs as another user
        database = open_database(home, None)
        migrate.upgrade(database)
        try:
            yield database
        finally:
            database.close()
            embedded.stop(home)


def _machine() -> dict[str, Any]:
    return {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}


def _commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def _show(metrics: dict[str, Metric]) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("metric", "value", "goal", "", "beside it"):
        table.add_column(name, overflow="fold")
    for name, metric in metrics.items():
        sign = "≤" if metric.better == "lower" else "≥"
        floor = f"{metric.floor:.3g} " if metric.floor is not None else ""
        verdict = "[green]holds[/]" if metric.holds else "[red]missed[/]"
        table.add_row(
            name,
            f"{metric.value:.3g} {metric.unit}",
            f"{sign} {metric.goal:g}",
            verdict,
            f"{floor}{metric.floor_is}",
        )
    Console().print(table)


def _write(metrics: dict[str, Metric], *, quick: bool, partly: bool) -> None:
    """Writes the results; a run of some metrics leaves the others of this machine as they were measured."""
    commit, before = _commit(), {}
    if partly and _RESULTS.exists():
        earlier = json.loads(_RESULTS.read_text())
        if earlier["machine"] == _machine() and earlier["quick"] == quick:
            before = {name: {"commit": earlier["commit"], **one} for name, one in earlier["metrics"].items()}
    measured = {name: {**asdict(metric), "commit": commit} for name, metric in metrics.items()}
    results = {"machine": _machine(), "commit": commit, "quick": quick, "metrics": before | measured}
    _RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """Measures, prints, writes the results; exits 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small size of everything")
    parser.add_argument("--only", default="", help="comma-separated metric names")
    arguments = parser.parse_args()
    known = {name for names in _GROUPS.values() for name in names}
    wanted = {name.strip() for name in arguments.only.split(",") if name.strip()} or known
    if wanted - known:
        parser.error(f"unknown metric {min(wanted - known)}; known: {', '.join(sorted(known))}")
    metrics: dict[str, Metric] = {}
    for measure, names in _GROUPS.items():
        if wanted & set(names):
            metrics.update(measure(quick=arguments.quick))
    _show(metrics)
    _write(metrics, quick=arguments.quick, partly=wanted != known)
    sys.exit(0 if all(metric.holds for metric in metrics.values()) else 1)


if __name__ == "__main__":
    main()
