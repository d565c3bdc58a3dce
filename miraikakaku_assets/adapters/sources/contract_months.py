"""Contract months of COMEX copper as quotes of the curve, over the source of prices."""

import threading
from datetime import date

import polars as pl

from miraikakaku_assets.application.ports import BarRequest, Clock, PriceSource
from miraikakaku_assets.application.ports.copper import QuoteDelivery
from miraikakaku_assets.domain.copper.contract_months import liquid_months
from miraikakaku_assets.domain.copper.quotes import RAW_QUOTES
from miraikakaku_assets.domain.copper.units import Unit
from miraikakaku_assets.domain.market.instruments import COPPER, Timeframe
from miraikakaku_assets.domain.market.sessions import last_completed_session
from miraikakaku_assets.domain.market.universes.copper import COMEX


class ContractMonthQuotes:
    """Implements the port `QuoteSource`.

    Only days that are over are taken: the bar of a running one is no settlement.

    Args:
        prices: The source of prices.
        clock: Says which months still live, and which day is over.
        history_start: First session wanted where nobody says another.
    """

    def __init__(self, prices: PriceSource, clock: Clock, history_start: date) -> None:
        self._prices = prices
        self._clock = clock
        self._history_start = history_start

    @property
    def name(self) -> str:
        """Stored with each quote."""
        return self._prices.name

    def deliver(self, since: date | None, stopping: threading.Event | None = None) -> QuoteDelivery:
        """The liquid months that live; see `QuoteSource`."""
        newest = last_completed_session(COMEX.calendar, self._clock())
        months = {month.symbol: month for month in liquid_months(newest)}
        first = since or self._history_start
        requests = [BarRequest(symbol, first, date.max) for symbol in months]
        quotes, failures, sent = [pl.DataFrame(schema=RAW_QUOTES)], dict[str, str](), 0
        for delivery in self._prices.deliver(COPPER, Timeframe.D1, requests, stopping):
            sent += delivery.requests
            failures |= {symbol: error.explanation for symbol, error in delivery.failures.items()}
            over = delivery.bars.filter(pl.col("session") <= newest)
            named = {
                symbol: (months[symbol].tenor, months[symbol].expires) for symbol in over["symbol"].unique()
            }
            quotes += [
                own.select(
                    contract="symbol",
                    tenor=pl.lit(named[symbol][0]),
                    session="session",
                    price="close",
                    unit=pl.lit(Unit.USD_PER_POUND.value),
                    volume=pl.col("volume").fill_nan(None).cast(pl.Int64),
                    expires=pl.lit(named[symbol][1]),
                    row="row",
                )
                for (symbol,), own in over.group_by("symbol", maintain_order=True)
            ]
        return QuoteDelivery(self.name, pl.concat(quotes), requests=sent, failures=failures)
