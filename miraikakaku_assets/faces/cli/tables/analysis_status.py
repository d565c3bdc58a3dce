"""The part of ``status`` about alerts, cycles, notifications and how far the analysis is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import COLLECTED_TIMEFRAMES, UNIVERSES, Timeframe, Universe
from miraikakaku_assets.faces.cli.output import show_table, utc_minute

_DAYS = (Timeframe.D1, Timeframe.W1, Timeframe.MO1)
_HOURS = (Timeframe.M5, Timeframe.H1, Timeframe.H4)
_ALERTS = 5  # that are shown; --json has all


def read_analysis(use: Ports) -> dict[str, Any]:
    """What there is to show, of all universes."""
    from miraikakaku_assets.application.analysis.status import (
        alerts_status,
        analysis_status,
        cycles_status,
        notices_status,
    )

    return {
        "alerts": alerts_status(use.notices.alerts),
        "cycles": cycles_status(use.notices.cycles),
        "notifications": notices_status(use.notices.alerts, use.notices.channels),
        "analysis": analysis_status(use.stores.status),
    }


def analysis_lines(state: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to say, label and sentence."""
    by_universe: dict[str, list[str]] = {}
    for cycle in state["cycles"]:
        by_universe.setdefault(cycle["universe"], []).append(_cycle(cycle))
    lines = [("cycles", f"{universe}: {'; '.join(cycles)} (UTC)") for universe, cycles in by_universe.items()]
    waiting = [
        _channel(channel) for channel in state["notifications"] if channel["waiting"] or channel["set_up"]
    ]
    lines.append(
        ("notices", ", ".join(waiting) or "no channel is set up, so nobody is told (docs/notifications.md)")
    )
    if not state["alerts"]:
        lines.append(("alerts", "none stands"))
    return lines


def show_analysis(state: dict[str, Any]) -> None:
    """The tables: alerts that stand, and the newest of each universe and timeframe."""
    _show_alerts(state["alerts"])
    by_universe: dict[str, dict[str, dict[str, Any]]] = {}
    for row in state["analysis"]:
        by_universe.setdefault(row["universe"], {})[row["timeframe"]] = row
    stored = {UNIVERSES[name]: by_universe[name] for name in UNIVERSES if name in by_universe}
    behind = "* where indicators are behind them"
    days = [
        (chosen.name, *(_bar(chosen, day, rows.get(day)) for day in _DAYS), _due(rows))
        for chosen, rows in stored.items()
    ]
    if days:
        show_table(f"newest bars of days, weeks and months, {behind}", ("", *_DAYS, "to analyse"), days)
    hours = [
        (
            chosen.name,
            *(_bar(chosen, hour, rows.get(hour)) for hour in _HOURS),
            utc_minute(rows[Timeframe.M5]["newest_signal"], with_year=False),
        )
        for chosen, rows in stored.items()
        if Timeframe.M5 in rows
    ]
    if hours:
        show_table(f"newest bars within the day (UTC), {behind}", ("", *_HOURS, "signal"), hours)


def _due(rows: Mapping[str, dict[str, Any]]) -> str:
    """What is to be analysed of a universe."""
    due = {timeframe: rows[timeframe]["due"] for timeframe in COLLECTED_TIMEFRAMES if timeframe in rows}
    return ", ".join(f"{count:,} of {timeframe}" for timeframe, count in due.items() if count) or "nothing"


def _bar(chosen: Universe, timeframe: Timeframe, row: dict[str, Any] | None) -> str | None:
    if row is None:
        return None
    shown = _day(chosen, row["bar"]) if timeframe in _DAYS else utc_minute(row["bar"], with_year=False)
    return f"{shown}{'' if row['bar'] == row['indicator'] else '*'}"


def _show_alerts(alerts: list[dict[str, Any]]) -> None:
    from miraikakaku_assets.application.ports.notices import PATTERN  # it brings Polars, too heavy for --help

    troubles = [alert for alert in alerts if alert["kind"] != PATTERN]
    signals = len(alerts) - len(troubles)
    rows = [
        (
            trouble["severity"],
            utc_minute(trouble["raised_at"], with_year=False),
            _state(trouble),
            trouble["title"],
        )
        for trouble in troubles[:_ALERTS]
    ]
    if len(troubles) > _ALERTS:
        rows.append(("", "", "", f"and {len(troubles) - _ALERTS:,} more"))
    if signals:
        newest = alerts[len(troubles)]
        more = f" (the newest of {signals:,} new signals)" if signals > 1 else ""
        what = f"{newest['title']}{more}"
        rows.append((newest["severity"], utc_minute(newest["raised_at"], with_year=False), "new", what))
    if rows:
        show_table("alerts that stand", ("severity", "since (UTC)", "state", "what"), rows)


def _state(alert: dict[str, Any]) -> str:
    return f"escalated L{alert['escalation']}" if alert["state"] == "escalated" else str(alert["state"])


def _cycle(cycle: dict[str, Any]) -> str:
    started_at = utc_minute(cycle["started_at"], with_year=False)
    if cycle["seconds"] is None:
        return f"{started_at} still running"
    line = f"{started_at} {cycle['seconds']:.0f} s, {cycle['succeeded']:,} of {cycle['symbols']:,}"
    return line if not cycle["error"] else f"{line} (failed)"


def _channel(channel: dict[str, Any]) -> str:
    return (
        f"{channel['channel']} {channel['waiting']:,} waiting{'' if channel['set_up'] else ' (not set up)'}"
    )


def _day(chosen: Universe, value: datetime) -> str:
    """The exchange's date: a day begins the evening before in UTC, in London's summer for one."""
    return f"{value.astimezone(ZoneInfo(chosen.time_zone)):%m-%d}"
