"""Use case: how the machine and the services on it are, each figure against its threshold."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.system import (
    Backlog,
    DatabaseDoor,
    Machine,
    Measurement,
    Sample,
    ServiceState,
    WebProbe,
)
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitState
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.domain.market.source_health import Health, SourceHealth
from miraikakaku_assets.domain.operations.thresholds import (
    API_RESPONSE,
    BACKUP,
    CPU,
    DAEMON,
    DATABASE_CONNECTION,
    DISK,
    HEARTBEAT,
    MEMORY,
    NOTIFICATIONS,
    QUEUE,
    Level,
    Threshold,
    worst,
)
from miraikakaku_assets.domain.words import counted, lasting

CPU_WINDOW_SECONDS = 3.0
"""What the use of the processors is averaged over: at an instant it is 0 or 100 %."""
SOURCE = "source"


@dataclass(frozen=True)
class Figure:
    """One line of a health check.

    Attributes:
        resource: Its name, as in `THRESHOLDS`, or ``source``.
        title: What people call it.
        value: In `unit`; None where it could not be measured.
        unit: ``share``, ``seconds`` or ``1``.
        level: How it is.
        threshold: What is normal, in words.
        detail: What it is of, or why it is not known.
        remedy: What to do, where something is to be done.
    """

    resource: str
    title: str
    value: float | None
    unit: str
    level: Level
    threshold: str
    detail: str
    remedy: str

    @property
    def document(self) -> dict[str, Any]:
        """As commands print it."""
        return {
            "resource": self.resource,
            "value": self.value,
            "unit": self.unit,
            "state": self.level.word,
            "threshold": self.threshold,
            "detail": self.detail,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class HealthReport:
    """A health check.

    Attributes:
        asked_at: When (UTC).
        figures: In the order in which they are shown.
        unreachable: Why the database cannot be reached, if it cannot: what is read from it is unknown then.
    """

    asked_at: datetime
    figures: tuple[Figure, ...]
    unreachable: DependencyUnavailableError | None = None

    @property
    def level(self) -> Level:
        """The worst of all figures."""
        return worst(figure.level for figure in self.figures)

    def at(self, level: Level) -> tuple[Figure, ...]:
        """The figures at a level."""
        return tuple(figure for figure in self.figures if figure.level is level)

    @property
    def samples(self) -> list[Sample]:
        """As they are stored."""
        return [
            Sample(self.asked_at, figure.resource, figure.value, figure.unit, figure.level, figure.detail)
            for figure in self.figures
        ]


@dataclass(frozen=True)
class StoredHealth:
    """What the database says of health.

    Attributes:
        services: Who has beaten.
        backlog: What waits.
        source: Rate of the price source, and what its canaries say.
        backup_at: When the newest backup was made (UTC); None without any.
    """

    services: Sequence[ServiceState]
    backlog: Backlog
    source: tuple[LimitState, SourceHealth | None]
    backup_at: datetime | None


@dataclass(frozen=True)
class HealthPorts:
    """What a health check needs.

    Attributes:
        machine: Processors, memory, disk.
        database: The way into the database.
        stored: What the database says; raises `DependencyUnavailableError` without it.
        web: Asks what answers HTTP.
        clock: Time of the check.
    """

    machine: Machine
    database: DatabaseDoor
    stored: Callable[[], StoredHealth]
    web: WebProbe
    clock: Clock


def check_health(ports: HealthPorts, cpu_seconds: float = CPU_WINDOW_SECONDS) -> HealthReport:
    """Measures everything once; without a database what does not need it is there all the same.

    Args:
        ports: What it needs.
        cpu_seconds: What the use of the processors is averaged over, at least.
    """
    asked_at, window = ports.clock(), ports.machine.open_cpu_window()
    unreachable, stored = None, None
    try:
        connection = ports.database.connection_seconds()
        stored = ports.stored()
    except DependencyUnavailableError as error:
        unreachable, connection = error, Measurement(None, str(error), failed=True)
    responses = _responses(ports.web, stored.services if stored else ())
    machine = [  # the window closes last: the other questions have passed the time
        _figure(MEMORY, ports.machine.memory()),
        _figure(DISK, ports.machine.disk()),
        _figure(DATABASE_CONNECTION, connection),
        _figure(API_RESPONSE, responses),
    ]
    rest = _stored_figures(stored, asked_at) if stored else _unknown_figures()
    return HealthReport(
        asked_at, (_figure(CPU, window.used(cpu_seconds)), *machine, *rest), unreachable=unreachable
    )


def _figure(threshold: Threshold, measured: Measurement) -> Figure:
    level = Level.UNKNOWN
    if measured.failed:
        level = Level.DANGER
    elif measured.value is not None:
        level = threshold.level(measured.value)
    normal, caution, danger = threshold.bounds
    return Figure(
        threshold.resource,
        threshold.title,
        measured.value,
        threshold.unit,
        level,
        f"normal {normal}, caution {caution}, danger {danger}",
        measured.detail,
        threshold.remedy if level >= Level.CAUTION else "",
    )


def _responses(web: WebProbe, services: Sequence[ServiceState]) -> Measurement:
    """The slowest answer of what should answer; an address that does not answer is a failure."""
    asked = [
        (service.service, web.response(service.address, service.health_path))
        for service in services
        if service.address and service.state != "stopped"
    ]
    if not asked:
        return Measurement(None, "nothing that answers HTTP runs")
    silent = [f"{name}: {answer.detail}" for name, answer in asked if answer.failed]
    if silent:
        return Measurement(None, "; ".join(silent), failed=True)
    name, slowest = max(asked, key=lambda pair: pair[1].value or 0.0)
    return Measurement(slowest.value, f"{name}, the slowest of {len(asked)}" if len(asked) > 1 else name)


def _stored_figures(stored: StoredHealth, now: datetime) -> Iterator[Figure]:
    backlog = stored.backlog
    yield _figure(HEARTBEAT, _heartbeats(stored.services))
    yield _figure(DAEMON, _daemon(stored))
    yield _source(*stored.source)
    yield _figure(QUEUE, Measurement(backlog.queued_runs, "runs wait" if backlog.queued_runs else ""))
    # Nothing that waits is as good as something that has just come.
    yield _figure(
        NOTIFICATIONS,
        Measurement(
            backlog.undelivered_seconds or 0.0,
            "nothing waits" if backlog.undelivered_seconds is None else "the oldest that is due",
        ),
    )
    age = None if stored.backup_at is None else (now - stored.backup_at).total_seconds()
    yield _figure(BACKUP, Measurement(age, "no backup is recorded" if age is None else "old"))


def _unknown_figures() -> Iterator[Figure]:
    absent = Measurement(None, "the database cannot be reached")
    for threshold in (HEARTBEAT, DAEMON):
        yield _figure(threshold, absent)
    yield Figure(SOURCE, "price source", None, "1", Level.UNKNOWN, _SOURCE_NORMAL, absent.detail, "")
    for threshold in (QUEUE, NOTIFICATIONS, BACKUP):
        yield _figure(threshold, absent)


def _heartbeats(services: Sequence[ServiceState]) -> Measurement:
    """The longest silence of a service that did not stop in order."""
    expected = [service for service in services if service.state != "stopped"]
    if not expected:
        return Measurement(None, "none runs" if not services else "all were stopped in order")
    slowest = max(expected, key=lambda service: service.silent_seconds)
    silent = [service for service in expected if service.silent_seconds > HEARTBEAT.caution]
    named = ", ".join(f"{service.service} on {service.host}" for service in silent)
    detail = f"silent: {named}" if silent else f"{counted(len(expected), 'service')} alive"
    return Measurement(slowest.silent_seconds, detail)


def _daemon(stored: StoredHealth) -> Measurement:
    silent = stored.backlog.daemon_silent_seconds
    if silent is None:
        return Measurement(None, "it has never run here")
    states = {service.state for service in stored.services if service.service == "daemon"}
    if states == {"stopped"}:
        return Measurement(None, f"stopped in order, last seen {lasting(silent)} ago")
    return Measurement(silent, "since its newest sign of life")


_SOURCE_NORMAL = "normal if healthy, caution if degraded or paused, danger if down"
_SOURCE_REMEDY = "nothing: it is asked again by itself, and `miraikakaku resume` lifts a pause at once"


def _source(rate: LimitState, health: SourceHealth | None) -> Figure:
    if rate.breaker is Breaker.OPEN or (health and health.health is Health.DOWN):
        level = Level.DANGER
    elif rate.breaker is not Breaker.CLOSED or (health and health.health in {Health.DEGRADED, Health.PAUSED}):
        level = Level.CAUTION
    else:
        level = Level.NORMAL if health else Level.UNKNOWN
    sentence = f"{health.health}: {health.reason}" if health else "its canaries were not asked yet"
    paused = f"paused ({rate.reason}); " if rate.breaker is Breaker.OPEN else ""
    remedy = _SOURCE_REMEDY if level >= Level.CAUTION else ""
    share = health.success_share if health else None
    return Figure(
        SOURCE,
        "price source",
        share,
        "share",
        level,
        _SOURCE_NORMAL,
        f"{paused}{rate.name}: {sentence}",
        remedy,
    )
