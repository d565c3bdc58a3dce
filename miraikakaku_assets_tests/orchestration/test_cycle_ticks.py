"""When cycles and notifications start: beside runs that work, wait or have died, and what parked work does then."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import dagster as dg
import psutil
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from miraikakaku_assets.application.ports.notices import NewAlert, Severity
from miraikakaku_assets.domain.market.instruments import FX, Timeframe
from miraikakaku_assets.orchestration.partitions import register_keys
from miraikakaku_assets.orchestration.prices.assets import chain_keys
from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.fakes.webhook_receiver import webhook_receiver
from miraikakaku_assets_tests.support.installations.trading import EURO, PAIRS, Trading, trading

pytestmark = pytest.mark.slow

STILL = "The previous cycle still runs; the next one catches up."
_EVENTS = {
    "QUEUED": "PIPELINE_ENQUEUED",
    "STARTING": "PIPELINE_STARTING",
    "STARTED": "PIPELINE_START",
    "CANCELING": "PIPELINE_CANCELING",
}
HOST_TAG, PROCESS_TAG = ".dagster/miraikakaku_host", ".dagster/miraikakaku_process"
DAILY, WATCHED = chain_keys(FX, Timeframe.D1), chain_keys(FX, Timeframe.M5)


@pytest.fixture
def quiet(
    currencies: Simulated, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trading]:
    """Currencies of which nothing is collected yet."""
    with trading(currencies, installed_url, tmp_path, monkeypatch) as made:
        yield made


def begun(market: Trading, state: str, job: str = "fx_cycle_job") -> dg.DagsterRun:
    """A run in that state, of which a tick knows no more than its job."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("miraikakaku_assets"), "__repository__")
    run = dg.DagsterRun(
        job_name=job,
        run_id=str(uuid4()),
        status=dg.DagsterRunStatus.NOT_STARTED,
        remote_job_origin=RemoteJobOrigin(repository, job),
    )
    market.site.instance.add_run(run)
    if state != "NOT_STARTED":
        event = dg.DagsterEvent(_EVENTS[state], job_name=job)
        market.site.instance.report_dagster_event(event, run.run_id)
    return run


def process(run: dg.DagsterRun, seconds: float = 0.0) -> dict[str, str]:
    """Tags of a run that this process does, or another that had its number so long before."""
    mine = psutil.Process()
    return {
        HOST_TAG: socket.gethostname(),
        PROCESS_TAG: f"{run.run_id} {mine.pid} {mine.create_time() - seconds:.0f}",
    }


def status(market: Trading, run: dg.DagsterRun) -> str:
    stored = market.site.instance.get_run_by_id(run.run_id)
    assert stored is not None
    return stored.status.value


