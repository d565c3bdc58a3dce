"""Files of 5-minute bars that a user names, beside the daily ones of `bar_files`.

Understood layouts, columns in any order and case:

* a table with a header: ``datetime`` (or ``timestamp``, ``date``, ``datetime_jst``, ``ts``), the four prices, perhaps
  ``volume`` and ``symbol``;
* what MetaTrader 4 writes, without a header: ``2024.10.29,13:55,153.613,153.674,153.610,153.674,222``;
* what MetaTrader 5 writes: ``<DATE> <TIME> <OPEN> <HIGH> <LOW> <CLOSE> <TICKVOL> <VOL> <SPREAD>``, with tabs between;
* what its Python package hands out (``copy_rates_from`` and its like) as CSV or Parquet: ``time`` in seconds, the
  four prices, ``tick_volume``, ``spread``, ``real_volume``.

A stamp with an offset is a moment, whatever zone it names: unlike a daily bar, which belongs to a date, it cannot
end up in a neighbouring session. A stamp without one is in the zone the user names, else in the exchange's; the
clock of a MetaTrader server is the broker's own, so there the user has to name it. That holds for its seconds, too:
they count from 1970 on the broker's clock, not in UTC.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.adapters.sources.files.daily_bars import (
    BarRows,
    in_range,
    named_symbol,
    number,
    read_bar_file,
    refuse_commas,
    refuse_far_moments,
    refuse_nul,
)
from miraikakaku_assets.adapters.sources.files.table_files import MOST_ROWS, Part, table_parts
from miraikakaku_assets.domain.bars.frame import ACTIONS, PRICES, RAW_INTRADAY, empty
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

_STAMP_NAMES = ("datetime", "timestamp", "date", "datetime_jst", "ts")
_METATRADER_4 = ("date", "time", *PRICES, "volume")
_METATRADER_5 = ("tick_volume", "real_volume", "tickvol")
_SHARE_VOLUMES = ("volume", "real_volume", "vol")
_METATRADER_STAMP = "%Y.%m.%d %H:%M"
_WITH_OFFSET = ("%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%z")
_LOCAL = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", _METATRADER_STAMP, _METATRADER_STAMP + ":%S")
_MOMENT = pl.Datetime("us", "UTC")


class NamedBarFiles:
    """Implements the port `BarFiles`: one file, whatever it holds, as raw bars."""

    def read(self, path: Path, timeframe: Timeframe, universe: Universe, zone: str = "") -> pl.DataFrame:
        """Bars of a file, unchecked.

        Args:
            path: Parquet or CSV.
            timeframe: 1d or 5m, what its rows are.
            universe: Where its symbols belong.
            zone: IANA zone of stamps without an offset; empty for the exchange's.

        Returns:
            Schema `RAW_DAILY` or `RAW_INTRADAY`.

        Raises:
            InputFileError: No such file, or no layout that is known.
            ConfigurationError: There is no such time zone.
        """
        if timeframe is Timeframe.D1:
            return read_bar_file(path, universe)[0]
        return read_intraday_file(path, universe, zone)


def read_intraday_file(path: Path, universe: Universe, zone: str = "") -> pl.DataFrame:
    """Reads one file of 5-minute bars; arguments, result and errors as of `NamedBarFiles.read`."""
    return pl.concat([part.bars for part in intraday_rows(path, universe, zone)])


def intraday_rows(
    path: Path, universe: Universe, zone: str = "", symbol: str = "", most_rows: int = MOST_ROWS
) -> Iterator[BarRows]:
    """Reads one file part by part, at least one.

    Args:
        path: CSV or Parquet.
        universe: Where its symbols belong.
        zone: IANA zone of stamps without an offset; empty for the exchange's.
        symbol: Whose bars they are if the file names no symbol; empty for its own name.
        most_rows: Rows that are taken.

    Raises:
        InputFileError: No such file, or no layout that is known.
        ConfigurationError: There is no such time zone.
    """
    for part in table_parts(path, most_rows, _metatrader_4):
        try:
            rows = _intraday_part(path, part, universe, zone, symbol)
        except pl.exceptions.PolarsError as error:
            reason = str(error).splitlines()[0]
            explanation = f"a column does not hold what its name says ({reason})"
            raise InputFileError(str(path), "unknown_layout", explanation) from None
        yield rows


def _intraday_part(path: Path, part: Part, universe: Universe, zone: str, symbol: str) -> BarRows:
    columns = {name.strip().lower(): name for name in part.table.columns}
    stamp, is_brokers = _stamp(path, columns)
    volume = next((name for name in _SHARE_VOLUMES if name in columns), None) if universe.has_volume else None
    missing = [name for name in PRICES if name not in columns]
    if universe.has_volume and volume is None:
        missing.append("volume")
    if missing:
        explanation = f"column {missing[0]} is missing; columns are: {', '.join(columns)}"
        raise InputFileError(str(path), "missing_column", explanation, 1)
    figures = [*PRICES, *([volume] if volume else [])]
    table = part.table.select(
        stamp.alias("stamp"),
        pl.col(columns["symbol"]).cast(pl.String).alias("symbol")
        if "symbol" in columns
        else pl.lit(symbol or named_symbol(path, universe)).alias("symbol"),
        *(pl.col(columns[name]).alias(name) for name in figures),
    ).with_row_index("row", offset=part.first_row)
    if part.is_text:  # a blank line is no row
        table = table.filter(~pl.all_horizontal(pl.col("stamp", *figures).is_null()))
    refuse_commas(path, table, figures)
    refuse_nul(path, table)
    numbers = {name: number(table, name) for name in figures}
    counted = numbers.pop(volume) if volume else pl.lit(None, pl.Float64)  # a currency's is a count of quotes
    moments = _moments(path, table, zone or universe.time_zone)
    if is_brokers and not zone and not _has_offset(table["stamp"]):
        explanation = (
            "MetaTrader writes the broker's clock; name its zone with --time-zone, e.g. Europe/Helsinki"
        )
        raise InputFileError(str(path), "no_time_zone", explanation, part.first_row)
    bars = table.select("symbol", "row", **numbers, volume=counted, refusal=pl.lit(None, pl.String))
    bars = bars.with_columns(moments).select(pl.col(name).cast(kind) for name, kind in RAW_INTRADAY.items())
    return BarRows(bars, empty(ACTIONS), tuple(sorted(columns)))


def _metatrader_4(cells: Sequence[str]) -> Sequence[str] | None:
    """Names of the columns if a file's first line is one of MetaTrader's rows."""
    try:
        datetime.strptime(" ".join(cells[:2]), _METATRADER_STAMP)  # noqa: DTZ007 - only whether it is one
    except ValueError:
        return None
    return _METATRADER_4 if len(cells) == len(_METATRADER_4) else None


def _stamp(path: Path, columns: dict[str, str]) -> tuple[pl.Expr, bool]:
    """The column that says when, and whether it is on a broker's clock."""
    if "date" in columns and "time" in columns:
        return pl.concat_str([columns["date"], columns["time"]], separator=" "), True
    if "time" in columns and any(name in columns for name in _METATRADER_5):
        return pl.col(columns["time"]), True
    name = next((name for name in _STAMP_NAMES if name in columns), None)
    if name is None:
        explanation = f"column datetime is missing; columns are: {', '.join(columns)}"
        raise InputFileError(str(path), "missing_column", explanation, 1)
    return pl.col(columns[name]), False


