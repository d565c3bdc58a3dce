"""Price source over a folder (or one file) of Parquet and CSV bars.

Nothing is fetched: the folder is what there is. A symbol found in several files is read from one of them,
tables of many symbols before single-symbol files, larger before smaller: mixing them would join raw and
adjusted histories. Rows of the files that were not chosen are accounted for as refused.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from miraikakaku_assets.adapters.sources.bar_files import SUFFIXES, named_symbol, read_bar_file
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY, empty
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


@dataclass(frozen=True)
class _Contents:
    """Everything the folder holds: chosen rows, rows of files not chosen, and files that are not readable."""

    bars: pl.DataFrame
    actions: pl.DataFrame
    broken: dict[str, InputFileError]


class ArchiveSource:
    """Implements the port `PriceSource` over files.

    Args:
        location: Folder (searched with its subfolders) or one file.

    Raises:
        ConfigurationError: There is no such folder, or no bar file in it.
    """

    name = "archive"
    is_fixed = True

    def __init__(self, location: Path) -> None:
        if location.is_file():
            self._files = [location]
        else:
            self._files = sorted(path for path in location.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not self._files:
            raise ConfigurationError(
                f"MIRAIKAKAKU_ARCHIVE_DIR: there is no Parquet or CSV file in {location}; name the folder of your bars"
            )
        self._loaded: dict[str, _Contents] = {}

    def deliver(
        self,
        universe: Universe,
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,  # noqa: ARG002 - a delivery takes a fraction of a second
    ) -> Iterator[Delivery]:
        """Serves the requests in deliveries of `SYMBOLS_PER_DELIVERY`, sorted by symbol.

        Raises:
            InputFileError: The archive is one file and it is not readable.
        """
        _daily_only(timeframe)
        contents = self._contents(universe)
        ordered = sorted(requests, key=lambda request: request.symbol)
        for start in range(0, len(ordered), SYMBOLS_PER_DELIVERY):
            yield _delivery(contents, ordered[start : start + SYMBOLS_PER_DELIVERY])

    def unrequested(self, universe: Universe, requested: frozenset[str]) -> Delivery | None:
        """All rows of symbols that were not asked for, and the unreadable files none of them is named after."""
        contents = self._contents(universe)
        failures = _unreadable(contents, set(contents.broken) - requested)
        elsewhere = ~pl.col("symbol").is_in(sorted(requested | set(failures)))
        bars, actions = contents.bars.filter(elsewhere), contents.actions.filter(elsewhere)
        return Delivery(tuple(bars["symbol"].unique().sort()), bars, actions, failures)

    def common_window(self, universe: Universe) -> tuple[date, date] | None:
        """First and last day on which at least half of the archive's symbols have a bar."""
        bars = self._contents(universe).bars
        days = (
            bars.filter(pl.col("close").is_not_null()).group_by("session").agg(n=pl.col("symbol").n_unique())
        )
        usual = days.filter(pl.col("n") * 2 >= bars["symbol"].n_unique())["session"]
        return None if usual.is_empty() else (usual.min(), usual.max())  # type: ignore[return-value]

    def _contents(self, universe: Universe) -> _Contents:
        if universe.name not in self._loaded:
            self._loaded[universe.name] = self._load(universe)
        return self._loaded[universe.name]

    def _load(self, universe: Universe) -> _Contents:
        readable, broken = [(empty(RAW_DAILY), empty(ACTIONS))], {}
        for path in self._files:
            try:
                readable.append(read_bar_file(path, universe))
            except InputFileError as error:
                if len(self._files) == 1:
                    raise
                broken[named_symbol(path, universe)] = error
        readable.sort(key=lambda file: (-file[0]["symbol"].n_unique(), -file[0].height))
        # Where files differ about a dividend, the one whose bars are preferred is believed.
        actions = pl.concat([happened for _, happened in readable]).unique(
            ["symbol", "ex_date", "kind"], keep="first", maintain_order=True
        )
        return _Contents(_chosen([bars for bars, _ in readable]), actions, broken)


def _chosen(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All rows, sorted by symbol; those of files that were not chosen for their symbol carry a refusal."""
    taken: set[str] = set()
    marked = []
    for table in tables:
        symbols = set(table["symbol"].unique().to_list())
        if taken & symbols:
            late = pl.col("symbol").is_in(sorted(taken & symbols))
            table = table.with_columns(refusal=pl.when(late).then(pl.lit("other_file_preferred")))  # noqa: PLW2901
        marked.append(table)
        taken |= symbols
    return pl.concat(marked).sort("symbol", "session", maintain_order=True)


def _delivery(contents: _Contents, requests: Sequence[BarRequest]) -> Delivery:
    failures = _unreadable(contents, {request.symbol for request in requests} & set(contents.broken))
    wanted = [request for request in requests if request.symbol not in failures]
    limits = pl.DataFrame(
        [(request.symbol, request.since, request.until) for request in wanted],
        schema={"symbol": pl.String, "since": pl.Date, "until": pl.Date},
        orient="row",
    )
    rows = contents.bars.join(limits, on="symbol", how="inner", maintain_order="left")
    rows = rows.filter(pl.col("session").is_between("since", "until")).drop("since", "until")
    actions = contents.actions.join(limits.select("symbol"), on="symbol", how="semi")
    return Delivery(tuple(request.symbol for request in wanted), rows, actions, failures)


def _unreadable(contents: _Contents, symbols: set[str]) -> dict[str, SymbolError]:
    return {
        symbol: PermanentSymbolError(symbol, "unreadable_file", str(contents.broken[symbol]))
        for symbol in sorted(symbols)
    }


def _daily_only(timeframe: Timeframe) -> None:
    if timeframe is not Timeframe.D1:
        raise ConfigurationError(
            f"The archive holds daily bars; {timeframe} bars cannot be collected from it"
        )
