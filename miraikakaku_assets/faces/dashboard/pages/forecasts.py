"""Page Forecasts: one instrument with its record, or a whole market in the order of its forecasts with that order's."""

from typing import Any

import polars as pl
import streamlit as st

from miraikakaku_assets.application.ports.reading.screening import Range, Screen, ScreenedPage
from miraikakaku_assets.application.ports.reading.symbol_records import SymbolFacts
from miraikakaku_assets.application.reading.forecast_record import (
    MONTH,
    ForecastCard,
    RankRecord,
    month_summary,
    rank_record,
)
from miraikakaku_assets.application.reading.screener import screen_instruments
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.address import address, pick
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, export, panel, table
from miraikakaku_assets.faces.dashboard.parts.figures import area, decimals, number, price, signed, with_alpha
from miraikakaku_assets.faces.dashboard.parts.forecast_card import (
    ENSEMBLE,
    horizon_choice,
    show_forecast,
)
from miraikakaku_assets.faces.dashboard.parts.instrument import chosen_instrument
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.theme import BLUE, SKY

_RANKED = 25
_RECORD_DAYS = 60
TEXTS = Texts(
    {
        "view": ("表示", "View"),
        "instrument": ("銘柄の予測", "One instrument"),
        "market": ("市場の順位", "A market's ranking"),
        "jp": ("東証", "Tokyo"),
        "us": ("米国", "United States"),
        "fx": ("為替", "Currencies"),
        "copper": ("銅", "Copper"),
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
        "ranking": (
            "予測の順位 ({as_of} の終値から {horizon} 営業日先)",
            "Ranking from the close of {as_of}, {horizon} ahead",
        ),
        "tied": (
            "どの銘柄も同じ予測 (変化なし) のため、順位はありません。",
            "Every instrument is forecast alike (no change), so there is no ranking.",
        ),
        "no_market": ("この市場の予測はまだありません。", "There is no forecast of this market yet."),
        "top": ("上位 {count}", "First {count}"),
        "bottom": ("下位 {count}", "Last {count}"),
        "rank": ("順位", "rank"),
        "symbol": ("銘柄", "symbol"),
        "name": ("名前", "name"),
        "sector": ("業種", "sector"),
        "expected": ("予測 (%)", "forecast (%)"),
        "width": ("80% 帯の幅 (%)", "80 % band (%)"),
        "turnover": ("売買代金/日", "turnover a day"),
        "record": ("この順位づけの実績", "What this order was worth"),
        "ic": ("順位相関 (rank IC)", "Rank IC"),
        "ic_help": (
            "予測の順位と実際の騰落の順位のスピアマン相関の日次平均。0 なら無関係",
            "Daily mean of Spearman's correlation of forecast and outcome; 0 is none",
        ),
        "t": ("t 値", "t"),
        "icir": ("ICIR", "ICIR"),
        "spread": ("上位1割−下位1割", "First minus last tenth"),
        "spread_help": (
            "1予測期間あたりの平均対数収益の差・費用控除前",
            "Mean log return a horizon, before costs",
        ),
        "days": ("{count} 日", "{count} days"),
        "no_record": (
            "結果の出た日がまだ足りないため、この順位づけの実績はまだありません。",
            "Too few days have an outcome for this order to have a record.",
        ),
        "weak": (
            "t 値が 2 未満です: この順位づけに価値があるとは言えません (優位性なし)。",
            "t is below 2: nothing says that this order is worth anything (優位性なし).",
        ),
        "alt_ic": ("日ごとの順位相関", "Rank correlation by day"),
        "ic_day": ("日次", "Daily"),
        "ic_mean": ("累積平均", "Mean so far"),
        "older": ("{as_of} の予測です", "Forecasts of {as_of}"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    text = view.texts(TEXTS)
    views = {"symbol": text("instrument"), "market": text("market")}
    if pick("view", text("view"), views, "symbol", key="forecasts-view") == "market":
        _market(view)
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
    skill = summary.skill or 0.0
    said = [
        text(
            "verdict_better" if skill > 0 else "verdict_worse",
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


@cached(60)
def _ranked(use: Ports, market: str, horizon: int, *, is_descending: bool) -> ScreenedPage:
    screen = Screen(
        (market,), ranges={"forecast_rank": Range(1)}, horizon=horizon, sort="forecast_rank",
        is_descending=is_descending, limit=_RANKED,
    )  # fmt: skip
    return screen_instruments(screen, use.settings.pattern_definition, use.screener)


@cached(300)
def _order_record(use: Ports, market: str, horizon: int) -> RankRecord | None:
    whose = universe(market)
    newest = use.forecasts.newest_origin(whose)
    if newest is None:
        return None
    return rank_record(whose, ENSEMBLE, horizon, _RECORD_DAYS, newest, use.forecast_records)


@panel
def _market(view: View) -> None:
    text = view.texts(TEXTS)
    with st.container(horizontal=True, gap="medium"):
        markets = {name: text(name) for name in ("jp", "us", "fx", "copper")}
        market = pick("market", text("market"), markets, "jp", key="forecasts-market")
        horizon = horizon_choice(view, "ranking-horizon")
    record = _order_record(view.use, market, horizon)
    if record is None:
        empty(text("no_market"), f"miraikakaku predict --universe {market}")
        return
    _order(view, record)
    first = _ranked(view.use, market, horizon, is_descending=False)
    if first.rows.is_empty():
        st.info(text("tied"), icon=":material/drag_handle:")
        return
    as_of = first.rows["forecast_as_of"].max()
    st.subheader(text("ranking", as_of=as_of, horizon=horizon), anchor=False)
    last = _ranked(view.use, market, horizon, is_descending=True)
    left, right = st.columns(2)
    with left:
        _ranking(view, first.rows, text("top", count=first.rows.height))
    with right:
        _ranking(view, last.rows, text("bottom", count=last.rows.height))
    both = pl.concat([first.rows, last.rows]).unique("symbol").sort("forecast_rank")
    export(view, both, f"ranking-{market}-h{horizon}")


def _ranking(view: View, rows: pl.DataFrame, title: str) -> None:
    text = view.texts(TEXTS)
    st.markdown(f"**{title}**")
    shown = [
        {
            text("rank"): row["forecast_rank"],
            text("symbol"): address("forecasts", symbol=row["symbol"], lang=view.language.value),
            text("name"): row["name"],
            text("expected"): 100 * row["forecast"],
            text("width"): 100 * row["forecast_band"],
            text("sector"): row["sector"],
        }
        for row in rows.iter_rows(named=True)
    ]
    config = st.column_config
    table(
        shown,
        height=38 + 35 * len(shown),
        column_config={
            text("symbol"): config.LinkColumn(display_text=r"symbol=([^&]+)"),
            text("expected"): config.NumberColumn(format="%+.2f"),
            text("width"): config.NumberColumn(format="%.2f"),
        },
        alt=title,
    )


def _order(view: View, record: RankRecord) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    st.subheader(text("record"), anchor=False)
    if record.mean is None or record.t is None:
        st.info(text("no_record"), icon=":material/hourglass_empty:")
        return
    columns = st.columns(4)
    columns[0].metric(text("ic"), number(record.mean, 3, sign=True), help=text("ic_help"))
    columns[0].caption(text("days", count=record.days.drop_nulls("ic").height))
    columns[1].metric(text("t"), number(record.t, 1, sign=True))
    columns[2].metric(text("icir"), number(record.ratio, 2, sign=True))
    columns[3].metric(text("spread"), signed(record.spread), help=text("spread_help"))
    if record.t < 2:  # noqa: PLR2004 - the usual bar
        st.info(text("weak"), icon=":material/balance:")
    known = record.days.drop_nulls("ic")
    mean = known["ic"].cum_sum() / pl.Series(range(1, known.height + 1))
    figure = go.Figure()
    blue = SKY if theme.is_dark else BLUE
    figure.add_trace(
        go.Bar(
            x=known["as_of"].to_list(), y=known["ic"].to_list(), name=text("ic_day"), marker_color=theme.muted
        )
    )
    figure.add_trace(
        go.Scatter(
            x=known["as_of"].to_list(), y=mean.to_list(), name=text("ic_mean"), mode="lines",
            line={"color": blue, "width": 3},
        )
    )  # fmt: skip
    figure.update_layout(theme.layout(240, hovermode="x unified", bargap=0.3))
    figure.update_xaxes(tickformat="%m/%d", hoverformat="%Y-%m-%d")
    figure.update_yaxes(tickformat=".2f", hoverformat="+.3f")
    chart(figure, "rank-ic", text("alt_ic"), width="stretch")


PAGE = Page("forecasts", {"ja": "予測", "en": "Forecasts"}, ":material/insights:", render, 50)
