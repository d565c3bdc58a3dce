"""Bars to try something on: those of the installation, or those of files a user names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import polars as pl

from miraikakaku_assets.application.ports import BarStore, Clock
from miraikakaku_assets.domain.bars.aggregation import aggregate
from miraikakaku_assets.domain.bars.intervals import with_ends
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.bars.validation import DailyContext, validate_daily
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

BARS = ("symbol", "ts", "open", "high", "low", "close", "volume", "status", "flag")
"""Columns of the bars that are handed out: final ones, sorted by symbol and ts; volume Int64."""

COLLECTED = {
    Timeframe.M5: Timeframe.M5,
    Timeframe.H1: Timeframe.M5,
    Timeframe.H4: Timeframe.M5,
    Timeframe.D1: Timeframe.D1,
    Timeframe.W1: Timeframe.D1,
    Timeframe.MO1: Timeframe.D1,
}
"""Timeframe → the collected one it is made of."""


_SETTLED = timedelta(days=1)


class BarFiles(Protocol):
    """Reads bars from a file."""

    def read(self, path: Path, timeframe: Timeframe, universe: Universe, zone: str = "") -> pl.DataFrame:
        """Bars of a file, unchecked: schema `RAW_DAILY` or `RAW_INTRADAY`."""


class BarInputs(Protocol):
    """Where the bars of a test come from."""

    @property
    def universe(self) -> Universe:
        """Where the symbols belong."""

    def symbols(self, collected: Timeframe) -> list[str]:
        """Symbols that have bars of a collected timeframe, sorted."""

    def bars(self, symbol: str, collected: Timeframe) -> pl.DataFrame:
        """Columns `BARS` of one symbol, from its first bar on.

        Raises:
            WorkFellShortError: There are none.
        """


@dataclass(frozen=True)
class StoredBars:
    """Bars of the installation, as stored."""

    universe: Universe
    reader: BarStore

    def symbols(self, collected: Timeframe) -> list[str]:
        """See `BarInputs`."""
        held = self.reader.holdings(self.universe, collected)
        return sorted(symbol for symbol, holding in held.items() if holding.newest is not None)

    def bars(self, symbol: str, collected: Timeframe) -> pl.DataFrame:
        """See `BarInputs`."""
        bars = self.reader.read(self.universe, collected, [symbol]).filter(pl.col("status") == "final")
        if bars.is_empty():
            raise self.nothing(symbol, collected)
        return bars.select(BARS)

    def nothing(self, symbol: str, collected: Timeframe) -> WorkFellShortError:
        """The error that says what to do when there are no bars; `symbol` empty for none of any symbol."""
        if collected not in self.universe.collected:
            return WorkFellShortError(
                f"{collected} bars of {self.universe.name} are not collected; name a file of bars with --file"
            )
        collect = f"miraikakaku collect --universe {self.universe.name}"
        if collected is Timeframe.M5:
            collect += " --timeframe 5m"
        whose = f"of {symbol} " if symbol else f"of universe {self.universe.name} "
        return WorkFellShortError(
            f"No final {collected} bars {whose}are stored; run `{collect}` first, or name a file of bars with --file"
        )


@dataclass(frozen=True)
class FileBars:
    """Bars of files, checked by the rules of every delivery.

    Attributes:
        universe: Where the symbols belong.
        files: Reads them.
        paths: Collected timeframe → file.
        clock: Says which bars are final.
        zone: IANA zone of stamps without an offset; empty for the exchange's.
        symbol: Name of what is in files that name no symbol; empty for the file's own name.
        refused: Filled while reading: file → rule → rows that were left out.
    """

    universe: Universe
    files: BarFiles
    paths: Mapping[Timeframe, Path]
    clock: Clock
    zone: str = ""
    symbol: str = ""
    refused: dict[str, dict[str, int]] = field(default_factory=dict)
    _read: dict[Timeframe, pl.DataFrame] = field(default_factory=dict)

    def symbols(self, collected: Timeframe) -> list[str]:
        """See `BarInputs`."""
        return self._whole(collected)["symbol"].unique().sort().to_list()

    def bars(self, symbol: str, collected: Timeframe) -> pl.DataFrame:
        """See `BarInputs`."""
        bars = self._whole(collected).filter(pl.col("symbol") == symbol)
        if bars.is_empty():
            there = ", ".join(self.symbols(collected)[:5])
            raise WorkFellShortError(
                f"{self.paths[collected]}: there is no bar of {symbol} that passes the rules; there are bars of "
                f"{there or 'no symbol'}"
            )
        return bars

    def _whole(self, collected: Timeframe) -> pl.DataFrame:
        if collected not in self._read:
            self._read[collected] = self._load(collected)
        return self._read[collected]

    def _load(self, collected: Timeframe) -> pl.DataFrame:
        path = self.paths.get(collected)
        if path is None:
            option = "--daily-file" if collected is Timeframe.D1 else "--file"
            raise ConfigurationError(f"{collected} bars are needed, too; name their file with {option}")
        raw = self.files.read(path, collected, self.universe, self.zone)
        if self.symbol and set(raw["symbol"].unique()) == {self._named_after(path)}:
            raw = raw.with_columns(symbol=pl.lit(self.symbol))
        if collected is Timeframe.D1:
            judged = validate_daily(raw, DailyContext(self.universe, self.clock()))
        else:
            judged = validate_intraday(raw, BarContext(self.universe, self.clock()))
        self.refused[str(path)] = dict(judged.refused.group_by("rule").len().sort("rule").iter_rows())
        final = judged.accepted.filter(pl.col("status") == "final")
        return final.with_columns(pl.col("volume").cast(pl.Int64)).sort("symbol", "ts").select(BARS)

    def _named_after(self, path: Path) -> str:
        stem, suffix = path.name.removesuffix(path.suffix), self.universe.symbol_suffix
        return stem if stem.endswith(suffix) else stem + suffix


def of_timeframe(bars: pl.DataFrame, timeframe: Timeframe, universe: Universe) -> pl.DataFrame:
    """The bars of a timeframe that were over when the last collected bar was.

    Args:
        bars: Columns `BARS` of one symbol and the collected timeframe, final, at least one.
        timeframe: What is built of them, or their own timeframe.
        universe: Whose sessions they belong to.

    Returns:
        The same columns and ``ends``, the moment (UTC) from which each bar was known.
    """
    collected = COLLECTED[timeframe]
    known = with_ends(bars, collected, universe)
    if timeframe is collected:
        return known
    last = known["ends"][-1]
    # Asked so late that all have settled: of a past that was recorded nothing moves any more.
    built = aggregate(bars, collected, timeframe, universe, last + _SETTLED)
    return with_ends(built, timeframe, universe).filter(pl.col("ends") <= last).select(*BARS, "ends")
