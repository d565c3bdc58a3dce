"""What the commands need from whoever runs the pipeline; `miraikakaku_assets.main` provides it."""

from collections.abc import Callable
from typing import Protocol

from miraikakaku_assets.application.stage_runs import StageRunner
from miraikakaku_assets.bootstrap import Ports


class Services(Protocol):
    """Starts the long-running processes."""

    def run(self, ports: Ports, port: int, api_port: int, *, schedules_on: bool) -> int:
        """Runs web server, daemon and REST API until they are stopped; returns the exit code."""


RunnerFactory = Callable[[Ports], StageRunner]
