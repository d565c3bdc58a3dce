"""Page Models: which model led, whether bands held, what ranking was worth, who is champion and why."""

from typing import Any

import polars as pl
import streamlit as st

from miraikakaku_assets.application.reading.forecast_record import (
    champion_history,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.address import pick
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, export, panel, table
from miraikakaku_assets.faces.dashboard.parts.figures import number
from miraikakaku_assets.faces.dashboard.parts.forecast_card import ENSEMBLE, NO_CHANGE, horizon_choice
from miraikakaku_assets.faces.dashboard.parts.model_orders import show_orders, show_sureness
from miraikakaku_assets.faces.dashboard.parts.model_scores import model_name, model_styles, scores_of
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.theme import GREEN

_DECISIONS = 60
_KEPT = {"80": (0.78, 0.82), "95": (0.935, 0.965)}
TEXTS = Texts(
    {
        "market": ("市場", "Market"),
        "jp": ("東証", "Tokyo"),
        "us": ("米国", "United States"),
        "fx": ("為替", "Currencies"),
        "copper": ("銅", "Copper"),
        "window": ("集計期間", "Window"),
        "20": ("20日", "20 days"),
        "250": ("250日", "250 days"),
        "nothing": (
            "採点された予測がまだありません。予測の対象日の終値が集まると採点されます。",
            "No forecast has been scored yet; they are when the closes of their targets are in.",
        ),
        "leaderboard": ("モデルの成績の推移", "Who led over time"),
        "leaderboard_note": (
            "平均絶対誤差の「変化なし」に対する比。1 未満なら良い。{window}日移動・{horizon}営業日先。",
            "Mean absolute error over that of no change; below 1 is better. {window} days each, {horizon} ahead.",
        ),
        "ratio": ("誤差の比", "Error ratio"),
        "alt_leaderboard": ("モデルごとの誤差の比の推移", "Error ratio of every model over time"),
        "model": ("モデル", "model"),
        "skill": ("スキル", "skill"),
        "p": ("p 値 (DM)", "p (DM)"),
        "hits": ("方向の的中率", "direction right"),
        "interval": ("95% 区間", "95 % interval"),
        "always_up": ("常に上昇なら", "always up"),
        "c80": ("80% 帯", "80 % band"),
        "c95": ("95% 帯", "95 % band"),
        "n": ("件数", "outcomes"),
        "days": ("日数", "days"),
        "until": ("最終日", "until"),
        "calibration": ("帯の較正", "Calibration of the bands"),
        "calibration_note": (
            "帯に入った結果の割合。緑の範囲なら約束どおり。",
            "Share of outcomes within each band; within the green strip the promise is kept.",
        ),
        "alt_calibration": ("モデルごとの帯に入った割合", "Share of outcomes in the bands by model"),
        "champions": ("チャンピオンの審査", "Champion decisions"),
        "no_champions": (
            "審査の記録がまだありません。月に一度、1年分の実績で審査されます。",
            "No review yet; one is held every month, on a year of outcomes.",
        ),
        "as_of": ("審査日", "reviewed"),
        "horizon": ("予測先", "horizon"),
        "before": ("それまで", "before"),
        "champion": ("チャンピオン", "champion"),
        "challenger": ("最有力の挑戦者", "best challenger"),
        "p_holm": ("p 値 (Holm)", "p (Holm)"),
        "why": ("根拠", "why"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    text = view.texts(TEXTS)
    with st.container(horizontal=True, gap="medium"):
        markets = {name: text(name) for name in ("jp", "us", "fx", "copper")}
        market = pick("market", text("market"), markets, "jp", key="models-market")
        window = int(pick("window", text("window"), {"20": text("20"), "250": text("250")}, "20"))
        horizon = horizon_choice(view, "models-horizon")
    scores = scores_of(view.use, market, window)
    if not scores:
        empty(text("nothing"), f"miraikakaku predict --universe {market}")
    else:
        _leaderboard(view, market, window, horizon)
        left, right = st.columns(2)
        with left:
            _calibration(view, market, window, horizon)
        with right:
            show_sureness(view, market, horizon)
        show_orders(view, market, horizon)
    _champions(view, market)


@cached(120)
def _over_time(use: Ports, market: str, window: int) -> pl.DataFrame:
    whose = universe(market)
    newest = use.forecasting.forecasts.newest_origin(whose)
    since = None if newest is None else sessions_back(whose.calendar, newest, 250)
    rows = use.forecasting.forecasts.performance(whose, window, since)
    return rows.select("model", "horizon", "until", "mae_to_no_change")


@cached(120)
def _reviews(use: Ports, market: str) -> list[dict[str, Any]]:
    return champion_history(universe(market), _DECISIONS, use.stores.forecast_records)


@panel
def _leaderboard(view: View, market: str, window: int, horizon: int) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    st.subheader(text("leaderboard"), anchor=False)
    st.caption(text("leaderboard_note", window=window, horizon=horizon))
    rows = (
        _over_time(view.use, market, window)
        .filter(pl.col("horizon") == horizon)
        .drop_nulls("mae_to_no_change")
    )
    models = rows["model"].unique().to_list()
    figure = go.Figure()
    figure.add_hline(y=1, line={"color": theme.muted, "width": 1.5})
    for model, (colour, dash, _) in model_styles(view, models).items():
        own = rows.filter(pl.col("model") == model).sort("until")
        if own.is_empty() or model == NO_CHANGE:
            continue
        width = 3 if model == ENSEMBLE else 1.5
        figure.add_trace(
            go.Scatter(
                x=own["until"].to_list(), y=own["mae_to_no_change"].to_list(), name=model_name(view, model),
                mode="lines" if own.height > 1 else "markers",
                line={"color": colour, "width": width, "dash": dash},
                hovertemplate="%{y:.4f}",
            )
        )  # fmt: skip
    figure.update_layout(theme.layout(360, hovermode="x unified"))
    figure.update_xaxes(tickformat="%m/%d", hoverformat="%Y-%m-%d")
    figure.update_yaxes(title=text("ratio"), tickformat=".3f", title_font_size=12)
    chart(figure, "leaderboard", text("alt_leaderboard"), width="stretch")
    _table(view, market, window, horizon)


def _table(view: View, market: str, window: int, horizon: int) -> None:
    text = view.texts(TEXTS)
    scores = [row for row in scores_of(view.use, market, window) if row["horizon"] == horizon]
    scores.sort(key=lambda row: (row["mae_to_no_change"] is None, row["mae_to_no_change"] or 0, row["model"]))
    shown = [
        {
            text("model"): model_name(view, row["model"]),
            text("ratio"): row["mae_to_no_change"],
            text("skill"): row["skill"],
            text("p"): row["dm_p_better"],
            text("hits"): percent(row["hit_rate"], 1),
            text("interval"): f"{percent(row['hit_low'], 1)} – {percent(row['hit_high'], 1)}"
            if row["hit_rate"] is not None
            else "–",
            text("always_up"): percent(row["always_up"], 1),
            text("c80"): percent(row["coverage_80"], 1),
            text("c95"): percent(row["coverage_95"], 1),
            text("n"): row["n"],
            text("days"): row["days"],
            text("until"): row["until"],
        }
        for row in scores
    ]
    form = st.column_config.NumberColumn
    table(
        shown,
        column_config={
            text("ratio"): form(format="%.4f"),
            text("skill"): form(format="%+.4f"),
            text("p"): form(format="%.3f"),
            text("n"): form(format="localized"),
        },
        alt=text("leaderboard"),
    )
    export(view, pl.DataFrame(scores, infer_schema_length=None), f"scores-{market}-{window}-h{horizon}")


@panel
def _calibration(view: View, market: str, window: int, horizon: int) -> None:
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    st.subheader(text("calibration"), anchor=False)
    st.caption(text("calibration_note"))
    scores = [
        row
        for row in scores_of(view.use, market, window)
        if row["horizon"] == horizon and row["coverage_80"] is not None
    ]
    styles = model_styles(view, [row["model"] for row in scores])
    rows = sorted(scores, key=lambda row: (row["model"] != ENSEMBLE, row["model"]), reverse=True)
    figure = go.Figure()
    for low, high in _KEPT.values():
        figure.add_vrect(x0=low, x1=high, fillcolor=GREEN, opacity=0.22, line_width=0)
    for column, name, filled in (("coverage_80", "c80", True), ("coverage_95", "c95", False)):
        colours = [styles[row["model"]][0] for row in rows]
        signs = [styles[row["model"]][2] + ("" if filled else "-open") for row in rows]
        figure.add_trace(
            go.Scatter(
                x=[row[column] for row in rows], y=[model_name(view, row["model"]) for row in rows], name=text(name),
                mode="markers", marker={"color": colours, "symbol": signs, "size": 11, "line": {"width": 2}},
                hovertemplate="%{y}: %{x:.1%}",
            )
        )  # fmt: skip
    figure.update_layout(theme.layout(max(90 + 32 * len(rows), 260), showlegend=False))
    figure.update_xaxes(tickformat=".0%")
    chart(figure, "calibration", text("alt_calibration"), width="stretch")


@panel
def _champions(view: View, market: str) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("champions"), anchor=False)
    reviews = _reviews(view.use, market)
    if not reviews:
        st.caption(text("no_champions"))
        return
    shown = [
        {
            text("as_of"): review["as_of"],
            text("horizon"): review["horizon"],
            text("before"): model_name(view, str(review["before"])),
            text("champion"): ("▲ " if review["champion"] != review["before"] else "")
            + model_name(view, str(review["champion"])),
            text("challenger"): model_name(view, review["best_challenger"])
            if review["best_challenger"]
            else "–",
            text("ratio"): number(review["mae_ratio"], 4),
            text("p_holm"): number(review["p_holm"], 3),
            text("why"): review["why"] or "–",
        }
        for review in reviews
    ]
    table(shown, height=min(38 + 35 * len(shown), 420), alt=text("champions"))
    export(view, pl.DataFrame(reviews, infer_schema_length=None), f"champions-{market}")


PAGE = Page("models", {"ja": "モデル", "en": "Models"}, ":material/leaderboard:", render, 60)
