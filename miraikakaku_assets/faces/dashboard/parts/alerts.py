"""Standing alerts, and what somebody does about them."""

from datetime import timedelta
from typing import Any

import streamlit as st

from miraikakaku_assets.application.ports.notices import Alert
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import panel, plain
from miraikakaku_assets.faces.dashboard.reads import cached, forget

_SHOWN = 20
_HOURS = (1, 8, 24, 168)
TEXTS = Texts(
    {
        "alerts": ("アラート", "Alerts"),
        "none": ("発生中のアラートはありません。", "Nothing stands."),
        "more": ("ほか {count} 件: `miraikakaku alerts`", "{count} more: `miraikakaku alerts`"),
        "high": ("緊急", "high"),
        "medium": ("警告", "medium"),
        "low": ("情報", "low"),
        "since": ("{moment} から ({ago})、{count} 回", "since {moment} ({ago}), {count} times"),
        "acknowledge": ("対応する", "Acknowledge"),
        "silence": ("通知を止める", "Silence"),
        "for": ("期間", "For"),
        "hours": ("{hours} 時間", "{hours} h"),
        "note": ("メモ", "Note"),
        "acknowledged": ("対応中: {note}", "acknowledged: {note}"),
        "done_acknowledged": ("対応中にしました。", "Acknowledged."),
        "done_silenced": ("{hours} 時間、通知を止めました。", "Silenced for {hours} h."),
        "read_only": (
            "このキーは閲覧専用です。操作には operate 権限のキーが必要です。",
            "This key only reads; a key with the scope operate is needed to act.",
        ),
        "actions": ("操作", "Actions"),
    }
)
_COLOURS = {"high": "red", "medium": "orange", "low": "blue"}
_ICONS = {"high": ":material/error:", "medium": ":material/warning:", "low": ":material/info:"}


@cached(10)
def standing_alerts(use: Ports, limit: int) -> tuple[list[Alert], int]:
    """Alerts that stand, the gravest first, and how many there are."""
    from miraikakaku_assets.application.ports.alert_states import AlertQuery

    page = use.notices.alert_records.page(AlertQuery(only_standing=True), limit=limit)
    return list(page.alerts), page.total


@panel(every=timedelta(seconds=30))
def show_alerts(view: View) -> None:
    """The panel."""
    text = view.texts(TEXTS)
    alerts, total = standing_alerts(view.use, _SHOWN)
    st.subheader(f"{text('alerts')} ({total:,})", anchor=False)
    if not alerts:
        st.markdown(f":material/check_circle: {text('none')}")
        return
    for alert in alerts:
        _alert(view, text, alert)
    if total > len(alerts):
        st.caption(text("more", count=f"{total - len(alerts):,}"))


def _alert(view: View, text: Any, alert: Alert) -> None:
    level = alert.level.value
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(text(level), icon=_ICONS[level], color=_COLOURS[level])  # type: ignore[arg-type]
            st.markdown(f"**{plain(alert.title)}**")
        st.markdown(plain(alert.message))
        st.caption(
            text(
                "since",
                moment=view.moment(alert.raised_at),
                ago=view.ago(alert.raised_at),
                count=f"{alert.occurrences:,}",
            )
            + f" · {alert.key} · {alert.state}"
        )
        if alert.acknowledged_at is not None:
            st.caption(text("acknowledged", note=plain(alert.acknowledged_note or "–")))
        if not view.may_operate:
            return
        with st.popover(text("actions"), icon=":material/more_horiz:"):
            _actions(view, text, alert)


def _actions(view: View, text: Any, alert: Alert) -> None:
    from miraikakaku_assets.application.alerting.respond import acknowledge, silence

    note = st.text_input(text("note"), key=f"note-{alert.id}", max_chars=200)
    if st.button(text("acknowledge"), key=f"acknowledge-{alert.id}", icon=":material/front_hand:"):
        _do(
            lambda: acknowledge(str(alert.id), note, view.operating.notices.responding),
            text("done_acknowledged"),
        )
    hours = st.selectbox(
        text("for"), _HOURS, format_func=lambda count: text("hours", hours=count), key=f"hours-{alert.id}"
    )
    if st.button(text("silence"), key=f"silence-{alert.id}", icon=":material/notifications_off:"):
        matchers = [f"key={alert.key}"]
        _do(
            lambda: silence(matchers, timedelta(hours=hours), note, view.operating.notices.responding),
            text("done_silenced", hours=hours),
        )


def _do(work: Any, done: str) -> None:
    try:
        work()
    except MiraikakakuError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return
    forget(standing_alerts)
    st.toast(done, icon=":material/check:")
    st.rerun(scope="fragment")
