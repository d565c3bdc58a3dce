"""Sets of evidence, and how each is cut into a part that models were tuned on and one that is untouched.

A figure of the first part says how well somebody has searched, only one of the second how good a forecast is. Where a
second part has been looked at all the same, the set says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock


class Part(StrEnum):
    """Which part of a set an origin belongs to."""

    TUNED_ON = "tuned_on"
    """Settings were chosen in view of it."""
    UNTOUCHED = "untouched"
    """Read once, when the settings were frozen."""


@dataclass(frozen=True)
class Period:
    """Exchange dates, both included.

    Attributes:
        first: First day.
        last: Last day; None for all that come.
    """

    first: date
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether a day lies within."""
        return self.first <= day and (self.last is None or day <= self.last)

    def __str__(self) -> str:
        return f"{self.first} to {self.last}" if self.last else f"from {self.first} on"


@dataclass(frozen=True)
class EvaluationSet:
    """Evidence that forecasts are judged on.

    Attributes:
        name: Of the set.
        universe: Whose sessions and instruments; those of the LME are no sessions of a stock exchange.
        clock: When its forecasts are made.
        tuned_on: Sessions that settings were chosen in view of, further ones before or behind them included.
        untouched: Sessions of the targets that headline figures are made of.
        looked_at: Whether the untouched part was seen before the point forecasts were frozen.
        densities_looked_at: Whether it was seen before the rules of the densities were frozen.
        horizons: Sessions ahead that are judged.
        caveat: What its figures do not say; empty where nothing has to be added.
    """

    name: str
    universe: str
    clock: ForecastClock
    tuned_on: tuple[Period, ...]
    untouched: Period
    looked_at: bool = False
    densities_looked_at: bool = False
    horizons: tuple[int, ...] = HORIZONS
    caveat: str = ""

    def period(self, part: Part) -> tuple[Period, ...]:
        """The sessions of a part."""
        return self.tuned_on if part is Part.TUNED_ON else (self.untouched,)

    def origins(self, sessions: pl.Series, part: Part) -> list[date]:
        """Origins whose targets all lie in one part.

        The last origins before a cut forecast sessions behind it and belong to neither part.

        Args:
            sessions: Of the exchange (Date, ascending).
            part: Which.

        Returns:
            Ascending; empty where the sessions do not reach the part.
        """
        days = sessions.to_list()
        nearest, farthest = min(self.horizons), max(self.horizons)
        chosen = []
        for place in range(len(days) - farthest):
            first, last = days[place + nearest], days[place + farthest]
            if any(period.holds(first) and period.holds(last) for period in self.period(part)):
                chosen.append(days[place])
        return chosen

    def __str__(self) -> str:
        tuned = " and ".join(map(str, self.tuned_on))
        return f"{self.name}: tuned on {tuned}; untouched {self.untouched}{self.seen}"

    @property
    def seen(self) -> str:
        """What of the untouched part was looked at, in brackets behind a space; empty where nothing was."""
        if self.looked_at:
            return " (looked at)"
        return " (its densities were looked at)" if self.densities_looked_at else ""


_LOOKED_AT_IN_2025 = Period(date(2024, 12, 23), date(2025, 12, 31))

SURVIVORS = (
    "only issues that were still listed in September 2022, and prices adjusted as of then; who was delisted in between "
    "is missing, so that levels of returns are flattered and comparisons of forecasts on the same rows hardly are"
)
"""What the history of Tokyo leaves out."""

_OFFICIAL = "official prices of 12:30 to 13:00 in London; against an evening price COMEX has no lead"

_LME = EvaluationSet(
    "lme_3m",
    "copper",
    ForecastClock.EVENING,
    (Period(date(2008, 1, 1), date(2019, 12, 31)),),
    Period(date(2020, 1, 1), date(2025, 12, 31)),
    densities_looked_at=True,
    caveat=_OFFICIAL,
)

EVALUATION_SETS = (
    EvaluationSet(
        "jp_evening",
        "jp",
        ForecastClock.EVENING,
        (Period(date(2013, 1, 1), date(2016, 12, 31)), _LOOKED_AT_IN_2025),
        Period(date(2017, 1, 1), date(2018, 12, 31)),
        caveat=SURVIVORS,
    ),
    EvaluationSet(
        "jp_morning",
        "jp",
        ForecastClock.MORNING,
        (Period(date(2016, 9, 1), date(2017, 9, 30)),),
        Period(date(2017, 10, 1), date(2018, 12, 31)),
        horizons=(1,),
        caveat=SURVIVORS
        + "; Wall Street's file begins on 2016-09-19, so that betas are those of the stretch before",
    ),
    _LME,
    replace(_LME, name="lme_cash"),
    EvaluationSet(
        "us",
        "us",
        ForecastClock.EVENING,
        (Period(date(2016, 9, 1), date(2017, 12, 31)),),
        Period(date(2018, 1, 1), date(2019, 2, 28)),
        looked_at=True,
        densities_looked_at=True,
        caveat="constituents of early 2019: who left the S&P 500 before is missing",
    ),
    EvaluationSet(
        "fx",
        "fx",
        ForecastClock.EVENING,
        (Period(date(1996, 10, 30), date(2021, 12, 31)),),
        Period(date(2022, 1, 1)),
    ),
    EvaluationSet(
        "copper",
        "copper",
        ForecastClock.EVENING,
        (Period(date(2000, 8, 30), date(2021, 12, 31)),),
        Period(date(2022, 1, 1)),
        caveat="the nearest contract month of COMEX, joined without adjustment for the roll",
    ),
)
"""In the order of the tables."""


def evaluation_set(name: str, known: Iterable[EvaluationSet] = EVALUATION_SETS) -> EvaluationSet:
    """The set of a name.

    Raises:
        ConfigurationError: There is none.
    """
    sets = {each.name: each for each in known}
    if name not in sets:
        raise ConfigurationError(f"There is no evidence called {name!r}; choose from: {', '.join(sets)}")
    return sets[name]
