"""Use case: ask a few symbols regularly, and let the speed of everything else follow from the answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.probes import ProbeAnswer
from miraikakaku_assets.application.ports.rate_limit import LimitState
from miraikakaku_assets.domain.errors import SourcePausedError
from miraikakaku_assets.domain.market.source_health import (
    DAY,
    PAUSED,
    Health,
    Probe,
    SourceHealth,
    judge,
    verdict_of_series,
)

HOLD_SECONDS = 1200.0
"""How long a degraded source is kept at its lower rate: until the next probe has been judged, and no longer."""


class ProbedSource(Protocol):
    """A source that can be asked for one symbol's newest bars with one request."""

    @property
    def name(self) -> str:
        """Name of the source, e.g. ``yahoo``."""

    @property
    def clock_skew_seconds(self) -> float | None:
        """The source's clock minus ours, if they were found minutes apart."""

    def probe(self, symbol: str) -> ProbeAnswer:
        """Asks once, without retries, in turn with everybody else.

        Raises:
            SourcePausedError: Nobody asks the source for now.
        """


class Pace(Protocol):
    """The request rate of a source, as one who steers it sees it."""

    def state(self) -> LimitState:
        """The rate at this moment."""

    def slow_down(self, hold: float) -> None:
        """Halves the rate and keeps it there for some seconds."""

    def let_grow(self) -> None:
        """Ends what is left of the time a rate is kept down."""

    def pause(self, reason: str) -> None:
        """Lets nobody ask for a while."""


class ProbeStore(Protocol):
    """Written account of the probes: ``source_probes``."""

    def add(self, probes: Sequence[Probe]) -> None:
        """Adds a round; drops what is older than a quarter of a year."""

    def since(self, source: str, moment: datetime) -> list[Probe]:
        """The probes of a source from a moment on."""


@dataclass(frozen=True)
class ProbeRound:
    """One round and what it led to.

    Attributes:
        probes: One per symbol, in the order they were asked for.
        judgement: What the probes of the last day say.
        pace: The request rate after it was steered.
        clock_skew_seconds: The source's clock minus ours, if they are minutes apart.
    """

    probes: tuple[Probe, ...]
    judgement: SourceHealth
    pace: LimitState
    clock_skew_seconds: float | None

    @property
    def failures(self) -> dict[str, str]:
        """Symbols without a good answer, with their verdicts."""
        return {probe.symbol: probe.verdict for probe in self.probes if probe.verdict != "ok"}


def probe_sources(
    symbols: Sequence[str], *, source: ProbedSource, store: ProbeStore, pace: Pace, clock: Clock
) -> ProbeRound:
    """Asks every symbol once, records the answers, and slows down or pauses a source in trouble.

    Args:
        symbols: Yahoo symbols; one of each kind of instrument that is collected.
        source: Whom to ask.
        store: Where the answers are kept.
        pace: The request rate all collections share.
        clock: Time of the round.
    """
    began = clock()
    probes = tuple(_probe(symbol, source, pace.state().rate, began) for symbol in symbols)
    store.add(probes)
    judgement = judge(store.since(source.name, began - DAY)) or judge(probes)
    if judgement is None:
        raise ValueError("there is no symbol to probe")
    _steer(pace, judgement)
    return ProbeRound(probes, judgement, pace.state(), source.clock_skew_seconds)


def _probe(symbol: str, source: ProbedSource, rate: float, began: datetime) -> Probe:
    try:
        answer = source.probe(symbol)
    except SourcePausedError:
        return Probe(began, source.name, symbol, PAUSED, None, 0, None, rate)
    verdict = (
        verdict_of_series(answer.newest_session, began.date()) if answer.error is None else answer.error.kind
    )
    return Probe(
        began, source.name, symbol, verdict, answer.latency, answer.requests, answer.newest_session, rate
    )


def _steer(pace: Pace, judgement: SourceHealth) -> None:
    if judgement.health is Health.DOWN:
        pace.pause(judgement.reason)
    elif judgement.health is Health.DEGRADED:
        pace.slow_down(HOLD_SECONDS)
    elif judgement.health in {Health.HEALTHY, Health.RECOVERED}:
        pace.let_grow()
