"""Ports of health: the machine, the services on it, and what is stored about both."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from miraikakaku_assets.domain.operations.thresholds import Level


@dataclass(frozen=True)
class Measurement:
    """A measured value.

    Attributes:
        value: In the unit of its threshold; None where nothing could be measured.
        detail: What it is of, a few words.
        failed: Whether what was asked is broken, and not only absent.
    """

    value: float | None
    detail: str = ""
    failed: bool = False


class CpuWindow(Protocol):
    """A span over which the use of the processors is measured; it began when it was opened."""

    def used(self, least_seconds: float) -> Measurement:
        """Share of the processors that was busy since then; waits until the span is long enough."""


class Machine(Protocol):
    """The machine, or the part of it that a container may use."""

    def open_cpu_window(self) -> CpuWindow:
        """Begins to measure the processors."""

    def memory(self) -> Measurement:
        """Share of the memory in use; the worse of the machine's and the container's."""

    def disk(self) -> Measurement:
        """Share of the fullest volume in use, of those that hold the state folder and the database."""


class DatabaseDoor(Protocol):
    """The way into the database."""

    def connection_seconds(self) -> Measurement:
        """Median of a few new connections, each until its first answer.

        Raises:
            DependencyUnavailableError: It cannot be reached.
        """


class WebProbe(Protocol):
    """Asks services that answer HTTP."""

    def response(self, address: str, path: str) -> Measurement:
        """Seconds until the answer; `Measurement.failed` without one, or with one that is no success."""


@dataclass(frozen=True)
class ServiceBeat:
    """What a service, or whoever watches it, says of it.

    Attributes:
        service: E.g. ``daemon``, ``web_ui``, ``code_server/daemon``, ``watch``, ``api``.
        host: Name of its machine.
        pid: Its process there.
        state: ``running``, ``restarting`` or ``stopped`` (in order).
        address: Where it answers HTTP, e.g. ``http://127.0.0.1:3000``; empty where it does not.
        health_path: What to ask there, e.g. ``/server_info``.
    """

    service: str
    host: str
    pid: int
    state: str = "running"
    address: str = ""
    health_path: str = ""


@dataclass(frozen=True)
class ServiceState(ServiceBeat):
    """A service as it is recorded.

    Attributes:
        started_at: When that process first beat (UTC).
        silent_seconds: Since its newest beat, by the database's clock.
    """

    started_at: datetime = field(kw_only=True)
    silent_seconds: float = field(kw_only=True)


class ServiceHeartbeats(Protocol):
    """Who is there: ``service_heartbeats``."""

    def beat(self, services: Sequence[ServiceBeat]) -> None:
        """Records that these are in that state now; another process of the same name and host takes the place."""

    def services(self) -> list[ServiceState]:
        """Every service that was ever there and was not forgotten, by name."""

    def forget(self, silent: timedelta) -> int:
        """Removes services that have been silent for longer; says how many."""


@dataclass(frozen=True)
class Backlog:
    """What waits in an installation.

    Attributes:
        queued_runs: Runs that wait for their turn; None where there never was one.
        daemon_silent_seconds: Since the newest sign of life of the orchestrator's slowest daemon; None without any.
        undelivered_seconds: For how long the oldest notification that is due has not been delivered; None without any.
    """

    queued_runs: int | None
    daemon_silent_seconds: float | None
    undelivered_seconds: float | None


class BacklogReader(Protocol):
    """Counts what waits."""

    def backlog(self, now: datetime, channels: Collection[str]) -> Backlog:
        """What waits at a moment (UTC); notifications of these channels only."""


@dataclass(frozen=True)
class Sample:
    """A figure of a health check as it is stored.

    Attributes:
        sampled_at: When (UTC), the same for all figures of a check.
        resource: Name of the figure.
        value: In `unit`; None where it could not be measured.
        unit: ``share``, ``seconds`` or ``1``.
        level: How it was.
        detail: What it is of.
    """

    sampled_at: datetime
    resource: str
    value: float | None
    unit: str
    level: Level
    detail: str = ""


class SystemMetrics(Protocol):
    """Samples over time: ``system_metrics``."""

    def add(self, samples: Sequence[Sample], keep: timedelta) -> None:
        """Adds a check and removes what is older than `keep`, in one transaction; a repeated one changes nothing."""

    def newest(self, checks: int) -> list[Sample]:
        """The samples of the newest checks, newest first."""

    def peaks(self, since: datetime) -> dict[str, float]:
        """Resource → its highest value since a moment."""
