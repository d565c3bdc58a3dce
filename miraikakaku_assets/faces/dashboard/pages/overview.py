"""Page Overview: what wants somebody, what is at work, how fresh and how complete everything is."""

from datetime import timedelta
from typing import Any

import streamlit as st

from miraikakaku_assets.application.monitoring.glance import UniverseGlance, universes_at_a_glance
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.universes import UNIVERSES
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import empty, link, panel, plain, table
from miraikakaku_assets.faces.dashboard.parts.alerts import show_alerts
from miraikakaku_assets.faces.dashboard.parts.assets import console_state, show_assets, show_schedules
from miraikakaku_assets.faces.dashboard.reads import cached

_DAYS = 7
TEXTS = Texts(
    {
        "jp": ("東証", "Tokyo"),
        "us": ("米国", "United States"),
        "fx": ("為替", "Currencies"),
        "copper": ("銅", "Copper"),
        "of_listed": (
            "{listed} 銘柄中 {fresh} 銘柄に {session} の足",
            "{fresh} of {listed} have the bar of {session}",
        ),
        "markets": ("鮮度とカバレッジ", "Freshness and coverage"),
        "coverage": ("カバレッジ", "coverage"),
        "gaps": ("足りない足とその理由", "Missing bars, and why"),
        "forecasts": ("予測の順位と実績", "Forecasts and record"),
        "curve": ("バックワーデーションか", "In backwardation?"),
        "checked": ("{moment} に検査", "checked {moment}"),
        "never": ("未検査", "never checked"),
        "no_list": ("銘柄一覧がありません", "no list yet"),
        "below": ("下限 {floor} を下回っています", "below the floor of {floor}"),
        "floor": ("下限 {floor}", "floor {floor}"),
        "nothing": (
            "まだデータがありません。最初の収集を実行してください。",
            "Nothing is collected yet. Run a first collection.",
        ),
        "work": ("実行中", "At work"),
        "idle": ("実行中の収集はありません。", "No collection is at work."),
        "progress": (
            "{universe} {timeframe}: {processed} / {total} 銘柄、失敗 {failed}",
            "{universe} {timeframe}: {processed} of {total} symbols, {failed} failed",
        ),
        "pace": ("{pace} 銘柄/分", "{pace} symbols/min"),
        "eta": ("完了見込み {moment}", "done about {moment}"),
        "paused": ("一時停止中: {why}", "paused: {why}"),
        "resume": ("{moment} に再開", "goes on at {moment}"),
        "run": ("{job} — {status}、{since}", "{job} — {status}, {since}"),
        "collections": ("直近7日間の収集", "Collections of the last 7 days"),
        "no_collections": (
            "直近7日間に終了した収集はありません。",
            "No collection has ended in the last 7 days.",
        ),
        "market": ("市場", "market"),
        "timeframe": ("足", "bars"),
        "count": ("回数", "collections"),
        "success": ("成功率 (%)", "success (%)"),
        "symbols": ("銘柄数", "symbols"),
        "failed": ("失敗", "failed"),
        "median": ("所要時間の中央値 (秒)", "median (s)"),
        "longest": ("最長 (秒)", "longest (s)"),
        "ended": ("最後の終了", "last ended"),
        "dagster_away": (
            "Dagster に接続できないため、実行中の処理と次の予定は表示できません。`miraikakaku up` で起動します。",
            "Dagster does not answer, so runs and schedules are not shown. `miraikakaku up` starts it.",
        ),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    _markets(view)
    show_alerts(view)
    _work(view)
    show_assets(view)
    _collections(view)
    show_schedules(view)


@cached(20)
def _glance(use: Ports) -> list[UniverseGlance]:
    return universes_at_a_glance(use.stores.glance, use.clock)


@cached(5)
def _running(use: Ports) -> list[Any]:
    return list(use.stores.glance.running())


@cached(60)
def _ended(use: Ports) -> list[Any]:
    return list(use.stores.glance.collections(use.clock() - timedelta(days=_DAYS)))


@panel(every=timedelta(seconds=60))
def _markets(view: View) -> None:
    text = view.texts(TEXTS)
    glances = _glance(view.use)
    if not any(glance.listed for glance in glances):
        empty(text("nothing"), "miraikakaku pipeline")
        return
    columns = st.columns(len(glances))
    for column, glance in zip(columns, glances, strict=True):
        with column, st.container(border=True, height="stretch"):
            if not glance.listed:
                st.metric(text(glance.universe), "–")
                st.caption(text("no_list"))
                continue
            st.metric(text(glance.universe), percent(glance.fresh / glance.listed, 1))
            st.caption(
                text(
                    "of_listed",
                    fresh=f"{glance.fresh:,}",
                    listed=f"{glance.listed:,}",
                    session=glance.due_session,
                )
            )
            _coverage(view, glance)
            # With its session: an address that the page completes is a second entry in the browser's history.
            due = {"universe": glance.universe, "session": glance.due_session}
            link(view, "coverage", text("gaps"), ":material/grid_on:", **due)
            if UNIVERSES[glance.universe].has_curve:
                link(view, "copper", text("curve"), ":material/stacked_line_chart:")
            else:
                market = {"view": "market", "market": glance.universe}
                link(view, "forecasts", text("forecasts"), ":material/insights:", **market)


def _coverage(view: View, glance: UniverseGlance) -> None:
    text = view.texts(TEXTS)
    if glance.coverage is None:
        st.caption(f"{text('coverage')}: {text('never')}")
        return
    floor = percent(glance.threshold, 0)
    said = text("below", floor=floor) if glance.is_below else text("floor", floor=floor)
    mark = ":material/warning: " if glance.is_below else ""
    st.markdown(f"{mark}**{percent(glance.coverage)}** {text('coverage')} · {said}")
    st.caption(text("checked", moment=view.moment(glance.checked_at)))


@panel(every=timedelta(seconds=10), parallel=True)
def _work(view: View) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("work"), anchor=False)
    running = _running(view.use)
    runs = console_state(view)
    for batch in running:
        total, processed = batch["total"] or 0, batch["processed"] or 0
        sentence = text(
            "progress",
            universe=text(batch["universe"]) if batch["universe"] in UNIVERSES else batch["universe"],
            timeframe=batch["timeframe"],
            processed=f"{processed:,}",
            total=f"{total:,}",
            failed=f"{batch['failed'] or 0:,}",
        )
        more = [text("pace", pace=f"{batch['symbols_per_minute'] or 0:,.0f}")]
        if batch["status"] == "paused":
            more = [text("paused", why=batch["error_message"] or "")]
            if batch["resume_at"]:
                more.append(text("resume", moment=view.moment(batch["resume_at"])))
        elif batch["estimated_completion"]:
            more.append(text("eta", moment=view.moment(batch["estimated_completion"])))
        st.progress(min(processed / total, 1.0) if total else 0.0, plain(f"{sentence} · {' · '.join(more)}"))
    if runs is None:
        st.caption(text("dagster_away"))
    else:
        for run in runs.runs:
            shown = plain(text("run", job=run.job, status=run.status, since=view.ago(run.started_at)))
            st.markdown(f"[{shown}]({view.use.settings.dagster_url.rstrip('/')}/runs/{run.run_id})")
    if not running and (runs is None or not runs.runs):
        st.caption(text("idle"))


@panel
def _collections(view: View) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("collections"), anchor=False)
    rows = _ended(view.use)
    if not rows:
        empty(text("no_collections"), "miraikakaku collect")
        return
    shown = [
        {
            text("market"): text(row["universe"]) if row["universe"] in UNIVERSES else row["universe"],
            text("timeframe"): row["timeframe"],
            text("success"): 100 * (1 - row["failed"] / row["symbols"]) if row["symbols"] else None,
            text("count"): row["collections"],
            text("symbols"): row["symbols"],
            text("failed"): row["failed"],
            text("median"): row["median_seconds"],
            text("longest"): row["longest_seconds"],
            text("ended"): view.moment(row["ended_at"]),
        }
        for row in rows
    ]
    number = st.column_config.NumberColumn
    table(
        shown,
        column_config={
            text("success"): number(format="%.2f"),
            text("median"): number(format="%.1f"),
            text("longest"): number(format="%.1f"),
            text("symbols"): number(format="localized"),
        },
        alt=text("collections"),
    )


PAGE = Page("overview", {"ja": "概況", "en": "Overview"}, ":material/monitoring:", render, 10)
