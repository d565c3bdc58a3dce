"""What kind of price path an instrument has."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from miraikakaku_assets.simulator import jpx_codes, tse_rules
from miraikakaku_assets.simulator.listings import Listing, Trading
from miraikakaku_assets.simulator.noise import FloatArray, Noise


class PriceGrid(Enum):
    """The prices an instrument can have."""

    TSE_FINE = "tse fine"
    TSE_COARSE = "tse coarse"
    CENT = "cent"
    THIRD_DECIMAL = "third decimal"  # yen pairs
    FIFTH_DECIMAL = "fifth decimal"  # other pairs

    @property
    def is_fine(self) -> bool:
        """Whether the TSE's table of fine ticks applies."""
        return self is PriceGrid.TSE_FINE

    def snap(self, price: FloatArray) -> FloatArray:
        """Return each price at the nearest possible one."""
        if self is PriceGrid.TSE_FINE or self is PriceGrid.TSE_COARSE:
            return tse_rules.on_tick(price, fine=self.is_fine)
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


def _spread(noise: Noise, name: str, middle: float, factor: float) -> float:
    """Return a number around the middle, at most ``factor`` times more or less."""
    return middle * math.exp((2.0 * noise.chance(name) - 1.0) * math.log(factor))


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


def tse_model(seed: int, listing: Listing) -> PriceModel:
    """Return the path parameters of a TSE issue, in yen."""
    noise = Noise(seed, "model", listing.code)
    fund = listing.market in {jpx_codes.FUND, jpx_codes.REIT}
    small = listing.size == "-" and not fund
    fine = listing.size in jpx_codes.FINE_TICK_SIZES or listing.market == jpx_codes.FUND
    year_end = _FISCAL_YEAR_ENDS[int(noise.chance("year end") * len(_FISCAL_YEAR_ENDS))]
    pays = (
        fund
        or listing.size != "-"
        or noise.chance("pays") < (0.25 if listing.market == jpx_codes.GROWTH else 0.8)
    )
    return PriceModel(
        start=_spread(noise, "start", 60_000.0 if listing.market == jpx_codes.REIT else 1_300.0, 6.0),
        volatility=_spread(noise, "volatility", 0.008 if fund else 0.021 if small else 0.014, 1.5),
        turnover=_spread(noise, "turnover", _TURNOVER[listing.size], 50.0 if small else 6.0),
        lot=1 if fund else 100,
        prices=PriceGrid.TSE_FINE if fine else PriceGrid.TSE_COARSE,
        limited=True,
        split_above=None if fund else 2_500.0,
        split_below=120.0,
        dividend_yield=_spread(noise, "yield", 0.022, 2.0) if pays else 0.0,
        dividend_months=(year_end, (year_end + 5) % 12 + 1),
        dividend_step=0.5,
        auction_moves_close=True,
        trading=listing.trading,
    )


def us_model(seed: int, symbol: str) -> PriceModel:
    """Return the path parameters of a US listing, in US dollars."""
    noise = Noise(seed, "model", symbol)
    first_month = 1 + int(noise.chance("month") * 3)
    return PriceModel(
        start=_spread(noise, "start", 60.0, 5.0),
        volatility=_spread(noise, "volatility", 0.015, 1.7),
        turnover=_spread(noise, "turnover", 1e8, 20.0),
        lot=1,
        prices=PriceGrid.CENT,
        limited=False,
        split_above=250.0,
        split_below=2.0,
        dividend_yield=_spread(noise, "yield", 0.015, 2.0) if noise.chance("pays") < 0.6 else 0.0,  # noqa: PLR2004
        dividend_months=tuple(first_month + 3 * quarter for quarter in range(4)),
        dividend_step=0.01,
        auction_moves_close=False,
    )


# Levels at the start of 2016.
CURRENCY_STARTS = {
    "USDJPY": 120.0,
    "EURJPY": 131.0,
    "GBPJPY": 177.0,
    "AUDJPY": 87.0,
    "EURUSD": 1.086,
    "GBPUSD": 1.474,
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
