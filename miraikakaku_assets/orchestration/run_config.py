"""Commands as run configs. Put here: every way from a command to a config and back. Keep out: what a command does.

Names and formats of the fields are those that launchpads, scripts and repeated runs know.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar, cast, get_args

import dagster as dg

from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CheckQualityCommand,
    CollectCommand,
    PredictCommand,
    RepairCoverageCommand,
    ReportCoverageCommand,
    TrainCommand,
    UpdateMasterCommand,
)
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe, collected_timeframe, universe
from miraikakaku_assets.domain.market.window import read_day, read_window
from miraikakaku_assets.orchestration.failures import failure

P = ParamSpec("P")
C = TypeVar("C")
_FIELDS = {"full_refresh": "again"}
"""Field of a command → of a config, where they differ."""


def config_of(command: Any, *without: str) -> dict[str, Any]:
    """The config of the op that does a command.

    Args:
        command: One of `application.commands`; what is None in it is left to the config's default.
        without: Fields that the op takes from elsewhere.
    """
    fields = {name: value for name, value in asdict(command).items() if name not in without}
    return {_FIELDS.get(name, name): _plain(value) for name, value in fields.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Timeframe):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _refusing(read: Callable[P, C]) -> Callable[P, C]:
    """Ends the step with the sentence that says what is wrong with its config."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> C:
        try:
            return read(*args, **kwargs)
        except ConfigurationError as error:
            raise failure(error) from error

    return reading


class MasterConfig(dg.Config):
    """Options of a master update."""

    file: str | None = None
    """URL, file or folder of the list; where its exchange publishes it (the settings say) when not given."""
    accept_mass_change: bool = False
    """Put the list into force although the guard objects."""

    def command(self) -> UpdateMasterCommand:
        """What the update is asked for."""
        return UpdateMasterCommand(self.file or None, self.accept_mass_change)


class CollectConfig(dg.Config):
    """Options of a price collection; by default it goes on where the stored bars end, up to now."""

    since: str | None = None
    """First session, YYYY-MM-DD."""
    until: str | None = None
    """Last session, YYYY-MM-DD."""
    again: bool = False
    """Ask for everything, also for what another attempt has collected since the last close; and compute
    what is derived from it anew, from the first bar on."""

    @_refusing
    def command(self, universe: Universe, symbols: Sequence[str], timeframe: str) -> CollectCommand:
        """What the collection is asked for."""
        window = read_window(self.since, self.until)
        return CollectCommand(symbols, *window, collected_timeframe(timeframe, universe), self.again)


class SymbolsConfig(CollectConfig):
    """Options of a collection of scattered symbols."""

    symbols: list[str]
    """Yahoo symbols, e.g. 7203.T."""
    timeframe: str = Timeframe.D1.value
    """1d or 5m."""


class AnalyzeConfig(dg.Config):
    """Options of an analysis; by default it does what is due."""

    symbols: list[str] | None = None
    """Yahoo symbols; none named: all that have bars."""
    timeframe: str = Timeframe.D1.value
    """Collected bars to start from: 1d leads to 1w, 1mo and their indicators, 5m to 1h, 4h and the patterns."""
    since: str | None = None
    """Session, YYYY-MM-DD, from which on everything is computed anew, whether or not something changed."""
    again: bool = False
    """The same from the first bar on."""

    @_refusing
    def command(self, universe: Universe) -> AnalyzeCommand:
        """What the analysis is asked for."""
        since = read_day("since", self.since)
        return AnalyzeCommand(self.symbols, collected_timeframe(self.timeframe, universe), since, self.again)


class TrainConfig(dg.Config):
    """Options of a training; by default every model, on everything that is stored."""

    until: str | None = None
    """Last session, YYYY-MM-DD, that the training may see."""
    models: list[str] | None = None
    """Names of models."""

    @_refusing
    def command(self) -> TrainCommand:
        """What the training is asked for."""
        return TrainCommand(read_day("until", self.until), self.models)


class PredictConfig(dg.Config):
    """Options of a forecast; by default from the newest session with bars."""

    as_of: str | None = None
    """Origin, YYYY-MM-DD: only what was known when that session had ended is used."""
    morning: bool = False
    """Forecast in the morning after the origin, knowing the night's markets (jp)."""

    @_refusing
    def command(self, symbols: Sequence[str] | None) -> PredictCommand:
        """What the forecast is asked for."""
        return PredictCommand(symbols, read_day("as_of", self.as_of), self.morning or None)


class PredictSymbolsConfig(PredictConfig):
    """Options of forecasts as one run without partitions."""

    symbols: list[str] | None = None
    """Yahoo symbols; none named: all that have bars."""


class CoverageConfig(dg.Config):
    """Window of a coverage check; by default everything the source can be expected to serve."""

    since: str | None = None
    """First session, YYYY-MM-DD."""
    until: str | None = None
    """Last session, YYYY-MM-DD."""

    @_refusing
    def command(self) -> ReportCoverageCommand:
        """What the check is asked for."""
        return ReportCoverageCommand(*read_window(self.since, self.until))


class RepairConfig(CoverageConfig):
    """Options of a repair of gaps; by default all that a request may fill."""

    universe: str
    """jp, us, fx or copper."""
    symbols: list[str] | None = None
    """Yahoo symbols; none named: all with gaps."""
    causes: list[str] | None = None
    """Causes of gaps, see docs/decisions/0004; none named: all that a request may fill."""
    limit: int = 0
    """At most so many gaps, the newest first; 0 for all."""
    force: bool = False
    """Also ask for what no request is expected to fill."""
    timeframe: str = Timeframe.D1.value
    """1d or 5m."""

    @_refusing
    def command(self) -> RepairCoverageCommand:  # type: ignore[override]
        """What the repair is asked for."""
        window = read_window(self.since, self.until)
        timeframe = collected_timeframe(self.timeframe, universe(self.universe))
        return RepairCoverageCommand(self.symbols, self.causes, *window, self.limit, self.force, timeframe)


Period = Literal["weekly", "monthly"]
"""What a review looks back on."""


class ReviewConfig(dg.Config):
    """Options of a review."""

    period: str = "weekly"
    """weekly or monthly."""

    @_refusing
    def chosen(self) -> Period:
        """Which review.

        Raises:
            ConfigurationError: There is none of that name.
        """
        if self.period in get_args(Period):
            return cast("Period", self.period)
        raise ConfigurationError(f"There is no {self.period!r} review; choose weekly or monthly")


class QualityConfig(dg.Config):
    """What a check of stored data looks at; by default up to the newest session whose bars are final."""

    until: str | None = None
    """Newest session that counts, YYYY-MM-DD."""

    @_refusing
    def command(self) -> CheckQualityCommand:
        """What the check is asked for."""
        return CheckQualityCommand(read_day("until", self.until))
