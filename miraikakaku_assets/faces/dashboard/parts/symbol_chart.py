"""Candles of one instrument with its newest figures and signals."""

from typing import Any

import polars as pl
import streamlit as st

from miraikakaku_assets.application.ports.reading.symbol_records import SymbolFacts
from miraikakaku_assets.application.reading.symbol_page import (
    ChartQuestion,
    SymbolChart,
    bases_of,
    symbol_chart,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.bars.rules import FLAGS
from miraikakaku_assets.domain.market.instruments import Timeframe, universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.address import pick
from miraikakaku_assets.faces.dashboard.candles.component import candles
from miraikakaku_assets.faces.dashboard.language import Language, Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import empty, export, panel, plain, table
from miraikakaku_assets.faces.dashboard.parts.figures import number, price, signed
from miraikakaku_assets.faces.dashboard.reads import cached

_BARS = 1500
"""Bars that are sent to the browser at most; an export has the same."""
_SHOWN = {"60": 60, "120": 120, "250": 250, "all": _BARS}
TEXTS = Texts(
    {
        "timeframe": ("足の長さ", "Bars"),
        "5m": ("5分", "5 min"),
        "1h": ("1時間", "1 h"),
        "4h": ("4時間", "4 h"),
        "1d": ("日足", "1 day"),
        "1w": ("週足", "1 week"),
        "1mo": ("月足", "1 month"),
        "basis": ("価格の基準", "Prices"),
        "raw": ("取得時の値", "as quoted"),
        "split_adjusted": ("分割調整", "split-adjusted"),
        "adjusted": ("配当込み調整", "with dividends"),
        "shown": ("表示する本数", "Bars in sight"),
        "all": ("全期間", "all"),
        "no_bars": (
            "この足の価格はまだありません。収集を実行してください。",
            "There are no such bars of this instrument yet. Collect them.",
        ),
        "one_bar": (
            "足が {count} 本しかないため、指標はまだ計算できません。",
            "With {count} bar(s) there is nothing to compute indicators from yet.",
        ),
        "close": ("終値 {session}", "Close {session}"),
        "volume": ("出来高", "Volume"),
        "rsi": ("RSI (14)", "RSI (14)"),
        "range": ("全期間の高値", "Highest of all bars"),
        "lowest": ("安値 {price}", "lowest {price}"),
        "provisional": ("未確定", "provisional"),
        "zone": (
            "時刻は {zone}。{count} 本。単位 {unit}。",
            "Times of {zone}; {count} bars; {unit}.",
        ),
        "flagged": ("注意の付いた足: {flags}", "Flagged bars: {flags}"),
        "signals": ("パターンのシグナル", "Signals of patterns"),
        "no_signals": (
            "この期間にシグナルはありません。パターンは5分足を収集する銘柄で検出されます。",
            "No signal in this span. Patterns are looked for where five-minute bars are collected.",
        ),
        "at": ("時刻", "at"),
        "pattern": ("パターン", "pattern"),
        "direction": ("方向", "direction"),
        "record": ("過去の実績", "track record"),
        "record_words": (
            "{n}件中 的中 {rate} ({low}–{high})",
            "{rate} of {n} right ({low}–{high})",
        ),
        "no_record": ("実績なし", "none yet"),
        "price": ("価格", "price"),
        "BUY": ("買い", "buy"),
        "SELL": ("売り", "sell"),
        "NEUTRAL": ("中立", "neutral"),
    }
)


@cached(30)
def chart_of(use: Ports, market: str, symbol: str, timeframe: str, basis: str) -> SymbolChart:
    """Bars with indicators, signals and corporate actions of an instrument."""
    question = ChartQuestion(
        universe(market),
        symbol,
        Timeframe(timeframe),
        PriceBasis(basis),
        _BARS,
        PriceBasis(use.settings.price_basis),
        use.settings.pattern_definition,
    )
    return symbol_chart(question, use.stores.bars, use.stores.analysis, use.stores.analysis, use.clock())


@cached(60)
def _stored_timeframes(use: Ports, market: str, symbol: str) -> tuple[str, ...]:
    from miraikakaku_assets.application.reading.chart import charted_instrument

    whose = universe(market)
    return tuple(charted_instrument(whose, symbol, whose.price_unit, use.clock(), use.stores.bars).timeframes)


@panel
def show_chart(view: View, facts: SymbolFacts) -> None:
    """Candles in a chosen timeframe and basis, with the newest figures above and the signals below."""
    text = view.texts(TEXTS)
    with st.container(horizontal=True, gap="medium"):
        lengths = {name: text(name) for name in _stored_timeframes(view.use, facts.universe, facts.symbol)}
        timeframe = Timeframe(pick("tf", text("timeframe"), lengths, "1d", key=f"tf-{facts.symbol}"))
        bases = {basis.value: text(basis.value) for basis in bases_of(timeframe)}
        usual = PriceBasis.SPLIT_ADJUSTED.value if PriceBasis.SPLIT_ADJUSTED in bases else next(iter(bases))
        basis = pick("basis", text("basis"), bases, usual, key=f"basis-{'-'.join(bases)}")
        shown = {name: text(name) if name == "all" else name for name in _SHOWN}
        sight = _SHOWN[pick("bars", text("shown"), shown, "120")]
    chart = chart_of(view.use, facts.universe, facts.symbol, timeframe.value, basis)
    if chart.bars.is_empty():
        empty(text("no_bars"), f"miraikakaku collect --universe {facts.universe} --symbols {facts.symbol}")
        return
    _newest(view, facts, chart)
    whose = universe(facts.universe)
    candles(view, chart, facts.symbol, whose, timeframe, facts.price_unit, sight)
    if chart.bars.height == 1:
        st.info(text("one_bar", count=1), icon=":material/hourglass_empty:")
    said = text("zone", zone=whose.time_zone, count=f"{chart.bars.height:,}", unit=facts.price_unit)
    flags = chart.bars["flag"].drop_nulls().unique().sort()
    if len(flags):
        said += " " + text("flagged", flags="; ".join(f"{flag} ({FLAGS.get(flag, '')})" for flag in flags))
    st.caption(plain(said))
    _signals(view, facts, chart)
    export(view, chart.bars, f"{facts.symbol}-{timeframe.value}-{basis}")


def _newest(view: View, facts: SymbolFacts, chart: SymbolChart) -> None:
    text = view.texts(TEXTS)
    bars = chart.bars.filter(pl.col("close").is_not_null())
    last = bars.row(-1, named=True)
    before = bars["close"][-2] if bars.height > 1 else None
    columns = st.columns(4)
    label = text("close", session=last["session"])
    if last["status"] != "final":
        label += f" ({text('provisional')})"
    colour: Any = "inverse" if view.theme.rise.value == "red" else "normal"
    columns[0].metric(
        label,
        price(last["close"], facts.price_unit),
        None if not before else signed(last["close"] / before - 1),
        delta_color=colour,
    )
    columns[1].metric(text("volume"), f"{last['volume']:,.0f}" if last["volume"] else "–")
    columns[2].metric(text("rsi"), number(last["rsi_14"], 1))
    highs, lows = bars["high"].drop_nulls(), bars["low"].drop_nulls()
    columns[3].metric(text("range"), price(highs.max(), facts.price_unit) if len(highs) else "–")  # type: ignore[arg-type]
    if len(lows):
        columns[3].caption(text("lowest", price=price(lows.min(), facts.price_unit)))  # type: ignore[arg-type]


def _signals(view: View, facts: SymbolFacts, chart: SymbolChart) -> None:
    text = view.texts(TEXTS)
    with st.expander(f"{text('signals')} ({len(chart.signals)})", icon=":material/flag:"):
        if not chart.signals:
            st.caption(text("no_signals"))
            return
        name = "name_ja" if view.language is Language.JA else "name"
        rows = [
            {
                text("at"): view.moment(signal["at"]),
                text("pattern"): f"{signal['pattern']} {signal[name].replace('_', ' ')}",
                text("direction"): text(signal["direction"]),
                text("price"): price(signal["close"], facts.price_unit),
                text("record"): _record_words(view, signal["track_record"]),
            }
            for signal in reversed(chart.signals)
        ]
        table(rows, height=260 if len(rows) > 6 else "content", alt=text("signals"))  # noqa: PLR2004 - rows that fit


def _record_words(view: View, record: dict[str, Any] | None) -> str:
    text = view.texts(TEXTS)
    if not record or not record.get("n") or record.get("hit_rate") is None:
        return text("no_record")
    return text(
        "record_words",
        n=record["n"],
        rate=percent(record["hit_rate"], 0),
        low=percent(record["low"], 0),
        high=percent(record["high"], 0),
    )
