"""Files of 5-minute bars that a user names, beside the daily ones of `bar_files`.

Understood layouts:

* a table with a header, columns in any order and case: ``datetime`` (or ``timestamp``, ``date``, ``datetime_jst``),
  the four prices, perhaps ``volume`` and ``symbol``;
* what MetaTrader writes, without a header: ``2024.10.29,13:55,153.613,153.674,153.610,153.674,222``.

A stamp with an offset is a moment, whatever zone it names: unlike a daily bar, which belongs to a date, it cannot
end up in a neighbouring session. A stamp without one is in the zone the user names, else in the exchange's; the
clock of a MetaTrader server is the broker's own, so there the user has to name it.
"""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.adapters.sources.bar_files import (
    named_symbol,
    read_bar_file,
    read_csv_table,
    read_parquet_table,
)
from miraikakaku_assets.domain.bars.frame import PRICES, RAW_INTRADAY
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

_STAMP_NAMES = ("datetime", "timestamp", "date", "datetime_jst", "ts")
_METATRADER = ("day", "time", *PRICES, "volume")
_METATRADER_STAMP = "%Y.%m.%d %H:%M"


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
    if not path.is_file():
        raise InputFileError(str(path), "no_such_file", "there is no such file")
    if path.suffix.lower() == ".csv":
        table, first_row = _text_table(path)
    else:
        table, first_row = read_parquet_table(path), 1
    is_metatrader = tuple(table.columns) == _METATRADER
    if is_metatrader and not zone:
        explanation = "MetaTrader writes the broker's clock without its zone; name it, e.g. Europe/Helsinki"
        raise InputFileError(str(path), "no_time_zone", explanation, 1)
    columns = {name.strip().lower(): name for name in table.columns}
    stamp = "day" if is_metatrader else next((name for name in _STAMP_NAMES if name in columns), None)
    needed = (*PRICES, *(("volume",) if universe.has_volume else ()))
    missing = [*(name for name in needed if name not in columns), *(() if stamp else ("datetime",))]
    if missing:
        explanation = f"column {missing[0]} is missing; columns are: {', '.join(columns)}"
        raise InputFileError(str(path), "missing_column", explanation, 1)
    numbers = {name: _number(table, columns.get(name)) for name in (*PRICES, "volume")}
    symbol = columns.get("symbol")
    named = pl.col(symbol).cast(pl.String) if symbol else pl.lit(named_symbol(path, universe))
    clock = pl.concat_str([columns["day"], columns["time"]], separator=" ") if is_metatrader else None
    said = table.select((clock if clock is not None else pl.col(columns[str(stamp)])).alias("stamp"))
    raw = table.select(symbol=named, **numbers, refusal=pl.lit(None, pl.String)).with_row_index(
        "row", offset=first_row
    )
    return raw.with_columns(_moments(path, said["stamp"], first_row, zone or universe.time_zone)).select(
        pl.col(name).cast(kind) for name, kind in RAW_INTRADAY.items()
    )


def _text_table(path: Path) -> tuple[pl.DataFrame, int]:
    """The table with its header, or MetaTrader's with the one it lacks, and the line of its first row."""
    table, first_row, _ = read_csv_table(path)
    first = table.columns
    if len(first) != len(_METATRADER) or not _is_metatrader_stamp(f"{first[0]} {first[1]}"):
        return table, first_row
    return pl.read_csv(path, has_header=False, new_columns=list(_METATRADER), infer_schema=False), 1


def _is_metatrader_stamp(text: str) -> bool:
    try:
        datetime.strptime(text, _METATRADER_STAMP)  # noqa: DTZ007 - only whether it is one
    except ValueError:
        return False
    return True


def _number(table: pl.DataFrame, column: str | None) -> pl.Expr:
    """What is no number becomes null and is refused as such by the validation."""
    if column is None:
        return pl.lit(None, pl.Float64)
    value = pl.col(column).str.strip_chars() if table.schema[column] == pl.String else pl.col(column)
    return value.cast(pl.Float64, strict=False)


def _moments(path: Path, said: pl.Series, first_row: int, zone: str) -> pl.Series:
    """Column ``stamp`` in UTC from whatever the file's stamps are."""
    try:
        local = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ConfigurationError(f"Time zone {zone!r} does not exist; name one such as Asia/Tokyo") from None
    if isinstance(said.dtype, pl.Datetime):
        stamps = said.cast(pl.Datetime("us", said.dtype.time_zone))
        if said.dtype.time_zone is not None:
            return stamps.dt.convert_time_zone("UTC").alias("stamp")
        moments = [None if value is None else value.replace(tzinfo=local) for value in stamps]
    else:
        moments = []
        for row, text in enumerate(said.cast(pl.String), start=first_row):
            moments.append(_moment(path, text, row, local))
    return pl.Series("stamp", moments, dtype=pl.Datetime("us", "UTC"))


def _moment(path: Path, text: str | None, row: int, local: ZoneInfo) -> datetime:
    spelled = (text or "").strip()
    try:
        if spelled[4:5] == ".":
            return datetime.strptime(spelled, _METATRADER_STAMP).replace(tzinfo=local)
        moment = datetime.fromisoformat(spelled)
    except ValueError:
        explanation = f"{text!r} is not a moment like 2025-01-06 09:00:00+09:00"
        raise InputFileError(str(path), "bad_date", explanation, row) from None
    return moment if moment.utcoffset() is not None else moment.replace(tzinfo=local)
