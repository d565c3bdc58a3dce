"""What is collected: universes, timeframes and instruments."""

from dataclasses import dataclass

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.timeframes import COLLECTED_TIMEFRAMES, Timeframe, timeframe
from miraikakaku_assets.domain.market.universes import COPPER, FX, JP, UNIVERSES, US, universe
from miraikakaku_assets.domain.market.universes.record import Universe

__all__ = [
    "COLLECTED_TIMEFRAMES",
    "COPPER",
    "FX",
    "JP",
    "UNIVERSES",
    "US",
    "Instrument",
    "Timeframe",
    "Universe",
    "collected_timeframe",
    "timeframe",
    "universe",
]


def collected_timeframe(name: str, of: Universe | None = None) -> Timeframe:
    """The timeframe of that spelling, one of those that are collected from a source.

    Args:
        name: Its spelling.
        of: The universe that has to have it; None for any.

    Raises:
        ConfigurationError: There is no such timeframe, or it is built from collected ones, or not there at all.
    """
    chosen = timeframe(name)
    whose, served = (f" of {of.name}", of.collected) if of else ("", COLLECTED_TIMEFRAMES)
    if chosen not in served:
        choice = " or ".join(served)
        raise ConfigurationError(f"{chosen} bars{whose} are not collected from a source; choose {choice}")
    return chosen


@dataclass(frozen=True)
class Instrument:
    """One tradable thing with one price history, whatever its name or market segment is today.

    Attributes:
        id: Key of its rows in the tables.
        symbol: Its partition key, e.g. ``7203.T``.
        code: The exchange's own code, e.g. ``7203``.
        is_active: Whether the exchange still lists it.
        kind: Security type, e.g. ``stock``, ``etf``, ``pro_market``.
    """

    id: int
    symbol: str
    code: str
    is_active: bool = True
    kind: str = "stock"

    @property
    def may_be_absent(self) -> bool:
        """Whether a price source that does not know it is no failure.

        The price source had prices for 73 of 149 issues of the PRO Market, which is closed to the public.
        """
        return self.kind == "pro_market"
