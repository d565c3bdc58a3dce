"""What a forecaster is, and what its forecasts hold; `frames` makes them.

Everything is on the scale of log returns against the close at the origin; prices appear only at the edge
(`frames.in_prices`). So nothing depends on the level, the currency or the adjustment basis of a price, and a later
split does not make an old forecast wrong. A forecast that cannot be made is a row with a reason, never a made-up value.

Horizons count sessions of the exchange, not calendar days and not bars: an issue that does not trade on a session
has no outcome there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

import polars as pl

from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock

HORIZONS = (1, 2, 3, 4, 5)
"""Sessions ahead."""

FEWEST_RETURNS = 20
"""Returns before a volatility is shown, about a month of sessions; if none of the last so many is a move, the price
counts as constant."""

Z_80 = 1.2815515655446004
"""The 90 % point of the standard normal distribution: a central band of 80 %."""

Z_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution: a central band of 95 %."""

FORECASTS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "model": pl.String(),
    "version": pl.String(),
    "as_of": pl.Date(),  # exchange date of the origin; closes up to and including it are known
    "horizon": pl.Int64(),
    "target": pl.Date(),  # exchange date of the session that is forecast
    "point": pl.Float64(),  # log return from the close at `as_of`: the median, so exp() of it is the median price
    "sd": pl.Float64(),  # standard deviation of that log return, null for a model that has quantiles only
    "lo80": pl.Float64(),
    "hi80": pl.Float64(),
    "lo95": pl.Float64(),
    "hi95": pl.Float64(),
    "reason": pl.String(),  # a `Reason` if there is no forecast, else null
}
"""A forecast; unique by symbol, model, as_of and horizon. Either all numbers but ``sd`` are there, or the reason."""

NUMBERS = ("point", "sd", "lo80", "hi80", "lo95", "hi95")

ENDS = ("lo95", "lo80", "point", "hi80", "hi95")
"""The median and the ends of the bands, in the order in which they lie."""


def is_valid() -> pl.Expr:
    """Whether a row of `FORECASTS` is what the schema promises: unique, and numbers in order or a reason."""
    made = pl.all_horizontal(pl.col(name).is_not_null() for name in ENDS)
    nothing = pl.all_horizontal(pl.col(name).is_null() for name in NUMBERS)
    finite = pl.all_horizontal(pl.col(name).is_finite().fill_null(value=True) for name in NUMBERS)
    nested = pl.all_horizontal(pl.col(low) <= pl.col(high) for low, high in pairwise(ENDS))
    whole = made & finite & nested & (pl.col("sd") >= 0).fill_null(value=True)
    once = pl.struct("symbol", "model", "as_of", "horizon").is_unique()
    return once & pl.when(pl.col("reason").is_null()).then(whole.fill_null(value=False)).otherwise(nothing)


class Reason(StrEnum):
    """Why there is no forecast."""

    TOO_SHORT = "too_short"
    """Fewer bars than the model needs."""
    CONSTANT = "constant"
    """The price has not moved for so long that its volatility cannot be told."""
    NO_BAR = "no_bar"
    """The instrument has no bar at the origin: it did not trade, or its bar has not come yet."""
    BAD_PRICE = "bad_price"
    """The close at the origin is null, NaN, infinite, zero or negative: it has no logarithm."""
    NOT_TRAINED = "not_trained"
    """The model has never seen the instrument in training and cannot do without."""
    FAILED = "failed"
    """The model broke off on this instrument; the others go on."""


@dataclass(frozen=True)
class Needs:
    """What a forecaster must be given.

    Attributes:
        returns: Fewest log returns (of bars with a price) up to the origin.
        history: Bars before the origin that can matter; more change nothing. None for all.
        columns: Further columns of the panel that it reads.
        market: Whether a forecast reads other instruments than its own, so that it needs the whole panel.
    """

    returns: int
    history: int | None
    columns: tuple[str, ...] = ()
    market: bool = False


@dataclass(frozen=True)
class Look:
    """How a model is told from the others, the same in every picture.

    Attributes:
        name: For people.
        colour: Of lines and words.
        marker: Matplotlib's; colours alone are not told apart by everyone.
        sign: The marker as a letter.
    """

    name: str
    colour: str
    marker: str
    sign: str

    @property
    def entry(self) -> tuple[str, str]:
        """For a legend: text and colour."""
        return f"{self.sign} {self.name}", self.colour


@dataclass(frozen=True)
class Profile:
    """What is known of a model beside its forecasts.

    Attributes:
        look: None: it is drawn like any other.
        libraries: Names of the distributions it comes from: with another version of them it is trained anew.
        training_seconds: What training takes on a year of Tokyo's 4,178 issues on two cores (`make bench`,
            train_minutes_4178), for the progress of the first one; later ones have the one before.
        scoreboard_series: How many series a scoreboard takes, where the cost grows with every one; None for all.
        clocks: When it forecasts.
        universes: Names of those that it forecasts; None for every one.
    """

    look: Look | None = None
    libraries: tuple[str, ...] = ()
    training_seconds: float = 0.0
    scoreboard_series: int | None = None
    clocks: tuple[ForecastClock, ...] = (ForecastClock.EVENING,)
    universes: tuple[str, ...] | None = None

    def serves(self, universe: str, clock: ForecastClock) -> bool:
        """Whether it forecasts a universe at a clock."""
        return clock in self.clocks and (self.universes is None or universe in self.universes)


class Signature(Protocol):
    """Whose forecasts they are."""

    @property
    def name(self) -> str:
        """Name of the model, one word."""

    @property
    def version(self) -> str:
        """Changes with everything that changes a forecast."""

    @property
    def trained_until(self) -> date:
        """Last session whose closes the training could see."""


class TrainedForecaster(Signature, Protocol):
    """A forecaster after training: immutable, deterministic."""

    @property
    def seed(self) -> int:
        """Seed of its training."""

    def predict(self, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """Forecasts at every origin, for every symbol that had its first bar by then.

        Each origin reads bars up to and including itself only: many origins together give what each gives alone.

        Args:
            panel: Bars; those after an origin do not matter to it.
            origins: Sessions, none before `trained_until`.

        Returns:
            Schema `FORECASTS`, sorted by symbol, as_of, horizon; five rows per symbol and origin.

        Raises:
            ConfigurationError: An origin lies before the end of the training, is no session, or the calendar
                ends within five sessions after it.
        """

    def save(self) -> bytes:
        """All that `Forecaster.load` needs; models that are folders are packed into one archive."""

    @property
    def learnt(self) -> Mapping[str, float]:
        """What it says of its training, for people: figures by name; empty where there is nothing to learn."""


class Forecaster(Protocol):
    """A way to make a `TrainedForecaster`."""

    @property
    def name(self) -> str:
        """Name of the model, one word."""

    @property
    def version(self) -> str:
        """As in `TrainedForecaster`."""

    @property
    def needs(self) -> Needs:
        """What it must be given."""

    @property
    def profile(self) -> Profile:
        """What is known of it beside its forecasts."""

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedForecaster:
        """Trains on closes up to and including `until`; bars behind it do not matter."""

    def load(self, saved: bytes) -> TrainedForecaster:
        """What `TrainedForecaster.save` has kept.

        Raises:
            ConfigurationError: The bytes are of another model or version.
        """
