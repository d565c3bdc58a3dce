"""The synthetic market: every exchange of a world made from one seed."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.bars import Bars, no_bars, one_bar
from miraikakaku_assets.simulator.config import SimulatorConfig
from miraikakaku_assets.simulator.daily_path import daily_path, market_returns
from miraikakaku_assets.simulator.five_minutes import five_minute_bars
from miraikakaku_assets.simulator.history import History, adjusted_history, no_history
from miraikakaku_assets.simulator.instruments import (
    CURRENCY_SYMBOLS,
    Instrument,
    currency_instrument,
    currency_pair,
    listed_instrument,
    us_instrument,
    us_symbols,
)
from miraikakaku_assets.simulator.jpx_workbook import list_day, workbook_of
from miraikakaku_assets.simulator.listings import Listing, Trading, listings
from miraikakaku_assets.simulator.noise import Noise
from miraikakaku_assets.simulator.price_model import PriceModel, currency_model, tse_model, us_model
from miraikakaku_assets.simulator.quotes import Quotes
from miraikakaku_assets.simulator.sessions import (
    FIVE_MINUTES,
    WORLD_BEGINS,
    currency_grid,
    exchange_grid,
    utc,
)

# 16,000 symbols of three years would take 700 MB; making one anew costs about a millisecond.
_KEPT_HISTORIES = 1_024


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """One symbol of the world."""

    instrument: Instrument
    model: PriceModel
    noise: Noise
    listed: date
    delisted: date | None
    fills_holidays: bool


class World:
    """Synthetic Tokyo, New York and currency markets.

    Args:
        config: Seed and sizes.
        now: Clock at the start, UTC seconds: decides who is listed and how far history reaches back.

    Raises:
        ConfigurationError: The clock lies outside the simulated years, or too few codes exist on that day.
    """

    def __init__(self, config: SimulatorConfig, now: int) -> None:
        self._config = config
        started = utc(now)
        self._last_year = started.year + 2
        self._since = date(started.year - config.history_years, started.month, 1)
        if self._since < WORLD_BEGINS:
            earliest = WORLD_BEGINS.year + config.history_years + 1
            raise ConfigurationError(
                f"simulator: the clock {started:%Y-%m-%d} is too early for {config.history_years} years of "
                f"history; the simulated world begins in {WORLD_BEGINS.year}, "
                f"set the clock to {earliest} or later."
            )
        self._tokyo = exchange_grid("XTKS", self._last_year)
        self._new_york = exchange_grid("XNYS", self._last_year)
        self._currencies = currency_grid(self._last_year)
        self._market_returns = {
            grid.name: market_returns(grid, config.seed, len(grid.days))
            for grid in (self._tokyo, self._new_york, self._currencies)
        }
        self._listings = self._listed(config.symbols, list_day(self._tokyo, now))
        self._by_symbol = {listing.symbol: listing for listing in self._listings}
        self._us = us_symbols(config.us_symbols)
        self._us_known = frozenset(self._us)
        self._histories: OrderedDict[str, History] = OrderedDict()
        self._workbooks: dict[date, bytes] = {}

    def quotes(self, symbol: str, now: int) -> Quotes | None:
        """See Market."""
        member = self._member(symbol, now)
        if member is None:
            return None
        history = self._history(symbol, member, now)
        grid, last = member.instrument.grid, history.opened - 1
        first = grid.first_on_or_after(member.listed)
        first_trade = int(grid.opens[min(first, len(grid.opens) - 1)])
        closed = int(grid.closes[last])
        shown, live = history.shown, None
        if now < closed + member.instrument.settles_after:
            live = self._live(member, history, now)
            shown = shown.take(slice(0, -1))
        return Quotes(
            instrument=member.instrument,
            daily=shown,
            live=live,
            live_session_open=int(grid.opens[last]),
            splits=history.splits,
            dividends=history.dividends,
            first_trade=first_trade,
        )

    def five_minutes(self, symbol: str, start: int, end: int, now: int) -> Bars:
        """See Market."""
        member = self._member(symbol, now)
        if member is None or member.model.trading is not Trading.NORMAL:
            return no_bars()
        history = self._history(symbol, member, now)
        grid = member.instrument.grid
        first = max(int(np.searchsorted(grid.closes, start, side="right")), history.path.first)
        stop = min(int(np.searchsorted(grid.opens, end, side="left")), history.opened)
        bars = self._adjusted_five_minutes(member, history, first, stop)
        return _until(bars, now, member.model).between(start, end)

    def symbols(self) -> dict[str, list[str]]:
        """See Market."""
        return {
            "jp": [listing.symbol for listing in self._listings],
            "us": list(self._us),
            "fx": list(CURRENCY_SYMBOLS),
        }

    def workbook(self, now: int) -> bytes:
        """See Market."""
        day = list_day(self._tokyo, now)
        if day not in self._workbooks:
            listed = [listing for listing in self._listings if listing.is_listed(day)]
            self._workbooks[day] = workbook_of(listed, day)
        return self._workbooks[day]

    def check_clock(self, now: int) -> None:
        """See Market."""
        day = utc(now).date()
        if not self._since < day < date(self._last_year, 12, 1):
            raise ConfigurationError(
                f"simulator: the clock {day} lies outside the simulated sessions; "
                f"allowed is {self._since} to {self._last_year}-11-30."
            )

    def _listed(self, wanted: int, day: date) -> list[Listing]:
        found: list[Listing] = []
        listed = 0
        for listing in listings(self._config.seed):
            found.append(listing)
            listed += listing.is_listed(day)
            if listed == wanted:
                return sorted(found, key=lambda one: one.code)
        raise ConfigurationError(
            f"simulator: symbols={wanted} cannot be listed on {day}; only {listed} codes exist then, "
            "ask for fewer."
        )

    def _member(self, symbol: str, now: int) -> _Member | None:
        listing = self._by_symbol.get(symbol)
        seed = self._config.seed
        if listing is not None:
            today = self._tokyo.local_day(now)
            if listing.trading is Trading.UNKNOWN or not listing.is_listed(today):
                return None
            return _Member(
                instrument=listed_instrument(listing, self._tokyo),
                model=tse_model(seed, listing),
                noise=Noise(seed, symbol),
                listed=listing.listed,
                delisted=listing.delisted,
                fills_holidays=listing.fills_holidays,
            )
        make: tuple[Instrument, PriceModel]
        if symbol in self._us_known:
            make = us_instrument(symbol, self._new_york), us_model(seed, symbol)
        elif symbol.endswith("=X") and f"{currency_pair(symbol)}=X" in CURRENCY_SYMBOLS:
            make = currency_instrument(symbol, self._currencies), currency_model(currency_pair(symbol))
            symbol = f"{currency_pair(symbol)}=X"
        else:
            return None
        return _Member(*make, Noise(seed, symbol), WORLD_BEGINS, None, fills_holidays=False)

    def _history(self, symbol: str, member: _Member, now: int) -> History:
        opened = member.instrument.grid.opened(now)
        known = self._histories.get(symbol)
        if known is not None and known.opened == opened:
            self._histories.move_to_end(symbol)
            return known
        history = self._make_history(member, opened)
        self._histories[symbol] = history
        if len(self._histories) > _KEPT_HISTORIES:
            self._histories.popitem(last=False)
        return history

    def _make_history(self, member: _Member, opened: int) -> History:
        grid, trading = member.instrument.grid, member.model.trading
        first = grid.first_on_or_after(member.listed)
        if first >= opened or trading is Trading.EMPTY:
            return no_history(opened)
        since = grid.first_on_or_after(self._since)
        market = self._market_returns[grid.name][:opened]
        path = daily_path(member.model, member.noise, grid, market, (first, since))
        return adjusted_history(path, grid, opened, trading, fills_holidays=member.fills_holidays)

    def _adjusted_five_minutes(self, member: _Member, history: History, first: int, stop: int) -> Bars:
        if first >= stop:
            return no_bars()
        grid, path = member.instrument.grid, history.path
        bars = five_minute_bars(member.model, member.noise, grid, path, np.arange(first, stop))
        session = np.searchsorted(grid.opens, bars.stamps, side="right") - 1
        factors = history.price_factors[session - path.first]
        return bars.rescaled(factors, 1.0 / factors)

    def _live(self, member: _Member, history: History, now: int) -> Bars | None:
        """Return the bar of the last opened session, stamped at its last trade."""
        grid, last = member.instrument.grid, history.opened - 1
        closed = int(grid.closes[last])
        final = history.shown.take(slice(-1, None))
        if not len(final) or bool(np.isnan(final.close[0])):
            return None
        if now >= closed:
            stamp = closed + min(member.instrument.last_stamp_delay, now - closed)
            return replace(final, stamps=np.array([stamp], dtype=np.int64))
        if member.model.trading is not Trading.NORMAL:
            return None
        bars = _until(self._adjusted_five_minutes(member, history, last, last + 1), now, member.model)
        traded = np.flatnonzero(~np.isnan(bars.close))
        if not len(traded):
            return None
        slot = int(bars.stamps[traded[-1]])
        # The morning's closing auction is one print at the start of the break.
        stamp = slot if slot == grid.break_starts[last] else min(now, slot + FIVE_MINUTES - 1)
        values = (
            float(bars.open[traded[0]]),
            float(np.nanmax(bars.high)),
            float(np.nanmin(bars.low)),
            float(bars.close[traded[-1]]),
            float(np.nansum(bars.volume)),
        )
        return one_bar(stamp, values, adjusted=True)


def _until(bars: Bars, now: int, model: PriceModel) -> Bars:
    """Return the bars begun by now; the one in progress shows what has traded of it."""
    begun = bars.take(slice(0, int(np.searchsorted(bars.stamps, now, side="left"))))
    if not len(begun) or begun.stamps[-1] + FIVE_MINUTES <= now:
        return begun
    done = (now - int(begun.stamps[-1])) / FIVE_MINUTES
    opened, closed, volume = float(begun.open[-1]), float(begun.close[-1]), float(begun.volume[-1])
    if np.isnan(closed):
        return begun
    price = float(model.prices.snap(np.array([opened + done * (closed - opened)]))[0])
    traded = max(float(np.floor(volume * done / model.lot)) * model.lot, min(volume, model.lot))
    values = (opened, max(opened, price), min(opened, price), price, traded)
    return begun.take(slice(0, -1)).then(one_bar(int(begun.stamps[-1]), values, adjusted=False))
