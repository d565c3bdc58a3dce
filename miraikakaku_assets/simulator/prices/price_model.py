"""What kind of price path an instrument has."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from miraikakaku_assets.simulator.core.noise import Chances, FloatArray
from miraikakaku_assets.simulator.listings import jpx_codes
from miraikakaku_assets.simulator.listings.issues import Listing, Trading
from miraikakaku_assets.simulator.listings.us_listings import Kind
from miraikakaku_assets.simulator.prices import tse_rules


class PriceGrid(Enum):
    """The prices an instrument can have."""

    TSE_FINE = "tse fine"
    TSE_COARSE = "tse coarse"
    CENT = "cent"
    THIRD_DECIMAL = "third decimal"  # yen pairs
    FIFTH_DECIMAL = "fifth decimal"  # other pairs
    HALF_THOUSANDTH = "half thousandth"  # COMEX copper, US dollars a pound

    @property
    def is_fine(self) -> bool:
        """Whether the TSE's table of fine ticks applies."""
        return self is PriceGrid.TSE_FINE

    def snap(self, price: FloatArray) -> FloatArray:
        """Return each price at the nearest possible one."""
        if self is PriceGrid.TSE_FINE or self is PriceGrid.TSE_COARSE:
            return tse_rules.on_tick(price, fine=self.is_fine)
        if self is PriceGrid.HALF_THOUSANDTH:
            return np.round(np.round(price * 2_000.0) / 2_000.0, 4)
        decimals = {PriceGrid.CENT: 2, PriceGrid.THIRD_DECIMAL: 3}.get(self, 5)
        return np.maximum(np.round(price, decimals), 10.0**-decimals)


@dataclass(frozen=True, slots=True)
class PriceModel:
    """Parameters of one path, in the instrument's currency.

    Attributes:
        start: Price on the first day of the world.
        volatility: Standard deviation of a calm day's log return.
        turnover: Typical value traded a day; 0 for currencies, which have no volume.
        lot: Shares in the smallest trade.
        prices: Prices it can have.
        limited: Whether the TSE's daily price limits hold.
        split_above: Price above which the company splits its shares now and then; ``None`` for never.
        split_below: Price below which it joins them.
        dividend_yield: Per year; 0 for none.
        dividend_months: Months with an ex-date.
        dividend_step: Smallest step of an amount.
        auction_moves_close: Whether a closing auction, absent from 5-minute bars, sets the close.
        trading: What Yahoo shows of it.
        idle_share: Share of the sessions without a trade.
        anchored: Whether it keeps to its level over the years instead of wandering off.
    """

    start: float
    volatility: float
    turnover: float
    lot: int
    prices: PriceGrid
    limited: bool
    split_above: float | None
    split_below: float
    dividend_yield: float
    dividend_months: tuple[int, ...]
    dividend_step: float
    auction_moves_close: bool
    trading: Trading = Trading.NORMAL
    idle_share: float = 0.0
    anchored: bool = False


def _spread(chance: float, middle: float, factor: float) -> float:
    """Return a number around the middle, at most ``factor`` times more or less."""
    return middle * math.exp((2.0 * chance - 1.0) * math.log(factor))


# Median turnover a day in yen and calm volatility by size class, in the order of magnitude of a real year.
_TURNOVER = {
    "TOPIX Core30": 3e10,
    "TOPIX Large70": 8e9,
    "TOPIX Mid400": 1.5e9,
    "TOPIX Small 1": 2.5e8,
    "TOPIX Small 2": 6e7,
    "-": 2e7,
}
_FISCAL_YEAR_ENDS = (3, 3, 3, 3, 3, 3, 12, 12, 6, 9, 2, 8)


_LARGEST_IDLE_SHARE = 0.35


def _idle_share(turnover: float, smallest_trade: float) -> float:
    """Return how often an issue sees no trade: often where a usual day has not even one lot."""
    lots = turnover / smallest_trade
    return min(_LARGEST_IDLE_SHARE, max(0.0, 0.25 - 0.1 * math.log(lots))) if lots < 10 else 0.0  # noqa: PLR2004


