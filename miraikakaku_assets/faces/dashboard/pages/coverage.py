"""Page Coverage: which bars are missing, of which issues, and why."""

from datetime import date
from typing import Any

import streamlit as st

from miraikakaku_assets.application.ports.serving import GapFilter
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.coverage.causes import CAUSES, PERMANENT
from miraikakaku_assets.domain.market.universes import UNIVERSES, universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.address import (
    address,
    chosen_day,
    chosen_number,
    chosen_text,
    pick,
    remember,
)
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, export, pager, panel, plain, table
from miraikakaku_assets.faces.dashboard.parts.coverage_segments import show_segments
from miraikakaku_assets.faces.dashboard.parts.coverage_texts import CAUSE_TEXTS, TEXTS
from miraikakaku_assets.faces.dashboard.reads import awaited, cached

_CHECKS, _PAGE_ROWS = 60, 50
_CELL, _LEAST_HEIGHT, _LONGEST_LABEL = 20, 220, 12


def render(view: View) -> None:
    """Draws the page."""
    text = view.texts(TEXTS)
    market = pick("universe", text("universe"), {name: text(name) for name in UNIVERSES}, "jp")
    checked = _checked(view.use, market)
    if checked is None:
        empty(text("never"), f"miraikakaku validate --universe {market}")
        return
    _headline(view, market, checked)
    _gaps(view, market, checked)
    show_segments(view, market, checked)


@cached(60)
def _checked(use: Ports, market: str) -> Any:
    return use.stores.coverage_history.newest(universe(market), _CHECKS)


@cached(20)
def _page(use: Ports, chosen: tuple[Any, ...], offset: int) -> tuple[int, int, list[dict[str, Any]]]:
    gaps, issues, rows = awaited(use.serving.gap_lists.ranges(GapFilter(*chosen), _PAGE_ROWS, offset))
    return gaps, issues, [dict(row) for row in rows]


def _headline(view: View, market: str, checked: Any) -> None:
    text = view.texts(TEXTS)
    whole = checked.segments[0]
    newest = max((day for day in checked.days["session"]), default=None)
    lacking = 0 if newest is None else _page(view.use, (market, newest), 0)[1]
    columns = st.columns(3)
    columns[0].metric(
        text("coverage"), "–" if whole["coverage"] is None else percent(whole["coverage"]), border=True
    )
    columns[1].metric(text("lacking", session=newest or "–"), f"{lacking:,}", border=True)
    missing = whole["expected_bars"] - whole["stored_bars"]
    columns[2].metric(text("missing"), f"{missing:,}", border=True)
    st.caption(
        text(
            "as_of",
            moment=view.moment(checked.checked_at),
            first=whole["window_start"],
            last=whole["window_end"],
            denominator=plain(checked.denominator),
        )
    )


@panel
def _gaps(view: View, market: str, checked: Any) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("map"), anchor=False)
    if checked.days.is_empty():
        empty(text("no_days"), f"miraikakaku validate --universe {market}")
        return
    sessions = sorted(set(checked.days["session"]), reverse=True)
    _take_click(market, {_short(sector): sector for sector in checked.days["sector"]})
    st.caption(text("map_help"))
    chart(
        _heat_map(view, checked),
        f"coverage-{market}",
        text("map_alt"),
        on_select="rerun",
        selection_mode="points",
    )
    st.subheader(text("gaps"), anchor=False)
    session, sector, cause, symbol = _filters(view, checked, sessions)
    offset = _PAGE_ROWS * (chosen_number("p", 1, 1, 10_000) - 1)
    gaps, issues, rows = _page(view.use, (market, session, sector, cause, symbol), offset)
    st.markdown(
        text("found", gaps=f"{gaps:,}", issues=f"{issues:,}", session=session or text("all_sessions"))
    )
    if not rows:
        st.markdown(f":material/check_circle: {text('none')}")
        return
    _table(view, rows)
    pager(view, gaps, _PAGE_ROWS)
    _repair(view, market, session, cause, symbol)


def _heat_map(view: View, checked: Any) -> Any:
    import plotly.graph_objects as go

    days = checked.days.filter(checked.days["expected_bars"] > 0)
    wide = days.with_columns(share=days["stored_bars"] / days["expected_bars"]).pivot(
        on="session", index="sector", values="share"
    )
    counts = {
        (row["sector"], str(row["session"])): row["expected_bars"] - row["stored_bars"]
        for row in days.iter_rows(named=True)
    }
    columns = sorted(name for name in wide.columns if name != "sector")
    sectors = sorted(wide["sector"], reverse=True)
    shares = {row["sector"]: row for row in wide.iter_rows(named=True)}
    text = view.texts(TEXTS)
    figure = go.Figure(
        go.Heatmap(
            x=columns,
            y=[_short(sector) for sector in sectors],
            z=[[shares[sector][column] for column in columns] for sector in sectors],
            customdata=[[counts.get((sector, column), 0) for column in columns] for sector in sectors],
            zmin=0,
            zmax=1,
            colorscale=view.theme.shares,
            xgap=1,
            ygap=1,
            colorbar={"tickformat": ".0%", "thickness": 12, "len": 0.9},
            text=[[sector] * len(columns) for sector in sectors],
            hovertemplate="%{text}<br>%{x}<br>%{z:.2%} · %{customdata} "
            + text("hover_missing")
            + "<extra></extra>",
        )
    )
    figure.update_layout(**view.theme.layout(max(_CELL * len(sectors) + 60, _LEAST_HEIGHT)))
    figure.update_xaxes(type="category", nticks=8, showgrid=False)
    figure.update_yaxes(showgrid=False)
    return figure


