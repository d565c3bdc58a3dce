"""Which bars lie in which file, and their way there and back, in PostgreSQL.

A move is one transaction: bars are read, written to a file that reaches the disk, read back and compared, and deleted
in the commit that enters the file. Killed before that commit, the bars are in the database and the file is named by
nobody; the same move writes it again under the same name. A restore is the reverse, in one transaction as well; the
file stays until `forget`, for whoever still reads it by an earlier state of the database.
"""

from datetime import date, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import (
    append_rows,
    bulk_cursor,
    lock_instruments,
    plain_array,
    read_frame,
    stage,
)
from miraikakaku_assets.adapters.storage.cold import statements
from miraikakaku_assets.adapters.storage.cold.reader import (
    Instruments,
    cold_ranges,
    typed_bars,
)
from miraikakaku_assets.adapters.storage.cold.thaw import thaw
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.operations.backups import TableFigures
from miraikakaku_assets.application.ports.operations.cold import ColdFile, ColdFiles, ColdPart, FileFigures
from miraikakaku_assets.domain.errors import ColdFileError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.operations.cold_months import month_span, month_start, months

_INSTRUMENTS = 200
"""In one file: a month of Tokyo's five-minute bars of so many is 270,000 rows, held in memory while they move."""


class PostgresCold:
    """Implements the port `ColdStore`.

    Args:
        database: Where the bars are.
        files: Where they go.
    """

    def __init__(self, database: Database, files: ColdFiles) -> None:
        self._database = database
        self._files = files

    def due(self, universe: Universe, timeframe: Timeframe, before: datetime) -> list[ColdPart]:
        """By two look-ups per instrument; a month without bars of an instrument is found when it is moved."""
        of_month: dict[date, list[int]] = {}
        with bulk_cursor(self._database) as cursor:
            parameters = (universe.name, timeframe.value, before.isoformat())
            instruments = read_frame(cursor, statements.DUE, parameters)
        for number, oldest, newest in instruments.iter_rows():
            for month in months(oldest, min(before, month_start(newest))):
                of_month.setdefault(month, []).append(number)
        return [
            ColdPart(universe.name, timeframe, month, tuple(of_month[month][begin : begin + _INSTRUMENTS]))
            for month in sorted(of_month)
            for begin in range(0, len(of_month[month]), _INSTRUMENTS)
        ]

    def move(self, part: ColdPart, now: datetime) -> ColdFile | None:
        """What lies in another file of that month already comes back first: a month of an instrument has one file."""
        first, end = month_span(part.month)
        chosen = (plain_array(part.instruments), part.timeframe.value, first.isoformat(), end.isoformat())
        with bulk_cursor(self._database) as cursor:
            lock_instruments(cursor, part.instruments)
            leaving = read_frame(cursor, statements.LEAVING, chosen)
            if leaving.is_empty():
                return None
            again = Instruments(ids=leaving["instrument_id"].unique().sort())
            ranges = cold_ranges(cursor, part.timeframe, again, first, end)
            if thaw(self._database, cursor, part.timeframe, ranges, now):
                leaving = read_frame(cursor, statements.LEAVING, chosen)
            figures, stored = self._written(cursor, part, leaving, chosen)
            by_instrument = leaving.group_by("instrument_id").agg(
                first_ts=pl.col("ts").min(), last_ts=pl.col("ts").max(), rows=pl.len().cast(pl.Int64)
            )
            _enter(cursor, part, stored, figures, by_instrument, now)
            cursor.execute(statements.LEFT, chosen)
        rows, instruments = leaving.height, by_instrument.height
        return ColdFile(
            stored, part.universe, part.timeframe, part.month, rows, figures.digest, rows, instruments, now
        )

    def in_force(self) -> list[ColdFile]:
        """By path."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.IN_FORCE)
            return [_file(*row) for row in cursor.fetchall()]

    def restore(self, file: ColdFile, now: datetime) -> int:
        """What another process has brought back meanwhile is not counted."""
        with bulk_cursor(self._database) as cursor:
            ranges = _ranges(cursor, file)
            lock_instruments(cursor, ranges["instrument_id"])
            return thaw(self._database, cursor, file.timeframe, _ranges(cursor, file), now)

    def trouble(self, file: ColdFile) -> str:
        """Its bytes, its bars, and that none of them is in the database as well."""
        try:
            self._files.check(file.figures)
            with bulk_cursor(self._database) as cursor:
                stage(cursor, "written_bars", typed_bars(self._files.read(file.figures)))
                self._compare(cursor, file.figures, TableFigures(file.rows, file.digest))
                cursor.execute(statements.OVERLAPPING, (file.figures.path,))
                both = cursor.fetchone()
        except ColdFileError as error:
            return str(error)
        if both is None:
            return ""
        explanation = f"has bars of {both[0]} that are in the database as well"
        return str(ColdFileError(file.figures.path, "overlap", explanation))

    def known_paths(self, before: datetime) -> frozenset[str]:
        """In force now, or until less than that long ago."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.KNOWN_PATHS, (before.isoformat(),))
            return frozenset(path for (path,) in cursor.fetchall())

    def forget(self, before: datetime) -> None:
        """Lines of files that are gone."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.FORGET, (before.isoformat(),))

    def _written(
        self, cursor: Any, part: ColdPart, leaving: pl.DataFrame, chosen: tuple[str, ...]
    ) -> tuple[TableFigures, FileFigures]:
        """Writes the file, reads it back, and has the database compare what it holds with what was read."""
        cursor.execute(statements.FIGURES_LEAVING, chosen)
        figures = TableFigures(*cursor.fetchone())
        cursor.execute(statements.SYMBOLS, (plain_array(leaving["instrument_id"].unique().sort()),))
        symbols = dict(cursor.fetchall())
        cursor.execute(statements.IS_SIMULATED)
        (is_simulated,) = cursor.fetchone()
        symbol = pl.col("instrument_id").replace_strict(symbols, return_dtype=pl.String)
        named = leaving.select("instrument_id", symbol.alias("symbol"), pl.exclude("instrument_id"))
        stored = self._files.write(part, named, figures.digest, is_simulated=is_simulated)
        self._files.check(stored)
        stage(cursor, "written_bars", typed_bars(self._files.read(stored)))
        self._compare(cursor, stored, figures)
        return figures, stored

    def _compare(self, cursor: Any, stored: FileFigures, expected: TableFigures) -> None:
        cursor.execute(statements.FIGURES_WRITTEN)
        written = TableFigures(*cursor.fetchone())
        if written != expected:
            raise ColdFileError(
                stored.path,
                "altered",
                f"holds {written.rows:,} bars where {expected.rows:,} were stored, or their values differ; bars that "
                "are in the database stay there",
            )


def _enter(
    cursor: Any,
    part: ColdPart,
    stored: FileFigures,
    figures: TableFigures,
    by_instrument: pl.DataFrame,
    now: datetime,
) -> None:
    """The file and what is read from it."""
    first, last = by_instrument["first_ts"].min(), by_instrument["last_ts"].max()
    named = (stored.path, part.universe, part.timeframe.value, str(part.month), str(first), str(last))
    values = (figures.rows, stored.bytes, stored.sha256, figures.digest, stored.schema_version, str(now))
    cursor.execute(statements.ENTER_FILE, (*named, *values))
    (number,) = cursor.fetchone()
    constants = (
        pl.lit(part.timeframe.value).alias("timeframe"),
        pl.lit(part.month).alias("month"),
        pl.lit(number, pl.Int32).alias("file_id"),
    )
    append_rows(cursor, "cold_ranges", by_instrument.with_columns(*constants))


def _ranges(cursor: Any, file: ColdFile) -> pl.DataFrame:
    """What is read from a file now."""
    first, end = month_span(file.month)
    ranges = cold_ranges(cursor, file.timeframe, Instruments(universe=file.universe), first, end)
    return ranges.filter(pl.col("path") == file.figures.path)


def _file(
    path: str, size: int, sha256: str, version: int, universe: str, timeframe: str, *rest: Any
) -> ColdFile:
    return ColdFile(FileFigures(path, size, sha256, version), universe, Timeframe(timeframe), *rest)
