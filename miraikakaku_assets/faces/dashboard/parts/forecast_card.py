"""The forecasts of one instrument: the fan, and beside it all that speaks against believing it."""

from typing import Any

import polars as pl
import streamlit as st

from miraikakaku_assets.application.ports.reading.symbol_records import SymbolFacts
from miraikakaku_assets.application.reading.distribution import distribution
from miraikakaku_assets.application.reading.forecast_record import ForecastCard, forecast_card
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.forecasting.bands import Calibration
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, plain
from miraikakaku_assets.faces.dashboard.parts.figures import area, decimals, number, price, signed, with_alpha
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.theme import BLUE, SKY

ENSEMBLE = "ensemble"
NO_CHANGE = "random_walk"
CLOSES = 60
TEXTS = Texts(
    {
        "none": (
            "この銘柄の予測はまだありません。予測を作成してください。",
            "There is no forecast of this instrument yet. Make one.",
        ),
        "no_forecast": ("予測なし: {why}", "No forecast: {why}"),
        "close": ("終値", "Close"),
        "median": ("予測 (中央値)", "Forecast (median)"),
        "band80": ("80% 帯", "80 % band"),
        "band95": ("95% 帯", "95 % band"),
        "no_change": ("変化なし", "No change"),
        "models": ("各モデル", "Each model"),
        "alt": ("{symbol} の予測の扇形図", "Fan of the forecasts of {symbol}"),
        "edge": ("方向に優位性あり", "The direction has an edge"),
        "no_edge": ("優位性なし", "No edge"),
        "edge_help": (
            "過去1年の方向の的中が、偶然および「常に上昇」を上回るかを市場全体で補正して判定します",
            "Whether the direction was called better than by luck and than always up over a year, for the whole market",
        ),
        "in_sessions": ("{count} 営業日先 ({target})", "{count} d ahead ({target})"),
        "skill": ("変化なしに対するスキル", "Skill against no change"),
        "hits": ("方向の的中率", "Direction right"),
        "coverage": ("80% 帯に入った割合", "Outcomes in the 80 % band"),
        "rank": ("市場内の順位", "Rank in the market"),
        "of": ("{ranked} 銘柄中", "of {ranked}"),
        "interval": ("95% 区間 {low}–{high}・{calls} 回", "95 % {low}–{high}, {calls} calls"),
        "days": ("{days} 日分の実績", "days scored: {days}"),
        "promised": ("目標 80%・{n} 件", "promised 80 %, outcomes: {n}"),
        "unscored": ("実績なし", "not scored"),
        "as_of": (
            "起点 {as_of} の終値 {close} {unit}・作成 {made_at}",
            "From the close of {as_of}, {close} {unit}; made {made_at}",
        ),
        "made_of": ("計算の基礎: {parts}", "Made from: {parts}"),
        "calibration": ("帯の較正 {kind} (過去誤差 {count} 件)", "bands {kind} ({count} past errors)"),
        "no_calibration": ("帯は未較正 (過去誤差が不足)", "bands not calibrated (too few past errors)"),
        "spread": ("ボラティリティ {volatility}", "volatility {volatility}"),
        "beyond": ("±{size} を超える確率 {chance}", "beyond ±{size}: {chance}"),
        "model_count": ("{count} モデル", "{count} models"),
        "horizon": ("予測先", "Horizon"),
        "days_ahead": ("{count}日先", "{count} d"),
    }
)


@cached(60)
def card_of(use: Ports, market: str, symbol: str) -> ForecastCard | None:
    """The newest forecasts of a symbol with their record."""
    return forecast_card(universe(market), symbol, use.forecasting.forecasts, use.stores.forecast_records)


@cached(60)
def closes_of(use: Ports, market: str, symbol: str) -> pl.DataFrame:
    """The newest closes: ``session`` and ``close``."""
    from miraikakaku_assets.application.reading.bars import Window, symbol_bars
    from miraikakaku_assets.domain.bars.price_basis import PriceBasis
    from miraikakaku_assets.domain.market.instruments import Timeframe
    from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back

    whose = universe(market)
    since = sessions_back(whose.calendar, last_completed_session(whose.calendar, use.clock()), 2 * CLOSES)
    bars = symbol_bars(whose, Timeframe.D1, symbol, PriceBasis.SPLIT_ADJUSTED, Window(since), use.stores.bars)
    return bars.select("session", "close").drop_nulls()


