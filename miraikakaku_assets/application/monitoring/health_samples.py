"""Checks of health as they are stored, and what the newest one says."""

from datetime import timedelta
from typing import Any

from miraikakaku_assets.application.monitoring.health import HealthReport
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.system import SystemMetrics
from miraikakaku_assets.domain.operations.thresholds import THRESHOLDS, Level, shown, worst
from miraikakaku_assets.domain.words import lasting

_STALE_SAMPLE = timedelta(minutes=15)  # three checks of the schedule


def sample_health(report: HealthReport, store: SystemMetrics, keep: timedelta) -> None:
    """Stores a check."""
    store.add(report.samples, keep)


def newest_health(store: SystemMetrics, clock: Clock) -> dict[str, Any]:
    """What the newest stored check said, in one sentence and as figures; nothing is measured."""
    samples, now = store.newest(1), clock()
    if not samples:
        return {"state": Level.UNKNOWN.word, "says": "not checked yet; `miraikakaku health` measures now"}
    level = worst(sample.level for sample in samples)
    sampled_at = samples[0].sampled_at
    bad = ", ".join(
        f"{_title(sample.resource)} {sample.level.word} ({shown(sample.value, sample.unit)})"
        for sample in sorted(samples, key=lambda sample: -sample.level)
        if sample.level >= Level.CAUTION
    )
    age = f"checked {lasting((now - sampled_at).total_seconds())} ago"
    late = "; the schedule health_check does not run" if now - sampled_at > _STALE_SAMPLE else ""
    return {
        "state": level.word,
        "says": f"{level.word}{': ' if bad else ''}{bad}; {age}{late}",
        "sampled_at": sampled_at,
        "figures": {sample.resource: sample.value for sample in samples},
    }


def _title(resource: str) -> str:
    return THRESHOLDS[resource].title if resource in THRESHOLDS else resource
