"""The component in Streamlit: files of this folder, and what comes back."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View

_FOLDER = Path(__file__).parent
TEXTS = Texts(
    {
        "label": ("銘柄を検索", "Find a symbol"),
        "placeholder": ("銘柄コード・名前・かな・英字で検索", "Code, or name in kanji, kana or English"),
        "nothing": ("該当する銘柄はありません", "Nothing found"),
        "away": ("検索できません。再読み込みしてください", "The search does not answer; reload"),
    }
)


def search_field(view: View) -> str | None:
    """The field; the symbol that was chosen just now."""
    text = view.texts(TEXTS)
    words = {name: text(name) for name in ("label", "placeholder", "nothing", "away")}
    result = _component()(key="symbol-search", data=words, on_chosen_change=lambda: None)
    chosen = getattr(result, "chosen", None)
    return str(chosen) if chosen else None


@cache
def _component() -> Any:
    html, css, js = (
        (_FOLDER / f"search.{ending}").read_text(encoding="utf-8") for ending in ("html", "css", "js")
    )
    return st.components.v2.component("miraikakaku_search", html=html, css=css, js=js)
