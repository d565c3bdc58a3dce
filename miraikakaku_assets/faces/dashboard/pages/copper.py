"""Page Copper: the curve and its shape, how unusual the spread is, stocks, COMEX beside the LME, the forecast."""

import streamlit as st

from miraikakaku_assets.application.copper.curve_view import (
    ComexView,
)
from miraikakaku_assets.faces.dashboard.address import pick
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, export, link, panel, plain, table
from miraikakaku_assets.faces.dashboard.parts.copper_curve import newest_curve, show_curve
from miraikakaku_assets.faces.dashboard.parts.figures import signed
from miraikakaku_assets.faces.dashboard.parts.forecast_card import (
    card_of,
    horizon_choice,
    show_fan,
    show_honest_card,
)
from miraikakaku_assets.faces.dashboard.parts.instrument import facts_of
from miraikakaku_assets.faces.dashboard.theme import BLUE, ORANGE, SKY

_YEARS = {"1": 250, "5": 1250, "all": 100_000}
_FORECAST = ("LME-CU-3M", "LME-CU-CASH", "HG=F")
TEXTS = Texts(
    {
        "nothing": (
            "銅のカーブはまだありません。収集を実行してください。",
            "There is no copper curve yet. Collect it.",
        ),
        "spread": ("現物−3か月", "Cash − 3 months"),
        "roll": ("ロール利回り {value}/年", "roll yield {value} a year"),
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
        "over": ("COMEX − LME 3か月 ({session})", "COMEX − LME 3 months of {session}"),
        "front": ("中心限月 {front}", "front {front}"),
        "slope": ("カーブの傾き {value}/年", "slope {value} a year"),
        "alt_comex": ("COMEX と LME の価格差", "COMEX front over LME three months"),
        "forecast": ("予測とその実績", "Forecast, and its record"),
        "no_forecast": ("銅の予測はまだありません。", "There is no forecast of copper yet."),
        "instrument": ("銘柄", "Instrument"),
        "more": ("先月の予測と結果を見る", "Last month's forecasts and outcomes"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    text = view.texts(TEXTS)
    curve = newest_curve(view.use)
    if curve is None:
        empty(text("nothing"), "miraikakaku collect --universe copper")
    else:
        show_curve(view)
        _history(view)
        left, right = st.columns(2)
        with left:
            _stocks(view)
        with right:
            _comex(view)
    _forecast(view)


@panel
def _history(view: View) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    curve = newest_curve(view.use)
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
    curve = newest_curve(view.use)
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
    curve = newest_curve(view.use)
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
        parts.append(f"{text('over', session=comex.session)} {comex.over_lme:+,.2f} USD/t")
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
    link(view, "forecasts", text("more"), ":material/insights:", symbol=symbol, h=horizon)


PAGE = Page("copper", {"ja": "銅", "en": "Copper"}, ":material/stacked_line_chart:", render, 70)
