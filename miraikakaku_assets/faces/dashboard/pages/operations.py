"""Page Operations: backups, damage, weak places, the machine, services, and where Dagster shows more."""

from datetime import timedelta
from typing import Any

import streamlit as st

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.operations.thresholds import THRESHOLDS, shown
from miraikakaku_assets.faces.dashboard.language import Language, Texts
from miraikakaku_assets.faces.dashboard.page import Page, View
from miraikakaku_assets.faces.dashboard.panels import chart, empty, export, panel, table
from miraikakaku_assets.faces.dashboard.parts.backups import show_backups
from miraikakaku_assets.faces.dashboard.reads import cached

_CHECKS, _FEW = 288, 10
_LATE_SECONDS = 60.0
TEXTS = Texts(
    {
        "machine": ("システムの指標", "System metrics"),
        "no_checks": (
            "まだ測定されていません。スケジュール health_check が5分ごとに測定します。",
            "Nothing is measured yet. The schedule health_check measures every five minutes.",
        ),
        "measured": ("{moment} に測定 ({ago})", "measured {moment} ({ago})"),
        "figure": ("指標", "Figure"),
        "history_alt": ("{figure} の推移", "{figure} over time"),
        "services": ("サービス", "Services"),
        "no_services": ("動作中のサービスは記録されていません。", "No service has reported itself."),
        "service": ("サービス", "service"),
        "host": ("ホスト", "host"),
        "state": ("状態", "state"),
        "silent": ("最後の応答からの秒数", "seconds since its last sign"),
        "started": ("開始", "started"),
        "alive": ("稼働中", "alive"),
        "late": ("応答なし", "silent"),
        "stopped": ("停止", "stopped"),
        "security": ("セキュリティ検査の結果", "Security findings"),
        "not_yours": (
            "`operate` 権限のあるキーにのみ表示されます。",
            "Shown to keys with the scope `operate` only.",
        ),
        "no_scan": ("セキュリティ検査はまだ実行されていません。", "There was no security scan yet."),
        "no_findings": ("未対応の指摘はありません。", "Nothing is open."),
        "scanned": ("最後の検査: {moment}", "last scan {moment}"),
        "level": ("重要度", "level"),
        "what": ("内容 (英語)", "what"),
        "fix": ("対処 (英語)", "what to do"),
        "place": ("場所", "where"),
        "since": ("最初の検出", "first seen"),
        "accepted": ("許容期限", "accepted until"),
        "dagster": ("Dagster で見る", "In Dagster"),
        "overview": ("概要", "Overview"),
        "assets": ("資産グラフ", "Asset graph"),
        "runs": ("実行", "Runs"),
        "automation": ("スケジュールとセンサ", "Schedules and sensors"),
        "deployment": ("デーモンの状態", "Daemons"),
    }
)


def render(view: View) -> None:
    """Draws the page."""
    _dagster(view)
    _machine(view)
    _services(view)
    show_backups(view)
    _security(view)


@cached(20)
def _samples(use: Ports, checks: int) -> list[Any]:
    return use.operations.system_metrics.newest(checks)


@cached(10)
def _beats(use: Ports) -> list[Any]:
    return use.operations.heartbeats.services()


@cached(60)
def _findings(use: Ports) -> tuple[list[Any], Any]:
    from miraikakaku_assets.domain.security.finding import Check

    scans = use.security.findings.latest(tuple(Check))
    return use.security.findings.listed(only_standing=True), max(
        (scan.at for scan in scans.values()), default=None
    )


def _dagster(view: View) -> None:
    text = view.texts(TEXTS)
    base = view.use.settings.dagster_url.rstrip("/")
    places = {
        "overview": "/overview",
        "assets": "/asset-groups",
        "runs": "/runs",
        "automation": "/automation",
        "deployment": "/health",
    }
    st.caption(text("dagster"))
    with st.container(horizontal=True, gap="small"):
        for name, path in places.items():
            st.link_button(text(name), f"{base}{path}", icon=":material/open_in_new:")


