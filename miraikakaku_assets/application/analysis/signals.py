"""The patterns of a group of symbols: what began, what has vanished."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from miraikakaku_assets.application.analysis.scope import Since
from miraikakaku_assets.application.ports.analysis import AnalysisRequest, Found, Material
from miraikakaku_assets.domain.bars.intervals import with_ends
from miraikakaku_assets.domain.bars.series import tails
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.patterns.detection import SIGNALS, signals, signals_since
from miraikakaku_assets.domain.patterns.frames import BARS_NEEDED, TIMEFRAMES, Frames
from miraikakaku_assets.domain.patterns.history import READ_HISTORY

KEY = ("symbol", "definition", "pattern", "direction", "ts")


def alert_key(signal: Mapping[str, object]) -> str:
    """Key of the alert about a signal (a row of schema `SIGNALS`)."""
    at = signal["ts"]
    moment = at.isoformat() if isinstance(at, datetime) else str(at)
    side = f"{signal['definition']}/{signal['pattern']}/{signal['direction']}"
    return f"pattern/{signal['symbol']}/{side}/{moment}"


def signals_of(
    request: AnalysisRequest, bars: Mapping[Timeframe, pl.DataFrame], material: Material, rebuilt: Since
) -> Found:
    """Judges all final five-minute bars from where something has changed.

    Args:
        request: What the analysis is asked for.
        bars: Timeframe → bars on the price basis, from the first one on; provisional ones are left out.
        material: What is stored of these symbols.
        rebuilt: Symbol → start of the earliest bar of any timeframe that is not what it was.
    """
    final = {timeframe: bars[timeframe].filter(pl.col("status") == "final") for timeframe in TIMEFRAMES}
    read = {timeframe: _with_indicators(frame) for timeframe, frame in final.items()}
    # A later start than the earliest of a group gives the same signals, so that one judgement serves all of them.
    moments = [moment for moment in rebuilt.values() if moment is not None]
    start = min(moments, default=None)
    since = {symbol: None if moment is None else start for symbol, moment in rebuilt.items()}
    whole = [symbol for symbol, moment in since.items() if moment is None]
    tail = [symbol for symbol, moment in since.items() if moment is not None]
    parts = [pl.DataFrame(schema=SIGNALS)]
    if whole:
        frames = _frames(read, dict.fromkeys(whole), request.universe)
        parts.append(signals(frames, request.definition))
    if start is not None:
        frames = _frames(read, dict.fromkeys(tail, start), request.universe)
        known = material.signals.filter(pl.col("symbol").is_in(tail))
        parts.append(signals_since(frames, known, start, request.definition))
    closes = material.bars.select("symbol", "ts", "close")
    detected = pl.concat(parts).join(closes, on=["symbol", "ts"], how="left", maintain_order="left")
    return Found(since, detected, withdrawn=_vanished(material.signals, detected, since))


def _with_indicators(bars: pl.DataFrame) -> pl.DataFrame:
    columns = ("symbol", "ts", "open", "high", "low", "close")
    return bars.select(columns).hstack(compute(bars, READ_HISTORY, READ_HISTORY).drop("symbol", "ts"))


def _frames(read: Mapping[Timeframe, pl.DataFrame], since: Since, universe: Universe) -> Frames:
    """The bars that are judged and those that must be known before them, of some symbols."""
    chosen = pl.col("symbol").is_in(list(since))
    # Two more than needed: of the bars that began before the moment the last was perhaps not over by then, nor the
    # currency day before it final.
    cut = {
        timeframe: tails(read[timeframe].filter(chosen), since, BARS_NEEDED[timeframe] + 2)
        for timeframe in TIMEFRAMES
    }
    return Frames(*(with_ends(bars, timeframe, universe) for timeframe, bars in cut.items()))


def _vanished(stored: pl.DataFrame, detected: pl.DataFrame, since: Since) -> dict[str, list[str]]:
    """Symbol → keys of alerts about signals that a new judgement no longer finds."""
    gone: dict[str, list[str]] = {}
    for signal in stored.join(detected, on=KEY, how="anti").iter_rows(named=True):
        moment = since[signal["symbol"]]
        if moment is None or signal["ts"] >= moment:
            gone.setdefault(signal["symbol"], []).append(alert_key(signal))
    return gone


def new_signals(judgement: Found, stored: pl.DataFrame) -> pl.DataFrame:
    """Signals that are not stored yet."""
    return judgement.signals.join(stored, on=KEY, how="anti")
