"""Files of daily bars: Parquet and CSV in the layouts that people and yfinance leave behind.

Understood layouts, columns in any order and case:

* one table of many symbols: ``symbol, date, open, high, low, close, volume``;
* one file per symbol, named ``7203.csv`` or ``7203.T.csv``: ``Date, Open, High, Low, Close, Volume`` and
  perhaps ``Adj Close`` (ignored: adjustments are derived), ``Dividends``, ``Stock Splits``;
* the three-line header of yfinance's multi-index frames: ``Price,…`` / ``Ticker,…`` / ``Date,,…``.

With dividends and without ``Adj Close``, prices are adjusted for those dividends (yfinance does so unless it is told
not to), and the adjustment is undone; see `miraikakaku_assets.domain.bars.file_basis`. A date may be a day, or a time
stamp in the exchange's zone or in UTC; a stamp in any other zone would shift bars to neighbouring sessions, so such a
file is refused, and so are bars within the day; see `miraikakaku_assets.adapters.sources.files.daily_stamps`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.adapters.sources.files.daily_stamps import MOMENT_NAMES, refuse_intraday
from miraikakaku_assets.adapters.sources.files.table_files import MOST_ROWS, Part, table_parts
from miraikakaku_assets.domain.bars.file_basis import quoted_prices
from miraikakaku_assets.domain.bars.frame import ACTIONS, PRICES, RAW_DAILY, empty
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import Universe

_REQUIRED = (*PRICES, "volume")
_DAY_NAMES = ("date", "datetime", "session", "timestamp")
_ACTION_NAMES = {"dividends": "dividend", "stock splits": "split", "stock_splits": "split", "splits": "split"}
_ADJUSTED_NAMES = ("adj close", "adj_close", "adjclose", "adjusted close", "adjusted_close")
_FIRST_YEAR, _LAST_YEAR = 1, 9999
_SECOND = 1_000_000
_FIRST_MOMENT, _LAST_MOMENT = -62_000_000_000 * _SECOND, 253_000_000_000 * _SECOND  # years 5 to 9987
_NO_TEXT = pl.lit(None, pl.String)
_GROUPED = r"^[+-]?\d+(,\d+)+(\.\d*)?$"  # 14,291.00 and 14,5: whose comma separates what?


@dataclass(frozen=True)
class BarRows:
    """Rows of a file of bars.

    Attributes:
        bars: Schema `RAW_DAILY` or `RAW_INTRADAY`; ``row`` counts the file's lines, header included.
        actions: Schema `ACTIONS`.
        columns: Names that were understood, sorted: files that have the same are of one kind.
        is_adjusted: Whether the layout says that prices are adjusted for the dividends of the file.
    """

    bars: pl.DataFrame
    actions: pl.DataFrame
    columns: tuple[str, ...]
    is_adjusted: bool = False


def read_bar_file(path: Path, universe: Universe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Reads one file as a whole.

    Returns:
        Bars (schema `RAW_DAILY`), with an adjustment for the file's dividends undone, and corporate actions (schema
        `ACTIONS`).

    Raises:
        InputFileError: No such file, no known layout, an unreadable date, or stamps of another time zone.
    """
    parts = list(daily_rows(path, universe))
    bars, actions = pl.concat([part.bars for part in parts]), pl.concat([part.actions for part in parts])
    return quoted_prices(bars, actions, universe, is_adjusted=parts[0].is_adjusted).bars, actions


def daily_rows(
    path: Path, universe: Universe, symbol: str = "", most_rows: int = MOST_ROWS
) -> Iterator[BarRows]:
    """Reads one file part by part, at least one; prices as they stand in it.

    Args:
        path: CSV or Parquet.
        universe: Where its symbols belong.
        symbol: Whose bars they are if the file names no symbol; empty for its own name.
        most_rows: Rows that are taken.

    Raises:
        InputFileError: As of `read_bar_file`.
    """
    for part in table_parts(path, most_rows):
        yield _daily_part(path, part, universe, symbol)


def _daily_part(path: Path, part: Part, universe: Universe, symbol: str) -> BarRows:
    table, day_name, is_adjusted = _known_columns(path, part.table)
    columns = tuple(sorted(table.columns))
    table = table.with_row_index("row", offset=part.first_row)
    if part.is_text:  # a blank line is no row
        table = table.filter(~pl.all_horizontal(pl.exclude("row").is_null()))
    if "symbol" not in table.columns:
        named = part.ticker or symbol or named_symbol(path, universe)
        table = table.with_columns(symbol=pl.lit(named))
    names = [name for name in (*_REQUIRED, *_ACTION_NAMES) if name in table.columns]
    refuse_commas(path, table, names)
    try:
        table = table.with_columns(
            pl.col("symbol").cast(pl.String),
            pl.col("row").cast(pl.Int64),
            *(number(table, name) for name in names),
            refusal=_NO_TEXT,
        )
        table = table.with_columns(**_days(path, table, universe))
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputFileError(
            str(path), "unknown_layout", f"a column does not hold what its name says ({reason})"
        ) from None
    refuse_nul(path, table)
    _require(path, table, "symbol", "missing_symbol", "the row names no symbol")
    _require(path, table, "session", "bad_date", "the row has no date that a calendar knows")
    refuse_intraday(path, table, universe, names_moments=day_name in MOMENT_NAMES)
    return BarRows(table.select(list(RAW_DAILY)), _actions(table), columns, is_adjusted)


