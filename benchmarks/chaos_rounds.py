"""A round of `benchmarks.chaos`: what is drawn for it, how it is lived through, and what it leaves."""

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.breaking_proxy import BREAKAGES
from benchmarks.chaos_site import PAIRS, ChaosSite, fetching_processes
from miraikakaku_assets.fault_points import drawn
from miraikakaku_assets_tests.support.faults.contents import content_digests, problems
from miraikakaku_assets_tests.support.faults.server import output_of

FIRST, SECOND, FETCHER, SERVER, POINT = (
    *("first pipeline", "second pipeline", "fetching process", "PostgreSQL", "fault point"),
)
_COLLECT, _ANALYZE, _CYCLE = (
    ("command", "collect", "--universe", "jp"),
    ("command", "analyze", "--universe", "jp"),
    ("cycle", *PAIRS),
)
_IN_PROCESSES = ("collect_in_processes", *_COLLECT[1:])
_PASSED = frozenset({"ledger", "bars", "claims", "events", "report", "analysis"})
"""First words of the fault points that a collection and an analysis pass."""
_FAULTY = "all=0.3"
_ATTEMPTS = 5
_LOOK_SECONDS = 0.01
_COMPARED = frozenset(
    {
        *(
            "price_bars",
            "quarantined_bars",
            "corporate_actions",
            "restatements",
            "instruments",
            "stock_master",
        ),
        *(
            "technical_indicators",
            "latest_indicators",
            "pattern_signals",
            "collection_state",
            "analysis_state",
        ),
        "materialized",
    }
)
"""Tables that no disturbance may change. Alerts are compared by what was told of signals: that a cycle fails or a
source is silent is told for good reason."""
_SIGNAL = "優先度:"
"""A line that every message about a signal has."""


@dataclass(frozen=True)
class Kill:
    """Whom to kill, and when.

    Attributes:
        whom: Kind of process.
        share: Moment, as a share of the time that an undisturbed round takes.
    """

    whom: str
    share: float

    def __str__(self) -> str:
        return f"{self.whom} at {self.share:.0%}"


@dataclass(frozen=True)
class Round:
    """What is drawn for a round; one without anything is an undisturbed one.

    Attributes:
        number: Its number, which with the seed decides the rest.
        kills: In their order.
        point: Seed of the fault point at which the first pipeline is killed; None for none.
        broken: Share of the connections that the proxy breaks.
        is_faulty: Whether 30 % of the answers are.
        is_down: Whether the webhook is.
        in_processes: Whether the first pipeline fetches in processes of its own.
    """

    number: int
    kills: tuple[Kill, ...] = ()
    point: int | None = None
    broken: float = 0.0
    is_faulty: bool = False
    is_down: bool = False
    in_processes: bool = False

    def __str__(self) -> str:
        parts = [str(kill) for kill in self.kills]
        parts += [] if self.point is None else [f"point {drawn(self.point)}"]
        parts += ["webhook down"] if self.is_down else []
        return ", ".join(parts) or "nothing"


def draw_round(seed: int, number: int) -> Round:
    """The round that a seed and a number stand for."""
    draw = random.Random(f"{seed} {number}")  # noqa: S311 - the same in every run
    in_processes = draw.random() < 0.25  # noqa: PLR2004 - starting them takes longer than all the rest
    victims = [FIRST, SECOND, SERVER, *([FETCHER, FETCHER] if in_processes else [])]
    count = draw.choice((1, 1, 2, 3))
    kills = sorted(draw.uniform(0.05, 0.95) for _ in range(count))
    return Round(
        number,
        tuple(Kill(draw.choice(victims), share) for share in kills),
        _point(draw) if draw.random() < 0.5 else None,  # noqa: PLR2004 - every second round
        broken=0.2,
        is_faulty=True,
        is_down=draw.random() < 0.5,  # noqa: PLR2004
        in_processes=in_processes,
    )


def _point(draw: random.Random) -> int:
    """The seed of a fault point that the first pipeline passes."""
    while drawn(seed := draw.randrange(1_000_000)).point.partition(".")[0] not in _PASSED:
        pass
    return seed


@dataclass
class Left:
    """What a round leaves.

    Attributes:
        digests: Table → rows and digest.
        told: Message of a signal → how often it arrived.
        wrong: What does not add up in the accounts.
        killed: Who was killed.
        again: Commands that had to be given again.
        senders: Kills of whoever may have been sending.
        seconds: Of the disturbed part.
    """

    digests: dict[str, str] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, list[object]] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    again: int = 0
    seconds: float = 0.0

    @property
    def senders(self) -> int:
        """Kills after which a message may have been on its way: it is sent again then."""
        return self.killed[SECOND] + self.killed[SERVER]


