"""Use case: prove on stored bars that no input of the forecast models knows the future, by changing the future."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.application.forecasting.daily import require_clock
from miraikakaku_assets.application.forecasting.inputs import (
    FOREIGN,
    NIGHT,
    ForecastInputs,
    forecast_inputs,
    with_foreign,
)
from miraikakaku_assets.application.ports.forecasts import MarketBars
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.features import FeatureInputs
from miraikakaku_assets.domain.forecasting.leakage import leak_test
from miraikakaku_assets.domain.forecasting.learning import inputs
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import Universe

ISSUES = 200
"""Instruments of a large market that are tested: a leak is in the formula, and shows in all of them."""

_BEHIND = 6  # sessions that must have followed an origin: a future that is not there cannot be changed


@dataclass(frozen=True)
class FeatureTest:
    """What was tested.

    Attributes:
        origins: Sessions at which the inputs were computed again.
        symbols: How many instruments.
        inputs: Names of the inputs.
        leaks: Input → first origin at which it was not what it had been; empty where nothing looks ahead.
    """

    origins: tuple[date, ...]
    symbols: int
    inputs: tuple[str, ...]
    leaks: dict[str, date]


def check_features(
    universe: Universe,
    last: date,
    bars: MarketBars,
    count: int,
    clock: ForecastClock = ForecastClock.EVENING,
) -> FeatureTest:
    """Cuts the future off, and replaces it by another one, at some origins.

    Args:
        universe: Whose instruments.
        last: Last session whose bars are read.
        bars: Holds them.
        count: Origins, spread over the newer half of the history.
        clock: When the forecasts are made that the inputs are for.

    Raises:
        ConfigurationError: There are too few sessions, or the universe is not forecast at the clock.
    """
    require_clock(universe, clock)
    sample = _sample(forecast_inputs(universe, last, last, bars, clock=clock))
    sessions = sample.raw["session"].unique().sort().to_list()
    chosen = sessions[len(sessions) // 2 : len(sessions) - _BEHIND]
    if len(chosen) < count:
        raise ConfigurationError(
            f"{universe.name} has {len(sessions)} sessions: too few for {count} origins with a past and a future"
        )
    origins = tuple(chosen[-1 - place * (len(chosen) // count)] for place in range(count))
    passed = tuple(name for name in (*FOREIGN, *NIGHT) if _is_known(sample, name, origins))

    def build(own: FeatureInputs) -> pl.DataFrame:
        return inputs(with_foreign(own), passed)

    names = [name for name in build(sample.own).columns if name not in {"symbol", "session"}]
    leaks = leak_test(build, sample.own, origins)
    return FeatureTest(tuple(sorted(origins)), sample.raw["symbol"].n_unique(), tuple(names), leaks)


def _sample(whole: ForecastInputs) -> ForecastInputs:
    """The instruments with the longest history."""
    longest = whole.raw.group_by("symbol").len().sort(["len", "symbol"], descending=[True, False])
    return whole.only(longest["symbol"].head(ISSUES).to_list())


def _is_known(sample: ForecastInputs, name: str, origins: tuple[date, ...]) -> bool:
    rows = sample.panel.bars.filter(pl.col("session").is_in(origins))
    return rows[name].null_count() < rows.height