def tse_model(seed: int, listing: Listing) -> PriceModel:
    """Return the path parameters of a TSE issue, in yen."""
    chance = Chances(seed, "model", listing.code).next
    fund = listing.market in {jpx_codes.FUND, jpx_codes.REIT}
    small = listing.size == "-" and not fund
    fine = listing.size in jpx_codes.FINE_TICK_SIZES or listing.market == jpx_codes.FUND
    year_end = _FISCAL_YEAR_ENDS[int(chance() * len(_FISCAL_YEAR_ENDS))]
    pays = chance() < (0.25 if listing.market == jpx_codes.GROWTH else 0.8) or fund or listing.size != "-"
    start = _spread(chance(), 60_000.0 if listing.market == jpx_codes.REIT else 1_300.0, 6.0)
    turnover = _spread(chance(), _TURNOVER[listing.size], 50.0 if small else 6.0)
    lot = 1 if fund else 100
    return PriceModel(
        start=start,
        volatility=_spread(chance(), 0.008 if fund else 0.021 if small else 0.014, 1.5),
        turnover=turnover,
        lot=lot,
        prices=PriceGrid.TSE_FINE if fine else PriceGrid.TSE_COARSE,
        limited=True,
        split_above=None if fund else 2_500.0,
        split_below=120.0,
        dividend_yield=_spread(chance(), 0.022, 2.0) if pays else 0.0,
        dividend_months=(year_end, (year_end + 5) % 12 + 1),
        dividend_step=0.5,
        auction_moves_close=True,
        trading=listing.trading,
        idle_share=_idle_share(turnover, start * lot),
    )


@dataclass(frozen=True, slots=True)
class _Class:
    """How a class of US issues trades."""

    start: float
    start_factor: float
    volatility: float
    turnover: float
    payers: float
    splits: bool = False


# A unit is sold at 10 dollars, a preferred share at 25, a fund mostly near 30.
_US_CLASSES = {
    Kind.STOCK: _Class(40.0, 6.0, 0.018, 3e7, 0.5, splits=True),
    Kind.FUND: _Class(35.0, 3.0, 0.008, 5e6, 0.85),
    Kind.PREFERRED: _Class(23.0, 1.15, 0.004, 5e5, 1.0),
    Kind.NOTE: _Class(24.5, 1.04, 0.002, 2e5, 1.0),
    Kind.UNIT: _Class(10.3, 1.05, 0.003, 1e5, 0.0),
    Kind.WARRANT: _Class(0.9, 6.0, 0.03, 5e4, 0.0),
    Kind.RIGHT: _Class(0.25, 2.5, 0.02, 2e4, 0.0),
}


def us_model(seed: int, symbol: str, kind: Kind) -> PriceModel:
    """Return the path parameters of a US listing, in US dollars.

    Args:
        seed: Seed of the world.
        symbol: Yahoo symbol.
        kind: What kind of security it is.
    """
    of = _US_CLASSES[kind]
    chance = Chances(seed, "model", symbol).next
    first_month = 1 + int(chance() * 3)
    pays = chance() < of.payers
    return PriceModel(
        start=_spread(chance(), of.start, of.start_factor),
        volatility=_spread(chance(), of.volatility, 1.7),
        turnover=_spread(chance(), of.turnover, 20.0),
        lot=1,
        prices=PriceGrid.CENT,
        limited=False,
        split_above=250.0 if of.splits else None,
        split_below=2.0,
        dividend_yield=_spread(chance(), 0.02, 2.0) if pays else 0.0,
        dividend_months=tuple(first_month + 3 * quarter for quarter in range(4)),
        dividend_step=0.01,
        auction_moves_close=False,
    )


COPPER = "HG=F"


def copper_model() -> PriceModel:
    """Return the path parameters of COMEX copper, in US dollars a pound: 4 to 6."""
    return PriceModel(
        start=4.85,
        volatility=0.012,
        turnover=2e5,  # contracts are counted: about 40,000 a day
        lot=1,
        prices=PriceGrid.HALF_THOUSANDTH,
        limited=False,
        split_above=None,
        split_below=0.0,
        dividend_yield=0.0,
        dividend_months=(),
        dividend_step=0.01,
        auction_moves_close=False,
        anchored=True,
    )


# Levels at the start of 2016.
CURRENCY_STARTS = {
    "USDJPY": 120.0,
    "EURJPY": 131.0,
    "GBPJPY": 177.0,
    "AUDJPY": 87.0,
    "EURUSD": 1.086,
    "GBPUSD": 1.474,
    "AUDUSD": 0.729,
    "USDCHF": 1.002,
}


def currency_model(pair: str) -> PriceModel:
    """Return the path parameters of a currency pair, in units of its second currency."""
    return PriceModel(
        start=CURRENCY_STARTS[pair],
        volatility=0.0045,
        turnover=0.0,
        lot=1,
        prices=PriceGrid.THIRD_DECIMAL if pair.endswith("JPY") else PriceGrid.FIFTH_DECIMAL,
        limited=False,
        split_above=None,
        split_below=0.0,
        dividend_yield=0.0,
        dividend_months=(),
        dividend_step=0.01,
        auction_moves_close=False,
    )