@cached(60)
def rank_of(use: Ports, market: str, symbol: str, horizon: int) -> tuple[int | None, int | None]:
    """The rank of a symbol's forecast in its market, and among how many."""
    from miraikakaku_assets.application.ports.reading.screening import Screen
    from miraikakaku_assets.application.reading.screener import screen_instruments

    page = screen_instruments(
        Screen((market,), search=symbol, horizon=horizon, limit=5),
        use.settings.pattern_definition,
        use.stores.screener,
    )
    own = page.rows.filter(pl.col("symbol") == symbol)
    return (own["forecast_rank"][0], own["ranked"][0]) if own.height else (None, None)


def horizon_choice(view: View, key: str) -> int:
    """A choice of how far ahead, kept in the address."""
    from miraikakaku_assets.domain.forecasting.contract import HORIZONS
    from miraikakaku_assets.faces.dashboard.address import pick

    text = view.texts(TEXTS)
    options = {str(horizon): text("days_ahead", count=horizon) for horizon in HORIZONS}
    return int(pick("h", text("horizon"), options, "1", key=key))


def show_fan(view: View, facts: SymbolFacts, card: ForecastCard, height: int = 380) -> None:
    """The newest closes, and the forecast with its bands."""
    import plotly.graph_objects as go

    text, theme = view.texts(TEXTS), view.theme
    past = (
        closes_of(view.use, facts.universe, facts.symbol).filter(pl.col("session") <= card.as_of).tail(CLOSES)
    )
    own = card.fan.filter(pl.col("model") == ENSEMBLE).sort("horizon")
    made = own.filter(pl.col("reason").is_null())
    if made.is_empty():
        why = own["reason"][0] if own.height else "–"
        st.info(text("no_forecast", why=plain(str(why).replace("_", " "))), icon=":material/block:")
        return
    base = made["close"][0]
    days = [card.as_of, *made["target"]]
    figure = go.Figure()
    blue = SKY if theme.is_dark else BLUE
    for level, alpha in (("95", 0.15), ("80", 0.3)):
        low, high = [base, *made[f"lo{level}"]], [base, *made[f"hi{level}"]]
        figure.add_trace(area(days, low, high, with_alpha(blue, alpha), text(f"band{level}")))
    for model, rows in card.fan.filter(pl.col("model") != ENSEMBLE).group_by("model"):
        line = rows.drop_nulls("point").sort("horizon")
        if line.is_empty() or model[0] == NO_CHANGE:
            continue
        figure.add_trace(
            go.Scatter(
                x=[card.as_of, *line["target"]], y=[base, *line["point"]], mode="lines", name=str(model[0]),
                line={"width": 1, "color": theme.muted, "dash": "dot"}, showlegend=False,
                hovertemplate=f"%{{x}}<br>{model[0]} %{{y:,.{decimals(facts.price_unit)}f}}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_trace(_line(past["session"], past["close"], text("close"), theme.text, facts))
    flat = {"color": theme.muted, "width": 1.5, "dash": "dash"}
    figure.add_trace(
        go.Scatter(
            x=days, y=[base] * len(days), name=text("no_change"), mode="lines", line=flat, hoverinfo="skip"
        )
    )
    figure.add_trace(_line(days, [base, *made["point"]], text("median"), blue, facts, mode="lines+markers"))
    figure.update_layout(theme.layout(height, hovermode="x unified"))
    figure.update_xaxes(tickformat="%m/%d", hoverformat="%Y-%m-%d")
    figure.update_yaxes(title=facts.price_unit, title_font_size=12)
    name = f"forecast-{facts.symbol}"
    chart(figure, name, text("alt", symbol=facts.symbol), width="stretch")


def _line(x: Any, y: Any, name: str, colour: str, facts: SymbolFacts, mode: str = "lines") -> Any:
    import plotly.graph_objects as go

    return go.Scatter(
        x=list(x), y=list(y), name=name, mode=mode, line={"color": colour, "width": 2},
        hovertemplate=f"%{{y:,.{decimals(facts.price_unit)}f}}",
    )  # fmt: skip


def show_honest_card(view: View, facts: SymbolFacts, card: ForecastCard, horizon: int) -> None:
    """What the forecast says at a horizon, and what such forecasts were worth."""
    text = view.texts(TEXTS)
    own = card.fan.filter(pl.col("model") == ENSEMBLE, pl.col("horizon") == horizon)
    if own.is_empty() or own["reason"][0] is not None:
        return
    row = own.row(0, named=True)
    scores = card.record.filter(pl.col("horizon") == horizon)
    score = scores.row(0, named=True) if scores.height else None
    has_edge = card.edges.get(horizon, text("no_edge")) is None
    with st.container(border=True):
        top = st.columns([3, 2], vertical_alignment="center")
        change = row["point"] / row["close"] - 1
        top[0].metric(
            text("in_sessions", count=horizon, target=row["target"]),
            price(row["point"], facts.price_unit),
            signed(change),
            delta_color="off",
            delta_arrow="off",
        )
        with top[1]:
            if has_edge:
                st.badge(text("edge"), icon=":material/verified:", color="blue", help=text("edge_help"))
            else:
                st.badge(text("no_edge"), icon=":material/balance:", color="gray", help=text("edge_help"))
        st.caption(
            f"80%: {price(row['lo80'], facts.price_unit)} – {price(row['hi80'], facts.price_unit)} · "
            f"95%: {price(row['lo95'], facts.price_unit)} – {price(row['hi95'], facts.price_unit)}"
        )
        if spread := _spread(view, row["quantiles"]):
            st.caption(spread)
        _record(view, facts, score, horizon)
        st.caption(_origin(view, facts, card, row))


def _spread(view: View, levels: list[float] | None) -> str:
    """Volatility over the horizon and chances of larger moves; empty of a forecast without quantiles."""
    text, spread = view.texts(TEXTS), distribution(levels)
    if spread is None:
        return ""
    chances = [
        text("beyond", size=percent(size, 0), chance=percent(chance, 0))
        for size, chance in spread.beyond.items()
    ]
    return " · ".join([text("spread", volatility=percent(spread.volatility, 2)), *chances])


def _record(view: View, facts: SymbolFacts, score: dict[str, Any] | None, horizon: int) -> None:
    text = view.texts(TEXTS)
    left, right = st.columns(2)
    third, fourth = st.columns(2)
    unknown = text("unscored")
    left.metric(text("skill"), "–" if score is None else number(score["skill"], 3, sign=True))
    left.caption(unknown if score is None else text("days", days=score["days"]))
    is_called = score is not None and score["hit_rate"] is not None
    right.metric(text("hits"), percent(score["hit_rate"], 1) if is_called and score else "–")
    right.caption(
        text(
            "interval",
            low=percent(score["hit_low"], 0),
            high=percent(score["hit_high"], 0),
            calls=score["calls"],
        )
        if is_called and score
        else unknown
    )
    third.metric(text("coverage"), "–" if score is None else percent(score["coverage_80"], 1))
    third.caption(unknown if score is None else text("promised", n=score["n"]))
    rank, ranked = rank_of(view.use, facts.universe, facts.symbol, horizon)
    fourth.metric(text("rank"), "–" if rank is None else f"{rank:,}")
    fourth.caption("–" if ranked is None else text("of", ranked=f"{ranked:,}"))


def _origin(view: View, facts: SymbolFacts, card: ForecastCard, row: dict[str, Any]) -> str:
    text = view.texts(TEXTS)
    parts = [text("model_count", count=card.fan["model"].n_unique() - 1)]
    if row["calibration"] not in (None, Calibration.NONE.value):
        parts.append(text("calibration", kind=row["calibration"], count=row["calibration_scores"]))
    else:
        parts.append(text("no_calibration"))
    if card.inputs:
        parts += [f"{name} {value}" for name, value in card.inputs.items()]
    made = text(
        "as_of",
        as_of=card.as_of,
        close=price(row["close"], facts.price_unit),
        unit=facts.price_unit,
        made_at=view.moment(row["made_at"]),
    )
    return plain(f"{made} · {text('made_of', parts=', '.join(parts))}")


def show_forecast(view: View, facts: SymbolFacts, height: int, key: str) -> tuple[ForecastCard, int] | None:
    """The fan beside the honest card at a chosen horizon, or how to make a forecast.

    Args:
        view: Where.
        facts: Whose forecast.
        height: Of the fan, pixels.
        key: Of the choice of the horizon on its page.

    Returns:
        What was shown, and how far ahead; None without a forecast.
    """
    card = card_of(view.use, facts.universe, facts.symbol)
    if card is None:
        say_none(view, facts)
        return None
    horizon = horizon_choice(view, key)
    left, right = st.columns([3, 2])
    with left:
        show_fan(view, facts, card, height)
    with right:
        show_honest_card(view, facts, card, horizon)
    return card, horizon


def say_none(view: View, facts: SymbolFacts) -> None:
    """Says that there is no forecast, and how to make one."""
    empty(view.texts(TEXTS)("none"), f"miraikakaku predict --universe {facts.universe}")
