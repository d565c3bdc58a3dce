"""What happened to the data of one instrument: restatements, quarantined bars, corporate actions."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from miraikakaku_assets.application.ports.reading.symbol_records import DataNews, SymbolFacts
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.bars.rules import ACTION_RULES, RULES
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import panel, table
from miraikakaku_assets.faces.dashboard.parts.figures import price
from miraikakaku_assets.faces.dashboard.parts.symbol_chart import chart_of
from miraikakaku_assets.faces.dashboard.reads import cached

if TYPE_CHECKING:
    from datetime import datetime

_NEWS = 50
TEXTS = Texts(
    {
        "news": ("データのできごと", "News of the data"),
        "no_news": (
            "遡及修正も、隔離された足もありません。",
            "Nothing was restated, and no bar is held in quarantine.",
        ),
        "restated": ("遡及修正", "Restated histories"),
        "quarantined": ("隔離された足", "Quarantined bars"),
        "refused": ("拒否された配当・分割", "Refused dividends and splits"),
        "actions": ("配当・分割", "Dividends and splits"),
        "dividend": ("配当", "dividend"),
        "split": ("分割", "split"),
        "ex_date": ("権利落ち日", "ex-date"),
        "kind": ("種類", "kind"),
        "value": ("値", "value"),
        "rule": ("規則", "rule"),
        "why": ("理由", "why"),
        "state": ("状態", "state"),
        "held": ("隔離中", "held"),
        "released": ("解除 {moment}", "released {moment}"),
        "since": ("開始", "from"),
        "bars": ("本数", "bars"),
        "factor": ("倍率", "factor"),
        "found": ("検出", "found"),
        "before": ("旧終値", "old close"),
        "after": ("新終値", "new close"),
        "bar": ("足", "bar"),
        "session": ("日時", "bar of"),
    }
)


@cached(60)
def _happened(use: Ports, symbol: str) -> DataNews:
    return use.stores.symbols.news(symbol, _NEWS)


@panel
def show_news(view: View, facts: SymbolFacts) -> None:
    """Restated histories, quarantined bars, refused and accepted corporate actions."""
    text = view.texts(TEXTS)
    st.subheader(text("news"), anchor=False)
    news = _happened(view.use, facts.symbol)
    if not (news.restatements.height or news.quarantined.height or news.refused_actions.height):
        st.markdown(f":material/check_circle: {text('no_news')}")
    if news.restatements.height:
        st.markdown(f"**{text('restated')}** ({news.restatements.height})")
        table(
            [_restated(view, facts, row) for row in news.restatements.iter_rows(named=True)],
            alt=text("restated"),
        )
    if news.quarantined.height:
        st.markdown(f"**{text('quarantined')}** ({news.quarantined.height})")
        table(
            [_held(view, facts, row) for row in news.quarantined.iter_rows(named=True)],
            height=min(38 + 35 * news.quarantined.height, 300),
            alt=text("quarantined"),
        )
    if news.refused_actions.height:
        st.markdown(f"**{text('refused')}** ({news.refused_actions.height})")
        table(
            [
                {
                    text("ex_date"): row["ex_date"],
                    text("kind"): text(row["kind"]),
                    text("value"): row["value"],
                    text("why"): f"{row['rule']}: {ACTION_RULES.get(row['rule'], row['detail'])}",
                }
                for row in news.refused_actions.iter_rows(named=True)
            ],
            alt=text("refused"),
        )
    _actions(view, facts)


def _actions(view: View, facts: SymbolFacts) -> None:
    text = view.texts(TEXTS)
    chart = chart_of(
        view.use, facts.universe, facts.symbol, Timeframe.D1.value, PriceBasis.SPLIT_ADJUSTED.value
    )
    if chart.actions.is_empty():
        return
    st.markdown(f"**{text('actions')}** ({chart.actions.height})")
    rows = [
        {
            text("ex_date"): row["ex_date"],
            text("kind"): text(row["kind"]),
            text("value"): f"1 : {row['value']:g}"
            if row["kind"] == "split"
            else f"{row['value']:g} {facts.currency}",
        }
        for row in chart.actions.sort("ex_date", descending=True).iter_rows(named=True)
    ]
    table(rows, height=min(38 + 35 * len(rows), 260), alt=text("actions"))


def _restated(view: View, facts: SymbolFacts, row: dict[str, Any]) -> dict[str, Any]:
    text = view.texts(TEXTS)
    return {
        text("found"): view.moment(row["detected_at"]),
        text("bar"): row["timeframe"],
        text("why"): row["reason"] + (f" {row['ex_date']}" if row["ex_date"] else ""),
        text("factor"): None if row["factor"] is None else f"{row['factor']:g}",
        text("since"): row["first_session"],
        text("bars"): row["bars"],
        text("before"): price(row["old_close"], facts.price_unit),
        text("after"): price(row["new_close"], facts.price_unit),
    }


def _held(view: View, facts: SymbolFacts, row: dict[str, Any]) -> dict[str, Any]:
    text = view.texts(TEXTS)
    released: datetime | None = row["released_at"]
    return {
        text("session"): view.moment(row["ts"]),
        text("bar"): row["timeframe"],
        text("rule"): row["rule"],
        text("why"): RULES.get(row["rule"], row["detail"]),
        text("after"): price(row["close"], facts.price_unit),
        text("state"): text("held") if released is None else text("released", moment=view.moment(released)),
    }
