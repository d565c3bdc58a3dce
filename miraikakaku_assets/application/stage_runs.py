"""Runs of stages as a pipeline knows them: who does them, how they ended, who is notified.

Kept light: every command line loads it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol

from miraikakaku_assets.application.commands import R, StageCommand
from miraikakaku_assets.application.stage_reports import figures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from miraikakaku_assets.application.forecasting.view import ShownForecast
    from miraikakaku_assets.application.stage_reports import StageReport, UnknownSymbols
    from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


@dataclass(frozen=True)
class StageRun(Generic[R]):
    """How the run of a stage ended.

    Attributes:
        run_id: Of the run.
        report: What it has done; None where it came to nothing.
        error: Why not everything it was asked for was done, in one sentence; None: it was.
        exit_code: What a command should exit with.
    """

    run_id: str
    report: R | None
    error: str | None = None
    exit_code: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether everything it was asked for was done."""
        return self.exit_code == 0


class StageRunner(Protocol):
    """Does stages; each call is one run with its history."""

    def run(self, universe: Universe, run_id: str, command: StageCommand[R]) -> StageRun[R]:
        """Does what the command asks of a universe, under that run id."""


@dataclass(frozen=True)
class StageEnd:
    """A stage in the account of a pipeline.

    Attributes:
        universe: Name of the universe.
        stage: Name of the stage.
        run_id: Of the run; None: there was nothing to run.
        error: Why it does not count as done, in one sentence.
        exit_code: What a command should exit with.
        collected: Timeframe of the bars that a collection or an analysis was about.
        forecasts: Forecasts of a few named symbols, one by one.
        report: What was done.
    """

    universe: str
    stage: str
    run_id: str | None
    error: str | None = None
    exit_code: int = 0
    collected: Timeframe | None = None
    forecasts: Sequence[ShownForecast] | None = None
    report: StageReport | UnknownSymbols | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it counts as done."""
        return self.exit_code == 0

    def document(self) -> dict[str, Any]:
        """The stage as faces print it, keys as they stay."""
        head: dict[str, Any] = {"universe": self.universe, "stage": self.stage, "run_id": self.run_id}
        head |= {"succeeded": self.succeeded, "error": self.error, "exit_code": self.exit_code}
        if self.collected is not None:
            head["collected"] = self.collected.value
        if self.forecasts is not None:
            head["forecasts"] = [asdict(forecast) for forecast in self.forecasts]
        return head | (figures(self.report) if self.report else {})


class StageListener(Protocol):
    """Notified of the stages of a pipeline."""

    def at_work(
        self, universe: Universe, run_id: str, command: StageCommand[Any]
    ) -> AbstractContextManager[None]:
        """Shows how far a run is while it is at work."""

    def ended(self, stage: StageEnd) -> None:
        """Takes a stage that is over."""
