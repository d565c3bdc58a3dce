"""Random kills and broken connections over a small installation; after each round it holds what it should.

``python -m benchmarks.chaos --seed 7 --rounds 50`` makes an installation with an embedded PostgreSQL, a simulated
exchange behind a proxy that cuts, delays and half-closes connections, and a webhook. In every round it begins anew with
the same contents; two pipelines work on it at once (collections with their analyses, five-minute cycles with their
notifications) while 30 % of the answers are faulty and the webhook is down, and processes are killed by SIGKILL:
pipelines, their fetching processes, PostgreSQL, and whoever passes a fault point that the seed draws. Then the same
commands are given again without disturbance, and every table must hold what it holds after a round without any, each
signal told once. Everything that is done follows from the seed; moments of kills are drawn as shares of the time that
an undisturbed round takes. Exits 1 with the first difference.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks import results
from benchmarks.chaos_rounds import Round, difference, draw_round, live_through
from benchmarks.chaos_site import ChaosSite, chaos_site
from miraikakaku_assets_tests.support.faults.contents import rows_in

BEGIN = "<!-- chaos: begin, written by `python -m benchmarks.chaos --measure` -->"
END = "<!-- chaos: end -->"
SYMBOLS = 12


@dataclass
class Chaos:
    """What has happened.

    Attributes:
        seed: By which all of it can be had again.
        rounds: That have ended well.
        killed: Who was killed how often.
        broken: Connections by what the proxy did to them.
        faulty: Faulty answers by kind.
        again: Commands that were given again until they ended well.
        refused: Messages that the webhook refused.
        problem: The first difference, with the round in which it was found; None: there is none.
        seconds: Wall time.
    """

    seed: int
    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    faulty: Counter[str] = field(default_factory=Counter)
    again: int = 0
    refused: int = 0
    problem: str | None = None
    seconds: float = 0.0


def live(seed: int, rounds: int, console: Console, first: int = 1) -> Chaos:
    """Lives through the rounds of a seed, until one ends with a difference.

    Args:
        seed: Decides all of it.
        rounds: How many.
        console: Shows the progress.
        first: Number of the first one, for one that is looked at by itself.
    """
    chaos, begun = Chaos(seed), time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as name,
        chaos_site(Path(name), SYMBOLS) as site,
        Progress(console=console, transient=True) as progress,
    ):
        task = progress.add_task("an undisturbed round", total=rounds)
        calm = live_through(site, Round(0), seconds=0.0)
        for number in range(first, first + rounds):
            plan = draw_round(seed, number)
            progress.update(task, description=f"round {number}: {plan}")
            left = live_through(site, plan, seconds=calm.seconds)
            _count(chaos, site, left.killed, left.again)
            chaos.problem = difference(calm, left)
            if chaos.problem is not None:
                chaos.problem = f"round {number} ({plan}): {chaos.problem}"
                _show_rows(site, chaos.problem, console)
                break
            chaos.rounds += 1
            progress.update(task, advance=1)
        chaos.broken, chaos.refused = site.proxy.done, site.webhook.refused
    chaos.seconds = time.monotonic() - begun
    return chaos


def _count(chaos: Chaos, site: ChaosSite, killed: Counter[str], again: int) -> None:
    chaos.killed += killed
    chaos.again += again
    chaos.faulty = Counter(site.exchange.state()["fault_hits"])


def _show_rows(site: ChaosSite, problem: str, console: Console) -> None:
    """The rows of small tables that differ, for whoever looks for the reason."""
    for table in ("alerts", "notification_outbox", "analysis_state"):
        if table in problem:
            console.print(f"{table}: {rows_in(site.database_url, table)}", soft_wrap=True)


def main() -> None:
    """Lives through the rounds, prints what was done, exits 1 at the first difference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--first", type=int, default=1, help="number of the first round")
    parser.add_argument(
        "--measure", type=Path, help="page that has the marks of these figures, which are written anew"
    )
    options = parser.parse_args()
    console = Console()
    chaos = live(options.seed, options.rounds, console, options.first)
    for line in lines(chaos):
        console.print(line, soft_wrap=True)
    if options.measure is not None:
        page = options.measure.read_text(encoding="utf-8")
        options.measure.write_text(with_figures(page, chaos), encoding="utf-8")
    sys.exit(0 if chaos.problem is None else 1)


def lines(chaos: Chaos) -> list[str]:
    """What has happened, in sentences."""
    return [
        f"Seed {chaos.seed}: {chaos.rounds} rounds ended as an undisturbed one, {chaos.seconds / 60:.0f} min.",
        f"Killed: {_counted(chaos.killed)}.",
        f"Connections at the proxy: {_counted(chaos.broken)}.",
        f"Faulty answers: {chaos.faulty.total():,} of {len(chaos.faulty)} kinds.",
        f"Messages that the webhook refused: {chaos.refused:,}; commands given again: {chaos.again:,}.",
        "No difference was found." if chaos.problem is None else f"The first difference: {chaos.problem}",
    ]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in counts.most_common()) or "nothing"


def with_figures(page: str, chaos: Chaos) -> str:
    """A page with these figures between its marks.

    Raises:
        ValueError: The page has no place for them.
    """
    return results.on_page(page, BEGIN, END, [f"- {line}" for line in lines(chaos)])


if __name__ == "__main__":
    main()
