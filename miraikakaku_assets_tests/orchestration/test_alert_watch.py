"""Runs, checks, ticks, schedules and services as the watch finds them on a real instance."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import TickStatus

from miraikakaku_assets.application.alerting.alert_rule import AlertChanges
from miraikakaku_assets.application.alerting.watch import watch
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.watching.dagster_records import ALERT_TAG, DagsterRecords
from miraikakaku_assets_tests.support.installations.installation import Installation
from miraikakaku_assets_tests.support.watched_orchestrator import (
    FIVE_MINUTES,
    WEEKDAYS,
    WatchedOrchestrator,
)

pytestmark = pytest.mark.slow

MINUTE = timedelta(minutes=1)
FRIDAY = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)  # 15:00 in Tokyo


@pytest.fixture
def watched(installation: Installation) -> WatchedOrchestrator:
    """Watched by the machine's clock: Dagster stamps its runs with it."""
    return WatchedOrchestrator(installation.ports, installation.instance, datetime.now(UTC))


def test_a_first_start_is_nothing_to_talk_about(installation: Installation) -> None:
    repository = installation.definitions.get_repository_def()
    records = DagsterRecords(installation.instance, repository, lambda: datetime.now(UTC))
    assert watch("test", installation.ports.watching.watched(records)).changes == AlertChanges()


def test_the_sensor_says_what_is_wrong(installation: Installation) -> None:
    repository = installation.definitions.get_repository_def()

    def evaluated() -> str | None:
        with dg.build_sensor_context(
            instance=installation.instance, repository_def=repository, resources={"ports": PortsResource()}
        ) as context:
            return repository.get_sensor_def("alert_watch").evaluate_tick(context).skip_message

    assert evaluated() == "Nothing is wrong."
    installation.ports.sources.rate_limiter.pause("HTTP 503")
    assert evaluated() == "データソースに接続できません: yahoo"
    installation.ports.sources.rate_limiter.resume()
    assert evaluated() == "Nothing is wrong."


def test_on_a_holiday_no_collection_is_due(installation: Installation) -> None:
    watched = WatchedOrchestrator(installation.ports, installation.instance, FRIDAY)
    watched.turn_on("jp_daily", "45 16 * * 1-5")
    repository = installation.definitions.get_repository_def()

    def due(moment: datetime) -> list[datetime | None]:
        state = DagsterRecords(installation.instance, repository, lambda: moment).read(None)
        return [each.due_at for each in state.collections]

    friday, tuesday = FRIDAY.replace(hour=7, minute=45), datetime(2026, 11, 24, 7, 45, tzinfo=UTC)
    assert due(friday) == []  # nothing is collected yet
    installation.instance.add_dynamic_partitions("jp_symbols", ["7203.T"])
    assert due(FRIDAY) == [None]
    assert due(friday) == [friday]
    assert due(friday + timedelta(days=2)) == [friday]
    assert due(friday + timedelta(days=3, hours=9)) == [friday]  # 勤労感謝の日
    assert due(tuesday) == [tuesday]


def test_a_failed_run_is_told_once_links_to_its_alert_and_is_over_with_the_next_good_one(
    watched: WatchedOrchestrator,
) -> None:
    key = "run/jp_test_job/failed"
    first, second = watched.run("the list is gone"), watched.run("the list is still gone")

    assert watched.watch().changes.raised == {key}
    assert watched.watch().changes.raised == frozenset()
    (alert,) = watched.ports.notices.alerts.listed()
    assert (alert.key, alert.severity.value, alert.universe) == (key, "WARNING", "jp")
    assert alert.details["run_id"] == second
    assert "エラー: the list is still gone" in alert.message
    assert second in alert.message
    shown = {run: watched.instance.get_run_by_id(run) for run in (first, second)}
    assert {run: stored.tags.get(ALERT_TAG) for run, stored in shown.items() if stored} == {
        first: None,
        second: key,
    }

    watched.run()
    assert watched.watch().changes.resolved == {key}
    assert watched.watch("another watcher").changes == AlertChanges()


def test_a_failed_run_that_is_retried_is_nobodys_concern_yet(watched: WatchedOrchestrator) -> None:
    crashed = watched.run("the worker crashed")
    watched.instance.add_run_tags(crashed, {"dagster/will_retry": "true"})  # as the daemon marks it
    assert watched.watch().changes == AlertChanges()
    watched.run("it crashed again")
    assert watched.watch().changes.raised == {"run/jp_test_job/failed"}


def test_a_failed_run_of_a_backfill_stands_until_it_is_executed_again(watched: WatchedOrchestrator) -> None:
    failed = watched.run("12 symbols failed", **{"dagster/backfill": "b"})
    watched.run(**{"dagster/backfill": "b"})
    assert watched.watch().changes.raised == {"run/jp_test_job/failed"}
    watched.run(**{"dagster/backfill": "b"})
    assert watched.watch().changes.resolved == frozenset()
    watched.run(**{"dagster/backfill": "b", "dagster/parent_run_id": failed})
    assert watched.watch().changes.resolved == {"run/jp_test_job/failed"}


