"""Files of daily bars: Parquet and CSV in the layouts that people and yfinance leave behind.

Understood layouts, columns in any order and case:

* one table of many symbols: ``symbol, date, open, high, low, close, volume``;
* one file per symbol, named ``7203.csv`` or ``7203.T.csv``: ``Date, Open, High, Low, Close, Volume`` and
  perhaps ``Adj Close`` (ignored: adjustments are derived), ``Dividends``, ``Stock Splits``;
* the three-line header of yfinance's multi-index frames: ``Price,…`` / ``Ticker,…`` / ``Date,,…``.

Prices are taken as the file quotes them. A date may be a day, or a time stamp in the exchange's zone or
in UTC; a stamp in any other zone would shift bars to neighbouring sessions, so such a file is refused.
"""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.domain.bars.frame import ACTIONS, PRICES, RAW_DAILY, empty
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import Universe

SUFFIXES = (".parquet", ".csv")
_REQUIRED = (*PRICES, "volume")
_DAY_NAMES = ("date", "datetime", "session", "timestamp")
_ACTION_NAMES = {"dividends": "dividend", "stock splits": "split"}
_NO_TEXT = pl.lit(None, pl.String)


def read_bar_file(path: Path, universe: Universe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Reads one file.

    Returns:
        Bars (schema `RAW_DAILY`; ``row`` counts the file's lines, header included) and corporate actions
        (schema `ACTIONS`).

    Raises:
        InputFileError: No such file, no known layout, an unreadable date, or stamps of another time zone.
    """
    if not path.is_file():
        raise InputFileError(str(path), "no_such_file", "there is no such file")
    is_text = path.suffix.lower() == ".csv"
    table, first_row, ticker = read_csv_table(path) if is_text else (read_parquet_table(path), 1, None)
    table = _known_columns(path, table).with_row_index("row", offset=first_row)
    if is_text:  # a blank line is no row
        table = table.filter(~pl.all_horizontal(pl.exclude("row").is_null()))
    if "symbol" not in table.columns:
        table = table.with_columns(symbol=pl.lit(ticker or named_symbol(path, universe)))
    try:
        table = table.with_columns(
            pl.col("symbol").cast(pl.String), pl.col("row").cast(pl.Int64), *_numbers(table), refusal=_NO_TEXT
        )
        table = table.with_columns(**_days(path, table, universe))
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputFileError(
            str(path), "unknown_layout", f"a column does not hold what its name says ({reason})"
        ) from None
    _require(path, table, "symbol", "missing_symbol", "the row names no symbol")
    _require(path, table, "session", "bad_date", "the row has no date that a calendar knows")
    return table.select(list(RAW_DAILY)), _actions(table)


def _known_columns(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """The columns that are understood, under their lower-case names; others may be called anything."""
    names = [name.strip().lower() for name in table.columns]
    day = next((name for name in _DAY_NAMES if name in names), None)
    missing = [name for name in _REQUIRED if name not in names] + ([] if day else ["date"])
    if missing:
        explanation = f"column {missing[0]} is missing; columns are: {', '.join(names)}"
        raise InputFileError(str(path), "missing_column", explanation, 1)
    wanted = [name for name in (day, "symbol", *_REQUIRED, *_ACTION_NAMES) if name in names]
    twice = next((name for name in wanted if names.count(name) > 1), None)
    if twice:
        raise InputFileError(str(path), "unknown_layout", f"two columns are called {twice}", 1)
    chosen = {name: table.columns[names.index(str(name))] for name in wanted}
    return table.select(
        pl.col(column).alias("_bar_day" if name == day else str(name)) for name, column in chosen.items()
    )


def _numbers(table: pl.DataFrame) -> list[pl.Expr]:
    """Number columns as floats; what is no number becomes null and is refused as such by the validation."""
    names = [name for name in (*_REQUIRED, *_ACTION_NAMES) if name in table.columns]
    columns = [
        pl.col(name).str.strip_chars() if table.schema[name] == pl.String else pl.col(name) for name in names
    ]
    return [column.cast(pl.Float64, strict=False) for column in columns]


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


def read_parquet_table(path: Path) -> pl.DataFrame:
    """The table as it is stored.

    Raises:
        InputFileError: It is no Parquet file.
    """
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputFileError(
            str(path), "unreadable", f"it is not a Parquet file ({type(error).__name__})"
        ) from error


def read_csv_table(path: Path) -> tuple[pl.DataFrame, int, str | None]:
    """The table as text, the file line of its first row, and the ticker of a three-line header.

    Raises:
        InputFileError: It is no table of text.
    """
    try:
        with path.open(encoding="utf-8-sig") as lines:
            head = [lines.readline().rstrip("\r\n") for _ in range(3)]
    except UnicodeDecodeError:
        raise InputFileError(str(path), "not_text", "it is not a UTF-8 text file") from None
    except OSError as error:
        raise InputFileError(str(path), "unreadable", f"it cannot be read ({error.strerror})") from None
    if not head[0]:
        raise InputFileError(str(path), "empty_file", "the file is empty")
    if head[0].lstrip().startswith("<"):
        raise InputFileError(str(path), "unknown_layout", "it is an HTML page, not a table", 1)
    multi_index = head[0].startswith("Price,") and head[1].startswith("Ticker,")
    try:
        table = pl.read_csv(
            path,
            infer_schema=False,
            skip_rows_after_header=2 if multi_index else 0,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputFileError(str(path), "unknown_layout", f"it is not a table of bars ({reason})") from None
    if not multi_index:
        return table, 2, None
    tickers = {name for name in head[1].split(",")[1:] if name}
    if len(tickers) != 1:
        raise InputFileError(
            str(path), "unknown_layout", f"its header names {len(tickers)} tickers, one is expected", 2
        )
    return table.rename({"Price": "Date"}), 4, tickers.pop()


def _days(path: Path, table: pl.DataFrame, universe: Universe) -> dict[str, pl.Series]:
    """Columns ``session`` and ``stamp`` from whatever the date column holds."""
    column = table["_bar_day"]
    nothing = pl.Series("stamp", [None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, table.height)
    if column.dtype == pl.Date:
        return {"session": column, "stamp": nothing}
    if isinstance(column.dtype, pl.Datetime):
        column = column.cast(pl.Datetime("us", column.dtype.time_zone))
        _refuse_other_zone(path, column, table["row"], universe)
        return _from_stamps(column, universe, nothing)
    text = column.cast(pl.String).str.strip_chars()
    days = text.str.to_date("%Y-%m-%d", strict=False)
    if days.null_count() == 0:
        return {"session": days, "stamp": nothing}
    return _from_text(path, text, table["row"], universe, nothing)


def _from_text(
    path: Path, text: pl.Series, rows: pl.Series, universe: Universe, nothing: pl.Series
) -> dict[str, pl.Series]:
    zone = ZoneInfo(universe.time_zone)
    stamps = []
    for value, row in zip(text, rows, strict=True):
        try:
            moment = datetime.fromisoformat(value or "")
            offset = moment.utcoffset()
            moment = moment.replace(tzinfo=zone) if offset is None else moment
            there = moment.astimezone(zone).utcoffset()
        except (ValueError, OverflowError):
            raise InputFileError(
                str(path), "bad_date", f"{value!r} is not a date like 2025-01-06", row
            ) from None
        if offset and offset != there:
            raise _other_zone(path, value, universe, row)
        stamps.append(moment)
    return _from_stamps(pl.Series("stamp", stamps, dtype=pl.Datetime("us", "UTC")), universe, nothing)


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


def _from_stamps(column: pl.Series, universe: Universe, nothing: pl.Series) -> dict[str, pl.Series]:
    """Naive stamps are the exchange's own time; midnights without a zone are plain days."""
    if getattr(column.dtype, "time_zone", None) is None:
        midnights = column.to_frame().select(pl.first().dt.time() == pl.time(0)).to_series()
        if midnights.all():
            return {"session": column.dt.date(), "stamp": nothing}
        column = column.dt.replace_time_zone(universe.time_zone)
    return {"session": _local(column, universe).dt.date(), "stamp": column.dt.convert_time_zone("UTC")}


def _actions(table: pl.DataFrame) -> pl.DataFrame:
    """Dividends and splits of the rows that carry one (0 stands for none)."""
    found = [empty(ACTIONS)]
    for name, kind in _ACTION_NAMES.items():
        if name in table.columns:
            value = pl.col(name)
            carrying = table.filter(value.is_finite() & (value > 0))
            found.append(carrying.select("symbol", ex_date="session", kind=pl.lit(kind), value=value))
    return pl.concat(found)
