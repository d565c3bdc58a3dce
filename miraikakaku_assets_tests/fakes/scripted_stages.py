"""Runs of stages that end as scripted; their reports take the way through the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from miraikakaku_assets.adapters.storage.collection.stage_reports import PostgresStageReports
from miraikakaku_assets.application.commands import R, StageCommand
from miraikakaku_assets.application.stage_reports import (
    AnalysisTotals,
    CoverageTotals,
    MasterTotals,
    PredictionTotals,
    PriceTotals,
    ScoreTotals,
    StageReport,
    TrainingTotals,
)
from miraikakaku_assets.application.stage_runs import StageEnd, StageRun
from miraikakaku_assets.domain.market.instruments import Universe

DAY = date(2025, 9, 30)


def prices(rows: int = 10, first_failures: dict[str, str] | None = None, **verdicts: int) -> PriceTotals:
    """A collection with these verdicts that has inserted all the rows it read."""
    symbols = sum(verdicts.values())
    return PriceTotals(
        symbols, symbols, 0, 0, rows, rows, 0, 0, 0, 0, 0, 0, {}, 0, {}, {}, {}, verdicts, 1,
        first_failures=first_failures,
    )  # fmt: skip


def analysis(**verdicts: int) -> AnalysisTotals:
    """An analysis with these verdicts."""
    return AnalysisTotals(sum(verdicts.values()), 0, verdicts, {}, {}, 0)


def usual() -> dict[str, StageReport]:
    """Stage → what it reports when all goes well."""
    reports: list[StageReport] = [
        MasterTotals(2, 2, 0, 0, 0, 0, {}, DAY, "list", "", 2),
        prices(ok=2),
        analysis(ok=2),
        TrainingTotals(DAY, 8, 0, 0, 1.0),
        PredictionTotals(DAY, 2, 10, {}, {}, {}),
        ScoreTotals("nothing is forecast yet", DAY, 0, 0, 0, 0),
        CoverageTotals(1.0, 1, 1, 0, 1, 0, "1", "none", {}, "report.json"),
    ]
    return {report.stage: report for report in reports}


@dataclass
class Scripted:
    """Ends runs as scripted.

    Attributes:
        reports: Where they report.
        answers: Stage → its report; None: it comes to none.
        failures: Stage → sentence and exit code.
        asked: Commands so far, by stage.
        shown: Stages that were shown.
    """

    reports: PostgresStageReports
    answers: dict[str, StageReport | None] = field(default_factory=lambda: {**usual()})
    failures: dict[str, tuple[str, int]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    shown: list[StageEnd] = field(default_factory=list)

    def run(self, universe: Universe, run_id: str, command: StageCommand[R]) -> StageRun[R]:
        """A run of the script."""
        stage = command.reports.stage
        self.asked.append((stage, command))
        report = self.answers[stage]
        if report is not None:
            self.reports.save(run_id, universe, report)
        error, code = self.failures.get(stage, (None, 0))
        return StageRun(run_id, self.reports.read(run_id, universe, command.reports), error, code)

    @contextmanager
    def at_work(self, _universe: Universe, _run_id: str, _command: StageCommand[Any]) -> Iterator[None]:
        """Shows nothing."""
        yield

    def ended(self, stage: StageEnd) -> None:
        """Records the stages shown."""
        self.shown.append(stage)

    def symbols_of(self, stage: str) -> list[Any]:
        """Symbols of each run of a stage."""
        return [command.symbols for name, command in self.asked if name == stage]
