"""Cycles and what is said of them: slow, failing, stuck, and good again."""

from datetime import datetime, timedelta

import pytest

from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.collection.cycles import PostgresCycles
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting.alert_rule import AlertChanges, AlertPorts
from miraikakaku_assets.application.alerting.conditions.cycle_alerts import (
    CycleLimits,
    judge_cycle,
    judge_running,
)
from miraikakaku_assets.application.ports.cycles import CycleEnd
from miraikakaku_assets.application.ports.notices import Alert
from miraikakaku_assets_tests.support.markets.signal_alerts import NOW

LIMITS = CycleLimits(seconds=300, success_share=0.95, failures=5)


class Watch:
    """An installation whose clock stands five minutes later with every cycle."""

    def __init__(self, database: Database) -> None:
        self.cycles = PostgresCycles(database)
        self.alerts = PostgresAlerts(database)
        self.now = NOW
        self.count = 0
        self.ports = AlertPorts(self.alerts, lambda: self.now)

    def begins(self, universe: str = "fx") -> int:
        self.count += 1
        return self.cycles.begin(universe, f"run-{self.count}", self.now)

    def cycle(
        self, seconds: float = 20, succeeded: int = 100, error: str | None = None, universe: str = "fx"
    ) -> AlertChanges:
        number = self.begins(universe)
        end = CycleEnd(self.now + timedelta(seconds=seconds), 100, succeeded, 8, 8, 1, error)
        self.cycles.end(number, end)
        self.now += timedelta(minutes=5)
        return self.judge(universe)

    def judge(self, universe: str) -> AlertChanges:
        return judge_cycle(universe, self.cycles, LIMITS, self.ports)

    def judge_running(self) -> AlertChanges:
        return judge_running(self.cycles, LIMITS, self.ports)

    def standing(self) -> dict[str, str]:
        return {alert.key: alert.severity.value for alert in self.alerts.listed(only_standing=True)}

    def alert(self, key: str) -> Alert:
        return next(alert for alert in self.alerts.listed() if alert.key == key)


@pytest.fixture
def watch(database: Database) -> Watch:
    return Watch(database)


def test_cycles_come_back_as_they_went_in(watch: Watch) -> None:
    first = watch.begins()
    assert [(cycle.id, cycle.end, cycle.seconds) for cycle in watch.cycles.unended()] == [(first, None, None)]
    end = CycleEnd(NOW + timedelta(seconds=12.5), 8, 7, 40, 30, 2, None)
    watch.cycles.end(first, end)
    (cycle,) = watch.cycles.ended("fx", 5)
    assert (cycle.end, cycle.seconds, cycle.success_share, cycle.started_at) == (end, 12.5, 0.875, NOW)
    assert watch.cycles.ended("jp", 5) == watch.cycles.unended() == []
    assert watch.cycles.begin("fx", cycle.run_id, NOW) == first
    assert watch.cycles.ended("fx", 5) == []


def test_good_cycles_are_nothing_to_talk_about(watch: Watch) -> None:
    assert watch.judge("fx") == AlertChanges()
    assert watch.cycle() == AlertChanges()
    assert watch.cycle(seconds=300, succeeded=95) == AlertChanges()
    assert watch.alerts.listed() == []


@pytest.mark.parametrize(
    ("seconds", "key", "severity"),
    [
        (301, "cycle/fx/slow", "WARNING"),
        (600, "cycle/fx/slow", "WARNING"),
        (601, "cycle/fx/very_slow", "CRITICAL"),
    ],
)
def test_a_slow_cycle_is_told_until_one_is_good_again(
    watch: Watch, seconds: int, key: str, severity: str
) -> None:
    assert watch.cycle(seconds=seconds).raised == {key}
    assert watch.standing() == {key: severity}
    assert f"{seconds}秒" in watch.alert(key).message
    assert watch.cycle(seconds=seconds).raised == frozenset()
    assert watch.alert(key).occurrences == 2
    assert watch.cycle().resolved == {key}
    assert watch.standing() == {}


@pytest.mark.parametrize(
    ("succeeded", "key", "severity"),
    [
        (94, "cycle/fx/some_failed", "INFO"),
        (90, "cycle/fx/some_failed", "INFO"),
        (89, "cycle/fx/many_failed", "WARNING"),
    ],
)
def test_failing_symbols_are_told_by_their_share(
    watch: Watch, succeeded: int, key: str, severity: str
) -> None:
    watch.cycle(succeeded=succeeded, error="Yahoo: HTTP 503")
    assert watch.standing() == {key: severity}
    assert f"100銘柄中{succeeded}銘柄({succeeded}.0%)" in watch.alert(key).message
    assert "エラー: Yahoo: HTTP 503" in watch.alert(key).message
    assert watch.cycle().resolved == {key}


def test_a_trouble_that_changes_its_degree_is_one_alert_at_a_time(watch: Watch) -> None:
    watch.cycle(seconds=400, succeeded=94)
    watch.cycle(seconds=700, succeeded=50)
    assert watch.standing() == {"cycle/fx/very_slow": "CRITICAL", "cycle/fx/many_failed": "WARNING"}


def test_failures_in_a_row_become_critical(watch: Watch) -> None:
    for _ in range(3):
        watch.cycle(succeeded=0, error="database")
    watch.cycle()
    for _ in range(4):
        watch.cycle(succeeded=0, error="database")
    assert watch.standing() == {"cycle/fx/many_failed": "WARNING"}
    watch.cycle(succeeded=0, error="database")
    assert watch.standing()["cycle/fx/all_failed"] == "CRITICAL"
    assert "5回続けて" in watch.alert("cycle/fx/all_failed").title
    assert watch.cycle(universe="jp") == AlertChanges()
    assert len(watch.cycle().resolved) == 2


def test_a_cycle_that_broke_off_before_its_first_symbol_failed_and_an_empty_one_did_not(watch: Watch) -> None:
    broken, empty = watch.begins(), watch.begins("jp")
    watch.cycles.end(broken, CycleEnd(watch.now, error="no database"))
    watch.cycles.end(empty, CycleEnd(watch.now))
    assert watch.judge("fx").raised == {"cycle/fx/many_failed"}
    assert watch.judge("jp") == AlertChanges()
    assert "処理を始める前に失敗" in watch.alert("cycle/fx/many_failed").message


def test_a_stuck_cycle_is_critical_until_another_one_is_good(watch: Watch) -> None:
    watch.begins()
    for seconds, raised in ((600, frozenset()), (601, {"cycle/fx/very_slow"}), (660, frozenset())):
        watch.now = NOW + timedelta(seconds=seconds)
        assert watch.judge_running().raised == raised
    assert watch.standing() == {"cycle/fx/very_slow": "CRITICAL"}
    assert "2026-11-20 15:35:00 JST" in watch.alert("cycle/fx/very_slow").message
    assert watch.cycle().resolved == {"cycle/fx/very_slow"}
    watch.now += timedelta(hours=1)
    assert watch.judge_running() == AlertChanges()  # its process is gone, the work goes on


def test_the_start_is_told_in_japanese_time(watch: Watch) -> None:
    watch.now = datetime.fromisoformat("2026-11-20T15:30:00+00:00")
    watch.cycle(seconds=301)
    assert "開始: 2026-11-21 00:30:00 JST" in watch.alert("cycle/fx/slow").message
