"""Price source over a folder (or one file) of Parquet and CSV bars.

Nothing is fetched: the folder is what there is. A symbol found in several files is read from those of one kind (the
same columns), session by session from one of them: months of an archive are one history. Files of another kind are
left out: mixing them would join raw and adjusted histories. Tables of many symbols go before single-symbol files,
larger before smaller. Rows that were not chosen are accounted for as refused.

The files are looked through once and handed out some symbols at a time, so that memory holds a part of them only.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import polars as pl

from miraikakaku_assets.adapters.sources.files.archive_files import IndexedFile, Reader, RowBudget, index
from miraikakaku_assets.adapters.sources.files.archive_rows import as_quoted, chosen
from miraikakaku_assets.adapters.sources.files.daily_bars import daily_rows, named_symbol
from miraikakaku_assets.adapters.sources.files.intraday_bars import intraday_rows
from miraikakaku_assets.adapters.sources.files.table_files import MOST_ROWS, SUFFIXES
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY, RAW_INTRADAY, empty
from miraikakaku_assets.domain.errors import (
    ConfigurationError,
    InputFileError,
    PermanentSymbolError,
    SymbolError,
)
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

SYMBOLS_PER_DELIVERY = (
    500  # one transaction of ~120,000 daily bars: large enough for COPY, small enough to lose
)
ROWS_PER_DELIVERY = 500_000


@dataclass(frozen=True)
class FileOptions:
    """What a user says of files that they do not say themselves.

    Attributes:
        timeframe: 1d or 5m, what their rows are.
        zone: IANA zone of 5-minute stamps without an offset; empty for the exchange's.
        symbol: Whose bars are in files that name no symbol; empty for the file's own name.
        most_rows: Rows that are taken from one file.
    """

    timeframe: Timeframe = Timeframe.D1
    zone: str = ""
    symbol: str = ""
    most_rows: int = MOST_ROWS


@dataclass(frozen=True)
class _Contents:
    """The files that are readable, those to prefer first, and the errors of the others by symbol."""

    files: Sequence[IndexedFile]
    broken: Mapping[str, InputFileError]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Symbol → its rows in all files, sorted by symbol."""
        every = pl.concat(
            [
                pl.DataFrame(schema={"symbol": pl.String, "rows": pl.Int64}),
                *(file.counts for file in self.files),
            ]
        )
        return dict(every.group_by("symbol").agg(pl.col("rows").sum()).sort("symbol").iter_rows())