def _has_offset(stamps: pl.Series) -> bool:
    """Whether stamps name their own zone."""
    if isinstance(stamps.dtype, pl.Datetime):
        return stamps.dtype.time_zone is not None
    if stamps.dtype != pl.String:
        return False
    return bool(stamps.str.contains(r"([+-]\d\d:?\d\d|Z)\s*$").all())


def _moments(path: Path, table: pl.DataFrame, zone: str) -> pl.Series:
    """Column ``stamp`` in UTC from whatever the file's stamps are."""
    try:
        local = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ConfigurationError(f"Time zone {zone!r} does not exist; name one such as Asia/Tokyo") from None
    column = table["stamp"]
    if column.dtype.is_numeric():
        clock = column.cast(pl.Float64, strict=False).fill_nan(None)
        column = (clock * 1_000_000).cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
        lost = column.is_null() & table["stamp"].is_not_null()  # more than 64 bits, or no number
        if lost.any():
            explanation = f"{table['stamp'].filter(lost)[0]} is not a moment like 1736121600"
            raise InputFileError(str(path), "bad_date", explanation, table["row"].filter(lost)[0])
    if isinstance(column.dtype, pl.Datetime):
        stamps = column.cast(pl.Datetime("us", column.dtype.time_zone))
        refuse_far_moments(path, stamps, table["row"])
        if column.dtype.time_zone is not None:
            return stamps.dt.convert_time_zone("UTC").alias("stamp")
        moments = _localised(stamps, zone)
        texts = stamps.dt.to_string("iso")
    else:
        texts = column.cast(pl.String).str.strip_chars()
        moments = _parsed(texts, zone)
    missing = moments.is_null().arg_true()
    if not missing.is_empty():  # spelled otherwise, or in the hour that summer time skips
        rows = table["row"].gather(missing)
        respelled = [
            _moment(path, text, row, local) for text, row in zip(texts.gather(missing), rows, strict=True)
        ]
        moments = moments.scatter(missing, pl.Series(respelled, dtype=_MOMENT))
    return moments.alias("stamp")


def _localised(clock: pl.Series, zone: str) -> pl.Series:
    at = clock.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return at.dt.convert_time_zone("UTC")


def _parsed(texts: pl.Series, zone: str) -> pl.Series:
    """Moments of the usual spellings; null for others."""
    moments = pl.Series([None], dtype=_MOMENT).new_from_index(0, len(texts))
    for spelling in (*_WITH_OFFSET, *_LOCAL):
        if moments.null_count() == 0:
            break
        clock = texts.str.to_datetime(spelling, time_unit="us", strict=False)
        read = clock.dt.convert_time_zone("UTC") if spelling in _WITH_OFFSET else _localised(clock, zone)
        moments = moments.zip_with(moments.is_not_null(), read)
    digits = texts.str.contains(r"^\d{9,10}$") & moments.is_null()
    if digits.any():  # seconds, as MetaTrader's Python package counts them
        seconds = texts.cast(pl.Int64, strict=False) * 1_000_000
        moments = moments.zip_with(~digits, _localised(seconds.cast(pl.Datetime("us")), zone))
    return moments


def _moment(path: Path, text: str | None, row: int, local: ZoneInfo) -> datetime:
    is_dotted = (text or "")[4:5] == "."  # MetaTrader's 2024.10.29
    try:
        moment = datetime.fromisoformat((text or "").replace(".", "-", 2) if is_dotted else text or "")
    except ValueError:
        explanation = f"{text!r} is not a moment like 2025-01-06 09:00:00+09:00"
        raise InputFileError(str(path), "bad_date", explanation, row) from None
    moment = in_range(path, moment, row)
    return (moment if moment.utcoffset() is not None else moment.replace(tzinfo=local)).astimezone(UTC)
