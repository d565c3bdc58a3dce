"""What a screen of instruments found: a page of it, how to go on, and the whole of it as a file."""

import polars as pl
import streamlit as st

from miraikakaku_assets.application.ports.reading.screening import (
    FIGURES,
    Choices,
    Screen,
    ScreenedPage,
    Unit,
)
from miraikakaku_assets.application.reading.screener import screen_instruments
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.dashboard.address import address, remember, whole_address
from miraikakaku_assets.faces.dashboard.language import Language, Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import export, table
from miraikakaku_assets.faces.dashboard.parts.screen_address import parameters_of, screen_of
from miraikakaku_assets.faces.dashboard.reads import cached

PAGE_ROWS = 50
_USUAL = (
    "close",
    "change_1",
    "change_20",
    "change_250",
    "turnover_20",
    "rsi_14",
    "forecast",
    "forecast_rank",
)
TEXTS = Texts(
    {
        "none": (
            "条件に合う銘柄はありません。条件を緩めるか、上の「条件を消す」を押してください。",
            "Nothing matches. Loosen a condition, or press Clear above.",
        ),
        "found": ("{total} 銘柄", "{total} instruments"),
        "as_of": (
            "{session} までの足・予測は {horizon} 営業日先",
            "bars up to {session}; forecasts {horizon} ahead",
        ),
        "page": ("{first}–{last} / {total}", "{first}–{last} of {total}"),
        "previous": ("前へ", "Previous"),
        "next": ("次へ", "Next"),
        "share": ("この表示のアドレス (共有・ブックマーク用)", "Address of this view, to share or keep"),
        "export_all": ("全 {total} 件を書き出す", "Export all {total}"),
        "symbol": ("銘柄", "symbol"),
        "name": ("名前", "name"),
        "sector": ("業種", "sector"),
        "size": ("規模", "size"),
        "unit": ("単位", "unit"),
        "session": ("日付", "session"),
        "signal": ("直近のシグナル", "newest signal"),
        "close": ("終値", "close"),
        "change_1": ("前日比", "1 d"),
        "change_5": ("5日", "5 d"),
        "change_20": ("20日", "20 d"),
        "change_250": ("250日", "250 d"),
        "below_high_250": ("高値から", "from high"),
        "above_low_250": ("安値から", "from low"),
        "band_position": ("ボリンジャー内位置", "place in the bands"),
        "volume": ("出来高", "volume"),
        "turnover_20": ("売買代金/日", "turnover a day"),
        "forecast": ("予測", "forecast"),
        "forecast_rank": ("予測順位", "forecast rank"),
        "forecast_band": ("予測80%帯の幅", "80 % band"),
    }
)


@cached(20, entries=256)
def screened(
    use: Ports, parameters: tuple[tuple[str, str], ...], rows: int | None, offset: int
) -> ScreenedPage:
    """A page of what an address asks for."""
    screen = screen_of(dict(parameters), rows, offset)
    return screen_instruments(screen, use.settings.pattern_definition, use.stores.screener)


def figure_label(view: View, name: str) -> str:
    """What a figure is called."""
    return view.texts(TEXTS)(name) if name in TEXTS.names else name.replace("_", " ").upper()


def show_results(view: View, screen: Screen, page: ScreenedPage, offset: int, choices: Choices) -> None:
    """The instruments that were found, their address, and the export of all of them."""
    text = view.texts(TEXTS)
    st.markdown(
        f"**{text('found', total=f'{page.total:,}')}** · "
        + text("as_of", session=choices.newest or "–", horizon=screen.horizon)
    )
    if page.rows.is_empty():
        st.info(text("none"), icon=":material/filter_alt_off:")
        return
    extra = [name for name in (*screen.ranges, screen.sort) if name in FIGURES]
    columns = list(dict.fromkeys([*_USUAL, *extra]))
    _rows(view, page.rows, columns)
    _paging(view, page, offset)
    shared = whole_address("screener", **parameters_of(screen), lang=view.language.value)
    with st.expander(text("share"), icon=":material/link:"):
        st.code(shared, language=None)
    _export(view, screen, page)


def _rows(view: View, rows: pl.DataFrame, columns: list[str]) -> None:
    text = view.texts(TEXTS)
    config, form = {}, st.column_config.NumberColumn
    symbol = pl.concat_str(
        pl.lit(address("symbol", lang=view.language.value) + "&symbol="),
        pl.col("symbol").str.replace_all("=", "%3D", literal=True),
    )
    shown: dict[str, pl.Expr] = {text("symbol"): symbol, text("name"): pl.col("name")}
    config[text("symbol")] = st.column_config.LinkColumn(
        display_text=r"symbol=(.+)$", pinned=True, width="small"
    )
    for name in columns:
        unit, label = FIGURES[name], figure_label(view, name)
        if unit is Unit.SHARE:
            label += " (%)"
            shown[label] = 100 * pl.col(name)
            config[label] = form(format="%.1f" if name == "band_position" else "%+.2f")
        else:
            shown[label] = pl.col(name)
            plain_form = {
                Unit.POINTS: "%.1f",
                Unit.COUNT: "localized",
                Unit.MONEY: "compact",
                Unit.RANK: "%d",
            }
            config[label] = form(format=plain_form.get(unit, "localized"))
    shown[text("sector")] = pl.col("sector").fill_null("–")
    shown[text("size")] = pl.col("size").fill_null("–")
    signal = (
        pl.col("signal_ja") if view.language is Language.JA else pl.col("signal").str.replace_all("_", " ")
    )
    shown[text("signal")] = signal.fill_null("–")
    shown[text("unit")] = pl.col("price_unit")
    shown[text("session")] = pl.col("session")
    listed = rows.select(**shown)
    table(
        listed,
        height=38 + 35 * min(listed.height, 20),
        column_config=config,
        alt=text("found", total=listed.height),
    )


def _paging(view: View, page: ScreenedPage, offset: int) -> None:
    text = view.texts(TEXTS)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        back, on = max(offset - PAGE_ROWS, 0), offset + PAGE_ROWS
        st.button(
            text("previous"), key="screener-previous", icon=":material/chevron_left:", disabled=offset == 0,
            on_click=remember, kwargs={"from": back or None},
        )  # fmt: skip
        last = offset + page.rows.height
        st.markdown(text("page", first=f"{offset + 1:,}", last=f"{last:,}", total=f"{page.total:,}"))
        st.button(
            text("next"), key="screener-next", icon=":material/chevron_right:", disabled=on >= page.total,
            on_click=remember, kwargs={"from": on},
        )  # fmt: skip


def _export(view: View, screen: Screen, page: ScreenedPage) -> None:
    text = view.texts(TEXTS)
    if page.total <= page.rows.height:
        export(view, page.rows, "screener")
        return
    parameters = tuple(sorted(parameters_of(screen).items()))
    total = f"{page.total:,}"
    if st.session_state.get("screener-export") == parameters or st.button(
        text("export_all", total=total),
        key="screener-export-all",
        type="tertiary",
        icon=":material/download:",
    ):
        st.session_state["screener-export"] = parameters
        export(view, screened(view.use, parameters, None, 0).rows, "screener")
