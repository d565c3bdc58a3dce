"""Which US issues exist in the simulated world, and how four publishers spell them.

The proportions are those of Nasdaq Trader's files of 2025-07-21 (11,580 lines): 37 % funds, 3.5 % preferred
shares, 3.5 % warrants, 1.3 % units, 62 % of the companies on Nasdaq.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

import numpy as np

from miraikakaku_assets.simulator.core.noise import Noise
from miraikakaku_assets.simulator.core.sessions import WORLD_BEGINS
from miraikakaku_assets.simulator.listings.us_tickers import Tickers


class Kind(Enum):
    """Kinds of securities; the value tells the parts of an issue apart that share a root."""

    STOCK = ""
    FUND = "fund"
    PREFERRED = "P"
    NOTE = "L"
    UNIT = "U"
    WARRANT = "W"
    RIGHT = "R"


NASDAQ = "QGS"
"""Markets of Nasdaq: Global Select, Global, Capital. The others: N NYSE, A NYSE American, P NYSE Arca, Z Cboe."""

# Suffix by kind on the exchanges other than Nasdaq, where {} is the series or class: in the directory's ACT
# column, its CQS column, its NASDAQ column, at Yahoo, at Alpha Vantage.
_SPELLINGS = {
    Kind.STOCK: (".{}", ".{}", ".{}", "-{}", "-{}"),
    Kind.PREFERRED: ("${}", "p{}", "-{}", "-P{}", "-P-{}"),
    Kind.UNIT: (".U", ".U", "=", "-UN", "-U"),
    Kind.WARRANT: (".W", ".WS", "+", "-WT", "-WS"),
    Kind.RIGHT: (".R", "r", "^", "-RI", "-R"),
}
_ACT, _CQS, _NASDAQ, _YAHOO, _ALPHA_VANTAGE = range(5)


@dataclass(frozen=True, slots=True)
class UsListing:
    """One issue of a US exchange.

    Attributes:
        root: Ticker of the company or fund.
        kind: What it is.
        series: Class of a share or series of a preferred share, empty for none.
        market: One letter, see NASDAQ.
        listed: First trading day.
        delisted: First day without trading, ``None`` if it stays.
    """

    root: str
    kind: Kind
    series: str
    market: str
    listed: date
    delisted: date | None

    @property
    def symbol(self) -> str:
        """Yahoo symbol, e.g. ``BRK-B``, ``BAC-PE``, ``ACHR-WT``, ``NHICW``."""
        return self._spelled(_YAHOO)

    @property
    def directory_symbol(self) -> str:
        """Nasdaq Trader's symbol: ``BRK.B``, ``BAC$E``, ``ACHR.W``."""
        return self._spelled(_ACT)

    @property
    def tape_symbol(self) -> str:
        """The consolidated tape's: ``BRK.B``, ``BACpE``, ``ACHR.WS``."""
        return self._spelled(_CQS)

    @property
    def nasdaq_symbol(self) -> str:
        """Nasdaq's own for issues of other exchanges: ``BRK.B``, ``BAC-E``, ``ACHR+``."""
        return self._spelled(_NASDAQ)

    @property
    def alpha_vantage_symbol(self) -> str:
        """Alpha Vantage's: ``BRK-B``, ``BAC-P-E``, ``ACHR-WS``."""
        return self._spelled(_ALPHA_VANTAGE)

    @property
    def on_nasdaq(self) -> bool:
        """Whether it is in nasdaqlisted.txt; the others are in otherlisted.txt."""
        return self.market in NASDAQ

    def is_listed(self, day: date) -> bool:
        """Whether it trades on a day."""
        return self.listed <= day and (self.delisted is None or day < self.delisted)

    def _spelled(self, publisher: int) -> str:
        if self.kind is Kind.FUND or (self.kind is Kind.STOCK and not self.series):
            return self.root
        if self.on_nasdaq:  # the fifth letter says what it is
            return self.root + (self.series or self.kind.value)
        return self.root + _SPELLINGS[self.kind][publisher].format(self.series)


# Issues that users, documentation and tests ask for by name: always there, never delisted. NA, NAN, TRUE, INF
# and ON are real tickers that careless readers take for missing values.
_PINNED = (
    "AAPL Q", "MSFT Q", "NVDA Q", "AMZN Q", "GOOGL Q", "META Q", "TSLA Q", "BRK N B", "JPM N", "V N",
    "SPY P fund", "QQQ Q fund", "IWM P fund", "VTI P fund", "GLD P fund", "TLT G fund", "ON Q", "NA S",
    "TRUE Q", "KO N", "PEP Q", "XOM N", "CVX N", "JNJ N", "PG N", "HD N", "DIS N", "NFLX Q", "INTC Q",
    "AMD Q", "NAN N", "INF N", "BRK N A", "BAC N", "BAC N B P", "BAC N E P", "BF N A", "BF N B", "ACHR N",
    "ACHR N - W", "NHIC G", "NHIC G - W", "NHIC G - U", "CHEB A", "CHEB A - U", "CHEB A - W",
)  # fmt: skip

