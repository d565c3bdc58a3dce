"""What the commands need from whoever runs the pipeline; `miraikakaku_assets.main` provides it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from miraikakaku_assets.application.stage_runs import StageRunner
from miraikakaku_assets.bootstrap import Ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miraikakaku_assets.application.drill.clock import DrillClock
    from miraikakaku_assets.application.drill.frame import Damage, Outcome
    from miraikakaku_assets.application.monitoring.watch_round import WatchRound
    from miraikakaku_assets.application.ports.operations.assets import AssetHealth


class Services(Protocol):
    """Starts the long-running processes."""

    def run(
        self,
        ports: Ports,
        port: int,
        api_port: int,
        dashboard_port: int,
        *,
        schedules_on: bool,
        read_only: bool,
    ) -> int:
        """Runs web server, daemon, REST API and dashboard until they are stopped; returns the exit code."""

    def become_worker(self, ports: Ports, name: str, slots: int, queue: str) -> None:
        """Turns this process into a worker that does runs of a queue until it is stopped."""


class Watch(Protocol):
    """Watches an installation from outside of the orchestrator."""

    def round(self, ports: Ports) -> "WatchRound":
        """One round."""


class AssetHealthReader(Protocol):
    """Asks the orchestrator how its assets are."""

    def __call__(self, ports: Ports) -> "Sequence[AssetHealth]":
        """The health of every asset, by key."""


class Drills(Protocol):
    """Damages demos."""

    def chosen(self, names: "Sequence[str]") -> "Sequence[Damage[Any]]":
        """The damages of these names, in their order; all of them without any.

        Raises:
            ConfigurationError: There is none of a name.
        """

    def run(
        self,
        installation: Ports,
        clock: "DrillClock",
        names: "Sequence[str]",
        at: Callable[[int, str], object],
        *,
        fill: bool,
    ) -> "list[Outcome]":
        """Damages a demo in each of the chosen ways.

        Args:
            installation: The demo.
            clock: Its clock.
            names: Of the damages.
            at: Is told how many are done and which is at work.
            fill: Whether the demo is empty yet.
        """


RunnerFactory = Callable[[Ports], StageRunner]