def _short(sector: str) -> str:
    return sector if len(sector) <= _LONGEST_LABEL else f"{sector[: _LONGEST_LABEL - 1]}…"


def _take_click(market: str, sectors: dict[str, str]) -> None:
    """Has a click on a cell choose its session and sector; a cell is taken once, so that filters can go on from it."""
    state = st.session_state.get(f"chart-coverage-{market}") or {}
    points = state.get("selection", {}).get("points", [])
    cell = (str(points[0]["x"])[:10], sectors[str(points[0]["y"])]) if points else None
    if cell is None or st.session_state.get("coverage-cell") == cell:
        return
    st.session_state["coverage-cell"] = cell
    st.session_state["gap-session"] = date.fromisoformat(cell[0])
    st.session_state["gap-sector"] = cell[1]
    remember(session=cell[0], sector=cell[1], p=None)


def _filters(
    view: View, checked: Any, sessions: list[date]
) -> tuple[date | None, str | None, str | None, str | None]:
    text = view.texts(TEXTS)
    sectors = sorted(set(checked.days["sector"]))
    day, sector, cause = chosen_day("session"), chosen_text("sector"), chosen_text("cause")
    started = "gap-session" in st.session_state
    if not started:
        everything = "session" in st.query_params and day is None
        st.session_state["gap-session"] = day if day in sessions or everything else sessions[0]
        st.session_state["gap-sector"] = sector if sector in sectors else None
        st.session_state["gap-cause"] = cause if cause in CAUSES else None
    elif st.session_state.get("gap-sector") not in sectors:
        st.session_state["gap-sector"] = None
    if st.session_state["gap-session"] not in sessions:
        st.session_state["gap-session"] = None if st.session_state["gap-session"] is None else sessions[0]
    columns = st.columns(3)
    session = columns[0].selectbox(
        text("session"),
        sessions,
        index=None,
        format_func=str,
        placeholder=text("all_sessions"),
        key="gap-session",
    )
    sector = columns[1].selectbox(
        text("sector"), sectors, index=None, placeholder=text("anything"), key="gap-sector"
    )
    cause = columns[2].selectbox(
        text("cause"),
        list(CAUSES),
        index=None,
        format_func=view.texts(CAUSE_TEXTS),
        placeholder=text("anything"),
        key="gap-cause",
    )
    symbol = chosen_text("symbol")
    if symbol is not None:
        _one_symbol(view, symbol)
    remember(sector=sector, cause=cause)
    if session != sessions[0] or "session" in st.query_params:  # who came without one asked for the newest
        remember(session="all" if session is None else session)
    return session, sector, cause, symbol


def _one_symbol(view: View, symbol: str) -> None:
    text = view.texts(TEXTS)

    def every() -> None:
        remember(symbol=None)

    st.button(text("only", symbol=plain(symbol)), icon=":material/close:", on_click=every, key="gap-symbol")


def _table(view: View, rows: list[dict[str, Any]]) -> None:
    import polars as pl

    text, causes = view.texts(TEXTS), view.texts(CAUSE_TEXTS)
    shown = [
        {
            text("symbol"): address("symbol", symbol=row["symbol"]),
            text("name"): row["name"],
            text("cause"): causes(row["cause"]),
            text("first"): row["first_session"],
            text("last"): row["last_session"],
            text("bars"): row["missing_bars"],
            text("market"): row["market"],
            text("sector"): row["sector"],
        }
        for row in rows
    ]
    table(
        shown,
        column_config={
            text("symbol"): st.column_config.LinkColumn(display_text=r"symbol=([^&]+)", width="small"),
            text("bars"): st.column_config.NumberColumn(format="localized", width="small"),
        },
        alt=text("gaps"),
    )
    export(view, pl.DataFrame(rows, infer_schema_length=None), "coverage-gaps")


def _repair(view: View, market: str, session: date | None, cause: str | None, symbol: str | None) -> None:
    from miraikakaku_assets.application.coverage.repair_run import REPAIR_JOB, RepairRun

    text = view.texts(TEXTS)
    if not view.may_operate:
        st.caption(text("read_only"))
        return
    if cause in PERMANENT:
        st.caption(text("permanent"))
        return
    if st.button(text("repair"), icon=":material/build:", key="gaps-repair", help=text("repair_help")):
        wanted = RepairRun(
            [symbol] if symbol else None, [cause] if cause else None, session, session,
            universe=market, timeframe="1d",
        )  # fmt: skip
        launched = view.operating.serving.launcher.launch(
            REPAIR_JOB, wanted.run_config, {"miraikakaku/source": "dashboard"}
        )
        run = awaited(launched)
        place = f"{view.use.settings.dagster_url.rstrip('/')}/runs/{run}"
        st.success(f"{text('repairing')} [{run[:8]}]({place})", icon=":material/build:")


PAGE = Page("coverage", {"ja": "カバレッジ", "en": "Coverage"}, ":material/grid_on:", render, 20)
