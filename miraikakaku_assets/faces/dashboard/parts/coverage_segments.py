"""Coverage by segment, and over the newest checks."""

from typing import Any

import streamlit as st

from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import chart, export, panel, table
from miraikakaku_assets.faces.dashboard.parts.coverage_texts import TEXTS

_TREND_HEIGHT = 220


@panel
def show_segments(view: View, market: str, checked: Any) -> None:
    """Stored and expected bars of every segment, and the share over the newest checks."""
    import polars as pl

    text = view.texts(TEXTS)
    st.subheader(text("segments"), anchor=False)
    rows = [
        {
            text("segment"): text("whole") if segment["segment"] == "all" else segment["segment"],
            text("share"): None if segment["coverage"] is None else 100 * segment["coverage"],
            text("floor"): 100 * segment["threshold"],
            text("stored"): segment["stored_bars"],
            text("expected"): segment["expected_bars"],
            text("issues"): segment["instruments"],
            text("complete"): segment["complete_instruments"],
            text("no_bars"): segment["empty_instruments"],
        }
        for segment in checked.segments
    ]
    number = st.column_config.NumberColumn
    table(
        rows,
        column_config={
            text("share"): number(format="%.2f"),
            text("floor"): number(format="%.0f"),
            text("stored"): number(format="localized"),
            text("expected"): number(format="localized"),
        },
        alt=text("segments"),
    )
    export(view, pl.DataFrame(rows, infer_schema_length=None), f"coverage-{market}")
    if len(checked.trend) > 1:
        _trend(view, market, checked)


def _trend(view: View, market: str, checked: Any) -> None:
    import plotly.graph_objects as go

    text = view.texts(TEXTS)
    moments, shares = zip(*checked.trend, strict=True)
    figure = go.Figure(go.Scatter(x=moments, y=shares, mode="lines+markers", name=text("coverage")))
    figure.update_layout(**view.theme.layout(_TREND_HEIGHT))
    figure.update_yaxes(tickformat=".1%")
    chart(figure, f"coverage-trend-{market}", text("trend_alt"))
