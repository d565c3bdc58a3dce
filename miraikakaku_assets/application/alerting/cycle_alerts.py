"""Use case: judge each cycle by how long it took and how much of it succeeded, and say so when it matters.

An alert stands as long as the trouble does: the next good cycle ends it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.notices import (
    CYCLE,
    AlertStore,
    ChannelNames,
    Cycle,
    CycleLog,
    NewAlert,
    Severity,
)
from miraikakaku_assets.domain.percent import percent_ja

_TOKYO = ZoneInfo("Asia/Tokyo")
FEW = 0.90
"""Success share below which it is a warning, as the operations manual has it."""
_SLOW, _VERY_SLOW, _SOME_FAILED, _MANY_FAILED, _ALL_FAILED = (
    "slow",
    "very_slow",
    "some_failed",
    "many_failed",
    "all_failed",
)


@dataclass(frozen=True)
class CycleRules:
    """What a good cycle is.

    Attributes:
        seconds: A longer one is a warning, one of more than twice as long critical.
        success_share: Share of the symbols below which it is noted.
        failures: Cycles in a row that fail altogether before it is critical.
    """

    seconds: float
    success_share: float
    failures: int


@dataclass(frozen=True)
class WatchPorts:
    """What watching needs.

    Attributes:
        cycles: The log of cycles.
        alerts: Where alerts are raised.
        names_for: Who is told.
        clock: Where the time comes from.
    """

    cycles: CycleLog
    alerts: AlertStore
    names_for: ChannelNames
    clock: Clock


@dataclass(frozen=True)
class AlertChanges:
    """What a watch has said.

    Attributes:
        standing: What is wrong now, each as one line.
        raised: Keys of alerts that did not stand before.
        resolved: Keys of alerts that are over.
    """

    standing: tuple[str, ...] = ()
    raised: frozenset[str] = frozenset()
    resolved: frozenset[str] = frozenset()


def judge_cycle(universe: str, ports: WatchPorts, rules: CycleRules) -> AlertChanges:
    """Judges the newest cycle of a universe that has ended; to be called after each.

    Args:
        universe: Name of the universe.
        ports: What it needs.
        rules: What a good cycle is.
    """
    ended = ports.cycles.ended(universe, rules.failures)
    if not ended:
        return AlertChanges()
    newest = ended[0]
    found = [_of_duration(newest, rules), _of_success(newest, rules), _of_failures(ended, rules)]
    raised = _told((one for one in found if one is not None), ports)
    wrong = {one.key for one in raised}
    kinds = (_SLOW, _VERY_SLOW, _SOME_FAILED, _MANY_FAILED, _ALL_FAILED)
    over = [key for kind in kinds if (key := _key(universe, kind)) not in wrong]
    now = ports.clock()
    fresh = ports.alerts.raise_alerts(raised, now)
    return AlertChanges(tuple(one.title for one in raised), fresh, ports.alerts.resolve(over, now))


def judge_running(ports: WatchPorts, rules: CycleRules) -> AlertChanges:
    """Raises an alert of each cycle that runs for more than twice its time; the next cycle that ends well ends it.

    Args:
        ports: What it needs.
        rules: What a good cycle is.
    """
    now = ports.clock()
    found = (_of_running(cycle, now, rules) for cycle in ports.cycles.unended())
    raised = _told((one for one in found if one is not None), ports)
    fresh = ports.alerts.raise_alerts(raised, now)
    return AlertChanges(tuple(one.title for one in raised), fresh)


def _told(alerts: Iterable[NewAlert], ports: WatchPorts) -> list[NewAlert]:
    """The alerts with the channels of their severity."""
    return [replace(alert, channels=ports.names_for(alert.severity)) for alert in alerts]


def _of_duration(cycle: Cycle, rules: CycleRules) -> NewAlert | None:
    seconds = cycle.seconds
    if seconds is None or seconds <= rules.seconds:
        return None
    if seconds > 2 * rules.seconds:
        title = f"サイクルの処理時間が{2 * rules.seconds:g}秒を超えました: {cycle.universe}"
        limit = f"上限: {rules.seconds:g}秒(その2倍で重大)"
        return _alert(cycle, Severity.CRITICAL, _VERY_SLOW, title, [_duration(seconds), limit])
    title = f"サイクルの処理時間が{rules.seconds:g}秒を超えました: {cycle.universe}"
    return _alert(cycle, Severity.WARNING, _SLOW, title, [_duration(seconds), f"上限: {rules.seconds:g}秒"])


def _of_running(cycle: Cycle, now: datetime, rules: CycleRules) -> NewAlert | None:
    seconds = (now - cycle.started_at).total_seconds()
    if seconds <= 2 * rules.seconds:
        return None
    title = f"サイクルが{2 * rules.seconds:g}秒を過ぎても終わっていません: {cycle.universe}"
    lines = [
        f"経過時間: {seconds:.0f}秒",
        f"上限: {rules.seconds:g}秒(その2倍で重大)",
        "プロセスが止まったか、データ取得が遅れています。",
    ]
    return _alert(cycle, Severity.CRITICAL, _VERY_SLOW, title, lines)


def _of_success(cycle: Cycle, rules: CycleRules) -> NewAlert | None:
    share = cycle.success_share
    if share is None or share >= max(rules.success_share, FEW):
        return None
    if share >= FEW:
        title = f"サイクルの成功率が{rules.success_share * 100:g}%を下回りました: {cycle.universe}"
        return _alert(cycle, Severity.INFO, _SOME_FAILED, title, [_success(cycle)])
    title = f"サイクルの成功率が{FEW:.0%}を下回りました: {cycle.universe}"
    return _alert(cycle, Severity.WARNING, _MANY_FAILED, title, [_success(cycle)])


def _of_failures(ended: list[Cycle], rules: CycleRules) -> NewAlert | None:
    if len(ended) < rules.failures or not all(cycle.failed_altogether for cycle in ended):
        return None
    newest, oldest = ended[0], ended[-1]
    title = f"サイクルが{rules.failures}回続けて全て失敗しました: {newest.universe}"
    lines = [f"失敗の始まり: {_jst(oldest.started_at)}以前", _success(newest)]
    return _alert(newest, Severity.CRITICAL, _ALL_FAILED, title, lines)


def _alert(cycle: Cycle, severity: Severity, kind: str, title: str, lines: list[str]) -> NewAlert:
    facts = [
        f"ユニバース: {cycle.universe}",
        f"開始: {_jst(cycle.started_at)}",
        *lines,
        *([f"エラー: {cycle.end.error}"] if cycle.end is not None and cycle.end.error else []),
        f"実行ID: {cycle.run_id}",
    ]
    return NewAlert(
        key=_key(cycle.universe, kind),
        severity=severity,
        kind=CYCLE,
        title=title,
        message="\n".join(facts),
        universe=cycle.universe,
        details={"cycle": cycle.id, "run_id": cycle.run_id, "started_at": cycle.started_at.isoformat()},
    )


def _key(universe: str, kind: str) -> str:
    return f"{CYCLE}/{universe}/{kind}"


def _duration(seconds: float) -> str:
    return f"処理時間: {seconds:.0f}秒"


def _success(cycle: Cycle) -> str:
    if cycle.end is None or cycle.end.symbols == 0:
        return "成功: 0銘柄(処理を始める前に失敗)"
    return f"成功: {cycle.end.symbols}銘柄中{cycle.end.succeeded}銘柄({percent_ja(cycle.success_share or 0.0, 1)})"


def _jst(moment: datetime) -> str:
    return f"{moment.astimezone(_TOKYO):%Y-%m-%d %H:%M:%S} JST"
