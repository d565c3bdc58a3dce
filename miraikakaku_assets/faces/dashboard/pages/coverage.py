"""Coverage."""

import streamlit as st

from miraikakaku_assets.faces.dashboard.page import Page, View


def render(view: View) -> None:
    st.write("hello")


PAGE = Page("coverage", {"ja": "カバレッジ", "en": "Coverage"}, ":material/grid_on:", render, 20)
