"""The frame of every page: search, language, colours, the list of pages, and whose look it is."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.faces.api.keys import ANONYMOUS, Key
from miraikakaku_assets.faces.dashboard.access import COOKIE
from miraikakaku_assets.faces.dashboard.address import remember
from miraikakaku_assets.faces.dashboard.language import Language, Texts, language_of
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import told
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.registry import all_pages
from miraikakaku_assets.faces.dashboard.search.field import search_field
from miraikakaku_assets.faces.dashboard.theme import RiseColour, Theme

TEXTS = Texts(
    {
        "simulated": (
            "シミュレーションの価格です。実際の市場の価格ではありません",
            "Simulated prices, of no real market",
        ),
        "simulated_short": ("シミュレーション", "simulated"),
        "language": ("表示言語", "Language"),
        "rise": ("上昇の色", "Colour of a rise"),
        "rise_red": ("赤", "red"),
        "rise_green": ("緑", "green"),
        "no_key": ("キーが必要です。ページを再読み込みしてください。", "A key is needed; reload the page."),
        "settings": ("表示設定", "Display"),
    }
)
_ICON = Path(__file__).with_name("icon.png")
_STYLE = """<style>
.stApp { font-variant-numeric: tabular-nums; }
[data-testid="stMainBlockContainer"] { padding-top: 4.5rem; padding-bottom: 3rem; max-width: 1500px; }
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p { color: inherit; opacity: 0.9; }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; }
  [data-testid="stMetricValue"] { font-size: 1.5rem; }
}
</style>"""


def show() -> None:
    """Draws the page that the address names."""
    language = _language()
    text = TEXTS
    st.set_page_config(page_title="Miraikakaku", page_icon=str(_ICON), layout="wide")
    st.html(_STYLE)
    key = _key()
    if key is None:
        st.error(text(language, "no_key"))
        st.stop()
    theme = Theme(st.context.theme.type == "dark", _rise(language))
    reading, simulated = None, False
    with told(View(ports(), ports(), language, theme, key)):
        reading = ports().for_reading
        simulated = _is_simulated(reading)
    if reading is None:  # there is no database, and what may not write must not be read by who may
        st.stop()
    shown: dict[str, Any] = {}
    view = View(reading, ports(), language, theme, key, simulated, shown)
    shown |= {page.slug: _shown(page, view, is_first=page is all_pages()[0]) for page in all_pages()}
    chosen = st.navigation(list(shown.values()), position="sidebar")
    _header(view, shown)
    _choices(language)
    with told(view):
        chosen.run()


def _shown(page: Page, view: View, *, is_first: bool) -> st.Page:
    def draw() -> None:
        title = page.title[view.language]
        st.title(title, anchor=False)
        page.render(view)

    draw.__name__ = page.slug
    return st.Page(
        draw, title=page.title[view.language], icon=page.icon, url_path=page.slug, default=is_first
    )


def _header(view: View, shown: Mapping[str, st.Page]) -> None:
    symbol = search_field(view)
    if view.is_simulated:
        st.warning(TEXTS(view.language, "simulated"), icon=":material/science:")
    if symbol is not None:
        target = shown.get("symbol") or shown["coverage"]
        st.switch_page(target, query_params={"symbol": symbol})


def _choices(language: Language) -> None:
    with st.sidebar:
        st.caption(TEXTS(language, "settings"))
        names = [language.value for language in Language]
        st.session_state["choose-language"] = language.value
        st.segmented_control(
            TEXTS(language, "language"),
            names,
            format_func=lambda name: Language(name).label,
            key="choose-language",
            required=True,
            on_change=_take("choose-language", "lang"),
        )
        rises = [rise.value for rise in RiseColour]
        st.session_state["choose-rise"] = _rise(language).value
        st.segmented_control(
            TEXTS(language, "rise"),
            rises,
            format_func=lambda name: TEXTS(language, f"rise_{name}"),
            key="choose-rise",
            required=True,
            on_change=_take("choose-rise", "rise"),
        )


def _take(widget: str, name: str) -> Callable[[], None]:
    """Has a choice of the sidebar hold for the session, and stand in the address."""

    def take() -> None:
        value = st.session_state[widget]
        st.session_state[f"chosen-{name}"] = value
        remember(**{name: value})

    return take


def _language() -> Language:
    parameter = st.query_params.get("lang")
    language = language_of(parameter, st.session_state.get("chosen-lang"), st.context.locale)
    if parameter is not None:
        st.session_state["chosen-lang"] = language.value
    elif "chosen-lang" in st.session_state:
        remember(lang=language.value)  # another page begins with an empty query
    return language


def _rise(language: Language) -> RiseColour:
    names = set(RiseColour)
    for name in (st.query_params.get("rise"), st.session_state.get("chosen-rise")):
        if name in names:
            st.session_state["chosen-rise"] = name
            return RiseColour(name)
    return RiseColour.RED if language is Language.JA else RiseColour.GREEN


def _key() -> Key | None:
    from miraikakaku_assets.faces.dashboard import server

    access = getattr(server, "access", None)
    if access is None:  # AppTest, where no server is
        return ANONYMOUS
    key: Key | None = access.key(
        st.context.headers.get("X-API-KEY"), st.context.cookies.get(COOKIE), ports().clock()
    )
    return key


@cached(60)
def _is_simulated(use: Ports) -> bool:
    mark = use.origin.read()
    return mark is not None and mark.simulated
