"""The one reader of cold bars: whoever reads bars of a span of time asks here for those that lie in files.

A reader that meets both in one transaction begins it with `steady`: bars that move while it reads are in the database
for it, or in the file, and never in both or in none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import plain_array, read_frame, stage, text_array
from miraikakaku_assets.adapters.storage.cold.statements import COLD_COLUMNS, RANGES
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.operations.cold import ColdFiles, FileFigures
from miraikakaku_assets.domain.errors import ColdFileError
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.operations.cold_months import COLD_TIMEFRAMES

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
BAR_TYPES: dict[str, pl.DataType] = {
    "instrument_id": pl.Int32(),
    "ts": pl.Datetime("us", "UTC"),
    **dict.fromkeys(("open", "high", "low", "close"), pl.Float64()),
    "volume": pl.Int64(),
    **dict.fromkeys(("source", "status", "flag"), pl.String()),
    "fetched_at": pl.Datetime("us", "UTC"),
    "built_from": pl.String(),
    "parts": pl.Int32(),
    "expected_parts": pl.Int32(),
}
"""Columns of cold bars, as the database types them."""


@dataclass(frozen=True)
class Instruments:
    """Which instruments are read: conditions on them, all of which hold.

    Attributes:
        universe: Name of their universe; None for any.
        symbols: Their symbols; None for all.
        ids: Their numbers; None for all.
    """

    universe: str | None = None
    symbols: Sequence[str] | None = None
    ids: Iterable[int] | None = None

    def condition(self, place: int) -> tuple[str, tuple[str, ...]]:
        """SQL on ``i`` and its parameters, the first of them with that number."""
        given = (
            ("i.universe = {}", self.universe),
            ("i.symbol = ANY ({}::text[])", None if self.symbols is None else text_array(self.symbols)),
            ("i.id = ANY ({}::int[])", None if self.ids is None else plain_array(self.ids)),
        )
        named = [(sql, value) for sql, value in given if value is not None]
        clauses = [f"AND {sql.format(f'${place + at}')}" for at, (sql, _) in enumerate(named)]
        return " ".join(clauses), tuple(value for _, value in named)


def steady(cursor: Any, timeframe: Timeframe) -> None:
    """Makes what the transaction reads that of one moment, where bars of the timeframe may move meanwhile."""
    if timeframe in COLD_TIMEFRAMES:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def cold_ranges(
    cursor: Any,
    timeframe: Timeframe,
    instruments: Instruments,
    since: datetime = ALWAYS,
    before: datetime = NEVER,
) -> pl.DataFrame:
    """Months of instruments that lie in files and reach into a span of time, in the order of their files.

    Args:
        cursor: Of a bulk connection.
        timeframe: Of the bars.
        instruments: Which.
        since: Start of the earliest bar wanted (UTC).
        before: Bars from that moment on (UTC) are not wanted.
    """
    chosen, values = instruments.condition(4)
    parameters = (timeframe.value, since.isoformat(), before.isoformat(), *values)
    return read_frame(cursor, RANGES.format(chosen=chosen), parameters)


def cold_bars(
    database: Database,
    cursor: Any,
    timeframe: Timeframe,
    instruments: Instruments,
    since: datetime = ALWAYS,
    before: datetime = NEVER,
) -> pl.DataFrame:
    """Bars of a span of time that lie in files: ``symbol`` and the columns of `BAR_TYPES`, unsorted.

    No file is opened for a timeframe, an instrument or a time that none holds.

    Args:
        database: Knows where the files are.
        cursor: Of a bulk connection to it, in a transaction that `steady` has begun.
        timeframe: Of the bars.
        instruments: Which.
        since: Start of the earliest bar (UTC).
        before: Bars from that moment on (UTC) are left out.

    Raises:
        ColdFileError: A file is missing or altered.
    """
    nothing = pl.DataFrame(schema={"symbol": pl.String(), **BAR_TYPES})
    if timeframe not in COLD_TIMEFRAMES:
        return nothing
    ranges = cold_ranges(cursor, timeframe, instruments, since, before)
    span = (pl.col("ts") >= since) & (pl.col("ts") < before)
    frames = [in_file(database, figures, of_file).filter(span) for figures, of_file in by_file(ranges)]
    return pl.concat([nothing, *frames])


def by_file(ranges: pl.DataFrame) -> Iterator[tuple[FileFigures, pl.DataFrame]]:
    """The ranges of each file."""
    for of_file in ranges.partition_by("path", maintain_order=True):
        path, size, sha256, version = of_file.select("path", "bytes", "sha256", "schema_version").row(0)
        yield FileFigures(path, size, sha256, version), of_file


def in_file(database: Database, figures: FileFigures, ranges: pl.DataFrame) -> pl.DataFrame:
    """Bars of the instruments of some ranges in a file; as of `cold_bars`.

    Raises:
        ColdFileError: It is missing or altered, or has other bars of them than were moved.
    """
    bars = typed_bars(files_of(database, figures).read(figures, ranges["instrument_id"].to_list()))
    if bars.height != ranges["rows"].sum():
        raise ColdFileError(
            figures.path, "altered", f"has {bars.height:,} bars where {ranges['rows'].sum():,} were moved"
        )
    symbols = dict(ranges.select("instrument_id", "symbol").iter_rows())
    symbol = pl.col("instrument_id").replace_strict(symbols, return_dtype=pl.String)
    return bars.select(symbol.alias("symbol"), *BAR_TYPES)


def typed_bars(rows: pl.LazyFrame) -> pl.DataFrame:
    """Rows of a file with the columns of `BAR_TYPES`."""
    return rows.select(pl.col(name).cast(kind) for name, kind in BAR_TYPES.items()).collect()


def files_of(database: Database, figures: FileFigures) -> ColdFiles:
    """The folder of cold files.

    Raises:
        ColdFileError: This process was not told where it is.
    """
    if database.cold_files is None:
        raise ColdFileError(figures.path, "missing", "lies in a state folder that this process does not know")
    return database.cold_files


def beside_stored(cursor: Any, cold: pl.DataFrame, timeframe: Timeframe) -> Mapping[str, str]:
    """Puts cold bars into a temporary table; returns what takes the place of ``price_bars`` in a statement.

    Args:
        cursor: Of a bulk connection that may write.
        cold: As of `cold_bars`.
        timeframe: Of them.
    """
    if cold.is_empty():
        return {}
    named = cold.with_columns(timeframe=pl.lit(timeframe.value)).select("timeframe", *COLD_COLUMNS)
    stage(cursor, "cold_bars", named)
    # Compared as in ``price_bars``: of two collations PostgreSQL would know none.
    cursor.execute('ALTER TABLE cold_bars ALTER COLUMN timeframe TYPE text COLLATE "C"')
    cursor.execute("CREATE INDEX ON cold_bars (instrument_id, timeframe, ts)")
    columns = ", ".join(named.columns)
    both = f"(SELECT {columns} FROM miraikakaku.price_bars UNION ALL SELECT {columns} FROM cold_bars)"
    return {"miraikakaku.price_bars": both}


def replaced_in(query: str, places: Mapping[str, str]) -> str:
    """A statement that reads only, with what `beside_stored` returned."""
    for name, place in places.items():
        query = query.replace(name, place)
    return query
