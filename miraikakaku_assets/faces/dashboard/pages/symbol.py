"""Page Symbol: candles with everything that is known of one instrument, the news of its data, its forecast."""

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from miraikakaku_assets.application.ports.reading.symbol_records import DataNews, SymbolFacts
from miraikakaku_assets.application.reading.symbol_page import (
    ChartQuestion,
    SymbolChart,
    bases_of,
    symbol_chart,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.bars.rules import ACTION_RULES, FLAGS, RULES
from miraikakaku_assets.domain.market.instruments import Timeframe, universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.address import address, pick
from miraikakaku_assets.faces.dashboard.candles.component import candles
from miraikakaku_assets.faces.dashboard.language import Language, Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import empty, export, panel, plain, table
from miraikakaku_assets.faces.dashboard.parts.figures import number, price, signed
from miraikakaku_assets.faces.dashboard.parts.forecast_card import (
    show_forecast,
)
from miraikakaku_assets.faces.dashboard.parts.instrument import chosen_instrument
from miraikakaku_assets.faces.dashboard.reads import cached

if TYPE_CHECKING:
    from datetime import datetime

_BARS = 1500
"""Bars that are sent to the browser at most; an export has the same."""
_NEWS = 50
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
        "range": ("全期間の高値", "Highest of these bars"),
        "lowest": ("安値 {price}", "lowest {price}"),
        "provisional": ("未確定", "provisional"),
        "zone": (
            "時刻は {zone}。{count} 本。単位 {unit}。",
            "Times of {zone}; {count} bars; {unit}.",
        ),
        "flagged": ("注意の付いた足: {flags}", "Flagged bars: {flags}"),
        "forecast": ("予測", "Forecast"),
        "more_forecast": ("予測の詳細と先月の実績", "The forecast in detail, and last month's record"),
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
        "news": ("データのできごと", "News of the data"),
        "no_news": (
            "遡及修正も、隔離された足もありません。",
            "Nothing was restated, and no bar is held in quarantine.",
        ),
        "restated": ("遡及修正", "Restated histories"),
        "quarantined": ("隔離された足", "Quarantined bars"),
        "refused": ("拒否された配当・分割", "Refused dividends and splits"),
        "actions": ("配当・分割", "Dividends and splits"),
        "dividend": ("配当", "dividend"),
        "split": ("分割", "split"),
        "ex_date": ("権利落ち日", "ex-date"),
        "kind": ("種類", "kind"),
        "value": ("値", "value"),
        "rule": ("規則", "rule"),
        "why": ("理由", "why"),
        "state": ("状態", "state"),
        "held": ("隔離中", "held"),
        "released": ("解除 {moment}", "released {moment}"),
        "since": ("開始", "from"),
        "bars": ("本数", "bars"),
        "factor": ("倍率", "factor"),
        "found": ("検出", "found"),
        "before": ("旧終値", "old close"),
        "after": ("新終値", "new close"),
        "bar": ("足", "bar"),
        "session": ("日時", "bar of"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    facts = chosen_instrument(view)
    if facts is None:
        return
    _chart(view, facts)
    _forecast(view, facts)
    _news(view, facts)


@cached(30)
def _drawn(use: Ports, market: str, symbol: str, timeframe: str, basis: str) -> SymbolChart:
    question = ChartQuestion(
        universe(market),
        symbol,
        Timeframe(timeframe),
        PriceBasis(basis),
        _BARS,
        PriceBasis(use.settings.price_basis),
        use.settings.pattern_definition,
    )
    return symbol_chart(question, use.bars, use.analysis, use.analysis, use.clock())


@cached(60)
def _stored_timeframes(use: Ports, market: str, symbol: str) -> tuple[str, ...]:
    from miraikakaku_assets.application.reading.chart import charted_instrument

    whose = universe(market)
    return tuple(charted_instrument(whose, symbol, whose.price_unit, use.clock(), use.bars).timeframes)


@cached(60)
def _happened(use: Ports, symbol: str) -> DataNews:
    return use.symbols.news(symbol, _NEWS)


@panel
def _chart(view: View, facts: SymbolFacts) -> None:
    text = view.texts(TEXTS)
    with st.container(horizontal=True, gap="medium"):
        lengths = {name: text(name) for name in _stored_timeframes(view.use, facts.universe, facts.symbol)}
        timeframe = Timeframe(pick("tf", text("timeframe"), lengths, "1d", key=f"tf-{facts.symbol}"))
        bases = {basis.value: text(basis.value) for basis in bases_of(timeframe)}
        usual = PriceBasis.SPLIT_ADJUSTED.value if PriceBasis.SPLIT_ADJUSTED in bases else next(iter(bases))
        basis = pick("basis", text("basis"), bases, usual, key=f"basis-{'-'.join(bases)}")
        shown = {name: text(name) if name == "all" else name for name in _SHOWN}
        sight = _SHOWN[pick("bars", text("shown"), shown, "120")]
    chart = _drawn(view.use, facts.universe, facts.symbol, timeframe.value, basis)
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


@panel
def _forecast(view: View, facts: SymbolFacts) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("forecast"), anchor=False)
    shown = show_forecast(view, facts, 400, "symbol-horizon")
    if shown is None:
        return
    _, horizon = shown
    place = address("forecasts", symbol=facts.symbol, h=horizon, lang=view.language.value)
    st.markdown(f"[{text('more_forecast')}]({place})")


@panel
def _news(view: View, facts: SymbolFacts) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("news"), anchor=False)
    news = _happened(view.use, facts.symbol)
    if not (news.restatements.height or news.quarantined.height or news.refused_actions.height):
        st.markdown(f":material/check_circle: {text('no_news')}")
    if news.restatements.height:
        st.markdown(f"**{text('restated')}** ({news.restatements.height})")
        table(
            [_restated(view, facts, row) for row in news.restatements.iter_rows(named=True)],
            alt=text("restated"),
        )
    if news.quarantined.height:
        st.markdown(f"**{text('quarantined')}** ({news.quarantined.height})")
        table(
            [_held(view, facts, row) for row in news.quarantined.iter_rows(named=True)],
            height=min(38 + 35 * news.quarantined.height, 300),
            alt=text("quarantined"),
        )
    if news.refused_actions.height:
        st.markdown(f"**{text('refused')}** ({news.refused_actions.height})")
        table(
            [
                {
                    text("ex_date"): row["ex_date"],
                    text("kind"): text(row["kind"]),
                    text("value"): row["value"],
                    text("why"): f"{row['rule']}: {ACTION_RULES.get(row['rule'], row['detail'])}",
                }
                for row in news.refused_actions.iter_rows(named=True)
            ],
            alt=text("refused"),
        )
    _actions(view, facts)


