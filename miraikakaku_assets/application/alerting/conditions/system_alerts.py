"""Rules about the machine and the services on it, and the use case that applies them.

An alert needs two checks in a row: one busy moment is nobody's business. Processors are there to be kept busy by
our own runs: nobody is woken for that while everything that answers does so in time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from miraikakaku_assets.application.alerting.alert_rule import (
    AlertChanges,
    AlertPorts,
    AlertRule,
    Finding,
    evaluate,
    reconcile,
)
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.application.ports.operations.system import Sample, SystemMetrics
from miraikakaku_assets.domain.operations.thresholds import (
    API_RESPONSE,
    BACKUP,
    CPU,
    DATABASE_CONNECTION,
    NOTIFICATIONS,
    THRESHOLDS,
    Level,
    Threshold,
    shown,
)

CHECKS = 2
"""Checks in a row that have to agree."""
IN_A_ROW = timedelta(minutes=15)
"""Checks further apart say nothing about what was between them."""

_SUFFER = {API_RESPONSE.resource, DATABASE_CONNECTION.resource}
"""What is slow when the processors are too few."""
_TOLD_ELSEWHERE = {BACKUP.resource, NOTIFICATIONS.resource}
"""A backup has rules of its own, and of a channel that refuses nobody could be told."""


@dataclass(frozen=True)
class WatchedResource:
    """What rules about a resource look at.

    Attributes:
        threshold: What is normal.
        samples: The newest, newest first, at most `CHECKS` and none further apart than `IN_A_ROW`.
        is_our_work: Whether a run of ours explains the figure, and nothing suffers from it.
    """

    threshold: Threshold
    samples: tuple[Sample, ...]
    is_our_work: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The resource."""
        return {"resource": self.threshold.resource}

    @property
    def is_known(self) -> bool:
        """Whether the newest check says anything of it."""
        return self.samples[0].level is not Level.UNKNOWN

    @property
    def held(self) -> Level:
        """The level that held in all of the checks: the lowest of them."""
        if len(self.samples) < CHECKS:
            return Level.NORMAL
        return min(sample.level for sample in self.samples)


def judge_system(metrics: SystemMetrics, ports: AlertPorts, *, is_at_work: bool = False) -> AlertChanges:
    """Judges the newest health checks; to be called after each.

    Args:
        metrics: The stored checks.
        ports: What it needs.
        is_at_work: Whether a run of ours is at work, other than the check itself.
    """
    return reconcile(evaluate(SYSTEM_RULES, watched(metrics.newest(CHECKS), is_at_work=is_at_work)), ports)


def watched(samples: Sequence[Sample], *, is_at_work: bool = False) -> Iterator[WatchedResource]:
    """The resources of which the newest check says anything.

    Args:
        samples: Of some checks, newest first.
        is_at_work: Whether a run of ours is at work.
    """
    suffers = any(sample.resource in _SUFFER and sample.level > Level.NORMAL for sample in samples)
    for resource, threshold in THRESHOLDS.items():
        mine = [sample for sample in samples if sample.resource == resource]
        if mine and resource not in _TOLD_ELSEWHERE:
            near = [sample for sample in mine if mine[0].sampled_at - sample.sampled_at <= IN_A_ROW]
            ours = resource == CPU.resource and is_at_work and not suffers
            yield WatchedResource(threshold, tuple(near[:CHECKS]), ours)


def _caution(watched: WatchedResource) -> Finding | None:
    return _finding(watched, "注意") if watched.held is Level.CAUTION else None


def _danger(watched: WatchedResource) -> Finding | None:
    return _finding(watched, "危険") if watched.held is Level.DANGER else None


def _finding(watched: WatchedResource, word: str) -> Finding:
    threshold, newest = watched.threshold, watched.samples[0]
    value = shown(newest.value, threshold.unit).replace(" %", "%")
    caution, danger = (
        shown(bound, threshold.unit).replace(" %", "%") for bound in (threshold.caution, threshold.danger)
    )
    values = [shown(sample.value, threshold.unit).replace(" %", "%") for sample in watched.samples]
    lines = [
        f"現在の値: {value}(直近{len(values)}回: {'、'.join(values)})",
        f"基準: 注意 {caution}以上、危険 {danger}超",
        *([f"内容: {newest.detail}"] if newest.detail else []),
        *(["原因: このシステムの処理が実行中です(応答は正常)"] if watched.is_our_work else []),
        f"対応: {threshold.remedy_ja}",
    ]
    details = {
        "resource": threshold.resource,
        "value": newest.value,
        "unit": threshold.unit,
        "sampled_at": newest.sampled_at.isoformat(),
    }
    severity = Severity.WARNING if watched.is_our_work else None
    return Finding(f"{threshold.title_ja}が{word}範囲です: {value}", lines, details, severity)


SYSTEM_RULES = (
    AlertRule[WatchedResource](
        key="system/<resource>/caution",
        severities=(Severity.WARNING,),
        when=f"a figure is beyond normal in {CHECKS} checks in a row",
        over="a check finds it normal, or both find it dangerous",
        remedy="See what `miraikakaku health` says of the figure; it names what to do.",
        find=_caution,
        judges=lambda watched: watched.is_known,
    ),
    AlertRule[WatchedResource](
        key="system/<resource>/danger",
        severities=(Severity.CRITICAL, Severity.WARNING),
        when=f"a figure is in the range of danger in {CHECKS} checks in a row; WARNING for processors that a run of "
        "ours keeps busy, as long as the API and the database answer in time",
        over="a check finds it below",
        remedy="See what `miraikakaku health` says of the figure; it names what to do.",
        inhibits=("system/<resource>/caution",),
        respond_within=timedelta(minutes=5),
        find=_danger,
        judges=lambda watched: watched.is_known,
    ),
)
"""Rules about one figure of the health check."""
