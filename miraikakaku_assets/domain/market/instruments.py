"""What is collected: universes, timeframes and instruments."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from miraikakaku_assets.domain.errors import ConfigurationError


class Timeframe(StrEnum):
    """Length of a bar; the value is the spelling used in tables and commands."""

    M5 = "5m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"
    W1 = "1w"
    MO1 = "1mo"


COLLECTED_TIMEFRAMES = (Timeframe.D1, Timeframe.M5)
"""What is collected from a source; the other timeframes are aggregated."""


@dataclass(frozen=True)
class Universe:
    """A market that is collected as a whole.

    Attributes:
        name: Prefix of its asset keys, e.g. ``jp``.
        title: For people.
        calendar: Name of its sessions, see `miraikakaku_assets.domain.market.sessions`.
        time_zone: IANA zone in which its sessions have their dates.
        currency: ISO 4217 code of its prices; None where every instrument has its own (currency pairs).
        partitions: Name of the set of partition keys of its daily assets.
        intraday_partitions: Name of those of its intraday assets: a watch list, or `partitions` itself; None where
            no bars within the day are collected.
        named_by: Setting that names its symbols where no exchange publishes a list of what it trades.
        unit: What a price is paid for, e.g. ``share``.
        has_price_limits: Whether daily price limits bound a genuine move (TSE: 値幅制限).
        has_volume: Whether its bars carry a volume (a currency's is always 0).
        symbol_suffix: What a symbol has behind the exchange's own code, e.g. ``.T``.
        range_slack: Quote increments by which a daily open or close may lie outside high and low and be stored, with a
            flag. Currencies have no exchange: open, close and extremes come from different feeds.
        settling: How long after its end a shorter bar may still change at the source: Tokyo is quoted 20 minutes
            late, currencies in real time.
    """

    name: str
    title: str
    calendar: str
    time_zone: str
    currency: str | None
    partitions: str
    intraday_partitions: str | None
    named_by: str = ""
    unit: str = "share"
    has_price_limits: bool = False
    has_volume: bool = True
    symbol_suffix: str = ""
    range_slack: int = 0
    settling: timedelta = timedelta(minutes=30)

    @property
    def has_master(self) -> bool:
        """Whether an exchange publishes a list of what it trades; else the settings name it."""
        return not self.named_by

    @property
    def collected(self) -> tuple[Timeframe, ...]:
        """Timeframes that are collected of it; the others are aggregated from them, or not there."""
        return COLLECTED_TIMEFRAMES if self.intraday_partitions is not None else (Timeframe.D1,)

    @property
    def price_unit(self) -> str:
        """Unit of its prices, e.g. ``JPY per share``."""
        return f"{self.currency} per {self.unit}" if self.currency else "units of the quote currency"


JP = Universe(
    name="jp",
    title="Tokyo Stock Exchange, all listed issues incl. ETF and REIT",
    calendar="XTKS",
    time_zone="Asia/Tokyo",
    currency="JPY",
    partitions="jp_symbols",
    intraday_partitions="jp_intraday",
    has_price_limits=True,
    symbol_suffix=".T",
)
US = Universe(
    name="us",
    title="Nasdaq, NYSE and the other US exchanges, stocks and ETFs",
    calendar="XNYS",
    time_zone="America/New_York",
    currency="USD",
    partitions="us_symbols",
    intraday_partitions="us_intraday",
)
FX = Universe(
    name="fx",
    title="Currency pairs",
    calendar="FX",
    time_zone="Europe/London",
    currency=None,
    partitions="fx_pairs",
    intraday_partitions="fx_pairs",
    named_by="FX_PAIRS",
    has_volume=False,
    range_slack=15,
    settling=timedelta(minutes=1),
)
COPPER = Universe(
    name="copper",
    title="COMEX copper futures, US dollars a pound",
    calendar="CMX",
    time_zone="America/New_York",
    currency="USD",
    partitions="copper_contracts",
    intraday_partitions=None,
    named_by="COPPER_SYMBOLS",
    unit="pound",
)
"""The metal: daily bars of the futures that COPPER_SYMBOLS names, in US dollars a pound (LME: US dollars a tonne)."""

UNIVERSES = {one.name: one for one in (JP, US, FX, COPPER)}


def universe(name: str) -> Universe:
    """The universe of that name.

    Raises:
        ConfigurationError: No universe has that name.
    """
    try:
        return UNIVERSES[name]
    except KeyError:
        known = ", ".join(UNIVERSES)
        raise ConfigurationError(f"Universe {name!r} is not collected here; choose from: {known}") from None


def timeframe(name: str) -> Timeframe:
    """The timeframe of that spelling.

    Raises:
        ConfigurationError: There is no such timeframe.
    """
    try:
        return Timeframe(name)
    except ValueError:
        known = ", ".join(Timeframe)
        raise ConfigurationError(f"Timeframe {name!r} does not exist; choose from: {known}") from None


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