@pytest.mark.parametrize("state", ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"])
def test_while_a_cycle_waits_or_works_the_tick_is_left_to_the_next(quiet: Trading, state: str) -> None:
    run = begun(quiet, state)  # by hand, so without anything of the schedule's
    quiet.site.instance.add_run_tags(run.run_id, process(run))

    assert quiet.tick().skip_message == STILL
    assert quiet.tick().skip_message == STILL
    assert status(quiet, run) == state


def test_cycles_of_other_markets_and_other_runs_hold_up_none(quiet: Trading) -> None:
    begun(quiet, "STARTED", "us_cycle_job")
    begun(quiet, "STARTED", "fx_daily_job")

    assert len(quiet.tick().run_requests) == 1


def test_a_killed_cycle_is_closed_by_the_next_tick(quiet: Trading) -> None:
    run = begun(quiet, "STARTED")
    quiet.site.instance.add_run_tags(run.run_id, process(run, seconds=600))
    number = quiet.site.ports.notices.cycles.begin("fx", run.run_id, quiet.now)
    quiet.passes()

    (request,) = quiet.tick().run_requests

    assert status(quiet, run) == "FAILURE"
    again = quiet.site.run("fx_cycle_job", config=dict(request.run_config), tags=dict(request.tags))
    assert again.success
    assert [cycle.id for cycle in quiet.site.ports.notices.cycles.unended()] == []
    assert [cycle.id for cycle in quiet.site.ports.notices.cycles.ended("fx", 5)] == [number + 1]


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_run_that_never_named_its_process_holds_up_cycles_for_five_minutes(
    quiet: Trading,
    attempt: int,
) -> None:
    run = begun(quiet, "STARTED")
    if attempt > 1:  # it has the tags of the attempt before
        quiet.site.instance.add_run_tags(run.run_id, process(begun(quiet, "STARTED", "us_cycle_job"), 600))

    def started(seconds: int) -> None:
        with quiet.site.ports.database.engine.begin() as connection:
            connection.exec_driver_sql(
                f"UPDATE dagster.runs SET start_time = extract(epoch FROM now()) - {seconds}"
            )

    started(285)
    assert quiet.tick().skip_message == STILL
    assert status(quiet, run) == "STARTED"
    started(301)
    assert len(quiet.tick().run_requests) == 1
    assert status(quiet, run) == "FAILURE"


def test_a_tick_that_is_evaluated_twice_asks_for_one_run(quiet: Trading) -> None:
    at_the_exchange = quiet.now.astimezone(ZoneInfo(FX.time_zone))  # as Dagster hands it over
    (first,) = quiet.tick().run_requests
    quiet.now = at_the_exchange
    (second,) = quiet.tick().run_requests
    quiet.now = at_the_exchange.astimezone(UTC) + timedelta(minutes=5)
    (third,) = quiet.tick().run_requests

    assert first.run_config["ops"]["fx_cycle_op"]["config"] == {"symbols": list(PAIRS)}
    assert first.run_key == second.run_key != third.run_key


@pytest.mark.parametrize(
    "closed", [datetime(2026, 11, 21, 12, 0, tzinfo=UTC), datetime(2026, 11, 22, 12, 0, tzinfo=UTC)]
)
def test_on_a_weekend_no_cycle_starts(quiet: Trading, closed: datetime) -> None:
    quiet.now = closed

    assert quiet.tick().skip_message == "The market of fx is closed."


def alert(market: Trading, key: str, due: timedelta = timedelta(0)) -> None:
    channels = tuple(market.site.ports.notices.channels)
    new = NewAlert(
        key, Severity.CRITICAL, "test", f"title of {key}", "text", channels=channels, due_at=market.now + due
    )
    market.site.ports.notices.alerts.raise_alerts([new], market.now)


def test_notifications_are_sent_when_due_and_by_one_run(
    currencies: Simulated, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        webhook_receiver() as receiver,
        trading(
            currencies, installed_url, tmp_path, monkeypatch, discord_webhook_url=receiver.discord
        ) as market,
    ):
        assert market.sensor("notifications").skip_message == "No notification is due."
        alert(market, "later", due=timedelta(minutes=5))
        assert market.sensor("notifications").skip_message == "No notification is due."
        market.passes()
        assert len(market.sensor("notifications").run_requests) == 1

        run = begun(market, "STARTED", "notifications_job")
        market.site.instance.add_run_tags(run.run_id, process(run))
        assert market.sensor("notifications").skip_message == "Notifications are being sent."
        market.site.instance.add_run_tags(run.run_id, process(run, seconds=600))  # it was killed
        assert len(market.sensor("notifications").run_requests) == 1

        assert market.site.run("notifications_job").success
        assert market.sensor("notifications").skip_message == "No notification is due."
    (message,) = receiver.accepted()
    assert "title of later" in message.text


def test_a_channel_that_is_down_fails_no_run_and_is_asked_again(
    currencies: Simulated, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "http://127.0.0.1:9/api/webhooks/417429632418316298/tOkEn-s3cr3t_AbCdEf0123456789"
    with trading(currencies, installed_url, tmp_path, monkeypatch, discord_webhook_url=nobody) as market:
        alert(market, "unheard")

        run = market.site.run("notifications_job")

        assert run.success
        warned = [
            log.user_message
            for log in market.site.instance.all_logs(run.run_id)
            if log.level == 30  # WARNING
        ]
        assert len(warned) == 1
        assert warned[0].startswith("Channel discord: ")
        assert "s3cr3t" not in str(warned)
        assert market.sensor("notifications").skip_message == "No notification is due."
        market.passes()
        assert len(market.sensor("notifications").run_requests) == 1


def parked(market: Trading) -> None:
    """Makes the moment come at which the source may be asked again."""
    market.site.ports.sources.rate_limiter.resume()
    with market.site.ports.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE miraikakaku.batch_executions SET resume_at = now()")


def resumed(market: Trading) -> list[dg.ExecuteInProcessResult]:
    """Runs that the sensor asks for, done as the daemon would."""
    runs = []
    for request in market.sensor("resume_paused").run_requests:
        job: Any = market.site.definitions.resolve_job_def(request.job_name)
        selected = list(request.asset_selection) if request.asset_selection else None
        runs.append(
            job.execute_in_process(
                run_config=dict(request.run_config),
                instance=market.site.instance,
                tags=dict(request.tags),
                asset_selection=selected,
                raise_on_error=False,
            )
        )
    return runs


@pytest.mark.parametrize(
    ("assets", "gone_on_with"),
    [(DAILY, DAILY), (DAILY[:2], DAILY[:2]), (WATCHED, WATCHED[:1])],
    ids=["daily", "two-of-daily", "watched"],
)
def test_a_collection_that_the_web_ui_started_goes_on_like_any_other(
    quiet: Trading, assets: list[dg.AssetKey], gone_on_with: list[dg.AssetKey]
) -> None:
    register_keys(quiet.site.instance, FX.partitions, list(PAIRS))
    quiet.site.ports.sources.rate_limiter.pause("HTTP 429 without end")
    assert not quiet.site.materialize(assets, *PAIRS).success
    assert not quiet.cycle(EURO).success
    assert quiet.site.rows("SELECT count(*) FROM miraikakaku.batch_executions WHERE status = 'paused'") == [
        (3,)
    ]
    parked(quiet)

    (run,) = resumed(quiet)

    assert run.success
    assert quiet.site.materialized(run.run_id) == sorted(
        (asset.to_user_string(), pair) for asset in gone_on_with for pair in PAIRS
    )
    assert resumed(quiet) == []
