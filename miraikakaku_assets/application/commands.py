"""What people ask of a stage. Kept light: every command line loads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from miraikakaku_assets.application.stage_reports import (
    AnalysisTotals,
    CoverageTotals,
    CurveTotals,
    MasterTotals,
    MonitorTotals,
    PredictionTotals,
    PriceTotals,
    QualityTotals,
    RepairTotals,
    ReviewTotals,
    ScoreTotals,
    StageReport,
    TrainingTotals,
)
from miraikakaku_assets.domain.coverage.repair_selection import RepairSelection
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

R = TypeVar("R", bound=StageReport)


class StageCommand(Generic[R]):
    """What a stage is asked for; dates are exchange dates.

    Attributes:
        reports: Type of the report that its run hands back; it names the stage.
    """

    reports: type[R]


@dataclass(frozen=True)
class UpdateMasterCommand(StageCommand[MasterTotals]):
    """What the update of a stock master is asked for.

    Attributes:
        file: URL, file or folder of the list; None: where its exchange publishes it.
        accept_mass_change: Put the list into force although the guard objects.
    """

    file: str | None = None
    accept_mass_change: bool = False
    reports = MasterTotals


@dataclass(frozen=True)
class CollectCommand(StageCommand[PriceTotals]):
    """What a collection is asked for.

    Attributes:
        symbols: None stands for the whole market, or the watch list of a shorter timeframe.
        since: First session; None goes on where the stored bars end.
        until: Last session; None takes everything up to now.
        timeframe: Length of the bars.
        full_refresh: Also ask for what another attempt has collected since the last close.
        windows: Symbol → its own first and last session, instead of `since` and `until`; None: all have the same.
    """

    symbols: Sequence[str] | None = None
    since: date | None = None
    until: date | None = None
    timeframe: Timeframe = Timeframe.D1
    full_refresh: bool = False
    windows: Mapping[str, tuple[date, date]] | None = None
    reports = PriceTotals


@dataclass(frozen=True)
class AnalyzeCommand(StageCommand[AnalysisTotals]):
    """What an analysis is asked for.

    Attributes:
        symbols: None stands for all that have bars.
        timeframe: Collected bars to start from, 1d or 5m.
        since: Session from which on everything is computed anew; None does what is due.
        full_refresh: Compute everything anew, from the first bar on.
    """

    symbols: Sequence[str] | None = None
    timeframe: Timeframe = Timeframe.D1
    since: date | None = None
    full_refresh: bool = False
    reports = AnalysisTotals


@dataclass(frozen=True)
class TrainCommand(StageCommand[TrainingTotals]):
    """What a training of forecast models is asked for.

    Attributes:
        until: Last session that it may see; None takes all that is stored.
        models: Names; None stands for all.
    """

    until: date | None = None
    models: Sequence[str] | None = None
    reports = TrainingTotals


@dataclass(frozen=True)
class PredictCommand(StageCommand[PredictionTotals]):
    """What forecasts are asked for.

    Attributes:
        symbols: None stands for all that have bars.
        as_of: Session to forecast from; None: the newest with bars.
        morning: Whether it is the forecast of the morning, before the next session opens; None for the evening's.
    """

    symbols: Sequence[str] | None = None
    as_of: date | None = None
    morning: bool | None = None
    reports = PredictionTotals

    @property
    def clock(self) -> ForecastClock:
        """When it is made."""
        return ForecastClock.MORNING if self.morning else ForecastClock.EVENING


@dataclass(frozen=True)
class ScoreCommand(StageCommand[ScoreTotals]):
    """Scores every forecast whose target has ended."""

    reports = ScoreTotals


@dataclass(frozen=True)
class ReportCoverageCommand(StageCommand[CoverageTotals]):
    """What a coverage check is asked for.

    Attributes:
        since: First session; None: the first that the source can be expected to serve.
        until: Last session; None: the last that has ended.
    """

    since: date | None = None
    until: date | None = None
    reports = CoverageTotals


@dataclass(frozen=True)
class RepairCoverageCommand(RepairSelection, StageCommand[RepairTotals]):
    """What a repair of gaps is asked for.

    Attributes:
        timeframe: Of the bars.
    """

    timeframe: Timeframe = Timeframe.D1
    reports = RepairTotals


@dataclass(frozen=True)
class MonitorCommand(StageCommand[MonitorTotals]):
    """Reports the coverage of everything that is collected."""

    reports = MonitorTotals


@dataclass(frozen=True)
class CollectCurveCommand(StageCommand[CurveTotals]):
    """What a collection of the copper curve is asked for: everything that its sources have."""

    reports = CurveTotals


@dataclass(frozen=True)
class ReviewCommand(StageCommand[ReviewTotals]):
    """What a review is asked for.

    Attributes:
        period: ``weekly`` or ``monthly``.
    """

    period: str = "weekly"
    reports = ReviewTotals


@dataclass(frozen=True)
class CheckQualityCommand(StageCommand[QualityTotals]):
    """What a check of stored data is asked for.

    Attributes:
        until: Newest session that counts; None: the newest whose bars are final.
    """

    until: date | None = None
    reports = QualityTotals


ALL_MARKETS = Universe("market", "all universes", calendar="", time_zone="UTC", currency=None, partitions="")
"""Stands for whose a stage is that belongs to no single universe; nothing is collected of it."""