def _actions(view: View, facts: SymbolFacts) -> None:
    text = view.texts(TEXTS)
    chart = _drawn(
        view.use, facts.universe, facts.symbol, Timeframe.D1.value, PriceBasis.SPLIT_ADJUSTED.value
    )
    if chart.actions.is_empty():
        return
    st.markdown(f"**{text('actions')}** ({chart.actions.height})")
    rows = [
        {
            text("ex_date"): row["ex_date"],
            text("kind"): text(row["kind"]),
            text("value"): f"1 : {row['value']:g}"
            if row["kind"] == "split"
            else f"{row['value']:g} {facts.currency}",
        }
        for row in chart.actions.sort("ex_date", descending=True).iter_rows(named=True)
    ]
    table(rows, height=min(38 + 35 * len(rows), 260), alt=text("actions"))


def _restated(view: View, facts: SymbolFacts, row: dict[str, Any]) -> dict[str, Any]:
    text = view.texts(TEXTS)
    return {
        text("found"): view.moment(row["detected_at"]),
        text("bar"): row["timeframe"],
        text("why"): row["reason"] + (f" {row['ex_date']}" if row["ex_date"] else ""),
        text("factor"): None if row["factor"] is None else f"{row['factor']:g}",
        text("since"): row["first_session"],
        text("bars"): row["bars"],
        text("before"): price(row["old_close"], facts.price_unit),
        text("after"): price(row["new_close"], facts.price_unit),
    }


def _held(view: View, facts: SymbolFacts, row: dict[str, Any]) -> dict[str, Any]:
    text = view.texts(TEXTS)
    released: datetime | None = row["released_at"]
    return {
        text("session"): view.moment(row["ts"]),
        text("bar"): row["timeframe"],
        text("rule"): row["rule"],
        text("why"): RULES.get(row["rule"], row["detail"]),
        text("after"): price(row["close"], facts.price_unit),
        text("state"): text("held") if released is None else text("released", moment=view.moment(released)),
    }


PAGE = Page("symbol", {"ja": "銘柄", "en": "Symbol"}, ":material/candlestick_chart:", render, 30)
