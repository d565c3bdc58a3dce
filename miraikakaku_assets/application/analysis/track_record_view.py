"""Use case: the signals that were found, what came after them, and candlestick patterns of stored bars."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.application.analysis.outcome_closes import horizon_of, outcome_closes
from miraikakaku_assets.application.ports import BarStore
from miraikakaku_assets.application.ports.analysis import AnalysisStore
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.indicators.candlesticks import CANDLESTICKS, candlesticks
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.patterns.definitions import definition_of
from miraikakaku_assets.domain.patterns.track_record import SIDE, track_record

_AT_ONCE = 200  # symbols whose bars are in memory together: a quarter of a million daily bars


@dataclass(frozen=True)
class PatternsRequest:
    """What somebody wants to see.

    Attributes:
        universe: Whose signals.
        symbols: None for all.
        since: First date, at the exchange; None for all.
        definition: Of the patterns; None for every definition that has signals.
    """

    universe: Universe
    symbols: Sequence[str] | None = None
    since: date | None = None
    definition: str | None = None

    @property
    def begin(self) -> datetime | None:
        """Midnight of the first date at the exchange, UTC."""
        if self.since is None:
            return None
        return datetime.combine(self.since, time(), ZoneInfo(self.universe.time_zone)).astimezone(UTC)


def stored_signals(request: PatternsRequest, store: AnalysisStore) -> pl.DataFrame:
    """Stored signals, newest first; ``evidence`` as stored.

    Raises:
        ConfigurationError: There is no such definition.
    """
    if request.definition is not None:
        definition_of(request.definition)
    signals = store.signals(request.universe, request.symbols, request.begin, request.definition)
    return signals.sort("at", "symbol", "pattern", descending=[True, False, False])


def records_of(
    universe: Universe, signals: pl.DataFrame, market: AnalysisStore, as_of: datetime
) -> pl.DataFrame:
    """What came after signals, one row per side of a pattern; columns as `track_record`.

    Args:
        universe: Theirs.
        signals: At least ``symbol``, ``at`` and `SIDE`.
        market: Shares are followed to the next session's close on prices adjusted for splits and dividends, less
            the mean of the whole market's; currencies for 72 five-minute bars.
        as_of: Outcomes that were not complete by then (UTC) do not count.
    """
    closes = outcome_closes(universe, signals["at"].min() or as_of, market)  # type: ignore[arg-type]
    return track_record(signals.select("symbol", "at", *SIDE), closes, horizon_of(universe), as_of)


def stored_candlesticks(
    request: PatternsRequest, timeframe: Timeframe, prices: BarStore, newest: int
) -> pl.DataFrame:
    """TA-Lib's candlestick patterns of stored final bars, newest first; schema `CANDLESTICKS`.

    Args:
        request: Whose bars, and from when on patterns are shown; all bars are read, as they measure by those before.
        timeframe: Of the bars.
        prices: Where they are.
        newest: How many at most; 0 for all.

    Raises:
        WorkFellShortError: There are no such bars.
    """
    universe = request.universe
    names = list(request.symbols) if request.symbols else sorted(prices.holdings(universe, timeframe))
    parts, read = [pl.DataFrame(schema=CANDLESTICKS)], 0
    for start in range(0, len(names), _AT_ONCE):
        stored = prices.read(universe, timeframe, names[start : start + _AT_ONCE])
        bars = stored.filter(pl.col("status") == "final")
        read += bars.height
        seen = candlesticks(bars)
        if request.begin is not None:
            seen = seen.filter(pl.col("ts") >= request.begin)
        parts.append(_newest_first(seen).head(newest or seen.height))
    if not read:
        command = "collect" if timeframe in (Timeframe.D1, Timeframe.M5) else "analyze"
        which = "" if timeframe is Timeframe.D1 else f" --timeframe {timeframe}"
        raise WorkFellShortError(
            f"No final {timeframe} bars of universe {universe.name} are stored for that; run `miraikakaku {command} "
            f"--universe {universe.name}{which if command == 'collect' else ''}` first"
        )
    every = _newest_first(pl.concat(parts))
    return every.head(newest or every.height)


def _newest_first(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("ts", "symbol", "pattern", descending=[True, False, False])


def evidence_in_short(evidence: Any) -> str:
    """The most telling value of each timeframe: its RSI if that is part of it, else the first one.

    Args:
        evidence: JSON object of ``timeframe.column`` → value, as text or read.
    """
    values: Mapping[str, Any] = json.loads(evidence) if isinstance(evidence, str) else evidence
    chosen: dict[str, str] = {}
    for name, value in sorted(
        values.items(), key=lambda item: not item[0].partition(".")[2].startswith("rsi")
    ):
        timeframe, _, column = name.partition(".")
        chosen.setdefault(timeframe, f"{timeframe} {column} {value:g}" if value is not None else "")
    return ", ".join(chosen[timeframe] for timeframe in ("d1", "h4", "h1", "m5") if chosen.get(timeframe))
