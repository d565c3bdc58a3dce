"""Use case: everything that is stored about an installation, as metrics of a monitoring system."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from miraikakaku_assets.application.ports.operations.metrics import MetricFamily, StoredFigures, Table
from miraikakaku_assets.application.ports.operations.system import Sample, ServiceState
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitState
from miraikakaku_assets.domain.operations.thresholds import THRESHOLDS, Level

_PREFIX = "miraikakaku"
_SUFFIXES = {"share": "_ratio", "seconds": "_seconds"}


def metric_families(
    figures: StoredFigures,
    samples: Sequence[Sample],
    services: Sequence[ServiceState],
    rate: LimitState,
    backup_at: datetime | None,
    now: datetime,
) -> list[MetricFamily]:
    """All metrics, by name; a family without a value is left out.

    Args:
        figures: What is stored.
        samples: Of the newest health check.
        services: Who has beaten.
        rate: Of the price source.
        backup_at: When the newest backup was made (UTC); None without any.
        now: Moment of the question (UTC).
    """
    families = [
        *_of_data(figures),
        *_of_work(figures),
        *_of_samples(samples),
        *_of_source(rate),
        MetricFamily(
            f"{_PREFIX}_service_silence_seconds",
            "Time since the newest heartbeat of a service that was not stopped in order.",
            labels=("service", "host"),
            values={
                (service.service, service.host): service.silent_seconds
                for service in services
                if service.state != "stopped"
            },
        ),
        MetricFamily(
            f"{_PREFIX}_backup_age_seconds",
            "Age of the newest backup.",
            values={} if backup_at is None else {(): (now - backup_at).total_seconds()},
        ),
    ]
    return sorted((family for family in families if family.values), key=lambda family: family.name)


def _gauge(name: str, documentation: str, values: Table, *labels: str) -> MetricFamily:
    return MetricFamily(f"{_PREFIX}_{name}", documentation, labels=labels, values=values)


def _of_data(figures: StoredFigures) -> Iterator[MetricFamily]:
    bars = ("universe", "timeframe")
    yield _gauge(
        "coverage_ratio",
        "Stored over expected daily bars in the newest coverage check.",
        figures.coverage,
        "universe",
        "segment",
    )
    yield _gauge(
        "newest_bar_age_seconds",
        "Time since the start of the newest final bar.",
        figures.newest_bar_age,
        *bars,
    )
    yield _gauge(
        "table_size_bytes", "Size of a table with its indexes.", figures.table_bytes, "schema", "table"
    )
    yield _gauge(
        "event_log_size_bytes", "Size of the orchestrator's event log.", {(): figures.event_log_bytes}
    )


def _of_work(figures: StoredFigures) -> Iterator[MetricFamily]:
    bars = ("universe", "timeframe")
    yield _gauge("alerts_standing", "Alerts that stand.", figures.standing_alerts, "severity")
    yield _gauge(
        "collections_stored", "Stored collections by how they ended.", figures.collections, *bars, "status"
    )
    yield _gauge(
        "collection_duration_seconds", "Duration of the newest collection.", figures.collection_seconds, *bars
    )
    yield _gauge(
        "collection_success_ratio",
        "Share of the symbols of the newest collection that succeeded.",
        figures.collection_success,
        *bars,
    )
    yield _gauge(
        "collection_end_timestamp_seconds",
        "When the newest collection ended, Unix time.",
        figures.collection_end,
        *bars,
    )
    yield _gauge("cycle_duration_seconds", "Duration of the newest cycle.", figures.cycle_seconds, "universe")
    yield _gauge(
        "cycle_success_ratio",
        "Share of the symbols of the newest cycle that succeeded.",
        figures.cycle_success,
        "universe",
    )
    yield _gauge(
        "notifications_waiting",
        "Notifications that are not delivered yet.",
        figures.waiting_notifications,
        "channel",
    )


def _of_samples(samples: Sequence[Sample]) -> Iterator[MetricFamily]:
    """A family per figure of the newest health check, and one with the levels of all."""
    for sample in samples:
        if sample.value is not None and sample.resource in THRESHOLDS:
            name = f"health_{sample.resource}{_SUFFIXES.get(sample.unit, '')}"
            yield _gauge(
                name, f"{THRESHOLDS[sample.resource].title} in the newest health check.", {(): sample.value}
            )
    yield _gauge(
        "health_level",
        f"Levels of the newest health check: {', '.join(f'{level.value} {level.word}' for level in Level)}.",
        {(sample.resource,): float(sample.level) for sample in samples},
        "resource",
    )
    if samples:
        moment = samples[0].sampled_at.timestamp()
        yield _gauge(
            "health_check_timestamp_seconds", "When the newest health check was, Unix time.", {(): moment}
        )


def _of_source(rate: LimitState) -> Iterator[MetricFamily]:
    source = (rate.name,)
    yield _gauge("source_requests_per_second", "Request rate allowed now.", {source: rate.rate}, "source")
    yield _gauge(
        "source_max_requests_per_second", "Request rate allowed at most.", {source: rate.maximum}, "source"
    )
    yield _gauge("source_refusals", "Refusals in a row.", {source: float(rate.refusals)}, "source")
    yield _gauge(
        "source_breaker_open",
        "Whether nobody asks the source for now: 1, or 0.5 while one request finds out.",
        {source: {Breaker.CLOSED: 0.0, Breaker.HALF_OPEN: 0.5, Breaker.OPEN: 1.0}[rate.breaker]},
        "source",
    )
