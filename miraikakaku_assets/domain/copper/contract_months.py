"""Contract months of COMEX copper: how they are written, and when they end.

The price source loses the last trading day of a month at times, so it is computed: the third last business day of the
month (rulebook of COMEX, chapter 111). Business days are the sessions of COMEX copper; beyond the calendar's horizon,
a year from now, they are weekdays.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets.domain.market.universes.copper import COMEX

CODES = "FGHJKMNQUVXZ"
"""Letters of January to December."""
LIQUID = "HKNUZ"
"""Months in which copper is traded: the others have a few contracts a day."""
MONTHS_AHEAD = 6
"""Liquid months that make a curve of more than a year."""
_SYMBOL = re.compile(r"HG([FGHJKMNQUVXZ])(\d{2})\.CMX")
_PIVOT = 70  # two digits of a year below it are of this century
_FROM_THE_END = 3
_SATURDAY = 5


@dataclass(frozen=True, order=True)
class ContractMonth:
    """One month of delivery of COMEX copper."""

    year: int
    month: int

    @property
    def symbol(self) -> str:
        """As the price source writes it, e.g. ``HGZ26.CMX``."""
        return f"HG{CODES[self.month - 1]}{self.year % 100:02d}.CMX"

    @property
    def tenor(self) -> str:
        """E.g. ``2026-12``."""
        return f"{self.year}-{self.month:02d}"

    @property
    def expires(self) -> date:
        """Its last trading day."""
        return _last_trading_day(self.year, self.month)


def contract_month(symbol: str) -> ContractMonth:
    """Reads a symbol like ``HGZ26.CMX``.

    Raises:
        ConfigurationError: It is not written like that.
    """
    parts = _SYMBOL.fullmatch(symbol)
    if parts is None:
        raise ConfigurationError(f"{symbol!r} is no contract month of COMEX copper; write it like HGZ26.CMX")
    years = int(parts[2])
    return ContractMonth(years + (2000 if years < _PIVOT else 1900), CODES.index(parts[1]) + 1)


def liquid_months(day: date, count: int = MONTHS_AHEAD) -> list[ContractMonth]:
    """The next months that are traded and have not ended before a day (exchange date), nearest first."""
    months: list[ContractMonth] = []
    year, month = day.year, day.month
    while len(months) < count:
        candidate = ContractMonth(year, month)
        if CODES[month - 1] in LIQUID and candidate.expires >= day:
            months.append(candidate)
        year, month = (year, month + 1) if month < len(CODES) else (year + 1, 1)
    return months


@cache
def _last_trading_day(year: int, month: int) -> date:
    last = date(year, month, monthrange(year, month)[1])
    sessions = _sessions()
    known = last < max(sessions) and date(year, month, 1) >= min(sessions)
    days = (last - timedelta(days=back) for back in range(last.day))
    business = [day for day in days if (day in sessions if known else day.weekday() < _SATURDAY)]
    return business[_FROM_THE_END - 1]


@cache
def _sessions() -> frozenset[date]:
    return frozenset(session_table(COMEX.calendar)["session"])
