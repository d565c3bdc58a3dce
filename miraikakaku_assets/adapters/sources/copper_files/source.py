"""Quotes from a folder of CSV files, in the layouts that exchanges, Westmetall and traders leave behind.

| layout | columns |
|---|---|
| official | a date, cash, three months and perhaps stock; headings in English, German or Japanese; USD/t |
| carry | ``DATETIME, PRICE, CARRY, CARRY_CONTRACT, PRICE_CONTRACT``: two COMEX months a day, as ``YYYYMM`` |
| curve | ``date, contract, price, unit`` and perhaps ``tenor``, ``volume``, ``expires``; the unit one of `Unit` |

A file of the carry layout names no unit: it is read from the size of its prices. A byte order mark is allowed.
"""

import csv
import threading
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from miraikakaku_assets.adapters.sources.http import MOST_BYTES, too_large
from miraikakaku_assets.adapters.sources.official_prices import (
    OfficialTable,
    is_official,
    official_quotes,
    since_of,
)
from miraikakaku_assets.adapters.sources.written_numbers import ABSENT, WrittenNumbers, written_date
from miraikakaku_assets.application.ports.copper import QuoteDelivery
from miraikakaku_assets.domain.copper.contract_months import CODES, ContractMonth
from miraikakaku_assets.domain.copper.quotes import RAW_QUOTES, RAW_STOCKS
from miraikakaku_assets.domain.copper.units import Unit, dollar_unit_of
from miraikakaku_assets.domain.errors import InputFileError

_CARRY = {"datetime", "price", "carry", "carry_contract", "price_contract"}
_CURVE = {"date", "contract", "price", "unit"}
_YEAR_AND_MONTH = 6
_FIRST_YEAR, _LAST_YEAR = 1900, 2200  # of contracts; others are dates that were read wrongly
_MOST_LOTS = 10**12
Rows = Sequence[tuple[int, Sequence[str]]]


class CopperFolder:
    """Implements the port `QuoteSource`.

    Args:
        folder: Where the files lie.
    """

    name = "files"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deliver(self, since: date | None, stopping: threading.Event | None = None) -> QuoteDelivery:  # noqa: ARG002
        """Everything in the folder; of two files with one day the later name has the last word.

        Raises:
            InputFileError: There is no file, or one is in no layout that is known.
        """
        files = sorted(self._folder.glob("*.csv"), reverse=True) if self._folder.is_dir() else []
        if not files:
            raise InputFileError(
                str(self._folder), "no_files", "there is no CSV file of copper prices; drop one there"
            )
        read = [_read(file) for file in files]
        quotes = pl.concat([quotes for quotes, _ in read])
        dated = quotes.filter(pl.col("session").is_not_null())
        known = dated.unique(["contract", "session"], keep="first", maintain_order=True)
        quotes = pl.concat([known, quotes.filter(pl.col("session").is_null())])
        stocks = pl.concat([stocks for _, stocks in read])
        return QuoteDelivery(self.name, since_of(quotes, since), since_of(stocks, since), len(files))


def _read(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    headings, rows = _table(path)
    nothing = pl.DataFrame(schema=RAW_STOCKS)
    names = {heading.strip().lower() for heading in headings}
    if names >= _CURVE:
        return _curve(path.name, headings, rows), nothing
    if names >= _CARRY:
        return _carry(path.name, headings, rows), nothing
    if is_official(headings):
        return official_quotes(OfficialTable(path.name, headings, rows))
    raise InputFileError(
        path.name,
        "unknown_layout",
        f"its columns {', '.join(headings) or 'none'} are no layout of copper prices; docs/copper.md lists them",
    )


def _table(path: Path) -> tuple[list[str], Rows]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise too_large(path.name)
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputFileError(
            path.name, "unreadable", f"it cannot be read as CSV ({type(error).__name__})"
        ) from error
    damaged = next((number for number, cells in enumerate(lines, start=1) if "\0" in "".join(cells)), None)
    if damaged is not None:
        raise InputFileError(
            path.name, "nul_byte", "there is a NUL byte in it; write the file again", damaged
        )
    if not lines:
        raise InputFileError(path.name, "empty_file", "the file is empty")
    numbered = [(number, cells) for number, cells in enumerate(lines[1:], start=2) if any(cells)]
    return lines[0], numbered


def _columns(headings: Sequence[str]) -> Callable[[Sequence[str], str], str]:
    places = {heading.strip().lower(): at for at, heading in enumerate(headings)}

    def cell(cells: Sequence[str], name: str) -> str:
        at = places.get(name, len(cells))
        return cells[at] if at < len(cells) else ""

    return cell


def _carry(name: str, headings: Sequence[str], rows: Rows) -> pl.DataFrame:
    cell = _columns(headings)
    pairs = (("price", "price_contract"), ("carry", "carry_contract"))
    written = WrittenNumbers(name, (cell(cells, price) for _, cells in rows for price, _ in pairs))
    quotes = []
    for row, cells in rows:
        day = written_date(name, cell(cells, "datetime"), row)
        for price, contract in pairs:
            value = written.value(cell(cells, price), row)
            month = _month(name, cell(cells, contract), row)
            if value is not None and month is not None:  # a contract without a price is no row of its own
                quotes.append((month.symbol, month.tenor, day, value, "", None, month.expires, row))
    table = pl.DataFrame(quotes, schema=RAW_QUOTES, orient="row")
    unit = dollar_unit_of(table["price"])
    if unit is None:
        raise InputFileError(
            name, "unknown_unit", "its prices are near those of copper in no unit (USD/lb, cents/lb, USD/t)"
        )
    return table.with_columns(unit=pl.lit(unit.value)).unique(
        ["contract", "session"], keep="first", maintain_order=True
    )


def _month(name: str, text: str, row: int) -> ContractMonth | None:
    written = text.strip().removesuffix("00") if len(text.strip()) > _YEAR_AND_MONTH else text.strip()
    if written.lower() in ABSENT:
        return None
    is_written = written.isdecimal() and len(written) == _YEAR_AND_MONTH
    year, month = (int(written[:4]), int(written[4:])) if is_written else (0, 0)
    if not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= len(CODES)):
        raise InputFileError(name, "not_a_month", f"{text.strip()!r} is no contract month like 199503", row)
    return ContractMonth(year, month)


def _curve(name: str, headings: Sequence[str], rows: Rows) -> pl.DataFrame:
    cell = _columns(headings)
    written = WrittenNumbers(name, (cell(cells, "price") for _, cells in rows))
    units = {unit.value for unit in Unit}
    quotes = []
    for row, cells in rows:
        unit, contract = cell(cells, "unit").strip(), cell(cells, "contract").strip()
        if unit not in units:
            raise InputFileError(name, "unknown_unit", f"{unit!r} is none of {', '.join(sorted(units))}", row)
        if not contract:
            raise InputFileError(name, "no_contract", "the row names no contract", row)
        volume = written.value(cell(cells, "volume"), row)
        if volume is not None and not 0 <= volume < _MOST_LOTS:
            raise InputFileError(name, "not_a_number", f"{volume:g} is no number of contracts", row)
        quotes.append(
            (
                contract,
                cell(cells, "tenor").strip() or contract,
                written_date(name, cell(cells, "date"), row),
                written.value(cell(cells, "price"), row),
                unit,
                None if volume is None else int(volume),
                written_date(name, cell(cells, "expires"), row),
                row,
            )
        )
    return pl.DataFrame(quotes, schema=RAW_QUOTES, orient="row")