def _known_columns(path: Path, table: pl.DataFrame) -> tuple[pl.DataFrame, str, bool]:
    """The columns that are understood, under lower-case names; the day's name; whether prices are adjusted."""
    names = [name.strip().lower() for name in table.columns]
    day = next((name for name in _DAY_NAMES if name in names), None)
    missing = [name for name in _REQUIRED if name not in names] + ([] if day else ["date"])
    if missing:
        explanation = f"column {missing[0]} is missing; columns are: {', '.join(names)}"
        raise InputFileError(str(path), "missing_column", explanation, 1)
    understood = [name for name in (day, "symbol", *_REQUIRED, *_ACTION_NAMES) if name in names]
    chosen = {name: table.columns[names.index(str(name))] for name in understood}
    known = table.select(
        pl.col(column).alias("_bar_day" if name == day else str(name)) for name, column in chosen.items()
    )
    is_adjusted = "dividends" in names and not any(name in names for name in _ADJUSTED_NAMES)
    return known, str(day), is_adjusted


def number(table: pl.DataFrame, name: str) -> pl.Expr:
    """A column as floats; what is no number becomes null and is refused as such by the validation."""
    column = pl.col(name).str.strip_chars() if table.schema[name] == pl.String else pl.col(name)
    return column.cast(pl.Float64, strict=False)


def refuse_nul(path: Path, table: pl.DataFrame) -> None:
    """No database keeps a symbol with a NUL byte in it, which Parquet does.

    Raises:
        InputFileError: With the first such row.
    """
    rows = table.filter(pl.col("symbol").str.contains("\0", literal=True))
    if not rows.is_empty():
        explanation = "there is a NUL byte in its symbol: the file is damaged; write it again"
        raise InputFileError(str(path), "nul_byte", explanation, rows["row"][0])


def refuse_far_moments(path: Path, stamps: pl.Series, rows: pl.Series) -> None:
    """Parquet dates moments up to the year 292,277; no calendar does.

    Args:
        path: For the message.
        stamps: Moments, with or without a zone.
        rows: Their rows.

    Raises:
        InputFileError: With the first such row.
    """
    counted = stamps.to_physical()
    far = ~counted.is_between(_FIRST_MOMENT, _LAST_MOMENT).fill_null(value=True)
    if far.any():
        explanation = "the row has no date that a calendar knows"
        raise InputFileError(str(path), "bad_date", explanation, rows.filter(far)[0])


def in_range(path: Path, moment: datetime, row: int) -> datetime:
    """The moment.

    Raises:
        InputFileError: It lies so near to the ends of the calendar that another zone does not know it.
    """
    if not _FIRST_YEAR < moment.year < _LAST_YEAR:
        explanation = f"{moment.isoformat()} has no date that a calendar knows"
        raise InputFileError(str(path), "bad_date", explanation, row)
    return moment


def refuse_commas(path: Path, table: pl.DataFrame, names: list[str]) -> None:
    """A number with a comma is one of several; the file is refused rather than each of its rows.

    Raises:
        InputFileError: With the first such row.
    """
    texts = [name for name in names if table.schema[name] == pl.String]
    if not texts:
        return
    grouped = {name: pl.col(name).str.strip_chars().str.contains(_GROUPED) for name in texts}
    rows = table.filter(pl.any_horizontal(*grouped.values()))
    if not rows.is_empty():
        first = rows.row(0, named=True)
        text = next(first[name] for name in texts if rows.select(grouped[name]).row(0)[0])
        explanation = f"{text!r} has a comma; write numbers like 14291.5, without separators of thousands"
        raise InputFileError(str(path), "comma_in_number", explanation, first["row"])


def _require(path: Path, table: pl.DataFrame, column: str, rule: str, explanation: str) -> None:
    """A row without symbol or date could not even be kept in quarantine: the file is refused."""
    there = pl.col(column).is_not_null()
    if column == "session":  # Parquet holds days up to the year 5,881,580
        there &= pl.col(column).is_between(date.min, date.max)
    without = table.filter(~there)
    if not without.is_empty():
        raise InputFileError(str(path), rule, explanation, without["row"][0])


