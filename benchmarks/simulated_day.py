"""A whole day against a simulated exchange that fails, with processes killed in the middle; then the books are read.

``python -m benchmarks.simulated_day --symbols 16000 --faults 0.02 --kills 3`` collects every issue of both markets
through the real command line. The exchange refuses, delays, cuts and garbles its answers; fetching processes,
whole commands and PostgreSQL are killed in turn, and the same command is given again until it ends. What failed is
asked for once more as scattered symbols. At the end every batch must add up, every symbol must have one verdict,
nothing that was collected may have been asked for again, and every stored bar must be one of an undisturbed
collection from the same exchange. Exits 0 when all of it holds. All figures are simulated.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import day_checks
from benchmarks.day_checks import Comparison, Verdict
from benchmarks.day_kills import Killer, in_turn, spread
from benchmarks.fetch_site import UNLIMITED, Exchange, Site, last_evening, month_before
from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.process import running_process

TOKYO_SHARE = 0.275  # 4,400 of 16,000 issues
REFUSALS = {"404": "not_on_source", "401": "refused", "422": "out_of_range"}
"""Fault that hits every attempt of a symbol → verdict it must lead to."""
_REFUSED_SHARE = 0.002  # of the symbols, for each of them
_PATIENT = {"WORKER_TIMEOUT": "3", "RETRY_DELAY": "0.05", "MAX_WORKERS": "32"}
_HANGING_SECONDS = 10.0  # how long the exchange does not answer when it does not
_UNIVERSES = ("jp", "us")


@dataclass(frozen=True)
class Plan:
    """What a day is made of.

    Attributes:
        jp: Issues of the TSE.
        us: Issues of the US exchanges.
        faults: Share of the attempts that fail for a moment, and the same share again whose bars are spoilt.
        kills: How often something is killed.
        latency: Seconds every answer is held back.
        seed: Of the exchange.
        batch_size: Symbols that are written in one transaction (BATCH_SIZE).
    """

    jp: int
    us: int
    faults: float = 0.02
    kills: int = 3
    latency: float = 0.05
    seed: int = 7
    batch_size: int = 50


@dataclass
class Day:
    """What has happened on a day.

    Attributes:
        attempts: Commands by universe until one came to its end.
        killed: What was killed, and when.
        verdicts: What became of every listed symbol.
        kept: Symbols that were collected when a command was given again, by universe; nobody asked for them again.
        healed: Symbols that only the second pass over the failed ones collected.
        comparison: The bars against those of an undisturbed collection.
        hits: How often each fault has hit.
        requests: Chart requests that the exchange has counted.
        accounted: Those of them that are in the books; the rest was lost with the killed.
        seconds: Of the disturbed collection.
        problems: What must not be; empty when the day was a good one.
    """

    attempts: Counter[str] = field(default_factory=Counter)
    killed: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    healed: int = 0
    comparison: Comparison | None = None
    hits: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    accounted: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def simulate(plan: Plan) -> Day:
    """Lives through a day in temporary folders, and checks it."""
    day = Day()
    config = SimulatorConfig(
        seed=plan.seed,
        symbols=plan.jp,
        us_symbols=plan.us,
        latency=plan.latency,
        now=last_evening(),
        timeout_seconds=_HANGING_SECONDS,
    )
    with _undisturbed(config, plan) as undisturbed, running_process(config) as base:
        exchange = Exchange(base)
        with _home(_variables(exchange, plan, config)) as site:
            refused = _begin(site, exchange, plan)
            _live(site, exchange, plan, day)
            day.verdicts = day_checks.verdicts(site)
            day.problems += day_checks.books(site) + day_checks.final_verdicts(day.verdicts, refused)
            day.hits = dict(exchange.state()["fault_hits"])
            day.requests = int(exchange.counts()["charts"])
            day.accounted = int(site.rows("SELECT sum(requests) FROM miraikakaku.batch_executions")[0][0])
            day.comparison = day_checks.compare(site, undisturbed(), day.verdicts, day.hits.get("empty", 0))
            day.problems += day.comparison.problems
            if day.comparison.compared == 0:
                day.problems.append("no bar was compared")
    return day


def _variables(exchange: Exchange, plan: Plan, config: SimulatorConfig) -> dict[str, str]:
    moment = config.now or last_evening()
    sizes = {"HISTORY_START": month_before(moment), "BATCH_SIZE": str(plan.batch_size)}
    return {**UNLIMITED, **_PATIENT, **sizes, **exchange.variables()}


@contextmanager
def _undisturbed(config: SimulatorConfig, plan: Plan) -> Iterator[Callable[[], Site]]:
    """Collects everything without faults and kills, meanwhile; yields what waits for it.

    From an exchange of its own: two of the same seed whose clocks stand at the same moment answer the same.
    """
    with (
        running_process(config) as base,
        _home(_variables(Exchange(base), plan, config)) as site,
        ThreadPoolExecutor(1) as background,
    ):
        work = background.submit(site.run, "pipeline", "--universe", ",".join(_UNIVERSES))

        def collected() -> Site:
            work.result()
            return site

        yield collected


@contextmanager
def _home(variables: dict[str, str]) -> Iterator[Site]:
    """An installation with an embedded server; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="simulated-day-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs as another user
        site = Site(folder, variables)
        try:
            yield site
        finally:
            embedded.stop(site.home)


