"""Overview."""

import streamlit as st

from miraikakaku_assets.faces.dashboard.page import Page, View


def render(view: View) -> None:
    st.write("hello")


PAGE = Page("overview", {"ja": "概況", "en": "Overview"}, ":material/monitoring:", render, 10)
