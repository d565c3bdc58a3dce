"""The instrument that a page is about: from the address, or the one with the most turnover."""

import streamlit as st

from miraikakaku_assets.application.ports.reading.screening import Screen
from miraikakaku_assets.application.ports.reading.symbol_records import SymbolFacts
from miraikakaku_assets.application.reading.screener import screen_instruments
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.faces.dashboard.address import chosen_text, remember
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import empty, plain
from miraikakaku_assets.faces.dashboard.reads import cached

TEXTS = Texts(
    {
        "unknown": (
            "「{written}」という銘柄はありません。上の検索欄で銘柄コードか名前を入力してください。",
            "There is no instrument {written}. Type a code or a name into the field above.",
        ),
        "none": (
            "まだ銘柄がありません。最初の収集と分析を実行してください。",
            "There is no instrument yet. Run a first collection and analysis.",
        ),
        "delisted": ("上場廃止", "delisted"),
        "jp": ("東証", "Tokyo"),
        "us": ("米国", "United States"),
        "fx": ("為替", "Currencies"),
        "copper": ("銅", "Copper"),
    }
)


@cached(30)
def facts_of(use: Ports, name: str) -> SymbolFacts | None:
    """What is known of the instrument of a symbol or code."""
    return use.stores.symbols.facts(name)


@cached(60)
def _usual(use: Ports) -> str | None:
    for universes in (("jp",), tuple(UNIVERSES)):
        page = screen_instruments(
            Screen(universes, limit=1), use.settings.pattern_definition, use.stores.screener
        )
        if page.rows.height:
            return str(page.rows["symbol"][0])
    return None


def chosen_instrument(view: View) -> SymbolFacts | None:
    """The instrument of the address, with its name as a heading; None where a sentence says why there is none."""
    text = view.texts(TEXTS)
    name = chosen_text("symbol") or st.session_state.get("chosen-symbol") or _usual(view.use)
    if name is None:
        empty(text("none"), "miraikakaku pipeline")
        return None
    facts = facts_of(view.use, str(name))
    if facts is None:
        st.error(text("unknown", written=plain(str(name))), icon=":material/search_off:")
        return None
    st.session_state["chosen-symbol"] = facts.symbol
    remember(symbol=facts.symbol)
    _heading(view, facts)
    return facts


def _heading(view: View, facts: SymbolFacts) -> None:
    text = view.texts(TEXTS)
    name = plain(facts.name) if facts.name else ""
    st.subheader(f"{name} {plain(facts.symbol)}".strip(), anchor=False)
    market = text(facts.universe) if facts.universe in TEXTS.names else facts.universe
    known = [market, facts.market, facts.sector, facts.size, facts.price_unit]
    if not facts.is_listed:
        known.insert(0, text("delisted") + (f" ({facts.status_reason})" if facts.status_reason else ""))
    st.caption(" · ".join(plain(word) for word in known if word and word != "-"))
