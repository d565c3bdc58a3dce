"""A market in the order of its forecasts, and what that order was worth."""

import polars as pl
import streamlit as st

from miraikakaku_assets.application.ports.reading.screening import Range, Screen, ScreenedPage
from miraikakaku_assets.application.reading.forecast_record import (
    RankRecord,
    rank_record,
)
from miraikakaku_assets.application.reading.screener import screen_instruments
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.faces.dashboard.address import address, pick
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, export, panel, table
from miraikakaku_assets.faces.dashboard.parts.figures import number, signed
from miraikakaku_assets.faces.dashboard.parts.forecast_card import (
    ENSEMBLE,
    horizon_choice,
)
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.theme import BLUE, SKY

_RANKED = 25
_RECORD_DAYS = 60
TEXTS = Texts(
    {
        "market": ("市場の順位", "A market's ranking"),
        "jp": ("東証", "Tokyo"),
        "us": ("米国", "United States"),
        "fx": ("為替", "Currencies"),
        "copper": ("銅", "Copper"),
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
    }
)


@cached(60)
def _ranked(use: Ports, market: str, horizon: int, *, is_descending: bool) -> ScreenedPage:
    screen = Screen(
        (market,), ranges={"forecast_rank": Range(1)}, horizon=horizon, sort="forecast_rank",
        is_descending=is_descending, limit=_RANKED,
    )  # fmt: skip
    return screen_instruments(screen, use.settings.pattern_definition, use.stores.screener)


@cached(300)
def _order_record(use: Ports, market: str, horizon: int) -> RankRecord | None:
    whose = universe(market)
    newest = use.forecasting.forecasts.newest_origin(whose)
    if newest is None:
        return None
    return rank_record(whose, ENSEMBLE, horizon, _RECORD_DAYS, newest, use.stores.forecast_records)


@panel
def show_market(view: View) -> None:
    """A market's first and last instruments by forecast, and what that order was worth."""
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
