"""What the commands need from whoever runs the pipeline; `miraikakaku_assets.main` provides it."""

from collections.abc import Callable
from typing import Any, Protocol

from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CollectCommand,
    PredictCommand,
    TrainCommand,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import Universe


class Outcome(Protocol):
    """How a run ended."""

    @property
    def run_id(self) -> str:
        """Dagster run."""

    @property
    def succeeded(self) -> bool:
        """Whether everything it was asked for was done."""

    @property
    def reason(self) -> str:
        """Why not, in one sentence."""

    @property
    def exit_code(self) -> int:
        """What a command should exit with."""

    @property
    def metadata(self) -> dict[str, Any]:
        """Numbers and texts of the run."""


class Runner(Protocol):
    """Starts runs; each call is one run with its history."""

    def update_master(self, universe: Universe, run_id: str, file: str | None, *, accept: bool) -> Outcome:
        """Updates a stock master."""

    def collect(self, universe: Universe, run_id: str, wanted: CollectCommand) -> Outcome:
        """Collects bars of the named symbols, or of the whole market."""

    def analyze(self, universe: Universe, run_id: str, wanted: AnalyzeCommand) -> Outcome:
        """Derives timeframes, indicators and patterns of stored bars."""

    def train(self, universe: Universe, run_id: str, wanted: TrainCommand) -> Outcome:
        """Trains forecast models."""

    def predict(self, universe: Universe, run_id: str, wanted: PredictCommand) -> Outcome:
        """Forecasts from stored bars."""

    def score(self, universe: Universe, run_id: str) -> Outcome:
        """Scores the forecasts whose target has ended."""

    def report_coverage(
        self, universe: Universe, run_id: str, since: str | None, until: str | None
    ) -> Outcome:
        """Reports coverage."""


class Services(Protocol):
    """Starts the long-running processes."""

    def run(self, ports: Ports, port: int, *, schedules_on: bool) -> int:
        """Runs daemon and web server until they are stopped; returns the exit code."""


RunnerFactory = Callable[[Ports], Runner]
