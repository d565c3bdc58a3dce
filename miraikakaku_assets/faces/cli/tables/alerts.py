"""How alerts, their messages and silences are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import show_line, show_table, utc_minute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from miraikakaku_assets.application.ports.alert_states import AlertPage, Told
    from miraikakaku_assets.application.ports.notices import Alert
    from miraikakaku_assets.domain.alerting.silences import Silence

_DAY = 86_400
_HOUR = 3_600
_MINUTE = 60


def alert_fields(alert: Alert) -> dict[str, Any]:
    """An alert for scripts, without its text."""
    names = (
        *("id", "key", "severity", "level", "state", "kind", "universe", "symbol", "title", "raised_at"),
        *("last_seen_at", "occurrences", "quiet_since", "resolved_at", "flaps", "escalation", "told_at"),
        *("acknowledged_at", "acknowledged_note", "suppression", "suppressed_by"),
    )
    return {name: getattr(alert, name) for name in names}


def told_fields(messages: Sequence[Told]) -> dict[str, Any]:
    """The messages about an alert for scripts."""
    names = ("channel", "notice", "escalation", "due_at", "delivered_at", "attempts", "last_error")
    return {"notifications": [{name: getattr(each, name) for name in names} for each in messages]}


def silence_fields(silence: Silence) -> dict[str, Any]:
    """A silence for scripts."""
    matcher = silence.matcher
    return {
        "id": silence.id,
        "kind": silence.kind,
        "key": matcher.key,
        "severity": matcher.level,
        "universe": matcher.universe,
        "symbol": matcher.symbol,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "note": silence.note,
    }


def show_alerts(page: AlertPage, messages: Mapping[int, Sequence[Told]], now: datetime, offset: int) -> None:
    """A table of alerts; how many there are beyond it."""
    if not page.alerts:
        show_line(
            "no alert stands" if not page.total else f"there are {page.total:,}, none after --offset {offset}"
        )
        return
    rows = [
        (
            str(alert.id),
            alert.level.value,
            _age(alert, now),
            alert.key,
            state_of(alert),
            _channels(messages.get(alert.id, ())),
        )
        for alert in page.alerts
    ]
    columns = ("id", "level", "age", "key", "state", "told")
    show_table("alerts", columns, rows, broken=("key", "state", "told"))
    left = page.total - offset - len(page.alerts)
    if left > 0:
        show_line(f"and {left:,} more: --offset {offset + len(page.alerts)}")


def state_of(alert: Alert) -> str:
    """The state of an alert in a few words: ``escalated L2``, ``silenced by 3``, ``firing, flapping``."""
    words = alert.state
    if alert.state == "escalated":
        words += f" L{alert.escalation}"
    if alert.suppressed_by and alert.suppression is not None and alert.state == alert.suppression.value:
        words += f" by {alert.suppressed_by}"
    return words


def show_alert(alert: Alert, messages: Sequence[Told], remedy: str, now: datetime) -> None:
    """Everything about one alert."""
    show_line(f"{alert.title}")
    show_line(alert.message)
    show_line("")
    facts = [
        ("key", alert.key),
        ("level", f"{alert.level.value} ({alert.severity})"),
        ("state", state_of(alert)),
        ("raised", f"{utc_minute(alert.raised_at)} UTC, {_age(alert, now)} ago"),
        ("seen", f"{counted(alert.occurrences, 'time')}, last {utc_minute(alert.last_seen_at)} UTC"),
        ("came back", counted(alert.flaps, "time") if alert.flaps else None),
        ("over since", utc_minute(alert.resolved_at or alert.quiet_since)),
        ("acknowledged", _acknowledged(alert)),
        ("what to do", remedy or None),
    ]
    width = max(len(name) for name, _ in facts)
    for name, fact in facts:
        if fact is not None:
            show_line(f"{name:<{width}}  {fact}")
    if not messages:
        show_line("nobody was told")
        return
    rows = [
        (each.channel, _notice(each), utc_minute(each.delivered_at), each.attempts, each.last_error)
        for each in messages
    ]
    show_table("messages (UTC)", ("channel", "says", "delivered", "failed", "last error"), rows)


def show_silences(silences: Sequence[Silence], now: datetime) -> None:
    """A table of silences and expectations."""
    if not silences:
        show_line("nothing is silenced or expected")
        return
    rows = [
        (
            each.id,
            each.kind.value,
            str(each.matcher),
            utc_minute(each.starts_at),
            utc_minute(each.ends_at) if each.ends_at > now else "ended",
            each.note or None,
        )
        for each in silences
    ]
    show_table("silences (UTC)", ("id", "kind", "alerts", "from", "until", "note"), rows)


def _channels(messages: Sequence[Told]) -> str | None:
    """Who knows that it stands; a channel that could not be told yet is marked."""
    standing = [each for each in messages if not each.is_over]
    delivered = list(dict.fromkeys(each.channel for each in standing if each.delivered_at is not None))
    waiting = [
        each.channel for each in standing if each.delivered_at is None and each.channel not in delivered
    ]
    return ", ".join([*delivered, *(f"{channel} waits" for channel in dict.fromkeys(waiting))]) or None


def _notice(message: Told) -> str:
    return f"escalated L{message.escalation}" if message.notice.value == "escalated" else message.notice.value


def _age(alert: Alert, now: datetime) -> str:
    """In the largest unit of which there are two, as short as a column wants it."""
    seconds = max((now - alert.raised_at).total_seconds(), 0)
    for unit, word in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{int(seconds // unit)} {word}"
    return f"{int(seconds)} s"


def _acknowledged(alert: Alert) -> str | None:
    if alert.acknowledged_at is None:
        return None
    note = f": {alert.acknowledged_note}" if alert.acknowledged_note else ""
    return f"{utc_minute(alert.acknowledged_at)} UTC{note}"
