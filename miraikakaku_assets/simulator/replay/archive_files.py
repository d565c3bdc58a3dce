"""Reading the files of an archive."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.bars import Bars, no_bars
from miraikakaku_assets.simulator.core.noise import FloatArray, IntArray
from miraikakaku_assets.simulator.core.sessions import DAY, day_of
from miraikakaku_assets.simulator.prices.instruments import is_tokyo_code
from miraikakaku_assets.simulator.prices.quotes import DividendEvent, SplitEvent

if TYPE_CHECKING:
    import polars as pl

_PRICES = ("open", "high", "low", "close", "volume")
_OPENING = {"Asia/Tokyo": time(9), "America/New_York": time(9, 30)}
_SPLIT_DENOMINATORS = (1, 2, 3, 4, 5, 10, 20, 50, 100, 1000)


Stamped = tuple[Bars, tuple[DividendEvent, ...], tuple[SplitEvent, ...]]
"""Daily bars and events with the stamps of an answer."""


@dataclass(frozen=True, slots=True, eq=False)
class ArchivedSymbol:
    """Bars and events of one symbol.

    Attributes:
        daily: Daily bars; their stamps are day numbers, because a file has dates.
        five_minutes: 5-minute bars, if the archive has any.
        dividends: Ex-day number and amount.
        splits: Ex-day number and new shares per old share.
    """

    daily: Bars
    five_minutes: Bars | None = None
    dividends: tuple[tuple[int, float], ...] = ()
    splits: tuple[tuple[int, float], ...] = ()

    def stamped(self, zone: ZoneInfo) -> Stamped:
        """Return the daily bars and events stamped at the open of their day, in UTC seconds."""
        stamps = _opens(self.daily.stamps, zone)
        dividends = tuple(DividendEvent(_open(day, zone), amount) for day, amount in self.dividends)
        splits = tuple(SplitEvent(_open(day, zone), *_fraction(ratio)) for day, ratio in self.splits)
        return replace(self.daily, stamps=stamps), dividends, splits


def read_folder(folder: Path) -> dict[str, ArchivedSymbol]:
    """Return the symbols of an archive folder, by Yahoo symbol.

    Raises:
        ConfigurationError: It holds no bars, or a file is not in one of the known layouts.
    """
    by_symbol: dict[str, ArchivedSymbol] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            symbols = _read_parquet(path)
        elif path.suffix == ".csv":
            symbols = iter([_read_csv(path)])
        else:
            continue
        for symbol, archived in symbols:
            by_symbol[symbol] = _better(by_symbol.get(symbol), archived)
    if not by_symbol:
        raise ConfigurationError(
            f"simulator: the archive {folder} holds no bars; put Parquet files or <code>.csv files into it."
        )
    return by_symbol


def _better(known: ArchivedSymbol | None, other: ArchivedSymbol) -> ArchivedSymbol:
    if known is None:
        return other
    newest = other if _last_day(other) > _last_day(known) else known
    return replace(newest, five_minutes=known.five_minutes or other.five_minutes)


def _last_day(archived: ArchivedSymbol) -> int:
    return int(archived.daily.stamps[-1]) if len(archived.daily) else -1


def _read_parquet(path: Path) -> Iterator[tuple[str, ArchivedSymbol]]:
    import polars as pl  # reading an archive is the only thing here that needs data frames

    frame = pl.read_parquet(path)
    kind = "timestamp" if "timestamp" in frame.columns else "date"
    missing = {"symbol", kind, *_PRICES} - set(frame.columns)
    if missing:
        raise ConfigurationError(
            f"simulator: the archive file {path} lacks the columns {', '.join(sorted(missing))}; "
            "it needs symbol, date or timestamp, open, high, low, close and volume."
        )
    stamp = _day_numbers(frame, kind) if kind == "date" else _utc_seconds(frame, kind)
    table = frame.with_columns(stamp.alias("stamp")).sort("symbol", "stamp")
    names = table["symbol"].to_numpy()
    bars = Bars(table["stamp"].to_numpy(), *(table[name].cast(pl.Float64).to_numpy() for name in _PRICES))
    bounds = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    for first, stop in pairwise(bounds):
        own = bars.take(slice(first, stop))
        if kind == "date":
            yield str(names[first]), ArchivedSymbol(replace(own, adjclose=own.close))
        else:
            yield str(names[first]), ArchivedSymbol(no_bars(), own)


def _day_numbers(frame: "pl.DataFrame", column: str) -> "pl.Series":
    import polars as pl

    dates = frame[column]
    dates = dates.str.to_date() if dates.dtype == pl.String else dates.cast(pl.Date)
    return dates.to_physical().cast(pl.Int64)


def _utc_seconds(frame: "pl.DataFrame", column: str) -> "pl.Series":
    import polars as pl

    instants = frame[column]
    if instants.dtype == pl.String:
        instants = instants.str.to_datetime(time_zone="UTC")
    return instants.dt.epoch("s")


def _read_csv(path: Path) -> tuple[str, ArchivedSymbol]:
    import polars as pl

    symbol = f"{path.stem}.T" if is_tokyo_code(path.stem) else path.stem
    frame = pl.read_csv(path, infer_schema=False)
    needed = {"Date", "Open", "High", "Low", "Close", "Volume"}
    if not needed <= set(frame.columns):
        raise ConfigurationError(
            f"simulator: the archive file {path} has the columns {', '.join(frame.columns)}; "
            f"it needs {', '.join(sorted(needed))}."
        )
    frame = frame.with_columns(pl.col("Date").str.slice(0, 10).str.to_date().alias("Date")).sort("Date")
    columns = {name: frame[name].cast(pl.Float64).to_numpy() for name in frame.columns if name != "Date"}
    days = frame["Date"].to_physical().cast(pl.Int64).to_numpy()
    dividends = _events(days, columns.get("Dividends"))
    splits = _events(days, columns.get("Stock Splits"))
    bars = Bars(days, *(columns[name] for name in ("Open", "High", "Low", "Close", "Volume")))
    if "Adj Close" in columns:
        bars = replace(bars, adjclose=columns["Adj Close"])
    else:
        bars = without_dividend_adjustment(bars, dividends)
    return symbol, ArchivedSymbol(bars, None, dividends, splits)


def without_dividend_adjustment(bars: Bars, dividends: tuple[tuple[int, float], ...]) -> Bars:
    """Undo yfinance's automatic adjustment, which a file without Adj Close has gone through.

    yfinance scales the bars before an ex-day by 1 - amount / close of the day before. Going back in time,
    that close is adjusted / factor + amount, where the factor is the one of all later dividends.

    Args:
        bars: Daily bars, adjusted for splits and dividends, stamped with day numbers.
        dividends: Ex-day number and amount, in order.

    Returns:
        The bars before the dividend adjustment, with the given close as adjclose.
    """
    factors = np.ones(len(bars))
    factor = 1.0
    for day, amount in reversed(dividends):
        row = int(np.searchsorted(bars.stamps, day))
        if row == 0:
            continue
        adjusted = float(bars.close[row - 1])
        close = adjusted / factor + amount
        # A file whose adjusted prices ran below zero cannot be undone beyond that point.
        if not adjusted > 0 or not close > 0:
            break
        factor = adjusted / close
        factors[:row] = factor
    return replace(bars.rescaled(1.0 / factors, 1.0), adjclose=bars.close)


def _events(days: IntArray, column: FloatArray | None) -> tuple[tuple[int, float], ...]:
    if column is None:
        return ()
    places = np.flatnonzero(np.nan_to_num(column))
    return tuple((int(days[place]), float(column[place])) for place in places.tolist())


def _fraction(ratio: float) -> tuple[int, int]:
    """Return numerator and denominator of a split ratio such as 1.1 or 0.1."""
    for denominator in _SPLIT_DENOMINATORS:
        numerator = round(ratio * denominator)
        if numerator and abs(numerator / denominator - ratio) < 1e-6 * ratio:
            return numerator, denominator
    return round(ratio * 1_000_000), 1_000_000


def _open(day: int, zone: ZoneInfo) -> int:
    return int(datetime.combine(day_of(day), _OPENING.get(zone.key, time(0)), zone).timestamp())


def _opens(days: IntArray, zone: ZoneInfo) -> IntArray:
    if zone.key == "Asia/Tokyo":  # no clock changes: one offset for all
        return days * DAY
    return np.array([_open(day, zone) for day in days.tolist()], dtype=np.int64)
