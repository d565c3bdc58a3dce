"""Many workers, one of them killed: how soon that is noticed, and how soon its symbols are finished by others.

``python -m benchmarks.workers --symbols 2000`` asks for a backfill of every Tokyo symbol of a simulated exchange, has
three workers do it through Redis, ends one run in order, and kills a worker by SIGKILL. Then the books are read: every
symbol is stored, nothing that was stored has been asked for again, and the rate of requests held for all of them
together. Exits 0 when all of it holds. All prices are simulated.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import day_checks
from benchmarks.fetch_site import Exchange, Site, fresh_site, last_evening, server
from benchmarks.worker_site import PASSWORD, ROOT, WorkerSite, is_alive, running_workers, wait_for
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.process import running_process

WORKERS = ("w1", "w2", "w3")
INSTANCE = ROOT / "deploy" / "celery" / "dagster.yaml"
_ENDED = ("COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED")
_SLACK = 1.1  # moments of requests are those at which their rows were written


@dataclass
class Night:
    """What was seen.

    Attributes:
        worker_loss_detected_s: From the kill until Dagster called the run failed.
        worker_loss_finished_s: From then until the next attempt had done what was left.
        terminated_s: From the order to end a run until it had ended.
        runs_by_worker: Runs that each worker has begun.
        reused: Symbols of the lost run that were not asked for again.
        requests_per_s: Most requests in any ten seconds, per second.
        why_lost: What Dagster's log says of the loss.
        problems: What must not be; empty when all holds.
    """

    worker_loss_detected_s: float = 0.0
    worker_loss_finished_s: float = 0.0
    terminated_s: float = 0.0
    runs_by_worker: Mapping[str, int] = field(default_factory=dict)
    reused: int = 0
    requests_per_s: float = 0.0
    why_lost: str = ""
    problems: list[str] = field(default_factory=list)


def live(made: WorkerSite, exchange: Exchange, rate: float) -> Night:
    """Has a backfill done while one run is ended and one worker is killed, and reads the books.

    Args:
        made: Workers over an installation with its master.
        exchange: It collects from.
        rate: Requests a second that all workers together may send.
    """
    night = Night()
    made.backfill()
    night.terminated_s = _terminate(made, night)  # first: later there may be no run left that could be ended
    run, name = wait_for(lambda: made.holder(processed=2))
    family = made.workers[name].kill()
    killed = time.monotonic()
    wait_for(lambda: not any(map(is_alive, family)))
    done = made.collected_by(run)
    before = exchange.counts(every_symbol=True)["by_symbol"]
    wait_for(lambda: made.status(run) == "FAILURE")
    detected = time.monotonic()
    night.worker_loss_detected_s = detected - killed
    night.why_lost = made.failure_message(run)
    attempt = wait_for(lambda: made.next_attempt(run))
    wait_for(lambda: made.status(attempt) in {"SUCCESS", "FAILURE", "CANCELED"})
    night.worker_loss_finished_s = time.monotonic() - detected
    wait_for(lambda: made.backfill_status() in _ENDED)
    after = exchange.counts(every_symbol=True)["by_symbol"]
    night.reused = len(done)
    night.runs_by_worker = made.runs_by_worker()
    night.requests_per_s = made.most_requests(seconds=10)
    night.problems += day_checks.requested_again(done, before, after)
    if not done:
        night.problems.append("the worker was killed before it had stored anything")
    if made.status(attempt) != "SUCCESS":
        night.problems.append(f"the next attempt of the lost run ended as {made.status(attempt)}")
    if night.requests_per_s > rate * _SLACK:
        night.problems.append(f"{night.requests_per_s:.1f} requests a second, {rate:g} are allowed")
    if len(night.runs_by_worker) != len(WORKERS):
        night.problems.append(f"not every worker had a run: {night.runs_by_worker}")
    night.problems += [
        f"{log.name} shows the password of Redis"
        for log in made.logs.iterdir()
        if PASSWORD in log.read_text(encoding="utf-8", errors="replace")
    ]
    return night


def _terminate(made: WorkerSite, night: Night) -> float:
    """Ends a run at work as the web UI does; seconds until it had ended."""
    run, _ = wait_for(lambda: made.holder(processed=1))
    began = time.monotonic()
    if not made.terminate(run):
        night.problems.append("a run at work could not be ended")
    wait_for(lambda: made.status(run) in {"CANCELED", "SUCCESS", "FAILURE"})
    if made.status(run) != "CANCELED":
        night.problems.append(f"a run that was to end ended as {made.status(run)}")
    return time.monotonic() - began


def measure(symbols: int, rate: float, per_run: int) -> Night:
    """Everything in temporary folders: database, Redis, exchange, daemon, workers."""
    now = last_evening()
    with (
        running_process(SimulatorConfig(symbols=symbols, us_symbols=0, now=now)) as base,
        server() as url,
        fresh_site(url, Exchange(base), **variables(now.isoformat(), rate, per_run)) as site,
    ):
        return live_in(site, Exchange(base), rate, INSTANCE)


def live_in(site: Site, exchange: Exchange, rate: float, instance: Path) -> Night:
    """Takes the exchange's list into an empty installation, then lives there."""
    site.update_master("jp")
    with running_workers(site, instance, WORKERS) as made:
        return live(made, exchange, rate)


def variables(now: str, rate: float, per_run: int) -> dict[str, str]:
    """Settings of the installation.

    Args:
        now: Its moment, ISO 8601.
        rate: Requests a second.
        per_run: Symbols in a run.
    """
    return {
        "MIRAIKAKAKU_NOW": now,
        "REQUESTS_PER_SECOND": str(rate),
        "BURST_LIMIT": "1",
        "PARTITIONS_PER_RUN": str(per_run),
        "BATCH_SIZE": "2",
        "HISTORY_START": "2026-10-01",
    }


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=2_000)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--per-run", type=int, default=100, help="symbols in a run")
    options = parser.parse_args()
    night = measure(options.symbols, options.rate, options.per_run)
    table = Table("figure", "value", title=f"{options.symbols:,} symbols, {len(WORKERS)} workers")
    for figure in ("worker_loss_detected_s", "worker_loss_finished_s", "terminated_s", "requests_per_s"):
        table.add_row(figure, f"{getattr(night, figure):.1f}")
    table.add_row("runs by worker", str(dict(night.runs_by_worker)))
    table.add_row("stored before the kill, not asked for again", str(night.reused))
    table.add_row("what Dagster says of the loss", night.why_lost)
    console = Console()
    console.print(table)
    for problem in night.problems:
        console.print(f"[red]{problem}[/red]")
    return 1 if night.problems else 0


if __name__ == "__main__":
    sys.exit(main())
