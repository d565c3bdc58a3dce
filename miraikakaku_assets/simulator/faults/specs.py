"""Fault specs: what goes wrong, for whom, how often.

Grammar: ``KIND[=RATE][:sticky][@SYMBOL[,SYMBOL...]][*TIMES]``, the last two in either order.

Without ``@`` a fault concerns every chart answer. ``@data_j.xls``, ``@nasdaqlisted.txt``, ``@otherlisted.txt``,
``@listing_status``, ``@westmetall`` and ``@getcrumb`` name lists, the LME's page and the crumb, which fail only when
they are named.

A rate is a share of the attempts: a retry is another attempt and can succeed. With ``:sticky`` it is a share of
the symbols, which are hit by every attempt of the world's life: a 404 that stays a 404.

``all=RATE`` stands for every kind that a retry can cure (TRANSIENT), ``bad-values=RATE`` for every kind that
spoils the bars of a good answer (BAD_VALUES); each kind gets an equal part, so that RATE is the total.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.noise import Noise
from miraikakaku_assets.simulator.faults.kinds import GROUPS, KINDS

WORKBOOK = "data_j.xls"
NASDAQ_LISTED = "nasdaqlisted.txt"
OTHER_LISTED = "otherlisted.txt"
LISTING_STATUS = "listing_status"
CRUMB = "getcrumb"
WESTMETALL = "westmetall"
NAMED = frozenset({WORKBOOK, NASDAQ_LISTED, OTHER_LISTED, LISTING_STATUS, CRUMB, WESTMETALL})

_SPEC = re.compile(
    r"(?P<kind>[0-9a-z-]+)(?:=(?P<rate>[^@*:]*))?(?P<sticky>:sticky)?(?P<rest>(?:[@*][^@*]+)*)"
)
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One parsed spec.

    Attributes:
        spec: As it was written.
        kind: One of KINDS.
        rate: Share of the attempts it hits, 0 < rate <= 1; of the symbols if it is sticky.
        seconds: How long ``latency`` holds an answer back; 0 for other kinds.
        targets: Yahoo symbols or resource names; empty for every chart answer.
        times: Hits per target after which it stops; ``None`` for no end.
        sticky: Whether it hits every attempt of a symbol or none.
    """

    spec: str
    kind: str
    rate: float = 1.0
    seconds: float = 0.0
    targets: frozenset[str] = frozenset()
    times: int | None = None
    sticky: bool = False

    def concerns(self, resource: str) -> bool:
        """Whether it may hit a symbol or a named resource."""
        if self.targets:
            return resource in self.targets
        return resource not in NAMED


def parse_fault(spec: str) -> Fault:
    """Return the fault a spec stands for.

    Raises:
        ConfigurationError: The spec cannot be read; the message names it and the known kinds.
    """
    match = _SPEC.fullmatch(spec.strip())
    if match is None or match["kind"] not in KINDS:
        raise _refused(spec, "its kind is not known")
    kind, rate, seconds = match["kind"], 1.0, 0.0
    if kind == "latency":
        seconds = _duration(spec, match["rate"])
    elif match["rate"] is not None:
        rate = _rate(spec, match["rate"])
    targets, times = _targets_and_times(spec, match["rest"])
    if kind == "unlisted" and not targets:
        raise _refused(spec, "it needs the symbols that are missing")
    return Fault(spec.strip(), kind, rate, seconds, targets, times, match["sticky"] is not None)


def parse_faults(specs: Iterable[str]) -> tuple[Fault, ...]:
    """Return the faults of several specs, in their order; a group stands for its kinds.

    Raises:
        ConfigurationError: One of them cannot be read.
    """
    return tuple(fault for spec in specs for fault in _faults_of(spec))


def _faults_of(spec: str) -> Iterator[Fault]:
    match = _SPEC.fullmatch(spec.strip())
    kinds = GROUPS.get(match["kind"]) if match is not None else None
    if match is None or kinds is None:
        yield parse_fault(spec)
        return
    if match["rate"] is None:
        raise _refused(spec, "a group needs its total rate")
    part = _rate(spec, match["rate"]) / len(kinds)
    for kind in kinds:
        yield parse_fault(f"{kind}={part:.9g}{match['sticky'] or ''}{match['rest']}")