_FUND_SHARE = 0.39
_FUND_MARKETS = (("P", 0.54), ("Z", 0.23), ("G", 0.21), ("N", 0.02))
_COMPANY_MARKETS = (("Q", 0.23), ("G", 0.14), ("S", 0.25), ("N", 0.33), ("A", 0.05))
_BLANK_CHECK_SHARE = 0.03  # companies that are sold as units and fall apart into shares, warrants and rights
_WARRANT_SHARE = 0.05
_CLASSES_SHARE = 0.01
_NASDAQ_PREFERRED = 0.025
_OTHER_PREFERRED = 0.055
_NOTE_SHARE = 0.015
# Half of all issues begin on some day of twenty years, and 3 % of what is listed goes every year: about one
# listing and one delisting a day in a market of 10,000.
_YEARS = 20
_LISTED_LATER = 0.5
_DELISTED_PER_YEAR = 0.03
_AT_ONCE = 4_096
_STREAMS = ("kind", "market", "ticker", "later", "listed", "delisted", "on", "parts", "series")


def us_listings(seed: int) -> Iterator[UsListing]:
    """Yield the issues of a world in a fixed order, parts of a company together, without an end."""
    pinned = [_pinned(text) for text in _PINNED]
    yield from pinned
    tickers = Tickers(frozenset(listing.root for listing in pinned))
    noise = Noise(seed, "us listings")
    begin = 0
    while True:
        index = np.arange(begin, begin + _AT_ONCE, dtype=np.int64)
        for draws in zip(*(noise.uniform(stream, index).tolist() for stream in _STREAMS), strict=True):
            yield from _company(tickers, dict(zip(_STREAMS, draws, strict=True)))
        begin += _AT_ONCE


def _pinned(text: str) -> UsListing:
    root, market, *rest = text.split()
    if rest == ["fund"]:
        return UsListing(root, Kind.FUND, "", market, WORLD_BEGINS, None)
    series = rest[0].strip("-") if rest else ""
    kind = Kind(rest[1]) if len(rest) > 1 else Kind.STOCK
    return UsListing(root, kind, series, market, WORLD_BEGINS, None)


def _company(tickers: Tickers, draw: dict[str, float]) -> Iterator[UsListing]:
    """Yield a fund, or a company's share and what else of it is traded."""
    fund = draw["kind"] < _FUND_SHARE
    market = _weighted(_FUND_MARKETS if fund else _COMPANY_MARKETS, draw["market"])
    listed, delisted = _lifetime(draw)
    nasdaq = market in NASDAQ
    if fund:
        yield UsListing(tickers.fund(), Kind.FUND, "", market, listed, delisted)
        return
    root = tickers.nasdaq() if nasdaq else tickers.other(draw["ticker"])
    if not nasdaq and draw["series"] < _CLASSES_SHARE:
        for series in "AB":
            yield UsListing(root, Kind.STOCK, series, market, listed, delisted)
        return
    yield UsListing(root, Kind.STOCK, "", market, listed, delisted)
    for kind, series in _parts(draw["parts"], draw["series"], nasdaq=nasdaq):
        yield UsListing(root, kind, series, market, listed, delisted)


def _parts(draw: float, series: float, *, nasdaq: bool) -> list[tuple[Kind, str]]:
    if draw < _BLANK_CHECK_SHARE:
        rights = [(Kind.RIGHT, "")] if series < 0.4 else []  # noqa: PLR2004
        return [(Kind.UNIT, ""), (Kind.WARRANT, ""), *rights]
    draw -= _BLANK_CHECK_SHARE
    if draw < _WARRANT_SHARE:
        return [(Kind.WARRANT, "")]
    draw -= _WARRANT_SHARE
    preferred = _NASDAQ_PREFERRED if nasdaq else _OTHER_PREFERRED
    if draw < preferred:
        letters = "PONM" if nasdaq else "ABCDEFGH"
        return [(Kind.PREFERRED, letter) for letter in letters[: 1 + int(series**2 * len(letters))]]
    if nasdaq and draw - preferred < _NOTE_SHARE:
        return [(Kind.NOTE, "L" if series < 0.6 else "Z")]  # noqa: PLR2004
    return []


def _lifetime(draw: dict[str, float]) -> tuple[date, date | None]:
    listed = WORLD_BEGINS
    if draw["later"] < _LISTED_LATER:
        listed += timedelta(days=int(draw["listed"] * 365 * _YEARS))
    if draw["delisted"] >= _DELISTED_PER_YEAR * _YEARS:
        return listed, None
    return listed, listed + timedelta(days=90 + int(draw["on"] * 365 * _YEARS))


def _weighted(choices: tuple[tuple[str, float], ...], draw: float) -> str:
    for value, weight in choices:
        draw -= weight
        if draw < 0:
            return value
    return choices[-1][0]
