"""What follows from unit costs for sizes that nobody has run: requests, rows, bytes, hours, workers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.scaling.growth import Growth

RATES = (5.0, 20.0)
"""Requests a second that a source may bear; one request brings all that is asked of a symbol in a timeframe."""
SESSIONS_A_YEAR = 250
YEARS = 20
FREEZE_AGE = 200_000_000
"""PostgreSQL's autovacuum_freeze_max_age: transactions after which it freezes a table whatever else happens."""
CORES = 2
"""Of a worker."""
FORECASTS_A_SYMBOL = 40
"""Eight models, five horizons."""
_HOUR = 3600.0


@dataclass(frozen=True)
class Scenario:
    """A size.

    Attributes:
        name: As the page calls it.
        symbols: Instruments.
        bars: Collected bars that are stored.
        analysed: Whether the unit costs of what is derived, which are of daily bars, say anything of it.
    """

    name: str
    symbols: int
    bars: int
    analysed: bool = True


def daily(symbols: int) -> Scenario:
    """Twenty years of daily bars."""
    return Scenario(f"{symbols:,} instruments, daily", symbols, symbols * YEARS * SESSIONS_A_YEAR)


SCENARIOS = (
    daily(16_000),
    daily(64_000),
    daily(1_000_000),
    Scenario("10⁹ five-minute bars of 16,000", 16_000, 1_000_000_000, analysed=False),
)


@dataclass(frozen=True)
class Units:
    """Measured costs.

    Attributes:
        cpu: Processor seconds by stage. ``collect``, ``analyze``, ``coverage``, ``vacuum`` and ``backup`` over bars,
            ``forecasts`` over forecasts, ``fetch`` over requests, ``books`` over partitions and assets,
            ``night_analyze`` over symbols with twenty years of bars.
        sizes: Bytes by what they are of: ``bars`` (their key included), ``bars_key``, ``indicators`` and ``backup``
            over bars, ``forecasts`` over forecasts, ``books`` over partitions and assets.
        rows: Rows: ``derived`` over bars, ``books`` over partitions and assets.
        transactions: Transaction ids of a night over symbols.
        assets: Partitioned assets that a night materializes of a symbol.
    """

    cpu: Mapping[str, Growth]
    sizes: Mapping[str, Growth]
    rows: Mapping[str, Growth]
    transactions: Growth
    assets: int


@dataclass(frozen=True)
class Needs:
    """What a scenario needs; hours are of one core unless they are of requests.

    Attributes:
        scenario: Which.
        request_hours: Of one request for every instrument, by rate.
        derived_rows: Longer bars and indicators; None: nothing was measured of them.
        bytes: By what they are of; ``forecasts`` are of a year, ``books`` of a night before it is pruned.
        event_rows: Of a night in Dagster's event log.
        first_hours: Processor hours of writing and analysing the history once.
        night_hours: Processor hours of a night by stage.
        vacuum_hours: Processor hours to freeze the bars.
        backup_hours: Processor hours to copy bars and what is derived from them.
        transactions: Ids that a night uses up.
    """

    scenario: Scenario
    request_hours: Mapping[float, float]
    derived_rows: float | None
    bytes: Mapping[str, float]
    event_rows: float
    first_hours: Mapping[str, float]
    night_hours: Mapping[str, float]
    vacuum_hours: float
    backup_hours: float
    transactions: float

    def workers(self, rate: float) -> int:
        """Machines of two cores with which a night's work takes no longer than its requests at a rate."""
        return max(1, math.ceil(sum(self.night_hours.values()) / CORES / self.request_hours[rate]))

    @property
    def nights_to_freeze(self) -> float:
        """Nights until PostgreSQL freezes the table of bars of its own accord."""
        return FREEZE_AGE / self.transactions


def needs(scenario: Scenario, units: Units) -> Needs:
    """Every figure of a scenario, from the largest measured size on."""
    symbols, bars = scenario.symbols, scenario.bars
    forecasts, books = symbols * FORECASTS_A_SYMBOL, symbols * units.assets
    sizes = {name: units.sizes[name].at(bars) for name in ("bars", "bars_key")}
    sizes["books"] = units.sizes["books"].at(books)
    night = {"fetch": units.cpu["fetch"].at(symbols), "books": units.cpu["books"].at(books)}
    first = {"collect": units.cpu["collect"].at(bars)}
    if scenario.analysed:
        sizes |= {name: units.sizes[name].at(bars) for name in ("indicators", "backup")}
        sizes["forecasts"] = units.sizes["forecasts"].at(forecasts * SESSIONS_A_YEAR)
        night |= {
            "analyze": units.cpu["night_analyze"].at(symbols),
            "store forecasts": units.cpu["forecasts"].at(forecasts),
            "coverage": units.cpu["coverage"].at(symbols * SESSIONS_A_YEAR),
        }
        first["analyze"] = units.cpu["analyze"].at(bars)
    return Needs(
        scenario,
        {rate: symbols / rate / _HOUR for rate in RATES},
        units.rows["derived"].at(bars) if scenario.analysed else None,
        sizes,
        units.rows["books"].at(books),
        {name: seconds / _HOUR for name, seconds in first.items()},
        {name: seconds / _HOUR for name, seconds in night.items()},
        units.cpu["vacuum"].at(bars) / _HOUR,
        units.cpu["backup"].at(bars) / _HOUR,
        units.transactions.at(symbols),
    )
