"""Port of the screener: one row per instrument of what is known of it, and what may be asked of these rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from math import isfinite
from typing import Protocol

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.indicators.definitions import COLUMNS, WITHOUT_LEVEL
from miraikakaku_assets.domain.market.instruments import UNIVERSES, universe

MOST_ROWS = 500
"""Rows of a page at most; an export takes all of them."""

_LONGEST_TEXT = 100
_MOST_DAYS = 3_650


class Unit(StrEnum):
    """What a figure is measured in."""

    PRICE = "price"  # the instrument's price unit
    MONEY = "money"  # its currency
    SHARE = "share"  # of 1
    POINTS = "points"  # 0 to 100
    COUNT = "count"  # shares, contracts
    RANK = "rank"  # 1 is the highest


_SHARES = (
    "change_1",
    "change_5",
    "change_20",
    "change_250",
    "below_high_250",
    "above_low_250",
    "band_position",
)
_POINTS = frozenset({"rsi_14", "stoch_k", "stoch_d", "adx_14", "plus_di_14", "minus_di_14"})

FIGURES: Mapping[str, Unit] = {
    "close": Unit.PRICE,
    **dict.fromkeys(_SHARES, Unit.SHARE),
    "volume": Unit.COUNT,
    "turnover_20": Unit.MONEY,
    **{name: Unit.POINTS if name in _POINTS else Unit.PRICE for name in COLUMNS if name not in WITHOUT_LEVEL},
    "forecast": Unit.SHARE,
    "forecast_rank": Unit.RANK,
    "forecast_band": Unit.SHARE,
}
"""Figures that may be filtered and sorted by. ``below_high_250`` is the distance to the highest price of 250 bars,
``above_low_250`` that to the lowest, ``band_position`` where the close lies between the Bollinger bands (0 lower, 1
upper), ``forecast`` the ensemble's expected change, ``forecast_rank`` its place in the
universe (none where all are forecast alike), ``forecast_band`` the width of its band of 80 % in log returns."""

TEXTS = ("symbol", "name", "universe", "sector", "market", "size", "security_type")
"""Columns of words, by which may be sorted, too."""


@dataclass(frozen=True)
class Range:
    """What a figure has to be, both ends included.

    Attributes:
        low: None for no lower end.
        high: None for no upper end.
    """

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Screen:
    """What somebody looks for.

    Attributes:
        universes: Names of universes; none for all.
        search: Part of a name, or how a symbol begins.
        sectors: Of these only; none for all.
        markets: How the market segment begins; none for all.
        sizes: Size categories (TOPIX Core30, …); none for all.
        security_types: E.g. ``stock``, ``etf``; none for all.
        ranges: Figure → what it has to be; an instrument without the figure does not match.
        pattern: Number of a pattern that has given a signal; None for any or no signal.
        direction: Of that signal; None for both sides.
        pattern_days: Calendar days back from now in which the signal became known.
        horizon: Sessions ahead of the forecast.
        sort: A figure or a text.
        is_descending: Whether the largest come first; instruments without the figure are last either way.
        limit: Rows; None for all.
        offset: Rows before them.
    """

    universes: tuple[str, ...] = ("jp",)
    search: str = ""
    sectors: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    security_types: tuple[str, ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)
    pattern: str | None = None
    direction: str | None = None
    pattern_days: int = 30
    horizon: int = 1
    sort: str = "turnover_20"
    is_descending: bool = True
    limit: int | None = 50
    offset: int = 0

    def checked(self) -> "Screen":
        """The screen as it may be asked for.

        Raises:
            ConfigurationError: Something of it is not known, or no number.
        """
        for name in self.universes:
            universe(name)
        for name, ends in self.ranges.items():
            if name not in FIGURES:
                raise ConfigurationError(
                    f"There is no figure {name!r} to filter by; choose from {_listed(FIGURES)}"
                )
            _require_ends(name, ends)
        if self.sort not in FIGURES and self.sort not in TEXTS:
            raise ConfigurationError(
                f"There is no column {self.sort!r} to sort by; choose from {_listed([*TEXTS, *FIGURES])}"
            )
        if self.horizon not in HORIZONS:
            raise ConfigurationError(
                f"Forecasts reach 1 to {max(HORIZONS)} sessions ahead, not {self.horizon}; choose one of these"
            )
        if self.limit is not None and not 1 <= self.limit <= MOST_ROWS:
            raise ConfigurationError(
                f"A page has 1 to {MOST_ROWS} rows, not {self.limit}; export for all of them"
            )
        if self.offset < 0 or not 1 <= self.pattern_days <= _MOST_DAYS:
            raise ConfigurationError(
                f"A page begins at 0 or later, and signals are of the last 1 to {_MOST_DAYS} days"
            )
        texts = (self.search, *self.sectors, *self.markets, *self.sizes, *self.security_types)
        if any(len(text) > _LONGEST_TEXT or "\0" in text for text in texts):
            raise ConfigurationError(f"A word to filter by has at most {_LONGEST_TEXT} characters")
        return replace(self, universes=self.universes or tuple(UNIVERSES))


@dataclass(frozen=True)
class ScreenedPage:
    """What matches.

    Attributes:
        rows: ``symbol``, ``name``, ``universe``, ``market``, ``sector``, ``size``, ``security_type``, ``currency``,
            ``price_unit``, ``session`` (of the newest analysed daily bar), the figures, ``forecast_as_of``,
            ``ranked`` (instruments that the rank is among) and the newest signal: ``signal``, ``signal_ja``,
            ``signal_direction``, ``signal_at`` (UTC).
        total: How many match on all pages.
    """

    rows: pl.DataFrame
    total: int


@dataclass(frozen=True)
class Choices:
    """What may be chosen from, of what is there.

    Attributes:
        sectors: Sectors, by name.
        sizes: Size categories, by name.
        markets: Market segments, by name.
        security_types: Kinds of securities, by name.
        patterns: Number, English and Japanese name of every pattern that has given a signal.
        newest: Newest session with indicators, None where nothing is analysed.
        instruments: How many instruments are analysed.
    """

    sectors: tuple[str, ...]
    sizes: tuple[str, ...]
    markets: tuple[str, ...]
    security_types: tuple[str, ...]
    patterns: tuple[tuple[str, str, str], ...]
    newest: date | None
    instruments: int


class ScreenedInstruments(Protocol):
    """Reads one row per instrument."""

    def page(self, screen: Screen, definition: str) -> ScreenedPage:
        """What matches a screen; signals are of a definition of the patterns."""

    def choices(self, universes: Sequence[str], definition: str) -> Choices:
        """What can be filtered by."""


def _require_ends(name: str, ends: Range) -> None:
    known = [end for end in (ends.low, ends.high) if end is not None]
    if not all(isfinite(end) for end in known):
        raise ConfigurationError(f"{name} is compared with numbers; leave an end away where there is none")
    if len(known) == 2 and known[0] > known[1]:  # noqa: PLR2004 - both ends
        raise ConfigurationError(f"{name} cannot lie between {known[0]:g} and {known[1]:g}; swap the ends")


def _listed(names: Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(names)