def _begin(site: Site, exchange: Exchange, plan: Plan) -> dict[str, str]:
    """Masters and faults; returns the symbols that are never served, with the verdict they must get."""
    for universe in _UNIVERSES:
        site.update_master(universe)
    # Stocks only: an issue of the PRO Market need not be known to Yahoo.
    stocks = [
        symbol
        for (symbol,) in site.rows(
            "SELECT yahoo_symbol FROM miraikakaku.stock_master WHERE is_active AND security_type = 'stock' "
            "ORDER BY md5(yahoo_symbol)"
        )
    ]
    each = max(1, round((plan.jp + plan.us) * _REFUSED_SHARE))
    never: dict[str, str] = {}
    specs = []
    for number, (kind, verdict) in enumerate(REFUSALS.items()):
        names = stocks[number * each : (number + 1) * each]
        never |= dict.fromkeys(names, verdict)
        specs.append(f"{kind}:sticky@{','.join(names)}")
    if plan.faults:
        specs += [f"all={plan.faults}", f"bad-values={plan.faults}"]
    exchange.set_faults(specs)
    return never


def _live(site: Site, exchange: Exchange, plan: Plan, day: Day) -> None:
    """Collects both markets, with the kills, and what failed once more."""
    listed = site.rows("SELECT count(*) FROM miraikakaku.stock_master WHERE is_active")[0][0]
    killer = Killer(exchange, site.home, spread(in_turn(plan.kills), listed))
    began = time.monotonic()
    for universe in _UNIVERSES:
        _collect(site, exchange, universe, killer, day)
    day.killed = killer.done
    day.problems += [f"the {whom} was never killed" for _, whom in killer.due] + killer.survivors()
    failed = {verdict.symbol for verdict in day_checks.verdicts(site) if not verdict.ended}
    for universe in _UNIVERSES:
        suffix = [symbol for symbol in sorted(failed) if symbol.endswith(".T") == (universe == "jp")]
        if suffix:
            site.run("collect", "--universe", universe, "--symbols", ",".join(suffix))
    day.healed = len(failed - {verdict.symbol for verdict in day_checks.verdicts(site) if not verdict.ended})
    day.seconds = time.monotonic() - began


def _collect(site: Site, exchange: Exchange, universe: str, killer: Killer, day: Day) -> None:
    """The same command until it ends; after a kill it must leave alone what was collected before.

    Raises:
        RuntimeError: It does not end.
    """
    done: frozenset[str] = frozenset()
    before: dict[str, int] = {}
    for _ in range(len(killer.due) + 2):
        day.attempts[universe] += 1
        ran, stage = site.attempt("collect", "--universe", universe, meanwhile=killer.look)
        after = exchange.counts(every_symbol=True)["by_symbol"]
        day.problems += day_checks.requested_again(done, before, after)
        if stage is not None and "batch" in stage:
            return
        if "Traceback" in ran.err:
            day.problems.append(f"{universe}: a traceback instead of a sentence: {ran.err.splitlines()[-1]}")
        killer.wait_for_orphans()
        done = day_checks.completed(site, universe)
        before = exchange.counts(every_symbol=True)["by_symbol"]
        day.kept[universe] = len(done)
    raise RuntimeError(f"the {universe} collection does not end: {ran.code}, {ran.err or ran.out}")


def main() -> None:
    """Lives through a day, prints what happened, exits 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated_day", description=__doc__)
    parser.add_argument("--symbols", type=int, default=16_000, help="issues of both markets")
    parser.add_argument("--faults", type=float, default=0.02, help="share of the attempts")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    jp = max(1, round(options.symbols * TOKYO_SHARE))
    day = simulate(Plan(jp, options.symbols - jp, options.faults, options.kills, seed=options.seed))
    show(day, Console())
    sys.exit(1 if day.problems else 0)


def show(day: Day, console: Console) -> None:
    """Prints a day as a table; everything in it is simulated."""
    table = Table(
        title="A simulated day (all figures simulated)", box=None, show_header=False, pad_edge=False
    )
    for what, value in _lines(day):
        table.add_row(what, value)
    console.print(table)
    for problem in day.problems:
        console.print(f"[bold red]wrong:[/] {problem}", soft_wrap=True)
    if not day.problems:
        console.print("[green]all of it holds[/]")


def _lines(day: Day) -> Sequence[tuple[str, str]]:
    kinds: Counter[Any] = Counter(verdict.verdict for verdict in day.verdicts)
    ended = sum(verdict.ended for verdict in day.verdicts)
    same = day.comparison
    return (
        ("listed symbols", f"{len(day.verdicts):,}"),
        ("collected", f"{ended:,}, {day.healed:,} of them in the second pass over the failed ones"),
        ("failed", f"{len(day.verdicts) - ended:,}"),
        ("verdicts", ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())),
        ("killed", "; ".join(day.killed) or "nothing"),
        ("commands", ", ".join(f"{universe} {count}" for universe, count in day.attempts.items())),
        ("kept over the kills", ", ".join(f"{universe} {count:,}" for universe, count in day.kept.items())),
        ("faults", ", ".join(f"{kind} {count:,}" for kind, count in sorted(day.hits.items()))),
        ("requests", f"{day.requests:,}, {day.requests - day.accounted:,} of them lost with the killed"),
        ("bars as without disturbance", f"{same.compared:,}" if same else "–"),
        ("bars in quarantine instead", f"{same.quarantined:,}" if same else "–"),
        ("symbols with an empty answer", f"{len(same.without):,}" if same else "–"),
        ("seconds", f"{day.seconds:.0f}"),
    )


if __name__ == "__main__":
    main()
