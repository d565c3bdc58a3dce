"""Runs of schedules as the sensor tells a dead man's switch of them."""

from datetime import UTC, datetime, timedelta

import pytest
from dagster._core.scheduler.instigation import TickStatus

from miraikakaku_assets.adapters.notify.healthchecks import HealthcheckPings
from miraikakaku_assets.orchestration.watching.pings import ping_what_is_new
from miraikakaku_assets_tests.fakes.ping_receiver import ping_receiver
from miraikakaku_assets_tests.support.installations.installation import Installation
from miraikakaku_assets_tests.support.watched_orchestrator import WEEKDAYS, WatchedOrchestrator

pytestmark = pytest.mark.slow

SCHEDULED = {"dagster/schedule_name": WEEKDAYS}


def test_runs_of_schedules_are_pinged_with_the_end_of_their_log(installation: Installation) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    watched = WatchedOrchestrator(installation.ports, installation.instance, began)
    state = watched.turn_on(WEEKDAYS, "0 7 * * 1-5")
    with ping_receiver() as receiver:
        switch = HealthcheckPings(receiver.address)
        cursor, _ = ping_what_is_new(watched.instance, None, switch, lambda: began)
        watched.run(**SCHEDULED)
        watched.run()  # by hand: nobody waits for it
        failed = watched.run("the disk is full", **SCHEDULED)
        cursor, troubles = ping_what_is_new(watched.instance, cursor, switch)
        assert (len(receiver.got), troubles) == (4, ())
        watched.instance.add_run_tags(failed, {"miraikakaku/alert": "run/jp_test_job/failed"})
        watched.now = datetime.now(UTC)
        watched.tick(state, TickStatus.SKIPPED)
        cursor, _ = ping_what_is_new(watched.instance, cursor, switch)
        ping_what_is_new(watched.instance, cursor, switch)
    names = [path.partition("?")[0] for path in receiver.paths]
    assert names == [
        "/weekday-schedule/start",
        "/weekday-schedule",
        "/weekday-schedule/start",
        "/weekday-schedule/fail",
        "/weekday-schedule",
    ]
    assert receiver.paths[3].endswith(f"rid={failed}")
    assert "the disk is full" in receiver.got[3][1]
    assert receiver.got[4][1] == "nothing to do"
