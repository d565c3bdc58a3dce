"""Named places where two writes could part, at which a process can be made to fail on purpose.

`fault_point` stands in the code of every layer and costs a look at a variable while nothing is armed. Armed by the
setting MIRAIKAKAKU_FAULTS, on simulated prices only, a process is killed, fails or waits at chosen places. Each order
is carried out once in a state folder, so the same command can be given again with the same environment.
"""

import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

POINTS: Mapping[str, str] = {
    "alerts.before_plan_commit": "who is told of which alerts is decided, and nothing of it is stored",
    "analysis.after_copy": "bars and indicators of a group are replaced, its signals are not",
    "analysis.before_commit": "a group is written with its signals and alerts, and not committed",
    "analysis.after_commit": "a group is committed, nobody counts it yet",
    "bars.after_copy": "bars of a delivery are in their table, the marks of what is due are not",
    "bars.before_commit": "a delivery is written with its marks, and not committed",
    "bars.after_commit": "a delivery is committed, the account does not know it",
    "claims.after_commit": "symbols are claimed, none of them is asked for",
    "cycle.after_begin": "a cycle is in the account, nothing of it is done",
    "cycle.before_end": "a cycle is done, the account does not know it",
    "cycle.after_end": "a cycle is in the account, nobody is told of anything",
    "events.before_commit": "events of the run are written, and not committed",
    "events.after_commit": "events of the run are committed, the next piece of work has not begun",
    "fetcher.after_fork": "a fetching process is there and has not been told what to do",
    "fetcher.before_answer": "a fetching process has an answer and has not handed it over",
    "forecasts.before_commit": "forecasts are written, and not committed",
    "forecasts.after_commit": "forecasts are committed, nobody counts them yet",
    "lease.after_take": "a run is taken, its process has not begun",
    "lease.before_renew": "a run is at work, its lease is about to be renewed",
    "ledger.after_begin": "a collection is in the account, nothing of it is done",
    "ledger.before_commit": "outcomes are in the account, and not committed",
    "ledger.after_commit": "outcomes are in the account, the run has no event of them",
    "ledger.before_end": "a collection is done, the account does not know it",
    "master.after_copy_kept": "the list in force is copied, the new one is not in force",
    "master.before_commit": "a list is written, and not committed",
    "master.after_commit": "a list is in force, nobody was told",
    "migration.before_commit": "the schema is brought up to date, and not committed",
    "migration.after_commit": "the schema is new, the command has not begun",
    "models.after_file": "a model's file is in its place, no row names it",
    "models.after_commit": "a model's row names its file, the next one is not trained",
    "report.before_commit": "a run is done, its report is not committed",
    "scores.before_commit": "outcomes of forecasts are written, and not committed",
    "scores.after_commit": "outcomes are committed, the figures that follow from them are not",
}
"""Name → what is done there and what is not."""

ACTIONS = ("kill", "raise", "delay")
DELAY_SECONDS = 1.0
_ORDER = re.compile(r"([a-z_.]+):([a-z]+)(?:@([1-9][0-9]*))?")
_SEED = re.compile(r"seed=([0-9]+)")
_DRAWN_PASSES = 3
_counting = threading.Lock()
_armed: "Faults | None" = None


@dataclass(frozen=True)
class Order:
    """What happens at a point.

    Attributes:
        point: Its name.
        action: ``kill`` the process, ``raise`` an error, or ``delay`` it.
        passage: At which passage of a process.
    """

    point: str
    action: str
    passage: int = 1

    def __str__(self) -> str:
        return f"{self.point}:{self.action}@{self.passage}"


@dataclass
class Faults:
    """Orders in force in a process.

    Attributes:
        orders: What happens where.
        folder: Holds an empty file for each order that was carried out.
        error: What ``raise`` raises.
    """

    orders: tuple[Order, ...]
    folder: Path
    error: type[BaseException]
    passages: Counter[str] = field(default_factory=Counter)

    def reach(self, point: str) -> None:
        """Counts a passage, and does what is ordered for it."""
        with _counting:
            self.passages[point] += 1
            passage = self.passages[point]
        for order in self.orders:
            if (order.point, order.passage) == (point, passage) and self._is_first(order):
                self._carry_out(order)

    def _is_first(self, order: Order) -> bool:
        """Whether nobody has carried the order out; notes that it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            (self.folder / str(order)).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _carry_out(self, order: Order) -> None:
        if order.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if order.action == "raise":
            raise self.error(
                f"The connection broke off at the fault point {order.point}, as MIRAIKAKAKU_FAULTS orders"
            )
        time.sleep(DELAY_SECONDS)


def fault_point(name: str) -> None:
    """Passes a place that is named in `POINTS`; nothing happens unless something is ordered for it."""
    if _armed is not None:
        _armed.reach(name)


def armed() -> Faults | None:
    """The orders in force in this process, to be handed to one that it starts."""
    return _armed


def arm(faults: Faults | None) -> None:
    """Puts orders in force in this process; None for none."""
    global _armed  # noqa: PLW0603 - a look at one variable is all that a point may cost
    _armed = faults


def parse_orders(text: str) -> tuple[Order, ...]:
    """Reads orders with commas between them: ``NAME:ACTION``, ``NAME:ACTION@PASSAGE``, or ``seed=N``.

    A seed draws a point and a passage at which the process is killed, always the same ones.

    Raises:
        ValueError: There is no such point or action, or it is written otherwise.
    """
    return tuple(_order(part.strip()) for part in text.split(",") if part.strip())


def _order(text: str) -> Order:
    if seed := _SEED.fullmatch(text):
        return drawn(int(seed[1]))
    order = _ORDER.fullmatch(text)
    if order is None:
        raise ValueError("must look like bars.after_commit:kill@2 or seed=7, with commas between several")
    if order[1] not in POINTS:
        raise ValueError(f"must name a point of miraikakaku_assets/fault_points.py; {order[1]} is none")
    if order[2] not in ACTIONS:
        raise ValueError(f"must name one of {', '.join(ACTIONS)} behind the colon; {order[2]} is none")
    return Order(order[1], order[2], int(order[3] or 1))


def drawn(seed: int) -> Order:
    """The kill that a seed stands for."""
    draw = random.Random(seed)  # noqa: S311 - the same in every run
    return Order(draw.choice(sorted(POINTS)), "kill", draw.randint(1, _DRAWN_PASSES))
