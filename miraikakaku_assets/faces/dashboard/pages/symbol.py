"""Page Symbol: candles with everything that is known of one instrument, the news of its data, its forecast."""

import streamlit as st

from miraikakaku_assets.application.ports.reading.symbol_records import SymbolFacts
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import link, panel
from miraikakaku_assets.faces.dashboard.parts.forecast_card import show_forecast
from miraikakaku_assets.faces.dashboard.parts.instrument import chosen_instrument
from miraikakaku_assets.faces.dashboard.parts.symbol_chart import show_chart
from miraikakaku_assets.faces.dashboard.parts.symbol_news import show_news

TEXTS = Texts(
    {
        "forecast": ("予測", "Forecast"),
        "more_forecast": ("予測の詳細と先月の実績", "The forecast in detail, and last month's record"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    facts = chosen_instrument(view)
    if facts is None:
        return
    show_chart(view, facts)
    _forecast(view, facts)
    show_news(view, facts)


@panel
def _forecast(view: View, facts: SymbolFacts) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("forecast"), anchor=False)
    shown = show_forecast(view, facts, 400, "symbol-horizon")
    if shown is None:
        return
    _, horizon = shown
    link(view, "forecasts", text("more_forecast"), ":material/insights:", symbol=facts.symbol, h=horizon)


PAGE = Page("symbol", {"ja": "銘柄", "en": "Symbol"}, ":material/candlestick_chart:", render, 30)
