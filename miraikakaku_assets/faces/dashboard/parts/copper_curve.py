"""The curve of copper as it is now: backwardation or contango, how unusual, and its points."""

from typing import Any

import streamlit as st

from miraikakaku_assets.application.copper.curve_view import (
    CurvePoint,
    CurveView,
    SpreadView,
    StockView,
    curve_view,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import chart, panel, table
from miraikakaku_assets.faces.dashboard.parts.figures import signed
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.theme import BLUE, ORANGE, SKY

TEXTS = Texts(
    {
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
        "curve_note": ("{sessions}。USD/t に換算。", "{sessions}; in USD/t."),
        "curve_session": ("{exchange} は {session} の価格", "{exchange}: prices of {session}"),
        "curve_table": ("カーブの価格表", "Prices of the curve"),
        "alt_curve": ("銅の先物カーブ", "Curve of copper futures"),
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


@cached(60)
def newest_curve(use: Ports) -> CurveView | None:
    """The stored curve; None where nothing is stored yet."""
    try:
        return curve_view(use.stores.curve)
    except ConfigurationError:  # nothing is stored yet
        return None


@panel
def show_curve(view: View) -> None:
    """Backwardation or contango in a sentence, prices and stocks of the newest session, and the curve."""
    text = view.texts(TEXTS)
    curve = newest_curve(view.use)
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
    sessions = [
        text("curve_session", exchange=exchange, session=max(point.session for point in points))
        for exchange, points in _by_exchange(curve).items()
        if points
    ]
    st.caption(text("curve_note", sessions=" · ".join(sessions)))
    _curve_figure(view, curve)
    with st.expander(text("curve_table"), icon=":material/table:"):
        table([_point(view, point) for point in curve.points], alt=text("curve_table"))


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


def _by_exchange(curve: CurveView) -> dict[str, list[CurvePoint]]:
    """Points with a price in dollars. New York closes eight hours after London, so their newest sessions differ."""
    priced = [point for point in curve.points if point.usd_per_tonne is not None]
    return {
        "LME": [point for point in priced if point.expires is None],
        "COMEX": [point for point in priced if point.expires is not None],
    }


def _curve_figure(view: View, curve: CurveView) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    own = SKY if theme.is_dark else BLUE
    figure = go.Figure()
    parts = _by_exchange(curve)
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
