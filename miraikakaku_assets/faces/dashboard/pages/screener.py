"""Page Screener: all instruments by what is known of each; every view of it is an address."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from miraikakaku_assets.application.ports.reading.screening import (
    FIGURES,
    Choices,
    Range,
    Screen,
    Unit,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.faces.dashboard.address import remember
from miraikakaku_assets.faces.dashboard.language import Language, Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import empty, panel
from miraikakaku_assets.faces.dashboard.parts.screen_address import PRESETS, parameters_of, screen_of
from miraikakaku_assets.faces.dashboard.parts.screen_results import (
    PAGE_ROWS,
    figure_label,
    screened,
    show_results,
)
from miraikakaku_assets.faces.dashboard.reads import cached

_OFFERED = ("rsi_14", "change_1", "change_5", "change_20", "change_250", "turnover_20", "band_position")
TEXTS = Texts(
    {
        "nothing": (
            "分析済みの銘柄がまだありません。収集と分析を実行してください。",
            "No instrument is analysed yet. Collect and analyse first.",
        ),
        "oversold": ("売られすぎ (RSI < 30)", "Oversold (RSI < 30)"),
        "overbought": ("買われすぎ (RSI > 70)", "Overbought (RSI > 70)"),
        "new_high": ("年初来高値圏", "Near the year's high"),
        "new_low": ("安値圏", "Near the year's low"),
        "fallers": ("急落 (5日で−10%)", "Fallers (−10 % in 5 d)"),
        "top_forecast": ("予測上位", "Highest forecasts"),
        "bottom_forecast": ("予測下位", "Lowest forecasts"),
        "clear": ("条件を消す", "Clear"),
        "filters": ("条件", "Conditions"),
        "universes": ("市場", "Markets"),
        "jp": ("東証", "Tokyo"),
        "us": ("米国", "United States"),
        "fx": ("為替", "Currencies"),
        "copper": ("銅", "Copper"),
        "search": ("名前・コード", "Name or code"),
        "sectors": ("業種", "Sectors"),
        "sizes": ("規模", "Size"),
        "types": ("種類", "Kind"),
        "pattern": ("直近30日のシグナル", "Signal in the last 30 days"),
        "any": ("指定なし", "any"),
        "horizon": ("予測先 (営業日)", "Forecast, sessions ahead"),
        "figures": ("範囲で絞る指標", "Figures to filter by"),
        "least": ("{figure} 以上", "{figure} at least"),
        "most": ("{figure} 以下", "{figure} at most"),
        "sort": ("並べ替え", "Sort by"),
        "descending": ("大きい順", "Largest first"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    if view.theme.is_dark:  # Streamlit's tags are white on the light blue of the dark theme
        st.html(
            f"<style>[data-testid='stMultiSelect'] span[title] {{ color: {view.theme.background} !important }}</style>"
        )
    _screener(view)


@cached(60)
def _choices(use: Ports, universes: tuple[str, ...]) -> Choices:
    return use.stores.screener.choices(universes, use.settings.pattern_definition)


@panel
def _screener(view: View) -> None:
    text = view.texts(TEXTS)
    known = {name: value for name, value in st.query_params.items() if name not in ("lang", "rise")}
    screen = screen_of(known, PAGE_ROWS, _number(known.get("from")))
    screen.checked()
    choices = _choices(view.use, screen.universes or tuple(UNIVERSES))
    if not choices.instruments and screen.universes == ("jp",) and not known:
        choices = _choices(view.use, tuple(UNIVERSES))
        if not choices.instruments:
            empty(text("nothing"), "miraikakaku pipeline")
            return
    _presets(view)
    chosen = _conditions(view, screen, choices)
    parameters = parameters_of(chosen)
    offset = screen.offset if parameters == parameters_of(screen) else 0
    _write(parameters, offset)
    page = screened(view.use, tuple(sorted(parameters.items())), PAGE_ROWS, offset)
    show_results(view, chosen, page, offset, choices)


def _number(value: str | None) -> int:
    return int(value) if value is not None and value.isdigit() else 0


def _write(parameters: Mapping[str, str], offset: int) -> None:
    """Brings the address to what is shown."""
    for name in list(st.query_params):
        if name not in parameters and name not in ("lang", "rise", "from"):
            del st.query_params[name]
    remember(**parameters, **{"from": offset or None})


def _presets(view: View) -> None:
    text = view.texts(TEXTS)
    with st.container(horizontal=True, gap="small"):
        for name, parameters in PRESETS.items():
            st.button(text(name), key=f"preset-{name}", on_click=_go, args=(dict(parameters),))
        st.button(
            text("clear"),
            key="preset-clear",
            icon=":material/close:",
            type="tertiary",
            on_click=_go,
            args=({},),
        )


def _go(parameters: dict[str, str]) -> None:
    """Shows another view: widgets are made anew from its address."""
    st.session_state["screener-views"] = st.session_state.get("screener-views", 0) + 1
    kept = {name: st.query_params[name] for name in ("lang", "rise") if name in st.query_params}
    st.query_params.from_dict({**kept, **parameters})


def _conditions(view: View, screen: Screen, choices: Choices) -> Screen:
    """The widgets, filled from the address; what they say now."""
    text = view.texts(TEXTS)
    made = st.session_state.get("screener-views", 0)

    def key(name: str) -> str:
        return f"screener-{made}-{name}"

    with st.expander(text("filters"), icon=":material/tune:", expanded=True):
        first = st.columns([2, 2, 2])
        universes = first[0].multiselect(
            text("universes"),
            list(UNIVERSES),
            list(screen.universes),
            format_func=text,
            key=key("universes"),
            placeholder=text("any"),
        )
        search = first[1].text_input(text("search"), screen.search, max_chars=64, key=key("search"))
        names = {number: japanese if view.language is Language.JA else name.replace("_", " ")
                 for number, name, japanese in choices.patterns}  # fmt: skip
        patterns = [None, *names]
        at = patterns.index(screen.pattern) if screen.pattern in patterns else 0
        pattern = first[2].selectbox(
            text("pattern"),
            patterns,
            at,
            format_func=lambda number: names.get(number, text("any")),
            key=key("pattern"),
        )
        second = st.columns(3)
        listed = {"sectors": choices.sectors, "sizes": choices.sizes, "types": choices.security_types}
        now = {"sectors": screen.sectors, "sizes": screen.sizes, "types": screen.security_types}
        picked: dict[str, list[str]] = {}
        for column, (name, options) in zip(second, listed.items(), strict=True):
            every = sorted({*options, *now[name]})
            picked[name] = list(now[name])
            if every:
                picked[name] = column.multiselect(
                    text(name), every, list(now[name]), key=key(name), placeholder=text("any")
                )
        ranges = _ranges(view, screen, key)
        third = st.columns([2, 1, 1], vertical_alignment="bottom")
        sorts = [*FIGURES, "symbol", "name", "sector"]
        sort = third[0].selectbox(
            text("sort"), sorts, sorts.index(screen.sort) if screen.sort in sorts else 0,
            format_func=lambda name: figure_label(view, name), key=key("sort"),
        )  # fmt: skip
        is_descending = third[1].toggle(text("descending"), screen.is_descending, key=key("descending"))
        horizon = third[2].selectbox(text("horizon"), [1, 2, 3, 4, 5], screen.horizon - 1, key=key("horizon"))
    return Screen(
        universes=tuple(universes),
        search=search.strip(),
        sectors=tuple(picked["sectors"]),
        sizes=tuple(picked["sizes"]),
        security_types=tuple(picked["types"]),
        markets=screen.markets,
        ranges=ranges,
        pattern=pattern,
        direction=screen.direction,
        horizon=horizon,
        sort=sort,
        is_descending=is_descending,
        limit=PAGE_ROWS,
    )


def _ranges(view: View, screen: Screen, key: Any) -> dict[str, Range]:
    text = view.texts(TEXTS)
    usual = list(screen.ranges)
    names = st.multiselect(
        text("figures"),
        [*_OFFERED, *(name for name in FIGURES if name not in _OFFERED)],
        usual,
        format_func=lambda name: figure_label(view, name),
        key=key("figures"),
        placeholder=text("any"),
    )
    ranges = {}
    for place in range(0, len(names), 2):
        columns = st.columns(4)
        for index, name in enumerate(names[place : place + 2]):
            scale = 100.0 if FIGURES[name] is Unit.SHARE else 1.0
            label = figure_label(view, name) + (" (%)" if scale != 1 else "")
            now = screen.ranges.get(name, Range())
            ends = [
                columns[2 * index + side].number_input(
                    text(word, figure=label),
                    value=None if end is None else round(end * scale, 6),
                    key=key(f"{name}-{word}"),
                )
                for side, (word, end) in enumerate((("least", now.low), ("most", now.high)))
            ]
            ranges[name] = Range(*(None if end is None else float(end) / scale for end in ends))
    return ranges


PAGE = Page("screener", {"ja": "スクリーナー", "en": "Screener"}, ":material/filter_alt:", render, 40)
