"""Page Copper: the curve and its shape, how unusual the spread is, stocks, COMEX beside the LME, the forecast."""

from typing import Any

import streamlit as st

from miraikakaku_assets.application.copper.curve_view import (
    ComexView,
    CurveView,
    SpreadView,
    StockView,
    curve_view,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.address import address, pick
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, export, panel, plain, table
from miraikakaku_assets.faces.dashboard.parts.figures import signed
from miraikakaku_assets.faces.dashboard.parts.forecast_card import (
    card_of,
    horizon_choice,
    show_fan,
    show_honest_card,
)
from miraikakaku_assets.faces.dashboard.parts.instrument import facts_of
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.theme import BLUE, ORANGE, SKY

_YEARS = {"1": 250, "5": 1250, "all": 100_000}
_FORECAST = ("LME-CU-3M", "LME-CU-CASH", "HG=F")
TEXTS = Texts(
    {
        "nothing": (
            "銅のカーブはまだありません。収集を実行してください。",
            "There is no copper curve yet. Collect it.",
        ),
        "is_backwardation": (
            "銅は**バックワーデーション** (現物高) です",
            "Copper is in **backwardation**: cash costs more than three months",
        ),
        "is_contango": (
            "銅は**コンタンゴ** (先物高) です",
            "Copper is in **contango**: three months cost more than cash",
        ),
        "is_flat": ("銅の現物と3か月先物は**同値**です", "Cash and three months cost **the same**"),
        "how_unusual": (
            "現物−3か月は {spread} USD/t。{session} までの {sessions} 日のうち {share} がこれより低い値でした。",
            "Cash minus three months is {spread} USD/t; of {sessions} days up to {session}, {share} were below that.",
        ),
        "how_long": (
            "この形は {since} から {count} 営業日続き、全期間の {backwardation} がバックワーデーションでした。",
            "It has been so since {since} ({count} sessions); {backwardation} of all days were in backwardation.",
        ),
        "usual": ("よくある水準です。", "That is usual."),
        "unusual": ("珍しい水準です (両端の10%)。", "That is unusual: within the outer tenths."),
        "very_unusual": (
            "きわめて珍しい水準です (両端の2.5%)。",
            "That is very unusual: within the outer 2.5 %.",
        ),
        "cash": ("LME 現物", "LME cash"),
        "three": ("LME 3か月", "LME three months"),
        "spread": ("現物−3か月", "Cash − 3 months"),
        "percentile": ("百分位 {share}", "percentile {share}"),
        "roll": ("ロール利回り {value}/年", "roll yield {value} a year"),
        "stocks": ("LME 在庫", "LME stocks"),
        "change20": ("20日前比 {value} t", "{value} t in 20 sessions"),
        "official": ("{session} の公式価格", "official price of {session}"),
        "curve": ("先物カーブ", "The curve"),
        "curve_note": ("{as_of} 時点。USD/t に換算。", "As of {as_of}, in USD/t."),
        "alt_curve": ("銅の先物カーブ", "Curve of copper futures"),
        "history": ("スプレッドの推移とカーブの形", "Spread and shape over time"),
        "years": ("期間", "Span"),
        "1": ("1年", "1 year"),
        "5": ("5年", "5 years"),
        "all": ("全期間", "all"),
        "alt_history": ("現物−3か月スプレッドの推移", "Cash minus three months over time"),
        "backwardation": ("バックワーデーション", "Backwardation"),
        "contango": ("コンタンゴ", "Contango"),
        "flat": ("同値", "Flat"),
        "regimes": ("カーブの形の履歴", "Shapes of the curve"),
        "shape": ("形", "shape"),
        "since": ("開始", "since"),
        "until": ("終了", "until"),
        "sessions": ("営業日", "sessions"),
        "stock_history": ("LME 在庫の推移", "LME stocks over time"),
        "tonnes": ("トン", "tonnes"),
        "no_stocks": ("在庫のデータはまだありません。", "There are no stocks yet."),
        "comex": ("COMEX と LME", "COMEX against LME"),
        "no_comex": (
            "COMEX の限月のデータはまだありません。",
            "There are no contract months of COMEX yet.",
        ),
        "over": ("COMEX − LME 3か月", "COMEX − LME 3 months"),
        "front": ("中心限月 {front}", "front {front}"),
        "slope": ("カーブの傾き {value}/年", "slope {value} a year"),
        "alt_comex": ("COMEX と LME の価格差", "COMEX front over LME three months"),
        "forecast": ("予測とその実績", "Forecast, and its record"),
        "no_forecast": ("銅の予測はまだありません。", "There is no forecast of copper yet."),
        "instrument": ("銘柄", "Instrument"),
        "more": ("先月の予測と結果を見る", "Last month's forecasts and outcomes"),
        "contract": ("限月", "contract"),
        "tenor": ("期間", "tenor"),
        "price": ("価格", "price"),
        "unit": ("単位", "unit"),
        "usd": ("USD/t", "USD/t"),
        "volume": ("出来高", "volume"),
        "expires": ("最終取引日", "expires"),
        "source": ("出所", "source"),
        "session": ("日付", "session"),
        "known": ("判明時刻", "known at"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    text = view.texts(TEXTS)
    curve = _curve(view.use)
    if curve is None:
        empty(text("nothing"), "miraikakaku collect --universe copper")
    else:
        _today(view)
        _history(view)
        left, right = st.columns(2)
        with left:
            _stocks(view)
        with right:
            _comex(view)
    _forecast(view)


@cached(60)
def _curve(use: Ports) -> CurveView | None:
    try:
        return curve_view(use.curve)
    except ConfigurationError:  # nothing is stored yet
        return None


@panel
def _today(view: View) -> None:
    text = view.texts(TEXTS)
    curve = _curve(view.use)
    if curve is None:
        return
    if curve.spread is not None:
        _verdict(view, curve.spread)
    columns = st.columns(4)
    if curve.spread is not None:
        spread = curve.spread
        for column, name, value in (
            (columns[0], "cash", spread.cash),
            (columns[1], "three", spread.three_months),
        ):
            column.metric(f"{text(name)} (USD/t)", f"{value:,.2f}")
            column.caption(text("official", session=spread.session))
        columns[2].metric(f"{text('spread')} (USD/t)", f"{spread.spread:+,.2f}")
        share = percent(spread.percentile, 1)
        columns[2].caption(
            f"{text('percentile', share=share)} · {text('roll', value=signed(spread.roll_yield))}"
        )
    _stock_metric(columns[3], text, curve.stocks)
    st.subheader(text("curve"), anchor=False)
    st.caption(text("curve_note", as_of=curve.as_of))
    _curve_figure(view, curve)
    with st.expander(text("curve"), icon=":material/table:"):
        table([_point(view, point) for point in curve.points], alt=text("curve"))


def _verdict(view: View, spread: SpreadView) -> None:
    text = view.texts(TEXTS)
    outer = min(spread.percentile, 1 - spread.percentile)
    how = "very_unusual" if outer <= 0.025 else "unusual" if outer <= 0.1 else "usual"  # noqa: PLR2004 - both tails
    with st.container(border=True):
        st.markdown(f"### {text(f'is_{spread.regime.value}')}")
        rare = text(
            "how_unusual",
            spread=f"{spread.spread:+,.2f}",
            share=percent(spread.percentile, 1),
            session=spread.session,
            sessions=f"{spread.sessions:,}",
        )
        lasting = text(
            "how_long",
            since=spread.since,
            count=spread.regime_sessions,
            backwardation=percent(spread.backwardation_share, 0),
        )
        st.markdown(f"{rare} **{text(how)}** {lasting}")


def _stock_metric(column: Any, text: Any, stocks: StockView | None) -> None:
    if stocks is None:
        column.metric(text("stocks"), "–")
        return
    column.metric(f"{text('stocks')} (t)", f"{stocks.tonnes:,.0f}")
    if stocks.change_20 is not None:
        column.caption(text("change20", value=f"{stocks.change_20:+,.0f}"))


def _curve_figure(view: View, curve: CurveView) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    own = SKY if theme.is_dark else BLUE
    figure = go.Figure()
    parts = {
        "LME": [point for point in curve.points if point.expires is None and point.usd_per_tonne is not None],
        "COMEX": [
            point for point in curve.points if point.expires is not None and point.usd_per_tonne is not None
        ],
    }
    for name, colour, sign in (("LME", own, "circle"), ("COMEX", ORANGE, "square")):
        points = parts[name]
        if points:
            figure.add_trace(
                go.Scatter(
                    x=[point.tenor for point in points], y=[point.usd_per_tonne for point in points], name=name,
                    mode="lines+markers", line={"color": colour, "width": 2}, marker={"symbol": sign, "size": 9},
                    hovertemplate="%{x}: %{y:,.2f} USD/t",
                )
            )  # fmt: skip
    figure.update_layout(theme.layout(300))
    figure.update_xaxes(type="category")
    figure.update_yaxes(title="USD/t", tickformat=",.0f", title_font_size=12)
    chart(figure, "copper-curve", text("alt_curve"), width="stretch")


def _point(view: View, point: Any) -> dict[str, Any]:
    text = view.texts(TEXTS)
    return {
        text("contract"): point.contract,
        text("tenor"): point.tenor,
        text("session"): point.session,
        text("price"): point.price,
        text("unit"): point.unit,
        text("usd"): point.usd_per_tonne,
        text("volume"): point.volume,
        text("expires"): point.expires,
        text("known"): view.moment(point.known_at),
        text("source"): point.source,
    }


@panel
def _history(view: View) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    curve = _curve(view.use)
    if curve is None or curve.history.is_empty():
        return
    st.subheader(text("history"), anchor=False)
    span = pick("years", text("years"), {name: text(name) for name in _YEARS}, "5")
    rows = curve.history.tail(_YEARS[span])
    figure = go.Figure()
    own = SKY if theme.is_dark else BLUE
    above = rows["spread"].clip(lower_bound=0)
    below = rows["spread"].clip(upper_bound=0)
    days = rows["session"].to_list()
    for values, colour, name in ((above, ORANGE, "backwardation"), (below, own, "contango")):
        figure.add_trace(
            go.Scatter(
                x=days, y=values.to_list(), name=text(name), mode="lines", fill="tozeroy",
                line={"color": colour, "width": 1}, hoverinfo="skip",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=days, y=rows["spread"].to_list(), name=text("spread"), mode="lines", showlegend=False,
            line={"color": theme.text, "width": 1}, hovertemplate="%{y:+,.2f} USD/t",
        )
    )  # fmt: skip
    figure.update_layout(theme.layout(320, hovermode="x unified"))
    figure.update_xaxes(hoverformat="%Y-%m-%d")
    figure.update_yaxes(title="USD/t", tickformat="+,.0f", title_font_size=12)
    chart(figure, "copper-spread", text("alt_history"), width="stretch")
    with st.expander(text("regimes"), icon=":material/history:"):
        shown = [
            {
                text("shape"): text(span_.regime.value),
                text("since"): span_.since,
                text("until"): span_.until,
                text("sessions"): span_.sessions,
            }
            for span_ in curve.regimes
        ]
        table(shown, alt=text("regimes"))
    export(view, rows, "copper-spread")


@panel
def _stocks(view: View) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    st.subheader(text("stock_history"), anchor=False)
    curve = _curve(view.use)
    if curve is None or curve.stock_history.is_empty():
        st.info(text("no_stocks"), icon=":material/inventory_2:")
        return
    rows = curve.stock_history.tail(_YEARS["5"])
    own = SKY if theme.is_dark else BLUE
    figure = go.Figure(
        go.Scatter(
            x=rows["session"].to_list(), y=rows["tonnes"].to_list(), mode="lines", fill="tozeroy",
            line={"color": own, "width": 2}, hovertemplate="%{x|%Y-%m-%d}: %{y:,.0f} t<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(theme.layout(280))
    figure.update_yaxes(title=text("tonnes"), tickformat=",.0f", title_font_size=12)
    chart(figure, "copper-stocks", text("stock_history"), width="stretch")
    export(view, rows, "copper-stocks")


@panel
def _comex(view: View) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    st.subheader(text("comex"), anchor=False)
    curve = _curve(view.use)
    if curve is None or curve.comex is None:
        st.info(text("no_comex"), icon=":material/compare_arrows:")
        return
    st.caption(_comex_words(view, curve.comex))
    rows = curve.comex_history.drop_nulls("over_lme").tail(_YEARS["5"])
    figure = go.Figure(
        go.Scatter(
            x=rows["session"].to_list(), y=rows["over_lme"].to_list(), mode="lines",
            line={"color": ORANGE, "width": 2}, hovertemplate="%{x|%Y-%m-%d}: %{y:+,.2f} USD/t<extra></extra>",
        )
    )  # fmt: skip
    figure.add_hline(y=0, line={"color": theme.muted, "width": 1.5})
    figure.update_layout(theme.layout(250))
    figure.update_yaxes(title="USD/t", tickformat="+,.0f", title_font_size=12)
    chart(figure, "copper-comex", text("alt_comex"), width="stretch")
    export(view, curve.comex_history, "copper-comex")


def _comex_words(view: View, comex: ComexView) -> str:
    text = view.texts(TEXTS)
    parts = [text("front", front=comex.front)]
    if comex.over_lme is not None:
        parts.append(f"{text('over')} {comex.over_lme:+,.2f} USD/t")
    if comex.slope is not None:
        parts.append(text("slope", value=signed(comex.slope)))
    if comex.roll_yield is not None:
        parts.append(text("roll", value=signed(comex.roll_yield)))
    return plain(" · ".join(parts))


@panel
def _forecast(view: View) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("forecast"), anchor=False)
    known = {symbol: facts for symbol in _FORECAST if (facts := facts_of(view.use, symbol)) is not None}
    cards = {symbol: card for symbol in known if (card := card_of(view.use, "copper", symbol)) is not None}
    if not cards:
        empty(text("no_forecast"), "miraikakaku predict --universe copper")
        return
    symbol = next(iter(cards))
    with st.container(horizontal=True, gap="medium"):
        if len(cards) > 1:
            options = {name: name for name in cards}
            symbol = pick("contract", text("instrument"), options, symbol, key="copper-contract")
        horizon = horizon_choice(view, "copper-horizon")
    left, right = st.columns([3, 2])
    with left:
        show_fan(view, known[symbol], cards[symbol], 400)
    with right:
        show_honest_card(view, known[symbol], cards[symbol], horizon)
    place = address("forecasts", symbol=symbol, h=horizon, lang=view.language.value)
    st.markdown(f"[{text('more')}]({place})")


PAGE = Page("copper", {"ja": "銅", "en": "Copper"}, ":material/stacked_line_chart:", render, 70)