def _rate(spec: str, text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise _refused(spec, f"{text!r} is not a rate") from None
    if not 0.0 < rate <= 1.0:
        raise _refused(spec, "a rate lies above 0 and is at most 1")
    return rate


def _duration(spec: str, text: str | None) -> float:
    match = _DURATION.fullmatch(text or "")
    if match is None:
        raise _refused(spec, "latency needs a duration such as 50ms or 1.5s")
    return float(match["number"]) / (1000.0 if match["unit"] == "ms" else 1.0)


def _targets_and_times(spec: str, rest: str) -> tuple[frozenset[str], int | None]:
    targets: frozenset[str] | None = None
    times: int | None = None
    for mark, text in re.findall(r"([@*])([^@*]+)", rest):
        if mark == "@" and targets is None:
            names = [name.strip() for name in text.split(",")]
            if not all(names):
                raise _refused(spec, "a symbol after @ is empty")
            targets = frozenset(name if name in NAMED else name.upper() for name in names)
        elif mark == "*" and times is None and text.isdecimal() and int(text) > 0:
            times = int(text)
        else:
            raise _refused(spec, f"{mark}{text} cannot be used")
    return targets or frozenset(), times


def _refused(spec: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"fault {spec!r} cannot be used: {why}; write KIND[=RATE][:sticky][@SYMBOL,...][*TIMES] "
        f"with one of the kinds {', '.join(KINDS)} or the groups {', '.join(GROUPS)}."
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to one request.

    Attributes:
        delay: Seconds the answer is held back.
        kinds: Faults that hit it, in the order they were configured.
    """

    delay: float
    kinds: tuple[str, ...]


_NOTHING = Plan(0.0, ())
_NOT_OF_AN_ATTEMPT = frozenset({"late-split", "unlisted"})


class FaultBoard:
    """Faults in force, with a memory of every attempt.

    Whether a rate hits depends on (seed, symbol, kind, number of the attempt) only: a retry is another
    attempt and can succeed, and a run with the same requests per symbol meets the same faults.

    Args:
        seed: Seed of the world.
        faults: Faults in force from the start.
    """

    def __init__(self, seed: int, faults: tuple[Fault, ...]) -> None:
        self._noise = Noise(seed, "faults")
        self.faults = faults
        self.hits: Counter[str] = Counter()
        self._attempts: Counter[str] = Counter()
        self._hits_by_target: Counter[tuple[str, str]] = Counter()

    def replace(self, faults: tuple[Fault, ...]) -> None:
        """Put other faults in force; those that stay keep what they have used of their ``*TIMES``."""
        staying = {fault.spec for fault in faults}
        for spec, resource in list(self._hits_by_target):
            if spec not in staying:
                del self._hits_by_target[spec, resource]
        self.faults = faults

    def unlisted(self) -> frozenset[str]:
        """Return the symbols that the exchanges' lists lack."""
        return frozenset(name for fault in self.faults if fault.kind == "unlisted" for name in fault.targets)

    def plan(self, resource: str) -> Plan:
        """Count one attempt and return what happens to it."""
        if not self.faults:
            return _NOTHING
        self._attempts[resource] += 1
        attempt = self._attempts[resource]
        delay, kinds = 0.0, []
        for fault in self.faults:
            if fault.kind in _NOT_OF_AN_ATTEMPT or not self._hits(fault, resource, attempt):
                continue
            self._hits_by_target[fault.spec, resource] += 1
            self.hits[fault.kind] += 1
            if fault.kind == "latency":
                delay += fault.seconds
            else:
                kinds.append(fault.kind)
        return Plan(delay, tuple(kinds))

    def _hits(self, fault: Fault, resource: str, attempt: int) -> bool:
        if not fault.concerns(resource):
            return False
        if fault.times is not None and self._hits_by_target[fault.spec, resource] >= fault.times:
            return False
        if fault.rate >= 1.0:
            return True
        name = f"{resource} {fault.kind}" if fault.sticky else f"{resource} {fault.kind} {attempt}"
        return self._noise.chance(name) < fault.rate
