"""Computed frames as the rows of their tables."""

import json
from collections.abc import Mapping

import polars as pl

from miraikakaku_assets.application.ports.analysis import Analysis
from miraikakaku_assets.domain.bars.aggregation import AGGREGATED
from miraikakaku_assets.domain.indicators.definitions import COLUMNS

SOURCE = "aggregated"
"""``price_bars.source`` of what was built here."""

_BARS: dict[str, pl.DataType] = {
    "instrument_id": pl.Int32(),
    "timeframe": pl.String(),
    **{name: kind for name, kind in AGGREGATED.items() if name != "symbol"},
    "source": pl.String(),
    "fetched_at": pl.Datetime("us", "UTC"),
}
_INDICATORS: dict[str, pl.DataType] = {
    "instrument_id": pl.Int32(),
    "timeframe": pl.String(),
    "ts": pl.Datetime("us", "UTC"),
    **dict.fromkeys(COLUMNS, pl.Float64()),
}


def bar_rows(analysis: Analysis, kept: Mapping[str, int]) -> pl.DataFrame:
    """Rows of ``price_bars``; what was built here was fetched, so to say, when it was built."""
    built = pl.lit(analysis.now, pl.Datetime("us", "UTC")).alias("fetched_at")
    rows = [
        _numbered(frame, kept).with_columns(built, timeframe=pl.lit(timeframe.value), source=pl.lit(SOURCE))
        for timeframe, frame in analysis.bars.items()
    ]
    return pl.concat([row.select(_BARS.keys()) for row in rows])


def indicator_rows(analysis: Analysis, kept: Mapping[str, int]) -> pl.DataFrame:
    """Rows of ``technical_indicators``."""
    rows = [
        _numbered(frame, kept).with_columns(timeframe=pl.lit(timeframe.value))
        for timeframe, frame in analysis.indicators.items()
    ]
    return pl.concat([row.select(_INDICATORS.keys()) for row in rows])


def _numbered(frame: pl.DataFrame, kept: Mapping[str, int]) -> pl.DataFrame:
    """With the number of each instrument; symbols that are not kept are left out."""
    number = pl.col("symbol").replace_strict(dict(kept), default=None, return_dtype=pl.Int32)
    return frame.with_columns(number.alias("instrument_id")).drop_nulls("instrument_id")


def signal_rows(signals: pl.DataFrame, kept: Mapping[str, int]) -> str:
    """JSON array of the rows of ``pattern_signals``."""
    rows = (
        _numbered(signals, kept)
        .drop("symbol")
        .with_columns(pl.col("ts", "at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
    )
    return json.dumps(rows.to_dicts(), ensure_ascii=False, allow_nan=False)
