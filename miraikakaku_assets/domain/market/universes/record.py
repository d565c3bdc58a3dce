"""What a record of a universe holds: the facts of its market that the code goes by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.timeframes import COLLECTED_TIMEFRAMES, Timeframe

if TYPE_CHECKING:  # every command line loads the records: Polars takes 0.1 s to import
    from collections.abc import Callable
    from datetime import date

    import polars as pl

    from miraikakaku_assets.domain.market.master import GuardLimits, ListedIssue

Value = TypeVar("Value")


@dataclass(frozen=True)
class Default(Generic[Value]):
    """What holds unless an operator says otherwise.

    Attributes:
        value: Holds without the setting.
        setting: Variable of the settings that overrides it; empty for none.
    """

    value: Value
    setting: str = ""


@dataclass(frozen=True)
class OwnCalendar:
    """Sessions that no calendar of ``exchange_calendars`` has.

    Attributes:
        sessions: Makes the table that `session_table` returns.
        hours: Makes of that table ``opens`` and ``closes`` of the trading, see `trading_hours`.
        stretches: Makes the stretches of trading from whose beginnings 1h and 4h bars are counted, of the trading
            hours; columns ``begins``, ``ends`` (UTC) and ``breaks``. None for the hours themselves.
    """

    sessions: Callable[[], pl.DataFrame]
    hours: Callable[[pl.DataFrame], pl.DataFrame]
    stretches: Callable[[pl.DataFrame], pl.DataFrame] | None = None


@dataclass(frozen=True)
class Market:
    """Instruments of a universe that trade on days of their own.

    Attributes:
        calendar: Name of their sessions.
        own_calendar: Those sessions; each is one of the universe's, too, and begins with it.
        holds: Whether a symbol is one of them.
        has_range: Whether bars have open, high and low beside the close. An official price has not: they stay null.
        likely_prices: Least and greatest price that was ever near in their unit; beyond it the unit is another one.
    """

    calendar: str
    own_calendar: OwnCalendar
    holds: Callable[[str], bool]
    has_range: bool = True
    likely_prices: tuple[float, float] = (0.0, float("inf"))


def _of_a_list(symbol: str) -> ListedIssue:
    """Refuses to name what a published list has to.

    Raises:
        ConfigurationError: Always.
    """
    raise ConfigurationError(
        f"{symbol!r} cannot be named; its universe has a published list to update it from"
    )


@dataclass(frozen=True)
class Universe:
    """A market that is collected as a whole.

    Attributes:
        name: Prefix of its asset keys, e.g. ``jp``.
        title: For people.
        calendar: Name of its sessions: of ``exchange_calendars``, or its own for `own_calendar`.
        time_zone: IANA zone in which its sessions have their dates.
        currency: ISO 4217 code of its prices; None where every instrument has its own (currency pairs).
        partitions: Name of the set of partition keys of its daily assets.
        intraday_partitions: Name of those of its intraday assets: a watch list, or `partitions` itself; None where
            no bars within the day are collected.
        example: A symbol of it.
        symbol_shape: Regular expression of all its symbols.
        symbols_like: What they are and how they look, e.g. ``US symbols like AAPL,BRK-B``.
        symbol_suffix: What a symbol has behind the exchange's own code, e.g. ``.T``.
        named: Symbols that it consists of where no exchange publishes a list of what it trades; none where one does.
        named_issue: Reads such a symbol as a line of a list.
        watched: Symbols whose 5-minute bars are collected.
        least_issues: How many issues its list should hold.
        guard: How far a new list may be from the one in force; None for the usual limits.
        list_file: What holds its published list, for people.
        price_word: What follows a price in messages, in Japanese; empty where a number says enough.
        unit: What a price is paid for, e.g. ``share``.
        unit_of: Symbol → currency (ISO 4217) and unit of its prices, where every instrument has its own.
        has_price_limits: Whether daily price limits bound a genuine move (TSE: 値幅制限).
        has_volume: Whether its bars carry a volume (a currency's is always 0).
        range_slack: Quote increments by which a daily open or close may lie outside high and low and be stored, with a
            flag. Currencies have no exchange: open, close and extremes come from different feeds.
        settling: How long after its end a shorter bar may still change at the source: Tokyo is quoted 20 minutes
            late, currencies in real time.
        closing_call: Since when, and how long before the close, orders are only collected; None for never.
        own_calendar: Its sessions, where ``exchange_calendars`` has none.
        has_curve: Whether prices for several dates of delivery are collected beside its bars.
        markets: Parts of it that trade on different days; its own sessions are then those on which any part trades.
    """

    name: str
    title: str
    calendar: str
    time_zone: str
    currency: str | None
    partitions: str
    intraday_partitions: str | None = None
    example: str = ""
    symbol_shape: str = ""
    symbols_like: str = ""
    symbol_suffix: str = ""
    named: Default[tuple[str, ...]] = Default(())
    named_issue: Callable[[str], ListedIssue] = _of_a_list
    watched: Default[tuple[str, ...]] = Default(())
    least_issues: Default[int] = Default(1)
    guard: GuardLimits | None = None
    list_file: str = ""
    price_word: str = ""
    unit: str = "share"
    unit_of: Callable[[str], tuple[str, str]] | None = None
    has_price_limits: bool = False
    has_volume: bool = True
    range_slack: int = 0
    settling: timedelta = timedelta(minutes=30)
    closing_call: tuple[date, timedelta] | None = None
    own_calendar: OwnCalendar | None = None
    has_curve: bool = False
    markets: tuple[Market, ...] = ()

    def market_of(self, symbol: str) -> Market | None:
        """The part of it to which a symbol belongs; None where all instruments trade on the same days."""
        return next((market for market in self.markets if market.holds(symbol)), None)

    def calendar_of(self, symbol: str) -> str:
        """Name of the sessions of a symbol."""
        market = self.market_of(symbol)
        return market.calendar if market else self.calendar

    @property
    def has_master(self) -> bool:
        """Whether an exchange publishes a list of what it trades; else the settings name it."""
        return not self.named.value

    @property
    def named_by(self) -> str:
        """What names its symbols where no exchange publishes a list: a setting, or this record."""
        return self.named.setting or f"the record of {self.name}"

    @property
    def collected(self) -> tuple[Timeframe, ...]:
        """Timeframes that are collected of it; the others are aggregated from them, or not there."""
        return COLLECTED_TIMEFRAMES if self.intraday_partitions is not None else (Timeframe.D1,)

    @property
    def price_unit(self) -> str:
        """Unit of its prices, e.g. ``JPY per share``."""
        return f"{self.currency} per {self.unit}" if self.currency else "units of the quote currency"

    def priced_in(self, symbol: str) -> tuple[str | None, str]:
        """Currency (ISO 4217) and unit of the prices of a symbol, e.g. ``JPY`` and ``JPY per share``."""
        return self.unit_of(symbol) if self.unit_of else (self.currency, self.price_unit)

    def writes(self, symbol: str) -> bool:
        """Whether a symbol is written like those of this universe."""
        return re.fullmatch(self.symbol_shape, symbol) is not None
