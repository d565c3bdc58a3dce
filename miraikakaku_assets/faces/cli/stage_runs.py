"""The stages behind the commands, as people and scripts see them: progress, a table or a document, what failed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any

import typer

from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CheckQualityCommand,
    CollectCommand,
    PredictCommand,
    RepairCoverageCommand,
    StageCommand,
    TrainCommand,
)
from miraikakaku_assets.application.pipeline import Pipeline, StageFailedError
from miraikakaku_assets.application.stage_runs import StageEnd
from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.faces.cli.output import fail, print_json
from miraikakaku_assets.faces.cli.progress import Read, progress_bar
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.tables.stages import show_stage


@contextmanager
def stages(make_runner: RunnerFactory, installation: Ports, *, as_json: bool) -> Iterator[Pipeline]:
    """A pipeline whose stages are shown as they end; afterwards says what failed, in JSON if asked for.

    Raises:
        typer.Exit: Something failed; with the code of the worst stage.
    """
    runner = make_runner(installation)
    # The runner of a demo that is gone on with makes its settings those of this process.
    pipeline = Pipeline(runner, ports().pipeline, _Screen(ports(), shown=not as_json))
    with suppress(StageFailedError):
        yield pipeline
    if as_json:
        documents = [stage.document() for stage in pipeline.account]
        print_json({"succeeded": not pipeline.failed, "stages": documents})
    for stage in pipeline.failed:
        fail(stage.error or f"{stage.stage} failed")
    if pipeline.failed:
        raise typer.Exit(pipeline.exit_code)


class _Screen:
    """Shows progress bars and tables, or nothing."""

    def __init__(self, installation: Ports, *, shown: bool) -> None:
        self._ports = installation
        self._shown = shown

    def at_work(
        self, universe: Universe, run_id: str, command: StageCommand[Any]
    ) -> AbstractContextManager[None]:
        """Collections keep their progress in the ledger, work in this process tells `Ports.work`."""
        work = self._ports.work
        work.begin()
        read: Read | None = None
        what, noun = command.reports.stage, "symbol"
        match command:
            case CollectCommand():
                what = "prices" if command.timeframe is Timeframe.D1 else f"prices of {command.timeframe}"
                read = partial(self._ports.stores.ledger.progress, run_id)
            case RepairCoverageCommand():
                what, read = (
                    f"repair of {command.timeframe} bars",
                    partial(self._ports.stores.ledger.progress, run_id),
                )
            case AnalyzeCommand():
                what, read = f"analysis of {command.timeframe} bars", work.read
            case TrainCommand():
                what, noun, read = "models", "training", work.read
            case CheckQualityCommand():
                noun, read = "check", work.read
            case PredictCommand():
                what, noun, read = "forecasts", "step", work.read
        return progress_bar(f"{universe.name} {what}", read, shown=self._shown, noun=noun)

    def ended(self, stage: StageEnd) -> None:
        """Shows the numbers of a stage."""
        if self._shown:
            show_stage(stage.stage, stage.document())
