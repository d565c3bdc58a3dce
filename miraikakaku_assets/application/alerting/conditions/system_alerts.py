"""Rules about the machine and the services on it, and the use case that applies them.

An alert needs two checks in a row: one busy moment is nobody's business.
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
    BACKUP,
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

_TOLD_ELSEWHERE = {BACKUP.resource, NOTIFICATIONS.resource}
"""A backup has rules of its own, and of a channel that refuses nobody could be told."""


@dataclass(frozen=True)
class WatchedResource:
    """What rules about a resource look at.

    Attributes:
        threshold: What is normal.
        samples: The newest, newest first, at most `CHECKS` and none further apart than `IN_A_ROW`.
    """

    threshold: Threshold
    samples: tuple[Sample, ...]

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


def judge_system(metrics: SystemMetrics, ports: AlertPorts) -> AlertChanges:
    """Judges the newest health checks; to be called after each.

    Args:
        metrics: The stored checks.
        ports: What it needs.
    """
    return reconcile(evaluate(SYSTEM_RULES, watched(metrics.newest(CHECKS))), ports)


def watched(samples: Sequence[Sample]) -> Iterator[WatchedResource]:
    """The resources of which the newest check says anything.

    Args:
        samples: Of some checks, newest first.
    """
    for resource, threshold in THRESHOLDS.items():
        mine = [sample for sample in samples if sample.resource == resource]
        if mine and resource not in _TOLD_ELSEWHERE:
            near = [sample for sample in mine if mine[0].sampled_at - sample.sampled_at <= IN_A_ROW]
            yield WatchedResource(threshold, tuple(near[:CHECKS]))


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
        f"対応: {threshold.remedy_ja}",
    ]
    details = {
        "resource": threshold.resource,
        "value": newest.value,
        "unit": threshold.unit,
        "sampled_at": newest.sampled_at.isoformat(),
    }
    return Finding(f"{threshold.title_ja}が{word}範囲です: {value}", lines, details)


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
        severities=(Severity.CRITICAL,),
        when=f"a figure is in the range of danger in {CHECKS} checks in a row",
        over="a check finds it below",
        remedy="See what `miraikakaku health` says of the figure; it names what to do.",
        inhibits=("system/<resource>/caution",),
        respond_within=timedelta(minutes=5),
        find=_danger,
        judges=lambda watched: watched.is_known,
    ),
)
"""Rules about one figure of the health check."""