def named_symbol(path: Path, universe: Universe) -> str:
    """Symbol that a file's name stands for: ``7203.csv`` and ``7203.T.csv`` are 7203.T."""
    stem = path.name.removesuffix(path.suffix)
    return stem if stem.endswith(universe.symbol_suffix) else stem + universe.symbol_suffix


def _days(path: Path, table: pl.DataFrame, universe: Universe) -> dict[str, pl.Series]:
    """Columns ``session``, ``stamp`` and ``is_midnight`` (as written) from whatever the date column holds."""
    column = table["_bar_day"]
    nothing = pl.Series("stamp", [None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, table.height)
    if column.dtype == pl.Date:
        return _plain_days(column, nothing)
    if isinstance(column.dtype, pl.Datetime):
        column = column.cast(pl.Datetime("us", column.dtype.time_zone))
        refuse_far_moments(path, column, table["row"])
        _refuse_other_zone(path, column, table["row"], universe)
        is_midnight = column.to_frame().select(pl.first().dt.time() == pl.time(0)).to_series()
        return _from_stamps(column, is_midnight, universe, nothing)
    text = column.cast(pl.String).str.strip_chars()
    days = text.str.to_date("%Y-%m-%d", strict=False)
    if days.null_count() == 0:
        return _plain_days(days, nothing)
    return _from_text(path, text, table["row"], universe, nothing)


def _plain_days(days: pl.Series, nothing: pl.Series) -> dict[str, pl.Series]:
    return {"session": days, "stamp": nothing, "is_midnight": nothing.is_null()}


def _from_text(
    path: Path, text: pl.Series, rows: pl.Series, universe: Universe, nothing: pl.Series
) -> dict[str, pl.Series]:
    zone = ZoneInfo(universe.time_zone)
    stamps, midnights = [], []
    for value, row in zip(text, rows, strict=True):
        try:
            moment = datetime.fromisoformat(value or "")
            offset = moment.utcoffset()
            midnights.append(moment.time() == time.min)
            moment = moment.replace(tzinfo=zone) if offset is None else moment
            there = moment.astimezone(zone).utcoffset()
        except (ValueError, OverflowError):
            raise InputFileError(
                str(path), "bad_date", f"{value!r} is not a date like 2025-01-06", row
            ) from None
        if offset and offset != there:
            raise _other_zone(path, value, universe, row)
        stamps.append(in_range(path, moment, row))
    moments = pl.Series("stamp", stamps, dtype=pl.Datetime("us", "UTC"))
    return _from_stamps(moments, pl.Series(midnights, dtype=pl.Boolean), universe, nothing)


def _refuse_other_zone(path: Path, column: pl.Series, rows: pl.Series, universe: Universe) -> None:
    zone = column.dtype.time_zone  # type: ignore[attr-defined] # its dtype is Datetime
    if zone in {None, "UTC", universe.time_zone}:
        return
    there, here = (stamps.dt.replace_time_zone(None) for stamps in (column, _local(column, universe)))
    elsewhere = there != here
    if elsewhere.any():
        raise _other_zone(path, column.filter(elsewhere)[0], universe, rows.filter(elsewhere)[0])


def _other_zone(path: Path, stamp: object, universe: Universe, row: int) -> InputFileError:
    explanation = (
        f"{stamp} is neither in {universe.time_zone} nor in UTC; the bars of {universe.name} are dated there"
    )
    return InputFileError(str(path), "wrong_time_zone", explanation, row)


def _local(column: pl.Series, universe: Universe) -> pl.Series:
    return column.dt.convert_time_zone(universe.time_zone)


def _from_stamps(
    column: pl.Series, is_midnight: pl.Series, universe: Universe, nothing: pl.Series
) -> dict[str, pl.Series]:
    """Naive stamps are the exchange's own time; midnights without a zone are plain days."""
    if getattr(column.dtype, "time_zone", None) is None:
        if is_midnight.all():
            return _plain_days(column.dt.date(), nothing)
        column = column.dt.replace_time_zone(universe.time_zone)
    moments = column.dt.convert_time_zone("UTC")
    return {"session": _local(column, universe).dt.date(), "stamp": moments, "is_midnight": is_midnight}


def _actions(table: pl.DataFrame) -> pl.DataFrame:
    """Dividends and splits of the rows that carry one (0 stands for none)."""
    actions = [empty(ACTIONS)]
    for name, kind in _ACTION_NAMES.items():
        if name in table.columns:
            value = pl.col(name)
            carrying = table.filter(value.is_finite() & (value > 0))
            actions.append(carrying.select("symbol", ex_date="session", kind=pl.lit(kind), value=value))
    return pl.concat(actions)
