"""Official prices of the LME: from tables of cash, three months and stock to quotes, and to daily bars."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.adapters.sources.written_numbers import WrittenNumbers, written_date
from miraikakaku_assets.application.ports import BarRequest, Calls, Delivery, PriceSource
from miraikakaku_assets.application.ports.copper import QuoteDelivery, QuoteSource
from miraikakaku_assets.domain.bars.frame import RAW_DAILY, empty
from miraikakaku_assets.domain.copper.quotes import RAW_QUOTES, RAW_STOCKS
from miraikakaku_assets.domain.copper.units import Unit
from miraikakaku_assets.domain.errors import (
    ConfigurationError,
    DependencyUnavailableError,
    InputFileError,
    PermanentSymbolError,
    SourcePausedError,
    SymbolError,
    TemporarySymbolError,
)
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.universes.copper import LME_3M, LME_CASH, LME_SYMBOLS

TENORS = {LME_CASH: "cash", LME_3M: "3M"}
_COLUMNS = ("date", "cash", "three_months", "stock")
_MEANINGS = {
    "date": ("date", "datum", "日付"),
    "cash": ("cash", "kasse", "settlement", "現物"),
    "three_months": ("3-month", "3 month", "3_month", "3 monat", "3-monat", "3ヶ月", "3か月", "three"),
    "stock": ("stock", "bestand", "在庫"),
}
"""What a heading holds → the column that it is, in the order in which it is tried."""


@dataclass(frozen=True)
class OfficialTable:
    """A table as it is written: headings, and rows of cells with their number in the file or page."""

    name: str
    headings: Sequence[str]
    rows: Sequence[tuple[int, Sequence[str]]]


def is_official(headings: Sequence[str]) -> bool:
    """Whether a table has a date, cash and three months."""
    return {"date", "cash", "three_months"} <= set(_places(headings))


def official_quotes(table: OfficialTable) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quotes and stocks of a table.

    Returns:
        Schemas `RAW_QUOTES` (USD/t) and `RAW_STOCKS`.

    Raises:
        InputFileError: A column is missing, or a cell is neither empty nor a date or number.
    """
    places = _places(table.headings)
    absent = {"date", "cash", "three_months"} - set(places)
    if absent:
        raise InputFileError(
            table.name,
            "no_table",
            f"it has no column for {' and '.join(sorted(absent))} among {', '.join(table.headings) or 'none'}",
        )
    numbers = [places[name] for name in _COLUMNS[1:] if name in places]
    written = WrittenNumbers(
        table.name, (cells[at] for _, cells in table.rows for at in numbers if at < len(cells))
    )
    quotes, stocks = [], []
    for row, cells in table.rows:
        day = written_date(table.name, _cell(cells, places["date"]), row)
        for contract, name in ((LME_CASH, "cash"), (LME_3M, "three_months")):
            price = written.value(_cell(cells, places[name]), row)
            quotes.append((contract, TENORS[contract], day, price, Unit.USD_PER_TONNE.value, None, None, row))
        if "stock" in places:
            stocks.append((day, written.value(_cell(cells, places["stock"]), row), row))
    return (
        pl.DataFrame(quotes, schema=RAW_QUOTES, orient="row"),
        pl.DataFrame(stocks, schema=RAW_STOCKS, orient="row"),
    )


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at] if at < len(cells) else ""


def _places(headings: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for at, heading in enumerate(headings):
        text = heading.strip().lower()
        # «3-month» is tried before «settlement»: one heading may hold both words of another column.
        for name in ("date", "three_months", "stock", "cash"):
            if name not in places and any(word in text for word in _MEANINGS[name]):
                places[name] = at
                break
    return places


class OfficialPrices(PriceSource):
    """Implements the port `PriceSource` for the LME's two symbols over a source of quotes.

    An official price has a close and nothing else: open, high and low are null, the volume is 0.

    Args:
        quotes: Where the quotes come from.
    """

    def __init__(self, quotes: QuoteSource) -> None:
        self._quotes = quotes

    @property
    def name(self) -> str:
        """Stored with each bar."""
        return self._quotes.name

    def deliver(
        self,
        universe: Universe,  # noqa: ARG002 - the symbols say whose they are
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,
    ) -> Iterator[Delivery]:
        """Serves all requests with one question; a source that fails is an error of each symbol.

        Raises:
            ConfigurationError: Other bars than daily ones are asked for.
        """
        if timeframe is not Timeframe.D1:
            raise ConfigurationError(
                f"The LME has official prices of days; {timeframe} bars are not collected"
            )
        if not requests:
            return
        try:
            delivery = self._quotes.deliver(min(request.since for request in requests), stopping)
        except (DependencyUnavailableError, SourcePausedError) as error:
            yield _failed(requests, "unreachable", str(error))
            return
        except InputFileError as error:
            yield _failed(requests, "unreadable_answer", str(error))
            return
        yield _bars(delivery, requests, self.name)


def _failed(requests: Sequence[BarRequest], kind: str, why: str) -> Delivery:
    failures = {request.symbol: TemporarySymbolError(request.symbol, kind, why) for request in requests}
    calls = {request.symbol: Calls(1) for request in requests}
    return Delivery((), empty(RAW_DAILY), failures=failures, calls=calls)


def _bars(delivery: QuoteDelivery, requests: Sequence[BarRequest], source: str) -> Delivery:
    nothing = pl.lit(None, pl.Float64())
    rows = [empty(RAW_DAILY)]
    failures: dict[str, SymbolError] = {}
    for request in requests:
        if request.symbol not in LME_SYMBOLS:
            failures[request.symbol] = PermanentSymbolError(
                request.symbol, "not_on_source", f"{source} has the LME's official prices only"
            )
            continue
        own = delivery.quotes.filter(
            pl.col("contract") == request.symbol, pl.col("session").is_between(request.since, request.until)
        )
        rows.append(
            own.select(
                symbol="contract",
                session="session",
                stamp=pl.lit(None, pl.Datetime("us", "UTC")),
                open=nothing,
                high=nothing,
                low=nothing,
                close="price",
                volume=pl.lit(0.0),
                row="row",
                refusal=pl.lit(None, pl.String()),
            )
        )
    served = tuple(request.symbol for request in requests if request.symbol not in failures)
    first = served[0] if served else ""  # one question for all: it is the first symbol's
    calls = {symbol: Calls(delivery.requests if symbol == first else 0) for symbol in served}
    return Delivery(served, pl.concat(rows), failures=failures, calls=calls, source=source)


def since_of(quotes: pl.DataFrame, since: date | None) -> pl.DataFrame:
    """The rows from a session on, and those that say no session."""
    if since is None:
        return quotes
    return quotes.filter(pl.col("session").is_null() | (pl.col("session") >= since))
