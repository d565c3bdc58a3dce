"""Forecasters that learn nothing: a formula over the bars up to the origin."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import polars as pl

from miraikakaku_assets.domain.forecasting.contract import FEWEST_RETURNS, Needs, Profile, TrainedForecaster
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.forecasting.serialization import packed, unpacked


class StatelessForecaster(ABC):
    """A `contract.Forecaster` whose training only sets the origin that it may begin at."""

    word: ClassVar[str]
    profile: ClassVar[Profile] = Profile()
    fewest: ClassVar[int] = FEWEST_RETURNS
    """Returns that it needs."""

    @property
    def name(self) -> str:
        """As in the contract."""
        return self.word

    @property
    def version(self) -> str:
        """As in the contract."""
        return "1"

    @property
    def needs(self) -> Needs:
        """As in the contract; the volatility fades but never forgets."""
        return Needs(self.fewest, None)

    @abstractmethod
    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """What `TrainedForecaster.predict` promises; `trained` is whose forecasts they are."""

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedForecaster:
        """As in the contract."""
        del panel
        return TrainedStatelessForecaster(self, until, seed)

    def load(self, saved: bytes) -> TrainedForecaster:
        """As in the contract."""
        kept = unpacked(saved, self.name, self.version)
        return TrainedStatelessForecaster(self, kept.trained_until, kept.seed)


@dataclass(frozen=True)
class TrainedStatelessForecaster:
    """A formula with its first origin.

    Attributes:
        of: The formula.
        trained_until: First session that it may forecast from.
        seed: Changes nothing.
    """

    of: StatelessForecaster
    trained_until: date
    seed: int = 0

    @property
    def name(self) -> str:
        """As in the contract."""
        return self.of.name

    @property
    def version(self) -> str:
        """As in the contract."""
        return self.of.version

    def predict(self, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        return self.of.forecasts(self, panel, origins)

    @property
    def learnt(self) -> Mapping[str, float]:
        """As in the contract: nothing."""
        return {}

    def save(self) -> bytes:
        """As in the contract."""
        return packed(self)
