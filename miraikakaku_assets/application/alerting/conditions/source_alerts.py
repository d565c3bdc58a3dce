"""Rules about the source of prices: out of reach, in trouble, by another clock.

All universes are served by one source, so what follows from its trouble follows in all of them.
"""

from dataclasses import dataclass
from datetime import timedelta

from miraikakaku_assets.application.alerting.alert_rule import (
    AlertChanges,
    AlertPorts,
    AlertRule,
    Evaluation,
    Finding,
    evaluate,
    reconcile,
)
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitState
from miraikakaku_assets.domain.market.source_health import Health, SourceHealth
from miraikakaku_assets.domain.tokyo_time import jst

_FOLLOWS = (
    "collection/*",
    "cycle/*",
    "coverage/*/below",
    "forecast/*/missing",
    "schedule/*_daily/missed",
    "run/*_daily_job/failed",
    "run/*_prices_job/failed",
    "run/*_cycle_job/failed",
    "run/*_collect_symbols/failed",
    "run/source_canary_job/failed",
    "check/*/coverage/above_threshold/failed",
    "check/market/source_canary/*",
)


@dataclass(frozen=True)
class SourceState:
    """How a source is.

    Attributes:
        rate: Its request rate and circuit breaker.
        health: What its canaries say; None where none was asked in the last day.
    """

    rate: LimitState
    health: SourceHealth | None

    @property
    def labels(self) -> dict[str, str]:
        """Name of the source."""
        return {"source": self.rate.name}

    @property
    def is_out_of_reach(self) -> bool:
        """Whether nobody asks it, or it turns everybody away."""
        return self.rate.breaker is not Breaker.CLOSED or (
            self.health is not None and self.health.health is Health.DOWN
        )


@dataclass(frozen=True)
class SourceClock:
    """The clock of a source beside ours.

    Attributes:
        source: Name of the source.
        skew_seconds: The source's clock minus ours, if they are minutes apart.
    """

    source: str
    skew_seconds: float | None

    @property
    def labels(self) -> dict[str, str]:
        """Name of the source."""
        return {"source": self.source}


def source_evaluations(rate: LimitState, health: SourceHealth | None) -> list[Evaluation]:
    """What the rules say of a source."""
    return evaluate(SOURCE_RULES, [SourceState(rate, health)])


def judge_source_clock(source: str, skew_seconds: float | None, ports: AlertPorts) -> AlertChanges:
    """Judges the clock of a source that has just been asked.

    Args:
        source: Name of the source.
        skew_seconds: The source's clock minus ours, if they are minutes apart.
        ports: What it needs.
    """
    return reconcile(evaluate(CLOCK_RULES, [SourceClock(source, skew_seconds)]), ports)


def _unreachable(state: SourceState) -> Finding | None:
    if not state.is_out_of_reach:
        return None
    rate, health = state.rate, state.health
    lines = [
        f"ソース: {rate.name}",
        f"続いた拒否: {rate.refusals}回",
        *([f"最後の応答: {rate.reason}"] if rate.reason else []),
        *([f"再開の予定: {jst(rate.paused_until)}"] if rate.paused_until else []),
        *([f"カナリア: {health.health}({health.reason})"] if health else []),
    ]
    details = {"source": rate.name, "breaker": rate.breaker.value, "refusals": rate.refusals}
    # A pause of a minute ends by itself; canaries that are turned away, too, say that it is no passing trouble.
    severity = Severity.CRITICAL if health is not None and health.health is Health.DOWN else Severity.WARNING
    return Finding(f"データソースに接続できません: {rate.name}", lines, details, severity)


def _canary(state: SourceState) -> Finding | None:
    health = state.health
    if health is None or health.health is not Health.DEGRADED:
        return None
    lines = [
        f"ソース: {state.rate.name}",
        f"カナリア: {health.reason}",
        f"速度: 毎秒{state.rate.rate:.3g}件(上限 {state.rate.maximum:g}件)",
    ]
    return Finding(f"データソースの応答に問題があります: {state.rate.name}", lines, {"reason": health.reason})


def _clock(clock: SourceClock) -> Finding | None:
    skew = clock.skew_seconds
    if skew is None:
        return None
    lines = [f"ソース: {clock.source}", f"時計の差: {skew:+,.0f}秒(ソース − このマシン)"]
    return Finding(
        f"時計がデータソースと合っていません: {clock.source}", lines, {"skew_seconds": round(skew)}
    )


SOURCE_RULES = (
    AlertRule[SourceState](
        key="source/<source>/unreachable",
        severities=(Severity.CRITICAL, Severity.WARNING),
        when="the circuit breaker is open (WARNING), or every canary was turned away, twice within "
        "half a minute (CRITICAL)",
        over="a request is served again",
        find=_unreachable,
        remedy="Nothing is lost: parked collections go on by themselves when the pause is over. If the source answers "
        "already, `miraikakaku resume`; if it blocks this address, lower REQUESTS_PER_SECOND.",
        inhibits=(*_FOLLOWS, "source/<source>/canary"),
        respond_within=timedelta(minutes=10),
    ),
    AlertRule[SourceState](
        key="source/<source>/canary",
        severities=(Severity.WARNING,),
        when="several canaries fail, or answers take three times as long as usual",
        over="every canary answers",
        find=_canary,
        judges=lambda state: state.health is not None and state.health.health is not Health.PAUSED,
        remedy="Collections go at half the speed meanwhile; look at `market/source_canary` for which kind fails.",
        inhibits=(
            "check/market/source_canary/every_symbol_answers/failed",
            "check/market/source_canary/source_healthy/failed",
            "run/source_canary_job/failed",
        ),
    ),
)
"""Rules about how a source is."""

CLOCK_RULES = (
    AlertRule[SourceClock](
        key="source/<source>/clock",
        severities=(Severity.WARNING,),
        when="the source's clock and this machine's are minutes apart",
        over="a round of canaries finds them together",
        find=_clock,
        remedy="Set this machine's clock (`timedatectl set-ntp true`): what is due is computed from it.",
        inhibits=("check/market/source_canary/clocks_agree/failed",),
    ),
)
"""Rules about the clock of a source."""
