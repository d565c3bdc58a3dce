"""The figures of the API: two routes under load, live progress, a year of a symbol, a day of a market."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import api, api_watchers, results
from benchmarks.api_load import CONNECTIONS
from benchmarks.metrics import Metric
from miraikakaku_assets.adapters.storage.engine import Database

_PAGE = results.ROOT / "docs" / "api.md"
_MOVES, _SYMBOLS, _DAYS, _ROUND_SECONDS = 10, 100, 15, 3


@dataclass(frozen=True)
class Figures:
    """What was measured.

    Attributes:
        issues: Stored symbols.
        routes: Under load, by name.
        delay: See `api_watchers.measure`.
        clients: Who have watched.
        year: Milliseconds and bytes of a year of a symbol as JSON.
        day: Milliseconds and bytes of a market's day as Parquet.
        resident_mib: Of the largest process that answers.
    """

    issues: int
    routes: Mapping[str, api.Route]
    delay: Mapping[str, float]
    clients: int
    year: tuple[float, int]
    day: tuple[float, int]
    resident_mib: float

    def named(self) -> list[tuple[str, float, float | None, str]]:
        """Name, value, floor and what that is, of each metric."""
        slower = min(self.routes.values(), key=lambda route: route.per_s)
        later = max(self.routes.values(), key=lambda route: route.p99_ms)
        shown = "; ".join(f"{name} {route}" for name, route in self.routes.items())
        bare = (
            f"a bare Starlette route of as many bytes, by turns, under the same server ({api.WORKERS} processes, "
            f"{CONNECTIONS} connections of wrk, {self.issues:,} symbols); {shown}"
        )
        told = (
            f"no peer: p95 of {_MOVES} commits to {self.clients} clients, median {self.delay['median_ms']:.0f} ms, "
            f"most {self.delay['most_ms']:.0f} ms"
        )
        year = f"no peer: {api.YEAR_SESSIONS} sessions as JSON, {self.year[1]:,} bytes, median of {_SYMBOLS} symbols"
        day = (
            f"no peer: {self.issues:,} symbols as Parquet, {self.day[1]:,} bytes, median of {_DAYS} days; the largest "
            f"process that answers holds {self.resident_mib:.0f} MiB"
        )
        return [
            ("api_requests_per_s", slower.per_s, slower.floor_per_s, f"requests/s: {bare}"),
            ("api_p99_ms", later.p99_ms, later.floor_p99_ms, f"ms: {bare}"),
            ("ws_delay_ms", self.delay["p95_ms"], None, told),
            ("api_symbol_year_ms", self.year[0], None, year),
            ("api_market_day_ms", self.day[0], None, day),
        ]


def measure(database: Database, home: Path, issues: int, rounds: int, clients: int) -> Figures:
    """Measures everything over a market of made-up bars.

    Args:
        database: Empty but for its tables.
        home: State folder of the API.
        issues: Listed issues, a year of daily bars each.
        rounds: Of load, of three seconds each.
        clients: WebSockets.
    """
    window = api.fill(database, issues, api.YEAR_SESSIONS)
    with api.served(database, home, api.WORKERS) as (address, process):
        job_id = api.begin_job(database, address, 100)
        paths = {"status": f"/api/bulk/status/{job_id}", "list": "/api/stock-master/list"}
        routes = {
            name: api.measure_route(database, process, address + path, rounds, _ROUND_SECONDS)
            for name, path in paths.items()
        }
        symbols = [f"{address}/api/prices/S{number}.T?from={window[0]}" for number in range(_SYMBOLS)]
        year = api.median_ms(symbols)
        by_date = f"{address}/api/prices/by-date"
        day = api.median_ms([f"{by_date}/{day}?universe=jp&format=parquet" for day in window[-_DAYS:]])
        resident = api.resident_mib(process)
    with api.served(database, home, 1) as (address, _process):
        delay = api_watchers.measure(database, address, job_id, clients, _MOVES)
    return Figures(issues, routes, delay, clients, year, day, resident)


def write_page(metrics: Mapping[str, Metric], page: Path = _PAGE, what: str = "measured") -> None:
    """Writes figures into the page that shows them, between its two marks, which say what they are of."""
    machine = results.machine()
    lines = [
        f"{machine['system']}, {machine['cores']} cores, CPython {machine['python']}:",
        "",
        "| metric | measured | goal | beside it |",
        "|---|---|---|---|",
    ]
    for name, metric in metrics.items():
        sign = "≤" if metric.better == "lower" else "≥"
        floor = "" if metric.floor is None else f"{metric.floor:,.0f} "
        value = f"{metric.value:,.0f}" if metric.value >= 100 else f"{metric.value:.1f}"  # noqa: PLR2004
        goal = f"{sign} {metric.goal:,g} {metric.unit}"
        lines.append(f"| `{name}` | {value} {metric.unit} | {goal} | {floor}{metric.floor_is} |")
    marks = f"<!-- {what}: begin -->", f"<!-- {what}: end -->"
    page.write_text(results.on_page(page.read_text(encoding="utf-8"), *marks, lines), encoding="utf-8")