def live_through(site: ChaosSite, plan: Round, seconds: float) -> Left:
    """Lives through a round.

    Args:
        site: The installation.
        plan: What happens.
        seconds: How long an undisturbed one takes.

    Raises:
        RuntimeError: A command does not come to its end although nothing disturbs it any more.
    """
    site.begin_anew()
    left = Left()
    first = (_IN_PROCESSES if plan.in_processes else _COLLECT, _ANALYZE)
    second = (_COLLECT, _CYCLE)
    _disturb(site, plan)
    begun = time.monotonic()
    threads = [_Pipeline(site, 0, first, _orders(plan)), _Pipeline(site, 1, second)]
    for thread in threads:
        thread.start()
    for kill in plan.kills:
        _wait(threads, begun + kill.share * seconds)
        if _kill(site, kill.whom, threads):
            left.killed[kill.whom] += 1
    for thread in threads:
        thread.join()
    left.seconds = time.monotonic() - begun
    left.killed[POINT] += len(list((site.home / "faults").glob("*")))
    left.killed += Counter()
    _calm(site)
    for worker, pipeline in ((0, first), (1, second)):
        for command in pipeline:
            left.again += _until_done(site, worker, command) if plan.kills else 0
    url = site.database_url
    left.wrong = problems(url)
    left.digests = {table: digest for table, digest in content_digests(url).items() if table in _COMPARED}
    left.told = Counter(message for message in site.webhook.messages if _SIGNAL in message)
    if not plan.kills and any(thread.code for thread in threads):
        raise RuntimeError(f"an undisturbed round fails: {output_of(site.folder)[-2_000:]}")
    return left


def difference(calm: Left, left: Left) -> str | None:
    """The first thing in which a round differs from an undisturbed one."""
    for table, digest in calm.digests.items():
        if left.digests.get(table) != digest:
            return f"{table} holds {left.digests.get(table)} instead of {digest}"
    if left.wrong:
        return str(left.wrong)
    if left.told.keys() != calm.told.keys():
        return f"{len(left.told)} signals were told instead of {len(calm.told)}"
    doubled = left.told.total() - calm.told.total()
    if doubled > left.senders:
        return f"{doubled} messages came twice, and who was sending was killed {left.senders} times"
    return None


class _Pipeline(threading.Thread):
    """Commands one after the other; whoever is killed does no further one."""

    def __init__(
        self, site: ChaosSite, worker: int, commands: tuple[tuple[str, ...], ...], faults: str = ""
    ) -> None:
        super().__init__(name=f"pipeline {worker}", daemon=True)
        self._site, self._worker, self._commands, self._faults = site, worker, commands, faults
        self.number: int | None = None
        self.code = 0

    def run(self) -> None:
        server = self._site.workers[self._worker]
        for scenario, *arguments in self._commands:
            self.number = server.begin(
                self._site.folder, self._site.environment(self._faults), scenario, arguments
            )
            self.code = server.wait()
            self.number = None
            if self.code < 0:
                return


def _orders(plan: Round) -> str:
    return "" if plan.point is None else f"seed={plan.point}"


def _disturb(site: ChaosSite, plan: Round) -> None:
    site.proxy.share, site.proxy.seed, site.proxy.kinds = plan.broken, plan.number, BREAKAGES
    site.exchange.set_faults([_FAULTY] if plan.is_faulty else [])
    site.webhook.set_down(plan.is_down)


def _calm(site: ChaosSite) -> None:
    site.proxy.share = 0.0
    site.exchange.set_faults([])
    site.webhook.set_down(False)


def _wait(threads: list[_Pipeline], moment: float) -> None:
    while time.monotonic() < moment and any(thread.is_alive() for thread in threads):
        time.sleep(_LOOK_SECONDS)  # a kill may come at any moment, and no event marks them all


def _kill(site: ChaosSite, whom: str, threads: list[_Pipeline]) -> bool:
    """Kills somebody of a kind; whether there was anybody."""
    number: int | None
    if whom == SERVER:
        number = site.postmaster()
    elif whom == FETCHER:
        at_work = [
            child for thread in threads if thread.number for child in fetching_processes(thread.number)
        ]
        number = at_work[0] if at_work else None
    else:
        number = threads[0 if whom == FIRST else 1].number
    if number is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
        return True
    return False


def _until_done(site: ChaosSite, worker: int, command: tuple[str, ...]) -> int:
    """Gives a command again until it ends well; how often it was not the first time."""
    scenario, *arguments = command
    for attempt in range(_ATTEMPTS):
        site.let_time_pass()
        if site.do(worker, scenario, *arguments) == 0:
            return attempt
    raise RuntimeError(f"{' '.join(command)} does not end: {output_of(site.folder)[-2_000:]}")
