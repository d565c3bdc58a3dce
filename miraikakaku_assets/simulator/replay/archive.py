"""An archive of real bars, served as if Yahoo knew them.

A folder holds any of:

* Parquet files with the columns symbol, date, open, high, low, close, volume (daily bars);
* Parquet files with the columns symbol, timestamp, open, high, low, close, volume (5-minute bars);
* CSV files ``<code>.csv`` with Date, Open, High, Low, Close, Volume and optionally Adj Close, Dividends and
  Stock Splits, as yfinance writes them; a file with a header only is a symbol without bars.

A symbol of several files is served from the one that ends last. Files are never merged: their prices may be
adjusted as of different days. Sessions after the clock are not served.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.bars import Bars, no_bars
from miraikakaku_assets.simulator.core.sessions import (
    WORLD_BEGINS,
    currency_grid,
    exchange_grid,
    metals_grid,
    utc,
)
from miraikakaku_assets.simulator.listings import jpx_codes
from miraikakaku_assets.simulator.listings.issues import Listing, Trading
from miraikakaku_assets.simulator.listings.jpx_workbook import list_day, workbook_of
from miraikakaku_assets.simulator.listings.us_listings import Kind, UsListing
from miraikakaku_assets.simulator.prices.instruments import (
    Instrument,
    copper_instrument,
    currency_instrument,
    tokyo_instrument,
    us_instrument,
)
from miraikakaku_assets.simulator.prices.price_model import COPPER
from miraikakaku_assets.simulator.prices.quotes import Quotes
from miraikakaku_assets.simulator.replay.archive_files import Stamped, read_folder


class Archive:
    """Real bars of a folder.

    Args:
        folder: The archive.
        now: Clock at the start, UTC seconds.

    Raises:
        ConfigurationError: The folder holds no bars, or a file is not in one of the layouts.
    """

    def __init__(self, folder: Path, now: int) -> None:
        self._last_year = utc(now).year + 2
        self._tokyo = exchange_grid("XTKS", self._last_year)
        self._new_york = exchange_grid("XNYS", self._last_year)
        self._metals = metals_grid(self._last_year)
        self._currencies = currency_grid(self._last_year)
        self._symbols = read_folder(folder)
        self._stamped: dict[str, Stamped] = {}
        self._workbooks: dict[tuple[date, frozenset[str]], bytes] = {}

    def quotes(self, symbol: str, now: int, since: int = 0) -> Quotes | None:  # noqa: ARG002
        """See Market."""
        archived = self._symbols.get(symbol)
        if archived is None:
            return None
        instrument = self._instrument(symbol)
        grid = instrument.grid
        if symbol not in self._stamped:
            self._stamped[symbol] = archived.stamped(grid.zone)
        daily, dividends, splits = self._stamped[symbol]
        closed = int(np.searchsorted(grid.closes, now, side="right"))
        # Bars older than the calendar are finished; of the calendar's, those whose session has closed.
        ended = int(grid.opens[closed - 1]) if closed else int(grid.opens[0]) - 1
        shown = daily.take(slice(0, int(np.searchsorted(daily.stamps, ended, side="right"))))
        live = None
        last_close = int(grid.closes[closed - 1]) if closed else 0
        # A currency's next day begins where the last one ends: a stamp behind that would be one of the next day.
        over = closed < len(grid.opens) and now >= int(grid.opens[closed])
        unsettled = not over and now < last_close + instrument.settles_after
        if len(shown) and int(shown.stamps[-1]) == ended and unsettled:
            stamp = last_close + min(instrument.last_stamp_delay, now - last_close)
            live = replace(shown.take(slice(-1, None)), stamps=np.array([stamp], dtype=np.int64))
            shown = shown.take(slice(0, -1))
        return Quotes(
            instrument=instrument,
            daily=shown,
            live=live,
            live_session_open=ended,
            splits=tuple(event for event in splits if event.stamp <= now),
            dividends=tuple(event for event in dividends if event.stamp <= now),
            first_trade=int(daily.stamps[0]) if len(daily) else int(grid.opens[0]),
        )

    def five_minutes(self, symbol: str, start: int, end: int, now: int) -> Bars:
        """See Market."""
        archived = self._symbols.get(symbol)
        if archived is None or archived.five_minutes is None:
            return no_bars()
        return archived.five_minutes.between(start, min(end, now))

    def symbols(self) -> dict[str, list[str]]:
        """See Market."""
        by_universe: dict[str, list[str]] = {"jp": [], "us": [], "fx": [], "copper": []}
        for symbol in sorted(self._symbols):
            by_universe[_universe(symbol)].append(symbol)
        return by_universe

    def workbook(self, now: int, unlisted: frozenset[str] = frozenset()) -> bytes:
        """See Market: the Tokyo symbols of the archive, without the sectors that it does not know."""
        key = list_day(self._tokyo, now), unlisted
        if key not in self._workbooks:
            listed = [_listing(symbol) for symbol in self.symbols()["jp"] if symbol not in unlisted]
            self._workbooks[key] = workbook_of(listed, key[0])
        return self._workbooks[key]

    def us_issues(self) -> Sequence[UsListing]:
        """See Market: the US symbols of the archive, as shares of Nasdaq."""
        return [UsListing(symbol, Kind.STOCK, "", "Q", WORLD_BEGINS, None) for symbol in self.symbols()["us"]]

    def check_clock(self, now: int) -> None:
        """See Market."""
        day = utc(now).date()
        if not WORLD_BEGINS < day < date(self._last_year, 12, 1):
            raise ConfigurationError(
                f"simulator: the clock {day} lies outside the known sessions; "
                f"allowed is {WORLD_BEGINS} to {self._last_year}-11-30."
            )

    def _instrument(self, symbol: str) -> Instrument:
        if symbol.endswith(".T"):
            return tokyo_instrument(symbol, self._tokyo)
        if symbol.endswith("=X"):
            return currency_instrument(symbol, self._currencies)
        if symbol == COPPER:
            return copper_instrument(self._metals)
        return us_instrument(symbol, self._new_york)


def _universe(symbol: str) -> str:
    if symbol == COPPER:
        return "copper"
    return "jp" if symbol.endswith(".T") else "fx" if symbol.endswith("=X") else "us"


def _listing(symbol: str) -> Listing:
    code = symbol.removesuffix(".T")
    return Listing(
        code=code,
        name=f"銘柄\u3000{code}",
        market=jpx_codes.STANDARD,
        sector=None,
        size_code=None,
        size="-",
        listed=WORLD_BEGINS,
        delisted=None,
        trading=Trading.NORMAL,
        fills_holidays=False,
    )
