"""Page Patterns: how each pattern has fared, and the newest signals with their evidence."""

from typing import Any

import streamlit as st

from miraikakaku_assets.application.ports.analysis import SignalFilter
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.universes import UNIVERSES, universe
from miraikakaku_assets.faces.dashboard.address import (
    address,
    chosen,
    chosen_number,
    chosen_text,
    pick,
    remember,
)
from miraikakaku_assets.faces.dashboard.language import Language, Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, export, pager, panel, plain, table
from miraikakaku_assets.faces.dashboard.reads import cached

_PAGE_ROWS, _ROW_HEIGHT = 50, 34
_LEVEL = 0.5
_DIRECTIONS = ("BUY", "SELL", "NEUTRAL")
TEXTS = Texts(
    {
        "universe": ("市場", "Market"),
        "jp": ("東証", "Tokyo"),
        "us": ("米国", "United States"),
        "fx": ("為替", "Currencies"),
        "copper": ("銅", "Copper"),
        "nothing": (
            "シグナルはまだありません。5分足を監視リストで収集し、分析すると検出されます。",
            "There is no signal yet. Patterns are looked for in five-minute bars of the watch lists.",
        ),
        "records": ("パターンごとの実績", "Track records"),
        "records_help": (
            "シグナル後に想定した方向へ動いた割合と95%信頼区間。結果が判明しているもののみ。破線は50%。",
            "Share of signals that came true, with its 95 % interval, of those whose outcome is known. Dashed: 50 %.",
        ),
        "records_alt": (
            "パターンと方向ごとの的中率と95%信頼区間",
            "Hit rate of each side of each pattern with its 95 % interval",
        ),
        "no_records": ("結果の出たシグナルはまだありません。", "No signal has an outcome yet."),
        "pattern": ("パターン", "pattern"),
        "direction": ("方向", "direction"),
        "BUY": ("買い", "buy"),
        "SELL": ("売り", "sell"),
        "NEUTRAL": ("中立", "neutral"),
        "count": ("シグナル数", "signals"),
        "n": ("結果あり", "with outcome"),
        "hit": ("的中率 (%)", "hit rate (%)"),
        "interval": ("95%信頼区間 (%)", "95 % interval (%)"),
        "mean": ("平均対数収益率 (%)", "mean log return (%)"),
        "horizon": ("結果の期間 (英語)", "outcome over"),
        "signals": ("最新のシグナル", "Newest signals"),
        "total": ("{total} 件", "{total} signals"),
        "anything": ("すべて", "all"),
        "symbol": ("銘柄", "symbol"),
        "known": ("判明時刻", "known at"),
        "close": ("終値 ({unit})", "close ({unit})"),
        "evidence": ("根拠", "evidence"),
        "record": ("当時の実績", "record then"),
        "of": ("{hit} % / {n} 件", "{hit} % of {n}"),
        "only": ("{symbol} のみ表示中", "only {symbol}"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    text = view.texts(TEXTS)
    market = pick("universe", text("universe"), {name: text(name) for name in UNIVERSES}, "fx")
    sides = _sides(view.use, (market, view.use.settings.pattern_definition))
    if not sides:
        empty(text("nothing"), f"miraikakaku analyze --universe {market}")
        return
    _records(view, market, sides)
    _signals(view, market, sides)


@cached(60)
def _sides(use: Ports, wanted: tuple[str, str]) -> list[dict[str, Any]]:
    return [dict(row) for row in use.stores.signal_lists.newest_of_sides(SignalFilter(*wanted))]


@cached(900)
def _track_records(use: Ports, market: str, stamp: str) -> list[dict[str, Any]]:
    """What came after the signals of each side, as known now; anew when there is a new signal."""
    del stamp
    from miraikakaku_assets.application.analysis.track_record_view import records_of

    signals = use.stores.analysis.signals(universe(market), None, None, use.settings.pattern_definition)
    return records_of(universe(market), signals, use.stores.analysis, use.clock()).to_dicts()


@cached(20)
def _page(use: Ports, wanted: tuple[Any, ...], offset: int) -> tuple[int, list[dict[str, Any]]]:
    total, rows = use.stores.signal_lists.page(SignalFilter(*wanted), _PAGE_ROWS, offset)
    return total, [dict(row) for row in rows]


def _has_hits(record: dict[str, Any] | None) -> bool:
    """Whether a record says how often its side came true; a side without a direction has none."""
    return bool(record) and record.get("hit_rate") is not None  # type: ignore[union-attr]


def _named(view: View, row: dict[str, Any]) -> str:
    return f"{row['pattern']} {row['name_ja'] if view.language is Language.JA else row['name']}"


@panel
def _records(view: View, market: str, sides: list[dict[str, Any]]) -> None:
    import plotly.graph_objects as go
    import polars as pl

    text = view.texts(TEXTS)
    st.subheader(text("records"), anchor=False)
    newest = max(side["at"] for side in sides)
    records_by_side = {
        (record["pattern"], record["direction"]): record
        for record in _track_records(view.use, market, str(newest))
    }
    sides = [
        {**side, "track_record": records_by_side.get((side["pattern"], side["direction"]))} for side in sides
    ]
    recorded = [side for side in sides if _has_hits(side["track_record"])]
    if not recorded:
        st.markdown(text("no_records"))
    else:
        st.caption(text("records_help"))
        figure = go.Figure()
        for direction in _DIRECTIONS:
            rows = [side for side in recorded if side["direction"] == direction]
            colour = {"BUY": view.theme.up, "SELL": view.theme.down}.get(direction, view.theme.muted)
            records = [side["track_record"] for side in rows]
            figure.add_trace(
                go.Scatter(
                    x=[record["hit_rate"] for record in records],
                    y=[f"{_named(view, side)} {text(direction)}" for side in rows],
                    error_x={
                        "type": "data",
                        "symmetric": False,
                        "array": [record["high"] - record["hit_rate"] for record in records],
                        "arrayminus": [record["hit_rate"] - record["low"] for record in records],
                    },
                    customdata=[record["n"] for record in records],
                    mode="markers",
                    name=text(direction),
                    marker={
                        "size": 11,
                        "color": colour,
                        "symbol": {"BUY": "triangle-up", "SELL": "triangle-down"}.get(direction, "circle"),
                    },
                    hovertemplate="%{y}<br>%{x:.1%} (n = %{customdata:,})<extra></extra>",
                )
            )
        figure.add_vline(x=_LEVEL, line={"dash": "dash", "color": view.theme.muted})
        figure.update_layout(**view.theme.layout(_ROW_HEIGHT * len(recorded) + 90))
        figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%")
        chart(figure, f"patterns-{market}", text("records_alt"))
    rows = [_record(view, text, side) for side in sides]
    table(
        rows,
        column_config={
            text("hit"): st.column_config.NumberColumn(format="%.1f"),
            text("mean"): st.column_config.NumberColumn(format="%.3f"),
            text("count"): st.column_config.NumberColumn(format="localized"),
        },
        alt=text("records"),
    )
    export(view, pl.DataFrame(rows, infer_schema_length=None), f"track-records-{market}")


def _record(view: View, text: Any, side: dict[str, Any]) -> dict[str, Any]:
    record = side["track_record"] or {}
    has_outcomes = _has_hits(record)
    return {
        text("pattern"): _named(view, side),
        text("direction"): text(side["direction"]),
        text("count"): side["signals"],
        text("n"): record.get("n", 0),
        text("hit"): 100 * record["hit_rate"] if has_outcomes else None,
        text("interval"): f"{100 * record['low']:.1f} – {100 * record['high']:.1f}" if has_outcomes else "–",
        text("mean"): 100 * record["mean"] if has_outcomes and record.get("mean") is not None else None,
        text("horizon"): str(record.get("horizon", "–")),
    }


@panel
def _signals(view: View, market: str, sides: list[dict[str, Any]]) -> None:
    import polars as pl

    text = view.texts(TEXTS)
    st.subheader(text("signals"), anchor=False)
    names = {side["pattern"]: _named(view, side) for side in sides}
    pattern, direction, symbol = _filters(view, names)
    offset = _PAGE_ROWS * (chosen_number("p", 1, 1, 10_000) - 1)
    wanted = (market, view.use.settings.pattern_definition, pattern, direction, symbol)
    total, rows = _page(view.use, wanted, offset)
    st.markdown(text("total", total=f"{total:,}"))
    if not rows:
        return
    close = text("close", unit=universe(market).price_unit)
    table(
        [_signal(view, text, row, close) for row in rows],
        column_config={
            text("symbol"): st.column_config.LinkColumn(display_text=r"symbol=([^&]+)", width="small")
        },
        alt=text("signals"),
    )
    kept = ("symbol", "at", "pattern", "name", "direction", "priority", "close")
    export(
        view,
        pl.DataFrame([{name: row[name] for name in kept} for row in rows], infer_schema_length=None),
        f"signals-{market}",
    )
    pager(view, total, _PAGE_ROWS)


def _signal(view: View, text: Any, row: dict[str, Any], close: str) -> dict[str, Any]:
    from miraikakaku_assets.application.analysis.track_record_view import evidence_in_short

    record = row["track_record"] or {}
    return {
        text("known"): view.moment(row["at"]),
        text("symbol"): address("symbol", symbol=row["symbol"]),
        text("pattern"): _named(view, row),
        text("direction"): text(row["direction"]),
        close: row["close"],
        text("record"): text("of", hit=f"{100 * record['hit_rate']:.0f}", n=f"{record['n']:,}")
        if _has_hits(record)
        else "–",
        text("evidence"): evidence_in_short(row["evidence"]),
    }


def _filters(view: View, names: dict[str, str]) -> tuple[str | None, str | None, str | None]:
    text = view.texts(TEXTS)
    for key, parameter, values in (
        ("signal-pattern", "pattern", list(names)),
        ("signal-direction", "direction", list(_DIRECTIONS)),
    ):
        if key not in st.session_state:
            st.session_state[key] = chosen(parameter, values, "") or None
        elif st.session_state[key] not in (None, *values):
            st.session_state[key] = None
    columns = st.columns(2)
    pattern = columns[0].selectbox(
        text("pattern"),
        list(names),
        index=None,
        format_func=names.__getitem__,
        placeholder=text("anything"),
        key="signal-pattern",
    )
    direction = columns[1].selectbox(
        text("direction"),
        _DIRECTIONS,
        index=None,
        format_func=text,
        placeholder=text("anything"),
        key="signal-direction",
    )
    remember(pattern=pattern, direction=direction)
    symbol = chosen_text("symbol")
    if symbol is not None:
        st.button(
            text("only", symbol=plain(symbol)),
            icon=":material/close:",
            on_click=remember,
            kwargs={"symbol": None},
            key="signal-symbol",
        )
    return pattern, direction, symbol


PAGE = Page("patterns", {"ja": "パターン", "en": "Patterns"}, ":material/insights:", render, 80)
