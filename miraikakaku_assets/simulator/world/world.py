"""The synthetic market: every exchange of a world made from one seed."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.bars import Bars, no_bars, single_bar
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.core.sessions import FIVE_MINUTES, WORLD_BEGINS, utc
from miraikakaku_assets.simulator.listings.issues import Trading
from miraikakaku_assets.simulator.listings.jpx_workbook import list_day, workbook_of
from miraikakaku_assets.simulator.listings.us_listings import UsListing
from miraikakaku_assets.simulator.prices.copper_curve import CONTRACT_MONTHS, month_quotes
from miraikakaku_assets.simulator.prices.daily_path import Span, daily_path
from miraikakaku_assets.simulator.prices.five_minutes import five_minute_bars
from miraikakaku_assets.simulator.prices.history import History, adjusted_history, no_history
from miraikakaku_assets.simulator.prices.price_model import COPPER, PriceModel
from miraikakaku_assets.simulator.prices.quotes import Quotes
from miraikakaku_assets.simulator.prices.walk import MarketFactor
from miraikakaku_assets.simulator.world.members import Member, Members

# 64,000 symbols of a year would take 1.5 GB; making one anew costs a quarter of a millisecond.
_KEPT_HISTORIES = 1_024
_KEPT_WORKBOOKS = 8
# meta tells the extremes of 52 weeks, and the previous close of the first bar.
_SESSIONS_OF_META = 256


class World:
    """Synthetic Tokyo, New York, metals and currency markets.

    Args:
        config: Seed and sizes.
        now: Clock at the start, UTC seconds: decides who is listed and how far history reaches back.

    Raises:
        ConfigurationError: The clock lies outside the simulated years, or too few codes exist on that day.
    """

    def __init__(self, config: SimulatorConfig, now: int) -> None:
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
        self.members = Members(config, now, self._last_year)
        self._factors = {grid.name: MarketFactor.of(grid, config.seed) for grid in self.members.grids}
        self._firsts = {grid.name: grid.first_on_or_after(self._since) for grid in self.members.grids}
        self._histories: OrderedDict[str, History] = OrderedDict()
        self._workbooks: OrderedDict[tuple[date, frozenset[str]], bytes] = OrderedDict()

    def quotes(self, symbol: str, now: int, since: int = 0) -> Quotes | None:
        """See Market."""
        if symbol.endswith(CONTRACT_MONTHS):
            front = self.quotes(COPPER, now, since)
            return None if front is None else month_quotes(symbol, front, now)
        member = self.members.find(symbol, now)
        if member is None:
            return None
        history = self._history(symbol, member, now, since)
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
        member = self.members.find(symbol, now)
        if member is None or member.model.trading is not Trading.NORMAL:
            return no_bars()
        history = self._history(symbol, member, now, start)
        grid = member.instrument.grid
        first = max(int(np.searchsorted(grid.closes, start, side="right")), history.path.first)
        stop = min(int(np.searchsorted(grid.opens, end, side="left")), history.opened)
        bars = self._adjusted_five_minutes(member, history, first, stop)
        return _until(bars, now, member.model).between(start, end)

    def symbols(self) -> dict[str, list[str]]:
        """See Market."""
        return self.members.symbols()

    def workbook(self, now: int, unlisted: frozenset[str] = frozenset()) -> bytes:
        """See Market."""
        day = list_day(self.members.tokyo, now)
        key = day, unlisted
        if key not in self._workbooks:
            listed = [
                listing
                for listing in self.members.listings
                if listing.is_listed(day) and listing.symbol not in unlisted
            ]
            self._workbooks[key] = workbook_of(listed, day)
            if len(self._workbooks) > _KEPT_WORKBOOKS:
                self._workbooks.popitem(last=False)
        return self._workbooks[key]

    def us_issues(self) -> Sequence[UsListing]:
        """See Market."""
        return self.members.us_listings

    def check_clock(self, now: int) -> None:
        """See Market."""
        day = utc(now).date()
        if not self._since < day < date(self._last_year, 12, 1):
            raise ConfigurationError(
                f"simulator: the clock {day} lies outside the simulated sessions; "
                f"allowed is {self._since} to {self._last_year}-11-30."
            )

    def _history(self, symbol: str, member: Member, now: int, since: int) -> History:
        grid = member.instrument.grid
        opened = grid.opened(now)
        listed = grid.first_on_or_after(member.listed)
        needed = min(grid.opened(since) - 2, opened - _SESSIONS_OF_META)
        first = max(listed, self._firsts[grid.name], needed)
        known = self._histories.get(symbol)
        if known is not None and known.opened == opened and known.path.first <= first:
            self._histories.move_to_end(symbol)
            return known
        history = self._make_history(member, Span(listed, first, opened))
        self._histories[symbol] = history
        if len(self._histories) > _KEPT_HISTORIES:
            self._histories.popitem(last=False)
        return history

    def _make_history(self, member: Member, span: Span) -> History:
        grid, trading = member.instrument.grid, member.model.trading
        if span.first >= span.stop or trading is Trading.EMPTY:
            return no_history(span.stop)
        path = daily_path(member.model, member.noise, grid, self._factors[grid.name], span)
        return adjusted_history(path, grid, span.stop, trading, fills_holidays=member.fills_holidays)

    def _adjusted_five_minutes(self, member: Member, history: History, first: int, stop: int) -> Bars:
        if first >= stop:
            return no_bars()
        grid, path = member.instrument.grid, history.path
        bars = five_minute_bars(member.model, member.noise, grid, path, np.arange(first, stop))
        session = np.searchsorted(grid.opens, bars.stamps, side="right") - 1
        factors = history.price_factors[session - path.first]
        return bars.rescaled(factors, 1.0 / factors)

    def _live(self, member: Member, history: History, now: int) -> Bars | None:
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
        return single_bar(stamp, values, adjusted=True)


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
    return begun.take(slice(0, -1)).then(single_bar(int(begun.stamps[-1]), values, adjusted=False))