class ArchiveSource:
    """Implements the port `PriceSource` over files.

    Args:
        location: Folder (searched with its subfolders) or one file.
        options: What the files do not say themselves.

    Raises:
        InputFileError: There is no bar file in the folder.
    """

    name = "archive"
    is_fixed = True

    def __init__(self, location: Path, options: FileOptions | None = None) -> None:
        self._options = options or FileOptions()
        if location.is_dir():
            self._files = sorted(path for path in location.rglob("*") if path.suffix.lower() in SUFFIXES)
        else:
            self._files = [location]
        if not self._files:
            explanation = "there is no Parquet or CSV file in the folder; name the one that holds your bars"
            raise InputFileError(str(location), "no_bar_file", explanation)
        self._loaded: dict[str, _Contents] = {}

    def deliver(
        self,
        universe: Universe,
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,  # noqa: ARG002 - a delivery takes a fraction of a second
    ) -> Iterator[Delivery]:
        """Serves the requests in deliveries of `SYMBOLS_PER_DELIVERY` at most, sorted by symbol.

        Raises:
            InputFileError: The archive is one file and it is not readable.
        """
        self._require(timeframe)
        contents = self._contents(universe)
        by_symbol = {request.symbol: request for request in requests}
        for symbols in _groups(contents, sorted(by_symbol)):
            failures = _unreadable(contents, set(symbols) & set(contents.broken))
            served = [symbol for symbol in symbols if symbol not in failures]
            delivery = self._delivery(contents, universe, served, failures)
            yield _within(delivery, universe, [by_symbol[symbol] for symbol in served])

    def unrequested(self, universe: Universe, requested: frozenset[str]) -> Iterator[Delivery]:
        """All rows of symbols that were not asked for, and the unreadable files none of them is named after."""
        contents = self._contents(universe)
        failures = _unreadable(contents, set(contents.broken) - requested)
        rest = [symbol for symbol in contents.counts if symbol not in requested and symbol not in failures]
        for symbols in _groups(contents, rest):
            yield self._delivery(contents, universe, symbols, {})
        if failures:
            yield self._delivery(contents, universe, [], failures)

    def symbols(self, universe: Universe) -> list[str]:
        """Symbols of which there are rows, sorted.

        Raises:
            InputFileError: The archive is one file and it is not readable.
        """
        return list(self._contents(universe).counts)

    def common_window(self, universe: Universe) -> tuple[date, date] | None:
        """First and last day on which at least half of the archive's symbols have a bar."""
        contents = self._contents(universe)
        codes = {symbol: code for code, symbol in enumerate(contents.counts)}
        if not codes:
            return None
        seen = [pl.DataFrame(schema={"symbol": pl.UInt32, "session": pl.Date})]
        for file in contents.files:
            for part in file.parts():
                there = part.filter(pl.col("close").is_not_null())
                symbol = pl.col("symbol").replace_strict(codes, return_dtype=pl.UInt32)
                seen.append(there.select(symbol, "session").unique())
        days = pl.concat(seen).unique().group_by("session").len("n")
        usual = days.filter(pl.col("n") * 2 >= len(codes))["session"]
        return None if usual.is_empty() else (usual.min(), usual.max())  # type: ignore[return-value]

    def _require(self, timeframe: Timeframe) -> None:
        if timeframe is not self._options.timeframe:
            held = "daily" if self._options.timeframe is Timeframe.D1 else self._options.timeframe
            raise ConfigurationError(
                f"The archive holds {held} bars; {timeframe} bars cannot be collected from it"
            )

    def _contents(self, universe: Universe) -> _Contents:
        if universe.name not in self._loaded:
            self._loaded[universe.name] = self._load(universe)
        return self._loaded[universe.name]

    def _load(self, universe: Universe) -> _Contents:
        readable, broken, budget = [], {}, RowBudget()
        for path in self._files:
            try:
                readable.append(index(path, self._reader(universe), budget))
            except InputFileError as error:
                if len(self._files) == 1:
                    raise
                broken[named_symbol(path, universe)] = error
        readable.sort(key=lambda file: (-file.counts.height, -file.counts["rows"].sum()))
        return _Contents(readable, broken)

    def _reader(self, universe: Universe) -> Reader:
        options = self._options
        if options.timeframe is Timeframe.D1:
            return partial(daily_rows, universe=universe, symbol=options.symbol, most_rows=options.most_rows)
        return partial(
            intraday_rows,
            universe=universe,
            zone=options.zone,
            symbol=options.symbol,
            most_rows=options.most_rows,
        )

    def _delivery(
        self,
        contents: _Contents,
        universe: Universe,
        symbols: Sequence[str],
        failures: Mapping[str, SymbolError],
    ) -> Delivery:
        requested = frozenset(symbols)
        holding = [file for file in contents.files if not requested.isdisjoint(file.counts["symbol"])]
        mine = pl.col("symbol").is_in(sorted(requested))
        happened = pl.concat(
            [
                empty(ACTIONS).with_columns(file=pl.lit(0)),
                *(file.actions.filter(mine).with_columns(file=pl.lit(at)) for at, file in enumerate(holding)),
            ]
        )
        # Where files differ about a dividend, the one whose bars are preferred is believed.
        actions = happened.unique(["symbol", "ex_date", "kind"], keep="first", maintain_order=True)
        actions = actions.drop("file")
        if self._options.timeframe is not Timeframe.D1:
            bars = chosen(holding, requested, "stamp", RAW_INTRADAY).drop("file")
            return Delivery(tuple(symbols), bars, actions, failures)
        bars = chosen(holding, requested, "session", RAW_DAILY)
        bars, bases = as_quoted(bars, happened, [file.is_adjusted for file in holding], universe)
        return Delivery(tuple(symbols), bars, actions, failures, bases=bases)


def _groups(contents: _Contents, symbols: Sequence[str]) -> Iterator[list[str]]:
    """The symbols in groups of bounded size; one with more rows than that is a group of its own."""
    group: list[str] = []
    rows = 0
    for symbol in symbols:
        more = contents.counts.get(symbol, 0)
        if group and (rows + more > ROWS_PER_DELIVERY or len(group) == SYMBOLS_PER_DELIVERY):
            yield group
            group, rows = [], 0
        group.append(symbol)
        rows += more
    if group:
        yield group


def _within(delivery: Delivery, universe: Universe, requests: Sequence[BarRequest]) -> Delivery:
    """The delivery with the sessions that were asked for."""
    limits = pl.DataFrame(
        [(request.symbol, request.since, request.until) for request in requests],
        schema={"symbol": pl.String, "since": pl.Date, "until": pl.Date},
        orient="row",
    )
    rows = delivery.bars.join(limits, on="symbol", how="inner", maintain_order="left")
    day = pl.col("session") if "session" in rows.columns else None
    if day is None:
        day = pl.col("stamp").dt.convert_time_zone(universe.time_zone).dt.date()
    rows = rows.filter(day.is_between("since", "until")).drop("since", "until")
    return Delivery(delivery.symbols, rows, delivery.actions, delivery.failures, bases=delivery.bases)


def _unreadable(contents: _Contents, symbols: AbstractSet[str]) -> dict[str, SymbolError]:
    return {
        symbol: PermanentSymbolError(symbol, "unreadable_file", str(contents.broken[symbol]))
        for symbol in sorted(symbols)
    }
