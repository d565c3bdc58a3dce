"""Use case: how far the analysis is, what the cycles do, and what people should know, at a glance."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from miraikakaku_assets.application.analysis.scope import DERIVED
from miraikakaku_assets.application.ports.cycles import Cycle, CycleLog
from miraikakaku_assets.application.ports.notices import PATTERN, Alert, AlertStore, Severity
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe

_CYCLES = 3  # of each universe

_COLLECTED = {
    timeframe: collected
    for collected, built in DERIVED.items()
    for timeframe in (collected, *(target for target, _ in built))
}
"""Timeframe → the collected one whose marks are its own; in the order in which they are shown."""


class AnalysedStore(Protocol):
    """Reads how far the analysis is."""

    def newest_analysed(self, derived: Mapping[Timeframe, Timeframe]) -> list[dict[str, Any]]:
        """Per universe and timeframe: symbols, newest bar, newest indicators, and symbols that are due."""

    def signals(self) -> Mapping[str, Mapping[str, Any]]:
        """Universe → number of stored signals, and when the newest became known."""

    def analysed_rows(self) -> list[dict[str, Any]]:
        """Bars and rows of indicators per universe and timeframe."""


def analysis_status(store: AnalysedStore) -> list[dict[str, Any]]:
    """One row per universe and timeframe that has bars.

    ``newest_signal`` (UTC) is in the row of the universe's five-minute bars, on which signals begin.
    """
    signals = store.signals()
    rows = [
        row | {"newest_signal": _of_signals(row, signals).get("newest")}
        for row in store.newest_analysed(_COLLECTED)
    ]
    return sorted(rows, key=_place)


def analysed_rows(store: AnalysedStore) -> list[dict[str, Any]]:
    """How many bars, rows of indicators and signals are stored, per universe and timeframe."""
    signals = store.signals()
    rows = [row | {"signals": _of_signals(row, signals).get("signals", 0)} for row in store.analysed_rows()]
    return sorted(rows, key=_place)


def cycles_status(log: CycleLog) -> list[dict[str, Any]]:
    """The newest cycles of each universe, those that run first; without an end for those that have none yet."""
    running = log.unended()
    rows: list[dict[str, Any]] = []
    for universe in UNIVERSES:
        mine = [cycle for cycle in running if cycle.universe == universe]
        rows += [_shown(cycle) for cycle in (*mine, *log.ended(universe, _CYCLES))]
    return rows


def alerts_status(alerts: AlertStore) -> list[dict[str, Any]]:
    """The alerts that stand: the gravest first, then the newest; new signals behind everything else."""
    standing = alerts.listed(only_standing=True)
    gravity = list(Severity)
    standing.sort(key=lambda alert: (alert.kind == PATTERN, -gravity.index(alert.severity), -alert.id))
    return [_alert_fields(alert) for alert in standing]


def notices_status(alerts: AlertStore, channels: Collection[str]) -> list[dict[str, Any]]:
    """How many notifications wait on each channel, and whether it is set up."""
    waiting = alerts.waiting(channels)
    return [{"channel": name, "waiting": waiting[name], "set_up": name in channels} for name in waiting]


def _of_signals(row: Mapping[str, Any], signals: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return signals.get(row["universe"], {}) if row["timeframe"] == Timeframe.M5 else {}


def _place(row: Mapping[str, Any]) -> tuple[int, int]:
    return list(UNIVERSES).index(row["universe"]), list(_COLLECTED).index(row["timeframe"])


def _shown(cycle: Cycle) -> dict[str, Any]:
    end = cycle.end
    return {
        "universe": cycle.universe,
        "run_id": cycle.run_id,
        "started_at": cycle.started_at,
        "seconds": cycle.seconds,
        "success_share": cycle.success_share,
        **({} if end is None else asdict(end)),
    }


def _alert_fields(alert: Alert) -> dict[str, Any]:
    names = (
        *("id", "key", "severity", "level", "state", "kind", "universe", "symbol", "title", "message"),
        *("raised_at", "last_seen_at", "occurrences", "escalation", "acknowledged_at"),
    )
    return {name: getattr(alert, name) for name in names}
