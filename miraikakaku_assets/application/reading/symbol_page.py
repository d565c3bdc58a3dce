"""Use case: everything that a chart of one symbol shows, on the basis and in the timeframe somebody wants."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.application.reading.bars import StoredBars, StoredIndicators, Window, symbol_bars
from miraikakaku_assets.application.reading.chart import INTRADAY
from miraikakaku_assets.application.reading.judgements import StoredSignals
from miraikakaku_assets.domain.bars.aggregation import aggregate
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

CHART_INDICATORS = (
    *("bb_upper", "bb_middle", "bb_lower", "rsi_14", "macd", "macd_signal", "macd_histogram"),
    *("sma_25", "sma_75"),
)
"""What is drawn beside the bars."""


@dataclass(frozen=True)
class ChartQuestion:
    """What is to be drawn.

    Attributes:
        universe: Whose instrument.
        symbol: Which one.
        timeframe: Length of the bars.
        basis: Of their prices.
        count: Newest bars that are drawn; indicators are computed from the first one on.
        indicator_basis: Prices that stored indicators are of.
        definition: Of the patterns.
    """

    universe: Universe
    symbol: str
    timeframe: Timeframe
    basis: PriceBasis
    count: int
    indicator_basis: PriceBasis
    definition: str


@dataclass(frozen=True)
class SymbolChart:
    """What is drawn.

    Attributes:
        bars: ``time`` (UTC start; midnight of the exchange's date where a bar has only a day), ``session``, the
            prices, ``volume``, ``status``, ``flag`` and `CHART_INDICATORS`; ascending.
        actions: Dividends and splits within the bars: ``ex_date``, ``kind``, ``value``.
        signals: Signals within the bars, ``at`` (UTC) ascending, with ``evidence`` and ``track_record`` read.
        total: How many bars there are before the newest `count` were taken.
    """

    bars: pl.DataFrame
    actions: pl.DataFrame
    signals: Sequence[Mapping[str, Any]]
    total: int


def bases_of(timeframe: Timeframe) -> tuple[PriceBasis, ...]:
    """Bases on which bars can be shown: shorter ones are served as they are stored."""
    return (PriceBasis.RAW,) if timeframe in INTRADAY else tuple(PriceBasis)


def symbol_chart(
    question: ChartQuestion,
    bars: StoredBars,
    indicators: StoredIndicators,
    signals: StoredSignals,
    now: datetime,
) -> SymbolChart:
    """Bars, indicators and events of a symbol.

    Weeks and months on the basis adjusted for dividends are built from adjusted days: the high of a week that pays a
    dividend is no multiple of its raw high. Indicators of another basis than the stored ones are computed from the bars
    that are shown, so that bands lie where the bars are.

    Raises:
        ConfigurationError: Bars of that timeframe are not to be had on that basis.
    """
    prices = _prices(question, bars, now)
    if prices.is_empty():
        return SymbolChart(prices, prices, (), 0)
    table = _with_indicators(question, prices, indicators)
    shown = table.tail(question.count)
    first: date = shown["session"][0]
    actions = bars.actions(question.universe, [question.symbol], trusted=True)
    within = actions.filter(pl.col("ex_date") >= first).select("ex_date", "kind", "value").sort("ex_date")
    began: datetime = shown["ts"][0]
    onsets = signals.signals(question.universe, [question.symbol], began, question.definition)
    return SymbolChart(
        _timed(question, shown), within, [_read(row) for row in onsets.to_dicts()], table.height
    )


def _prices(question: ChartQuestion, bars: StoredBars, now: datetime) -> pl.DataFrame:
    universe, timeframe, basis, symbol = (
        question.universe, question.timeframe, question.basis, question.symbol
    )  # fmt: skip
    is_built = timeframe in (Timeframe.W1, Timeframe.MO1)
    if not is_built or basis is not PriceBasis.ADJUSTED:
        chosen = PriceBasis.RAW if is_built else basis
        return symbol_bars(universe, timeframe, symbol, chosen, Window(), bars)
    days = symbol_bars(universe, Timeframe.D1, symbol, basis, Window(), bars)
    if days.is_empty():
        return days
    final = days.filter(pl.col("close").is_not_null())
    built = aggregate(final, Timeframe.D1, timeframe, universe, now)
    session = pl.col("ts").dt.convert_time_zone(universe.time_zone).dt.date()
    return built.with_columns(session=session)


def _with_indicators(
    question: ChartQuestion, prices: pl.DataFrame, indicators: StoredIndicators
) -> pl.DataFrame:
    usual = {
        PriceBasis.RAW,
        PriceBasis.SPLIT_ADJUSTED,
    }  # stored bars have the newest scale: both are the same
    is_stored = (
        question.basis is question.indicator_basis or {question.basis, question.indicator_basis} <= usual
    )
    if is_stored:
        values = indicators.indicators(question.universe, question.timeframe, [question.symbol])
    else:
        final = prices.filter(pl.col("status") == "final").with_columns(pl.col("volume").fill_null(0))
        values = compute(final, CHART_INDICATORS)
    return prices.join(values.select("ts", *CHART_INDICATORS), on="ts", how="left", maintain_order="left")


def _timed(question: ChartQuestion, shown: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    time = pl.col("ts") if question.timeframe in INTRADAY else day
    columns = ("ts", "session", "open", "high", "low", "close", "volume", "status", "flag", *CHART_INDICATORS)
    return shown.select(time.alias("time"), *columns).unique("time", keep="last", maintain_order=True)


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    record = row["track_record"]
    return {
        **row,
        "evidence": json.loads(row["evidence"]),
        "track_record": json.loads(record) if record else None,
    }