@panel(every=timedelta(seconds=60))
def _machine(view: View) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("machine"), anchor=False)
    newest = _samples(view.use, 1)
    if not newest:
        empty(text("no_checks"), "miraikakaku schedule")
        return
    at = newest[0].sampled_at
    st.caption(text("measured", moment=view.moment(at), ago=view.ago(at)))
    with st.container(horizontal=True, gap="small"):
        for sample in newest:
            st.metric(
                _title(view, sample.resource),
                shown(sample.value, sample.unit),
                border=True,
                width=190,
                delta=sample.level.word,
                delta_color={"normal": "green", "caution": "orange", "danger": "red"}.get(
                    sample.level.word, "gray"
                ),  # type: ignore[arg-type]
                delta_arrow="off",
            )
    _history(view, [sample.resource for sample in newest])


def _history(view: View, resources: list[str]) -> None:
    import plotly.graph_objects as go

    text = view.texts(TEXTS)
    figure_name = st.selectbox(
        text("figure"), resources, format_func=lambda name: _title(view, name), key="metric-figure"
    )
    rows = [
        sample
        for sample in reversed(_samples(view.use, _CHECKS))
        if sample.resource == figure_name and sample.value is not None
    ]
    figure = go.Figure(
        go.Scatter(
            x=[sample.sampled_at for sample in rows],
            y=[sample.value for sample in rows],
            mode="lines+markers" if len(rows) < _FEW else "lines",
        )
    )
    threshold = THRESHOLDS.get(figure_name)
    if threshold is not None:
        figure.add_hline(y=threshold.danger, line={"dash": "dash", "color": view.theme.down})
    figure.update_layout(**view.theme.layout(240))
    figure.update_xaxes(title={"text": "UTC"})
    if rows and rows[0].unit == "share":
        figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    else:
        figure.update_yaxes(
            title={"text": "s" if rows and rows[0].unit == "seconds" else ""}, rangemode="tozero"
        )
    chart(figure, "metric-history", text("history_alt", figure=_title(view, figure_name)))


def _title(view: View, resource: str) -> str:
    threshold = THRESHOLDS.get(resource)
    if threshold is None:
        return resource
    return threshold.title_ja if view.language is Language.JA else threshold.title


@panel(every=timedelta(seconds=30))
def _services(view: View) -> None:
    text = view.texts(TEXTS)
    st.subheader(text("services"), anchor=False)
    services = _beats(view.use)
    if not services:
        empty(text("no_services"), "miraikakaku up")
        return
    rows = [
        {
            text("service"): service.service,
            text("state"): text("stopped")
            if service.state == "stopped"
            else text("late" if service.silent_seconds > _LATE_SECONDS else "alive"),
            text("silent"): service.silent_seconds,
            text("started"): view.moment(service.started_at),
            text("host"): service.host,
        }
        for service in services
    ]
    table(
        rows,
        column_config={text("silent"): st.column_config.NumberColumn(format="%.0f")},
        alt=text("services"),
    )


@panel
def _security(view: View) -> None:
    import polars as pl

    text = view.texts(TEXTS)
    st.subheader(text("security"), anchor=False)
    if not view.may_operate:
        st.caption(text("not_yours"))
        return
    findings, scanned_at = _findings(view.operating)  # the role that reads does not see where it is weak
    if scanned_at is None:
        empty(text("no_scan"), "miraikakaku security scan")
        return
    st.caption(text("scanned", moment=view.moment(scanned_at)))
    if not findings:
        st.markdown(f":material/check_circle: {text('no_findings')}")
        return
    rows = [
        {
            text("level"): stored.finding.level.value,
            text("what"): stored.finding.what,
            text("fix"): stored.finding.fix,
            text("place"): stored.finding.place,
            text("since"): view.moment(stored.first_seen_at),
            text("accepted"): view.moment(stored.acceptance.until) if stored.acceptance else "–",
        }
        for stored in sorted(findings, key=lambda stored: -stored.finding.level.rank)
    ]
    table(rows, alt=text("security"))
    export(view, pl.DataFrame(rows, infer_schema_length=None), "security-findings")


PAGE = Page("operations", {"ja": "運用", "en": "Operations"}, ":material/settings_heart:", render, 90)
