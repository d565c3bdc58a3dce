"""What the commands need from whoever runs the pipeline; `miraikakaku_assets.main` provides it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from miraikakaku_assets.application.stage_runs import StageRunner
from miraikakaku_assets.bootstrap import Ports

if TYPE_CHECKING:
    from miraikakaku_assets.application.monitoring.watch_round import WatchRound


class Watch(Protocol):
    """Watches an installation from outside of the orchestrator."""

    def round(self, ports: Ports) -> "WatchRound":
        """One round."""


class Services(Protocol):
    """Starts the long-running processes."""

    def run(self, ports: Ports, port: int, *, schedules_on: bool) -> int:
        """Runs daemon and web server until they are stopped; returns the exit code."""


RunnerFactory = Callable[[Ports], StageRunner]
