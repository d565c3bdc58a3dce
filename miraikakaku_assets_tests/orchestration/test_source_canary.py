"""The canary asset: what a round records, how it steers the request rate, and when its run fails."""

import time
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets import bootstrap
from miraikakaku_assets.application.ports.rate_limit import Breaker, Outcome
from miraikakaku_assets.domain.market.source_health import Probe
from miraikakaku_assets.orchestration.canary.assets import SOURCE_CANARY
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.schedules import default_schedules
from miraikakaku_assets.settings import settings
from miraikakaku_assets_tests.support.installations.installation import Installation, failure_of

pytestmark = pytest.mark.slow

SYMBOLS = ("7203.T", "6758.T", "USDJPY=X", "HG=F")


@pytest.fixture(autouse=True)
def canaries(installation: Installation) -> Any:
    """Canaries that the small exchange of these tests lists; from round to round time goes on."""
    with installation.told(
        canary_symbols=",".join(SYMBOLS),
        miraikakaku_home=installation.folder / "canary",
        miraikakaku_now=installation.exchange.moment,
    ):
        installation.ports = bootstrap.ports()
        yield


def probed(installation: Installation) -> dg.ExecuteInProcessResult:
    return installation.run("source_canary_job")


def checks(run: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {evaluation.check_name: evaluation.passed for evaluation in run.get_asset_check_evaluations()}


def test_a_round_of_good_answers_is_recorded_and_green(installation: Installation) -> None:
    run = probed(installation)

    assert run.success
    assert checks(run) == {"every_symbol_answers": True, "source_healthy": True, "clocks_agree": True}
    rows = installation.rows(
        "SELECT symbol, verdict, requests, newest_session IS NOT NULL, latency_ms > 0, rate, source"
        " FROM miraikakaku.source_probes ORDER BY id"
    )
    assert rows == [(symbol, "ok", 1, True, True, 1000.0, "yahoo") for symbol in SYMBOLS]
    shown = installation.metadata(SOURCE_CANARY)
    assert (shown["health"], shown["failed_symbols"], shown["requests"]) == ("healthy", 0, 4)
    assert (shown["rate"], shown["maximum_rate"], shown["success_share"]) == (1000.0, 1000.0, 1.0)
    assert isinstance(shown["latency_ms"], float)
    assert isinstance(shown["latency_ms 7203.T"], float)


def test_one_symbol_in_trouble_fails_the_run_by_name_and_leaves_the_rate(installation: Installation) -> None:
    installation.exchange.set_faults("wrong-symbol@6758.T")

    run = probed(installation)

    failure = failure_of(run)
    assert failure.description == (
        "1 of 4 canary symbols without a good answer: 6758.T (wrong_symbol); "
        "the source is healthy: not answered: 6758.T wrong_symbol"
    )
    assert not checks(run)["every_symbol_answers"]
    assert installation.metadata(SOURCE_CANARY)["failed_symbols"] == 1  # recorded although the run failed
    assert installation.ports.sources.rate_limiter.state().rate == 1000.0


@pytest.mark.parametrize(
    ("fault", "verdict"), [("empty", "empty"), ("404", "not_on_source"), ("html", "unreadable_answer")]
)
def test_an_answer_without_prices_fails_the_run(installation: Installation, fault: str, verdict: str) -> None:
    installation.exchange.set_faults(f"{fault}@7203.T")

    assert f"7203.T ({verdict})" in str(failure_of(probed(installation)).description)


def test_each_symbol_is_one_request_also_in_trouble(installation: Installation) -> None:
    installation.exchange.set_faults("500@7203.T,6758.T,HG=F")

    probed(installation)

    assert installation.rows("SELECT sum(requests)::int, count(*) FROM miraikakaku.source_probes") == [(4, 4)]


def test_two_symbols_in_trouble_halve_the_rate_and_good_answers_let_it_grow(
    installation: Installation,
) -> None:
    installation.exchange.set_faults("500@7203.T,6758.T")

    run = probed(installation)

    assert not run.success
    assert not checks(run)["source_healthy"]
    assert installation.metadata(SOURCE_CANARY)["health"] == "degraded"
    assert installation.metadata(SOURCE_CANARY)["rate"] == pytest.approx(500.0)
    held = "SELECT rate_since > now() + interval '15 minutes' FROM miraikakaku.rate_limits"
    assert installation.rows(held) == [(True,)]
    installation.exchange.set_faults()
    assert probed(installation).success
    assert installation.metadata(SOURCE_CANARY)["health"] == "recovered"
    assert installation.rows(held) == [(False,)]


def test_answers_three_times_as_slow_as_yesterday_halve_the_rate(installation: Installation) -> None:
    now = installation.ports.clock()
    long_ago = now - timedelta(hours=12)
    installation.ports.stores.probes.add(
        [
            Probe(long_ago + timedelta(minutes=number), "yahoo", symbol, "ok", 0.1, 1, None, 1000.0)
            for number in range(5)
            for symbol in SYMBOLS
        ]
    )
    slow = [
        Probe(now - timedelta(minutes=15 * number), "yahoo", symbol, "ok", 0.7, 1, None, 1000.0)
        for number in (1, 2, 3)
        for symbol in SYMBOLS
    ]
    installation.ports.stores.probes.add(slow)
    installation.exchange.set_faults("latency=600ms")

    run = probed(installation)

    assert run.success  # every symbol was answered
    assert not checks(run)["source_healthy"]
    shown = installation.metadata(SOURCE_CANARY)
    assert (shown["health"], shown["usual_latency_ms"]) == ("degraded", 100.0)
    assert shown["latency_ms"] > 600
    assert shown["rate"] == pytest.approx(500.0)


def test_a_bad_second_that_every_symbol_meets_is_no_outage(installation: Installation) -> None:
    installation.exchange.set_faults("503*1")

    assert probed(installation).success

    verdicts = (
        "SELECT verdict, count(*)::int FROM miraikakaku.source_probes GROUP BY verdict ORDER BY verdict"
    )
    assert installation.rows(verdicts) == [("ok", 4), ("server_error", 4)]
    assert installation.metadata(SOURCE_CANARY)["health"] == "recovered"
    assert installation.ports.sources.rate_limiter.state().breaker is Breaker.CLOSED


def test_a_source_that_turns_everyone_away_is_paused_and_asked_again(installation: Installation) -> None:
    installation.exchange.set_faults("503")

    failure = failure_of(probed(installation))

    assert "the source is down: every symbol was turned away" in str(failure.description)
    state = installation.ports.sources.rate_limiter.state()
    assert (state.breaker, installation.metadata(SOURCE_CANARY)["breaker"]) == (Breaker.OPEN, "open")
    assert str(state.reason).startswith("every symbol was turned away: 7203.T server_error")
    paused = failure_of(probed(installation))
    assert "7203.T (paused)" in str(paused.description)
    assert installation.metadata(SOURCE_CANARY)["requests"] == 0
    installation.exchange.set_faults()
    with installation.ports.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE miraikakaku.rate_limits SET paused_until = clock_timestamp()")
    assert probed(installation).success  # its first request is the trial
    assert installation.ports.sources.rate_limiter.state().breaker is Breaker.CLOSED


def test_a_retry_after_of_a_collection_holds_for_the_canary(installation: Installation) -> None:
    limit = installation.ports.sources.rate_limiter
    slot = limit.take(lambda _: None)
    limit.report(slot, Outcome.RATE_LIMITED, retry_after=1.0, reason="HTTP 429")
    began = time.monotonic()

    assert probed(installation).success
    assert time.monotonic() - began >= 0.9


def test_its_schedule_waits_for_the_round_before_and_leaves_archives_alone(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (schedule,) = [
        default_schedule
        for default_schedule in default_schedules()
        if default_schedule.name == "source_canary"
    ]

    def tick() -> Any:
        with dg.build_schedule_context(
            instance=installation.instance,
            scheduled_execution_time=installation.exchange.moment,
            resources={"ports": PortsResource()},
        ) as context:
            return schedule.evaluate_tick(context)

    assert len(tick().run_requests or ()) == 1
    job = installation.definitions.resolve_job_def("source_canary_job")
    waiting = installation.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert "previous round" in str(tick().skip_message)
    installation.instance.report_run_canceled(waiting)
    monkeypatch.setenv("MIRAIKAKAKU_PRICE_SOURCE", "archive")
    monkeypatch.setenv("MIRAIKAKAKU_ARCHIVE_DIR", str(installation.folder))
    settings.cache_clear()
    assert "archive" in str(tick().skip_message)
