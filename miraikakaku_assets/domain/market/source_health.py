"""How a price source is doing, judged from a few symbols that are asked regularly (canaries)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from statistics import median

from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted

OK = "ok"
PAUSED = "paused"
"""Verdict of a symbol that was not asked, because nobody asks the source for now."""
EMPTY = "empty"
"""Verdict of an answer without a single price."""
STALE = "stale"
"""Verdict of an answer whose newest session is long past."""

UNSERVED = frozenset({"rate_limited", "server_error", "unreachable", "timeout", "refused"})
"""Verdicts by which a source turns away whatever it is asked for."""
_SYMBOLS_OWN = frozenset({"not_on_source", "out_of_range", "bad_request"})
"""Verdicts about the symbol that was asked for: a delisted canary says nothing about the source."""

OLDEST_SESSION = timedelta(days=14)
"""Age of the newest session beyond which a series is stale: Tokyo's longest closure was ten days (2019)."""
TREND_ROUNDS = 4
"""Newest rounds that make the trend: one hour, when the source is probed every fifteen minutes."""
DAY = timedelta(hours=24)
"""How far back the usual latency is looked for."""
_FEWEST_USUAL = 12  # answers below which no latency counts as the usual one
_SLOW_FACTOR = 3.0
_NEVER_SLOW_SECONDS = 0.5  # ten workers get twenty answers a second at that latency, four times what is asked
_FAILING_SYMBOLS = 2


class Health(StrEnum):
    """State of a source."""

    HEALTHY = "healthy"
    RECOVERED = "recovered"
    """Every canary answers again; the trend still remembers that it was otherwise."""
    DEGRADED = "degraded"
    """Several canaries fail, or answers take several times as long as usual: half the speed."""
    DOWN = "down"
    """It turned every canary away: nobody asks it for a while."""
    PAUSED = "paused"
    """It was not asked."""


@dataclass(frozen=True)
class Probe:
    """One symbol of one round.

    Attributes:
        probed_at: Beginning of the round (UTC), the same for all its symbols.
        source: Name of the source.
        symbol: What was asked for.
        verdict: `OK`, `EMPTY`, `STALE`, `PAUSED` or the kind of the error.
        latency: Seconds the source took; None when it was not asked.
        requests: HTTP requests that were sent.
        newest_session: Exchange date of the newest bar of the answer.
        rate: Requests a second that were allowed at the time.
    """

    probed_at: datetime
    source: str
    symbol: str
    verdict: str
    latency: float | None
    requests: int
    newest_session: date | None
    rate: float


@dataclass(frozen=True)
class SourceHealth:
    """What the probes say.

    Attributes:
        health: State of the source after the newest round.
        reason: One sentence with the numbers behind it.
        success_share: Share of good answers in the trend (the newest `TREND_ROUNDS` rounds).
        latency: Median seconds of the good answers of the trend; None without any.
        usual_latency: Median seconds of the day before the trend; None when there are too few.
    """

    health: Health
    reason: str
    success_share: float
    latency: float | None
    usual_latency: float | None


def verdict_of_series(newest_session: date | None, today: date) -> str:
    """The verdict of an answer that could be read.

    Args:
        newest_session: Exchange date of its newest price, None without any.
        today: Date of the question (UTC).
    """
    if newest_session is None:
        return EMPTY
    return STALE if today - newest_session > OLDEST_SESSION else OK


def judge(probes: Sequence[Probe]) -> SourceHealth | None:
    """Judges a source by the probes of the last day, in any order; None without any.

    Down and degraded are judged by the newest round, or an outage of a minute would be held against the source
    for an hour; the latency by the median of the trend, because a single slow answer is nothing.
    """
    rounds = [
        tuple(group)
        for _, group in groupby(
            sorted(probes, key=lambda probe: probe.probed_at), lambda probe: probe.probed_at
        )
    ]
    if not rounds:
        return None
    newest = rounds[-1]
    trend = [
        probe
        for probes_of_round in rounds[-TREND_ROUNDS:]
        for probe in probes_of_round
        if probe.verdict != PAUSED
    ]
    good = [probe for probe in trend if probe.verdict == OK]
    share = len(good) / len(trend) if trend else 0.0
    latency = _median(good)
    since = newest[0].probed_at - DAY
    earlier = [
        probe
        for probes_of_round in rounds[:-TREND_ROUNDS]
        for probe in probes_of_round
        if probe.probed_at >= since
    ]
    answered = [probe for probe in earlier if probe.verdict == OK]
    usual = _median(answered) if len(answered) >= _FEWEST_USUAL else None
    before = next(
        (each for each in reversed(rounds[:-1]) if any(probe.verdict != PAUSED for probe in each)), ()
    )
    health, reason = _state(newest, before, share, latency, usual)
    return SourceHealth(health, reason, share, latency, usual)


def _is_unserved(probes: Sequence[Probe]) -> bool:
    """Whether there were questions and none was answered; what was not asked because of the pause says nothing."""
    asked = [probe for probe in probes if probe.verdict != PAUSED]
    return bool(asked) and all(probe.verdict in UNSERVED for probe in asked)


def _unserved(newest: Sequence[Probe], before: Sequence[Probe], named: str) -> tuple[Health, str]:
    """How a source is that has answered nobody.

    A hiccup of seconds that meets the first symbol opens the circuit breaker, and nobody else is asked: that round
    alone says nothing of the source.
    """
    asked = sum(probe.verdict != PAUSED for probe in newest)
    if asked > 1 or asked == len(newest) or _is_unserved(before):
        return Health.DOWN, f"every symbol was turned away: {named}"
    return Health.DEGRADED, f"the only symbol that was asked was turned away: {named}"


def _state(
    newest: Sequence[Probe],
    before: Sequence[Probe],
    share: float,
    latency: float | None,
    usual: float | None,
) -> tuple[Health, str]:
    probed = [probe for probe in newest if probe.verdict != PAUSED]
    if not probed:
        return Health.PAUSED, "nothing was asked: the source is paused"
    failing = [probe for probe in probed if probe.verdict != OK]
    named = ", ".join(f"{probe.symbol} {probe.verdict}" for probe in failing)
    if _is_unserved(newest):
        return _unserved(newest, before, named)
    if sum(probe.verdict not in _SYMBOLS_OWN for probe in failing) >= _FAILING_SYMBOLS:
        return Health.DEGRADED, f"{len(failing)} of {counted(len(probed), 'symbol')} fail: {named}"
    if _is_slow(latency, usual):
        return Health.DEGRADED, f"answers take {latency:.2f} s, usually {usual:.2f} s"
    if share < 1 and not failing:
        return Health.RECOVERED, f"every symbol answers again; of the last rounds {percent(share, 0)} did"
    return Health.HEALTHY, f"not answered: {named}" if failing else "every symbol answers"


def _is_slow(latency: float | None, usual: float | None) -> bool:
    return (
        latency is not None and usual is not None and latency > max(_SLOW_FACTOR * usual, _NEVER_SLOW_SECONDS)
    )


def _median(probes: Sequence[Probe]) -> float | None:
    seconds = [probe.latency for probe in probes if probe.latency is not None]
    return median(seconds) if seconds else None
