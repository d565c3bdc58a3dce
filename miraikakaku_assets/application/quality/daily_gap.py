"""Use case: how far 5-minute bars, put together, are from the daily bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from miraikakaku_assets.application.leakage.bar_inputs import BarInputs, StoredBars
from miraikakaku_assets.application.leakage.checks import Progress
from miraikakaku_assets.domain.bars.daily_gap import daily_gap
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Timeframe


@dataclass(frozen=True)
class MeasuredGap:
    """The gap of every symbol and of all.

    Attributes:
        rows: As `miraikakaku_assets.domain.bars.daily_gap.daily_gap`.
        total: ``sessions`` compared, ``close_equal`` (share of those), and the medians over the symbols of
            ``volume_share`` and ``close_gap``.
    """

    rows: pl.DataFrame
    total: dict[str, Any]


def measure_daily_gap(origin: BarInputs, symbols: Sequence[str], progress: Progress) -> MeasuredGap:
    """Measures symbol by symbol.

    Args:
        origin: Where both kinds of bars are.
        symbols: Whose; none for all that have both.
        progress: Called before every symbol.

    Raises:
        WorkFellShortError: A named symbol lacks one of them, or none has a session in both.
    """
    both = sorted(set(origin.symbols(Timeframe.M5)) & set(origin.symbols(Timeframe.D1)))
    names = list(symbols) or both
    gaps = []
    for place, symbol in enumerate(names):
        progress(place, len(names))
        daily, intraday = (origin.bars(symbol, timeframe) for timeframe in (Timeframe.D1, Timeframe.M5))
        traded = daily.filter(pl.col("volume") > 0) if origin.universe.has_volume else daily
        gaps.append(daily_gap(traded, intraday, origin.universe))
    progress(len(names), len(names))
    rows = pl.concat(gaps) if gaps else pl.DataFrame()
    if rows.is_empty():
        if isinstance(origin, StoredBars) and not origin.symbols(Timeframe.M5):
            raise origin.nothing("", Timeframe.M5)
        raise WorkFellShortError("No symbol has a session with both 5-minute and daily bars; collect both")
    sessions = int(rows["sessions"].sum())
    total = {
        "sessions": sessions,
        "volume_share": rows["volume_share"].median(),
        "close_equal": float((rows["close_equal"] * rows["sessions"]).sum()) / sessions,
        "close_gap": rows["close_gap"].median(),
    }
    return MeasuredGap(rows, total)
