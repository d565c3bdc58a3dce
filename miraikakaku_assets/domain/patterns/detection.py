"""Signals: where a pattern begins, when that is known, and what made it true."""

from datetime import datetime

import polars as pl

from miraikakaku_assets.domain.patterns.cool_down import (
    NUMBER,
    last_positions,
    onsets,
    without_repeats,
)
from miraikakaku_assets.domain.patterns.definitions import DEFAULT, definition_of
from miraikakaku_assets.domain.patterns.evidence import with_evidence
from miraikakaku_assets.domain.patterns.frames import Frames
from miraikakaku_assets.domain.patterns.pattern import Definition
from miraikakaku_assets.domain.patterns.states import POSITION, States, states

SIGNALS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "pattern": pl.String(),  # 1, 2, 2-2, 3, 4, 5, 6
    "direction": pl.String(),  # SELL, BUY or NEUTRAL
    "ts": pl.Datetime("us", "UTC"),  # start of the five-minute bar on which it began
    "at": pl.Datetime("us", "UTC"),  # end of that bar: the moment from which it was known
    "priority": pl.String(),  # HIGH, MEDIUM or LOW
    "name": pl.String(),
    "name_ja": pl.String(),
    "definition": pl.String(),
    "evidence": pl.String(),  # JSON object: timeframe and column → value
    "take_profit_pips": pl.Int64(),  # pips of USD/JPY, null for every other instrument
    "stop_pips": pl.Int64(),
}
"""Columns of a frame of signals; symbol, definition, pattern, direction and ``ts`` are its key."""

IN_PIPS = "USDJPY=X"
"""The only instrument for which take-profit and stop were ever meant."""

EARLIEST = datetime.fromisoformat("0001-01-01T00:00:00+00:00")
"""Before every bar."""


def signals(frames: Frames, definition: str | Definition = DEFAULT) -> pl.DataFrame:
    """All signals of the bars at hand.

    Args:
        frames: Final bars and indicators, all symbols at once.
        definition: Its name, e.g. ``v2``.

    Returns:
        Schema `SIGNALS`, sorted by ``ts``, symbol, pattern, direction. A pattern gives a signal on the bar on
        which it begins to be true, unless it gave one less than `COOL_DOWN` bars before.

    Raises:
        ConfigurationError: A frame lacks a column, or there is no such definition.
    """
    return signals_since(frames, pl.DataFrame(schema=SIGNALS), EARLIEST, definition)


def signals_since(
    frames: Frames,
    last_signals: pl.DataFrame,
    from_ts: datetime,
    definition: str | Definition = DEFAULT,
) -> pl.DataFrame:
    """The signals of new bars, exactly as `signals` gives them for the whole history.

    Args:
        frames: The new bars and as many before them as `BARS_NEEDED` says (or the whole history).
        last_signals: Stored signals with at least ``symbol``, ``pattern``, ``direction``, ``definition``, ``ts``:
            from them the running cool-downs are known. Those of other definitions or from `from_ts` on are
            ignored, so that the same bars can be judged again.
        from_ts: Start of the first new five-minute bar (UTC).
        definition: Its name, e.g. ``v2``.

    Returns:
        As `signals`, for bars that start at `from_ts` or later.

    Raises:
        ConfigurationError: A frame lacks a column, there is no such definition, or the bars do not go back far
            enough to know whether a cool-down is over.
    """
    chosen = definition_of(definition)
    return signals_in(states(frames, chosen), last_signals, from_ts, chosen)


def signals_in(
    seen: States, last_signals: pl.DataFrame, from_ts: datetime, chosen: Definition
) -> pl.DataFrame:
    """The same of bars that are judged already; arguments and errors as of `signals_since`."""
    begun = onsets(seen.bars, chosen.patterns).filter(pl.col("ts") >= from_ts)
    earlier = last_signals.filter((pl.col("definition") == chosen.name) & (pl.col("ts") < from_ts)).join(
        _described(chosen).select(NUMBER, "pattern", "direction"), on=["pattern", "direction"]
    )
    last = last_positions(seen.bars.select("symbol", "ts", POSITION), earlier, from_ts)
    rows = with_evidence(without_repeats(begun, last), seen.readings, chosen)
    rows = rows.join(_described(chosen), on=NUMBER).with_columns(at=pl.col("ends"))
    in_pips = pl.col("symbol") == IN_PIPS
    rows = rows.with_columns(pl.when(in_pips).then("take_profit_pips"), pl.when(in_pips).then("stop_pips"))
    columns = [pl.col(name).cast(kind) for name, kind in SIGNALS.items()]
    return rows.select(columns).sort("ts", "symbol", "pattern", "direction")


def _described(definition: Definition) -> pl.DataFrame:
    rows = [
        {
            NUMBER: number,
            "pattern": pattern.number,
            "direction": pattern.direction.value,
            "priority": pattern.priority.value,
            "name": pattern.name,
            "name_ja": pattern.name_ja,
            "definition": definition.name,
            "take_profit_pips": pattern.take_profit_pips,
            "stop_pips": pattern.stop_pips,
        }
        for number, pattern in enumerate(definition.patterns)
    ]
    return pl.DataFrame(rows, schema_overrides={"take_profit_pips": pl.Int64, "stop_pips": pl.Int64})
