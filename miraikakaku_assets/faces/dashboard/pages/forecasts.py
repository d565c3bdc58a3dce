"""Page Forecasts: one instrument with its record, or a whole market in the order of its forecasts with that order's."""

from typing import Any

import polars as pl
import streamlit as st

from miraikakaku_assets.application.ports.reading.symbol_records import SymbolFacts
from miraikakaku_assets.application.reading.forecast_record import (
    MONTH,
    ForecastCard,
    month_summary,
)
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.address import pick
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import chart, export, panel, table
from miraikakaku_assets.faces.dashboard.parts.figures import area, decimals, number, price, signed, with_alpha
from miraikakaku_assets.faces.dashboard.parts.forecast_card import (
    show_forecast,
)
from miraikakaku_assets.faces.dashboard.parts.instrument import chosen_instrument
from miraikakaku_assets.faces.dashboard.parts.market_ranking import show_market
from miraikakaku_assets.faces.dashboard.theme import BLUE, SKY

_TELLING = MONTH // 2
"""Outcomes; the errors of fewer are a matter of single days."""
TEXTS = Texts(
    {
        "view": ("表示", "View"),
        "instrument": ("銘柄の予測", "One instrument"),
        "market": ("市場の順位", "A market's ranking"),
        "month": (
            "直近{count}営業日の予測はどれだけ当たったか",
            "How good the forecasts of the last {count} sessions were",
        ),
        "month_none": (
            "結果の出た予測がまだありません。対象日の終値が集まると採点されます。",
            "No forecast has an outcome yet; they are scored when the closes of their targets are in.",
        ),
        "verdict_better": (
            "**「変化なし」より誤差が小さかった**: 誤差は平均 {error}、「変化なし」なら {no_change} (スキル {skill})。",
            "**A smaller error than no change**: off by {error} on average, no change by {no_change} (skill {skill}).",
        ),
        "verdict_worse": (
            "**「変化なし」に及ばなかった**: 誤差は平均 {error}、「変化なし」なら {no_change} (スキル {skill})。",
            "**No better than no change**: off by {error} on average, no change by {no_change} (skill {skill}).",
        ),
        "verdict_equal": (
            "**「変化なし」と同じ誤差**: 平均 {error} (スキル {skill})。",
            "**The same error as no change**: off by {error} on average (skill {skill}).",
        ),
        "verdict_few": (
            "結果は {n} 件だけです。{least} 件に満たないうちは何とも言えません。",
            "There are only {n} outcomes; fewer than {least} tell nothing.",
        ),
        "verdict_hits": (
            "方向は {calls} 回中 {hits} 回的中 ({rate}、95% 区間 {low}–{high})。",
            "Direction right {hits} of {calls} times ({rate}; 95 % interval {low}–{high}).",
        ),
        "verdict_luck": ("偶然の範囲です。", "That is within luck."),
        "verdict_bands": (
            "結果の {within_80} が 80% 帯、{within_95} が 95% 帯に入りました ({n} 件)。",
            "{within_80} of {n} outcomes lay in the 80 % band, {within_95} in that of 95 %.",
        ),
        "waiting": ("結果待ち {count} 件。", "{count} still without an outcome."),
        "as_of": ("起点", "made from"),
        "target": ("対象日", "target"),
        "close": ("起点の終値", "close then"),
        "forecast": ("予測", "forecast"),
        "band": ("80% 帯", "80 % band"),
        "came": ("結果", "came"),
        "miss": ("誤差", "off by"),
        "direction": ("方向", "direction"),
        "right": ("○ 的中", "○ right"),
        "wrong": ("× 外れ", "× wrong"),
        "none": ("–", "–"),
        "inside": ("帯の内", "in band"),
        "yes": ("○", "○"),
        "no": ("×", "×"),
        "pending": ("結果待ち", "pending"),
        "alt_month": ("予測の帯と結果", "Forecast bands and outcomes"),
        "band80": ("80% 帯", "80 % band"),
        "outcome": ("結果", "Outcome"),
        "median": ("予測 (中央値)", "Forecast (median)"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    text = view.texts(TEXTS)
    views = {"symbol": text("instrument"), "market": text("market")}
    if pick("view", text("view"), views, "symbol", key="forecasts-view") == "market":
        show_market(view)
        return
    facts = chosen_instrument(view)
    if facts is not None:
        _instrument(view, facts)


@panel
def _instrument(view: View, facts: SymbolFacts) -> None:
    shown = show_forecast(view, facts, 440, "forecasts-horizon")
    if shown is not None:
        _month(view, facts, *shown)


def _month(view: View, facts: SymbolFacts, card: ForecastCard, horizon: int) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("month", count=MONTH), anchor=False)
    summary = month_summary(card.history, horizon)
    if not summary.forecasts:
        st.info(text("month_none"), icon=":material/hourglass_empty:")
        return
    skill = round(summary.skill or 0.0, 3)  # as it is shown
    said = [
        text(
            "verdict_better" if skill > 0 else "verdict_worse" if skill < 0 else "verdict_equal",
            error=percent(summary.error),
            no_change=percent(summary.no_change),
            skill=number(summary.skill, 3, sign=True),
        )
    ]
    if summary.hit_rate is not None and summary.hit_low is not None and summary.hit_high is not None:
        said.append(
            text(
                "verdict_hits",
                calls=summary.calls,
                hits=summary.hits,
                rate=percent(summary.hit_rate, 0),
                low=percent(summary.hit_low, 0),
                high=percent(summary.hit_high, 0),
            )
        )
        if summary.hit_low <= 0.5:  # noqa: PLR2004 - a coin
            said.append(text("verdict_luck"))
    said.append(
        text(
            "verdict_bands",
            within_80=percent(summary.within_80, 0),
            within_95=percent(summary.within_95, 0),
            n=summary.forecasts,
        )
    )
    if summary.forecasts < _TELLING:
        said.insert(0, text("verdict_few", n=summary.forecasts, least=_TELLING))
    if summary.waiting:
        said.append(text("waiting", count=summary.waiting))
    st.markdown(" ".join(said))
    rows = card.history.filter(pl.col("horizon") == horizon).sort("as_of")
    _month_figure(view, facts, rows)
    compared = [
        _compared(view, facts, row) for row in rows.sort("as_of", descending=True).iter_rows(named=True)
    ]
    table(compared, height=38 + 35 * len(compared), alt=text("month", count=MONTH))
    export(view, rows, f"forecasts-{facts.symbol}-h{horizon}")


def _month_figure(view: View, facts: SymbolFacts, rows: pl.DataFrame) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    blue = SKY if theme.is_dark else BLUE
    days = rows["target"].to_list()
    figure = go.Figure()
    figure.add_trace(
        area(days, rows["lo80"].to_list(), rows["hi80"].to_list(), with_alpha(blue, 0.22), text("band80"))
    )
    form = f"%{{y:,.{decimals(facts.price_unit)}f}}"
    figure.add_trace(
        go.Scatter(
            x=days, y=rows["point"].to_list(), name=text("median"), mode="lines",
            line={"color": blue, "width": 2}, hovertemplate=form,
        )
    )  # fmt: skip
    come = rows.filter(pl.col("actual").is_not_null())
    colours = [theme.text if inside else theme.up for inside in come["within_80"]]
    symbols = ["circle" if inside else "x" for inside in come["within_80"]]
    figure.add_trace(
        go.Scatter(
            x=come["target"].to_list(), y=come["actual"].to_list(), name=text("outcome"), mode="markers",
            marker={"color": colours, "symbol": symbols, "size": 9}, hovertemplate=form,
        )
    )  # fmt: skip
    figure.update_layout(theme.layout(300, hovermode="x unified"))
    figure.update_xaxes(tickformat="%m/%d", hoverformat="%Y-%m-%d")
    figure.update_yaxes(title=facts.price_unit, title_font_size=12)
    chart(figure, f"record-{facts.symbol}", text("alt_month"), width="stretch")


def _compared(view: View, facts: SymbolFacts, row: dict[str, Any]) -> dict[str, Any]:
    text, unit = view.texts(TEXTS), facts.price_unit
    come = row["came"] is not None
    hit = text("none") if row["hit"] is None else text("right") if row["hit"] else text("wrong")
    return {
        text("as_of"): row["as_of"],
        text("target"): row["target"],
        text("close"): price(row["close"], unit),
        text("forecast"): f"{price(row['point'], unit)} ({signed(row['point'] / row['close'] - 1)})",
        text("came"): f"{price(row['actual'], unit)} ({signed(row['actual'] / row['close'] - 1)})"
        if come
        else text("pending"),
        text("miss"): signed(row["point"] / row["actual"] - 1) if come else "–",
        text("direction"): hit if come else "–",
        text("band"): f"{price(row['lo80'], unit)} – {price(row['hi80'], unit)}",
        text("inside"): (text("yes") if row["within_80"] else text("no")) if come else "–",
    }


PAGE = Page("forecasts", {"ja": "予測", "en": "Forecasts"}, ":material/insights:", render, 50)
