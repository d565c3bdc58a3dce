"""Fault specs: what goes wrong, for whom, how often.

Grammar: ``KIND[=RATE][@SYMBOL[,SYMBOL...]][*TIMES]``, the last two in either order.

Without ``@`` a fault concerns every chart answer. ``@data_j.xls`` and ``@getcrumb`` name the JPX list and the
crumb, which fail only when they are named.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.noise import Noise

KINDS = {
    "429": "HTTP 429 as plain text, without Retry-After",
    "429-retry-after": "HTTP 429 with Retry-After: 1",
    "401": "HTTP 401, crumb refused",
    "404": "HTTP 404, symbol may be delisted",
    "422": "HTTP 422, window refused",
    "500": "HTTP 500",
    "502": "HTTP 502",
    "503": "HTTP 503",
    "504": "HTTP 504",
    "timeout": "no answer until the client gives up",
    "truncated": "the connection ends in the middle of the body",
    "cut-json": "a complete HTTP answer whose JSON ends in the middle",
    "html": "HTTP 200 with Yahoo's 'Will be right back' page",
    "empty": "HTTP 200 without bars",
    "wrong-symbol": "the answer belongs to another symbol",
    "nan-bars": "every tenth session is null",
    "garbage-tick": "every twentieth session's close is ten million times too high",
    "double-session": "the running session appears twice, at its open and at its last trade",
    "late-split": "a 5:1 split whose event and rescaled history come later than the price drop",
    "latency": "the answer is held back, e.g. latency=50ms",
}
WORKBOOK = "data_j.xls"
CRUMB = "getcrumb"

_SPEC = re.compile(r"(?P<kind>[0-9a-z-]+)(?:=(?P<rate>[^@*]*))?(?P<rest>(?:[@*][^@*]+)*)")
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One parsed spec.

    Attributes:
        spec: As it was written.
        kind: One of KINDS.
        rate: Share of the attempts it hits, 0 < rate <= 1.
        seconds: How long ``latency`` holds an answer back; 0 for other kinds.
        targets: Yahoo symbols or resource names; empty for every chart answer.
        times: Hits per target after which it stops; ``None`` for no end.
    """

    spec: str
    kind: str
    rate: float = 1.0
    seconds: float = 0.0
    targets: frozenset[str] = frozenset()
    times: int | None = None

    def concerns(self, resource: str) -> bool:
        """Whether it may hit a symbol or a named resource."""
        if self.targets:
            return resource in self.targets
        return resource not in {WORKBOOK, CRUMB}


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
    return Fault(spec.strip(), kind, rate, seconds, targets, times)


def parse_faults(specs: Iterable[str]) -> tuple[Fault, ...]:
    """Return the faults of several specs, in their order.

    Raises:
        ConfigurationError: One of them cannot be read.
    """
    return tuple(parse_fault(spec) for spec in specs)


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
            targets = frozenset(name if name in {WORKBOOK, CRUMB} else name.upper() for name in names)
        elif mark == "*" and times is None and text.isdecimal() and int(text) > 0:
            times = int(text)
        else:
            raise _refused(spec, f"{mark}{text} cannot be used")
    return targets or frozenset(), times


def _refused(spec: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"fault {spec!r} cannot be used: {why}; write KIND[=RATE][@SYMBOL,...][*TIMES] "
        f"with one of the kinds {', '.join(KINDS)}."
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

    def plan(self, resource: str) -> Plan:
        """Count one attempt and return what happens to it."""
        self._attempts[resource] += 1
        attempt = self._attempts[resource]
        delay, kinds = 0.0, []
        for fault in self.faults:
            if fault.kind == "late-split" or not self._hits(fault, resource, attempt):
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
        return fault.rate >= 1.0 or self._noise.chance(f"{resource} {fault.kind} {attempt}") < fault.rate