def test_an_old_run_that_gets_a_tag_is_no_news(watched: WatchedOrchestrator) -> None:
    old = watched.run("it failed once")
    watched.run()
    watched.instance.add_run_tags(old, {"note": "looked at"})
    with watched.ports.database.engine.begin() as connection:  # the good one was read long ago
        connection.exec_driver_sql(
            f"UPDATE dagster.runs SET update_timestamp = update_timestamp - interval '2 days' "
            f"WHERE run_id <> '{old}'"
        )
    assert watched.watch().changes == AlertChanges()


def test_a_failed_check_is_told_until_it_passes(watched: WatchedOrchestrator) -> None:
    key = "check/jp/tested/rule/failed"
    run = watched.materialize("20 rows have a high below their low")
    assert watched.watch().changes.raised == {key}
    (alert,) = watched.ports.notices.alerts.listed()
    assert "内容: 20 rows have a high below their low" in alert.message
    assert alert.details["run_id"] == run
    assert watched.watch().changes.raised == frozenset()
    watched.materialize()
    assert watched.watch().changes.resolved == {key}


@pytest.mark.parametrize("cron", [None, "0 7 * * 1-5"], ids=["sensor", "schedule"])
def test_a_failed_tick_is_told_until_one_is_good(watched: WatchedOrchestrator, cron: str | None) -> None:
    name = WEEKDAYS if cron else "some_sensor"
    state = watched.turn_on(name, cron)
    watched.tick(state, TickStatus.FAILURE, "the module cannot be imported")
    key = f"tick/{name}/failed"
    assert watched.watch().changes.raised == {key}
    assert "エラー: the module cannot be imported" in watched.ports.notices.alerts.listed()[0].message
    watched.now += MINUTE
    watched.tick(state)
    assert watched.watch().changes.resolved == {key}
    watched.now += MINUTE
    watched.tick(state, TickStatus.FAILURE, "again")
    watched.watch()
    watched.turn_off(state)
    assert watched.watch().changes.resolved == {key}


def test_a_schedule_that_does_not_tick_is_missed_on_weekdays_only(watched: WatchedOrchestrator) -> None:
    watched.now = FRIDAY
    watched.watch()
    state = watched.turn_on(WEEKDAYS, "0 7 * * 1-5")
    for hours in (5, 20, 50):  # Friday evening, Saturday, Sunday
        watched.now = FRIDAY + timedelta(hours=hours)
        watched.watch()
        watched.now += timedelta(minutes=10)
        watched.watch()
    assert watched.standing() == {}
    for minute in (52, 58, 64, 66):  # five minutes past seven on Monday
        assert watched.standing() == {}
        watched.now = datetime(2026, 11, 22, 21, 0, tzinfo=UTC) + timedelta(minutes=minute)
        watched.watch()
    assert watched.standing() == {"schedule/weekday_schedule/missed": "WARNING"}
    assert "予定: 2026-11-23 07:00:00 JST" in watched.ports.notices.alerts.listed()[0].message
    watched.turn_off(state)
    assert watched.watch().changes.resolved == {"schedule/weekday_schedule/missed"}


def test_after_a_pause_of_the_machine_the_schedules_have_time_to_catch_up(
    watched: WatchedOrchestrator,
) -> None:
    watched.now = FRIDAY
    watched.watch()
    state = watched.turn_on(WEEKDAYS, "0 7 * * 1-5")
    watched.now += timedelta(days=4)
    assert watched.watch().changes == AlertChanges()
    watched.tick(state)
    watched.now += timedelta(minutes=7)
    watched.watch()
    assert watched.standing() == {}


def test_a_cycle_that_never_starts_is_missed_and_over_with_its_end(watched: WatchedOrchestrator) -> None:
    state = watched.turn_on(FIVE_MINUTES, "*/5 * * * *")
    run = watched.queued_run()
    watched.watch()
    watched.tick(state, TickStatus.SUCCESS, runs=(run.run_id,))

    def waiting() -> None:
        watched.tick(state)  # "the previous cycle still runs"
        watched.watch()

    for _ in range(3):
        watched.now += timedelta(minutes=5)
        waiting()
    assert watched.standing() == {}
    watched.now += MINUTE
    watched.watch()
    assert watched.standing() == {"schedule/cycle_schedule/missed": "WARNING"}
    assert watched.ports.notices.alerts.listed()[0].details["run_id"] == run.run_id
    watched.instance.report_run_canceled(run)
    waiting()
    assert watched.standing() == {}


def test_a_daemon_that_stops_is_critical_and_keeps_what_follows_quiet(watched: WatchedOrchestrator) -> None:
    assert not watched.watch().is_daemon_dead  # it never ran
    watched.beat()
    watched.now += timedelta(minutes=3)
    watched.watch()
    assert watched.standing() == {}
    watched.now += MINUTE
    watched.watch()
    assert watched.standing() == {"service/daemon/stopped": "CRITICAL"}
    assert watched.watch().is_daemon_dead
    watched.beat()
    assert watched.watch().changes.resolved == {"service/daemon/stopped"}
    watched.now += timedelta(minutes=16)
    watched.beat("SENSOR")
    watched.watch()
    assert watched.standing().get("service/scheduler/stopped") == "CRITICAL"
    assert "service/daemon/stopped" not in watched.standing()
