"""Use case: ask a few symbols regularly, and let the speed of everything else follow from the answers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.probes import ProbedSource
from miraikakaku_assets.application.ports.rate_limit import AdjustableRate, LimitState
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
        probes: One per symbol, in the order they were asked for; where the round was asked again, those that count.
        judgement: What the probes of the last day say.
        rate: The request rate after it was steered.
        clock_skew_seconds: The source's clock minus ours, if they are minutes apart.
    """

    probes: tuple[Probe, ...]
    judgement: SourceHealth
    rate: LimitState
    clock_skew_seconds: float | None

    @property
    def failures(self) -> dict[str, str]:
        """Symbols without a good answer, with their verdicts."""
        return {probe.symbol: probe.verdict for probe in self.probes if probe.verdict != "ok"}


def probe_sources(
    symbols: Sequence[str],
    *,
    source: ProbedSource,
    store: ProbeStore,
    rate: AdjustableRate,
    clock: Clock,
    ask_again_after: float,
    wait: Callable[[float], None] = time.sleep,
) -> ProbeRound:
    """Asks every symbol once, records the answers, and slows down or pauses a source in trouble.

    A round lasts as long as one bad second of a network. So a round in which every symbol was turned away is asked once
    more a while later, before everybody is stopped and somebody is called.

    Args:
        symbols: One of each kind of instrument that is collected.
        source: Whom to ask.
        store: Where the answers are kept.
        rate: The request rate all collections share.
        clock: Time of the round.
        ask_again_after: Seconds until a round in which every symbol was turned away is asked again.
        wait: Waits for so many seconds.
    """
    probes = asked = _round(symbols, source, rate, clock)
    known = store.since(source.name, probes[0].probed_at - DAY) if probes else []
    judgement = judge([*known, *probes])
    if judgement is None:
        raise ValueError("there is no symbol to probe")
    if judgement.health is Health.DOWN:
        # Not stored before it is asked again: whoever watches judges by what is stored.
        wait(ask_again_after)
        later = _round(symbols, source, rate, clock)
        asked = (*probes, *later)
        confirmed = judge([*known, *asked])
        # Paused: others have met the trouble meanwhile and opened the breaker.
        if confirmed is not None and confirmed.health is not Health.PAUSED:
            probes, judgement = later, confirmed
    store.add(asked)
    _steer(rate, judgement)
    return ProbeRound(probes, judgement, rate.state(), source.clock_skew_seconds)


def _round(
    symbols: Sequence[str], source: ProbedSource, rate: AdjustableRate, clock: Clock
) -> tuple[Probe, ...]:
    began = clock()
    return tuple(_probe(symbol, source, rate.state().rate, began) for symbol in symbols)


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


def _steer(rate: AdjustableRate, judgement: SourceHealth) -> None:
    if judgement.health is Health.DOWN:
        rate.pause(judgement.reason)
    elif judgement.health is Health.DEGRADED:
        rate.slow_down(HOLD_SECONDS)
    elif judgement.health in {Health.HEALTHY, Health.RECOVERED}:
        rate.let_grow()
