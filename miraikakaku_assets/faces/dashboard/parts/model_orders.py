"""What the order of models' forecasts was worth, and whether surer forecasts were better."""

import polars as pl
import streamlit as st

from miraikakaku_assets.application.reading.forecast_record import (
    RankRecord,
    rank_record,
    risk_coverage,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import chart, panel, table
from miraikakaku_assets.faces.dashboard.parts.figures import number, signed
from miraikakaku_assets.faces.dashboard.parts.forecast_card import ENSEMBLE, NO_CHANGE
from miraikakaku_assets.faces.dashboard.parts.model_scores import model_name, model_styles, scores_of
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.theme import BLUE, ORANGE, SKY

_RECORD_DAYS = 60
TEXTS = Texts(
    {
        "nothing": (
            "採点された予測がまだありません。予測の対象日の終値が集まると採点されます。",
            "No forecast has been scored yet; they are when the closes of their targets are in.",
        ),
        "model": ("モデル", "model"),
        "days": ("日数", "days"),
        "ic": ("順位づけの価値 (rank IC)", "What ranking is worth (rank IC)"),
        "ic_note": (
            "予測の順位と実際の騰落の順位の相関。直近{days}日・{horizon}営業日先。",
            "Correlation of forecast and outcome by rank; the last {days} days, {horizon} ahead.",
        ),
        "alt_ic": ("モデルごとの順位相関の累積平均", "Mean rank correlation so far of every model"),
        "no_ic": (
            "順位をつけられるほど多くの銘柄の結果がまだありません。",
            "There are not enough outcomes yet to judge an order by.",
        ),
        "mean_ic": ("平均 IC", "mean IC"),
        "t": ("t 値", "t"),
        "icir": ("ICIR", "ICIR"),
        "spread": ("上位−下位1割", "first − last tenth"),
        "risk": ("確信度と成績 (risk–coverage)", "Surer and better? (risk–coverage)"),
        "risk_note": (
            "確信度 (予測の大きさ÷帯の幅) が高い順に予測を採用したときの成績。確信に中身があれば左ほど良い。",
            "Forecasts taken from the surest on (size over band); if sureness means anything, the left is better.",
        ),
        "share": ("採用した予測の割合", "Share of forecasts taken"),
        "hit_rate": ("方向の的中率", "Direction right"),
        "error": ("誤差の比 (対 変化なし)", "Error over no change"),
        "alt_risk": ("採用割合ごとの的中率と誤差比", "Hit rate and error ratio by share taken"),
    }
)


@cached(300)
def _orders(use: Ports, market: str, horizon: int, models: tuple[str, ...]) -> dict[str, RankRecord]:
    whose = universe(market)
    newest = use.forecasting.forecasts.newest_origin(whose)
    if newest is None:
        return {}
    return {
        model: rank_record(whose, model, horizon, _RECORD_DAYS, newest, use.stores.forecast_records)
        for model in models
    }


@cached(300)
def _sureness(use: Ports, market: str, horizon: int) -> pl.DataFrame | None:
    whose = universe(market)
    newest = use.forecasting.forecasts.newest_origin(whose)
    if newest is None:
        return None
    return risk_coverage(whose, ENSEMBLE, horizon, _RECORD_DAYS, newest, use.stores.forecast_records)


@panel
def show_sureness(view: View, market: str, horizon: int) -> None:
    """Hit rate and error where only the surest forecasts are taken."""
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    st.subheader(text("risk"), anchor=False)
    st.caption(text("risk_note"))
    curve = _sureness(view.use, market, horizon)
    if curve is None or curve.is_empty():
        st.info(text("nothing"), icon=":material/hourglass_empty:")
        return
    figure = go.Figure()
    share = curve["share"].to_list()
    own = SKY if theme.is_dark else BLUE
    figure.add_hline(y=0.5, line={"color": theme.muted, "dash": "dash", "width": 1.5})
    for name, colour, dash, axis, form in (
        ("hit_rate", own, "solid", "y", "%{y:.1%}"),
        ("mae_to_no_change", ORANGE, "dash", "y2", "%{y:.4f}"),
    ):
        figure.add_trace(
            go.Scatter(
                x=share, y=curve[name].to_list(), name=text("hit_rate" if axis == "y" else "error"), yaxis=axis,
                mode="lines+markers", line={"color": colour, "width": 2, "dash": dash}, hovertemplate=form,
            )
        )  # fmt: skip
    figure.update_layout(
        theme.layout(
            330, hovermode="x unified",
            yaxis2={"overlaying": "y", "side": "right", "tickformat": ".3f", "showgrid": False, "automargin": True},
        )
    )  # fmt: skip
    figure.update_xaxes(title=text("share"), tickformat=".0%", title_font_size=12)
    figure.update_layout(yaxis={"tickformat": ".0%", "gridcolor": theme.grid, "zeroline": False})
    chart(figure, "risk-coverage", text("alt_risk"), width="stretch")


@panel
def show_orders(view: View, market: str, horizon: int) -> None:
    """Rank correlation of every model over time."""
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    st.subheader(text("ic"), anchor=False)
    st.caption(text("ic_note", days=_RECORD_DAYS, horizon=horizon))
    scores = scores_of(view.use, market, 20)
    models = tuple(sorted({row["model"] for row in scores} - {NO_CHANGE}))
    records = {
        model: record
        for model, record in _orders(view.use, market, horizon, models).items()
        if record.mean is not None and record.t is not None
    }
    if not records:
        st.info(text("no_ic"), icon=":material/hourglass_empty:")
        return
    figure = go.Figure()
    figure.add_hline(y=0, line={"color": theme.muted, "width": 1.5})
    styles = model_styles(view, list(models))
    for model, record in records.items():
        known = record.days.drop_nulls("ic")
        mean = known["ic"].cum_sum() / pl.Series(range(1, known.height + 1))
        colour, dash, _ = styles[model]
        figure.add_trace(
            go.Scatter(
                x=known["as_of"].to_list(), y=mean.to_list(), name=model_name(view, model), mode="lines",
                line={"color": colour, "dash": dash, "width": 3 if model == ENSEMBLE else 1.5},
                hovertemplate="%{y:+.3f}",
            )
        )  # fmt: skip
    figure.update_layout(theme.layout(300, hovermode="x unified"))
    figure.update_xaxes(tickformat="%m/%d", hoverformat="%Y-%m-%d")
    figure.update_yaxes(tickformat="+.2f")
    chart(figure, "rank-ic-models", text("alt_ic"), width="stretch")
    shown = [
        {
            text("model"): model_name(view, model),
            text("mean_ic"): number(record.mean, 3, sign=True),
            text("t"): number(record.t, 1, sign=True),
            text("icir"): number(record.ratio, 2, sign=True),
            text("spread"): signed(record.spread),
            text("days"): record.days.drop_nulls("ic").height,
        }
        for model, record in sorted(records.items(), key=lambda entry: -(entry[1].mean or 0))
    ]
    table(shown, alt=text("ic"))
