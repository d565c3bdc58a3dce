"""What a message says of its alerts, in Japanese."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from miraikakaku_assets.application.ports.notices import Alert, Claim, Message, MessageAlert, Severity
from miraikakaku_assets.domain.alerting.alert_state import NoticeKind
from miraikakaku_assets.domain.tokyo_time import jst

LISTED = 20
"""Alerts that one message names; of the others it says how many there are."""

_GRAVITY = list(Severity)
_LEVELS = {Severity.CRITICAL: "高", Severity.WARNING: "中", Severity.INFO: "低"}


def notice_message(claim: Claim, remedy_of: Callable[[str], str]) -> Message:
    """The message of a notice, from its alerts as they stand when it is sent.

    Args:
        claim: The notice. Alerts that were over before it could be sent are left out.
        remedy_of: Key → what to do about an alert.
    """
    members = [member for member in claim.members if member.is_over or member.alert.resolved_at is None]
    alerts = [member.alert for member in members]
    over = [member.alert for member in members if member.is_over]
    standing = [member.alert for member in members if not member.is_over]
    if claim.notice is NoticeKind.DIGEST:
        title, lines = _digest(standing, over)
    elif len(alerts) == 1:
        title, lines = _single(claim.notice, alerts[0], claim.escalation, remedy_of(alerts[0].key))
    else:
        title, lines = _group(claim.notice, alerts, claim.escalation)
    is_over = claim.notice is NoticeKind.RECOVERED
    severity = (
        Severity.INFO
        if is_over
        else max((a.severity for a in alerts), key=_GRAVITY.index, default=Severity.INFO)
    )
    parts = tuple(MessageAlert(member.alert, member.is_over) for member in members)
    return Message(title, "\n".join(lines), severity, alerts=parts)


def _single(notice: NoticeKind, alert: Alert, escalation: int, remedy: str) -> tuple[str, list[str]]:
    if notice is NoticeKind.RECOVERED:
        return f"【解消】{alert.title}", [f"発生: {jst(alert.raised_at)}", *_end(alert)]
    lines = [alert.message]
    if remedy:
        lines.append(f"対処: {remedy}")
    if notice is NoticeKind.FLAPPING:
        lines.insert(0, f"{_flaps(alert)}。落ち着くまで、これ以上は通知しません。")
    if notice is NoticeKind.ESCALATED:
        lines.insert(0, f"{jst(alert.raised_at)}から、まだ誰も確認していません。")
    lines.append(f"重要度: {_LEVELS[alert.severity]} / 確認: miraikakaku alerts acknowledge {alert.id}")
    return f"{_mark(notice, escalation)}{alert.title}", lines


def _group(notice: NoticeKind, alerts: Sequence[Alert], escalation: int) -> tuple[str, list[str]]:
    first = alerts[0]
    about = f"{first.kind} {first.universe}" if first.universe else first.kind
    what = "件が解消しました" if notice is NoticeKind.RECOVERED else "件のアラート"
    title = f"{_mark(notice, escalation)}{about}: {len(alerts)}{what}"
    return title, _listed(alerts)


def _digest(standing: Sequence[Alert], over: Sequence[Alert]) -> tuple[str, list[str]]:
    lines = []
    if standing:
        lines += [f"継続中: {len(standing)}件", *_listed(standing)]
    if over:
        lines += [f"解消: {len(over)}件", *_listed(over)]
    return f"【日次まとめ】低優先度のアラート {len(standing) + len(over)}件", lines


def _listed(alerts: Sequence[Alert]) -> list[str]:
    lines = [f"・[{_LEVELS[alert.severity]}] {alert.title}(ID {alert.id})" for alert in alerts[:LISTED]]
    more = len(alerts) - LISTED
    return [*lines, f"ほか{more}件: miraikakaku alerts"] if more > 0 else lines


def _mark(notice: NoticeKind, escalation: int) -> str:
    marks = {
        NoticeKind.FLAPPING: "【頻発】",
        NoticeKind.ESCALATED: f"【未確認・レベル{escalation}】",
        NoticeKind.RECOVERED: "【解消】",
    }
    return marks.get(notice, "")


def _flaps(alert: Alert) -> str:
    return f"発生と解消を繰り返しています(再発{alert.flaps}回)"


def _end(alert: Alert) -> list[str]:
    if alert.resolved_at is None:
        return []
    lasted = max(alert.resolved_at - alert.raised_at, timedelta(0))
    minutes = round(lasted.total_seconds() / 60)
    lines = [f"解消: {jst(alert.resolved_at)}", f"継続時間: {minutes // 60}時間{minutes % 60:02}分"]
    return [*lines, f"{_flaps(alert)}。"] if alert.flaps else lines
