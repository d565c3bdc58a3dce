"""Three workers do a backfill through Redis; one run is ended, one worker is killed, and the books add up."""

from pathlib import Path

import pytest

from benchmarks.fetch_site import Exchange, Site
from benchmarks.worker_site import PASSWORD, redis_server
from benchmarks.workers import INSTANCE, live_in, variables
from miraikakaku_assets_tests.fakes.simulated import simulated
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.databases import INSTALLED, fresh_database
from miraikakaku_assets_tests.support.free_port import free_port
from miraikakaku_assets_tests.support.moments import last_evening

RATE = 8.0


@pytest.mark.slow
@pytest.mark.skipif(redis_server() is None, reason="redis-server is not installed")
def test_a_backfill_survives_a_killed_worker_and_nothing_is_fetched_twice(
    server_url: str, tmp_path: Path
) -> None:
    instance = tmp_path / "dagster.yaml"
    shipped = INSTANCE.read_text(encoding="utf-8")
    instance.write_text(
        shipped.replace("poll_interval_seconds: 10", "poll_interval_seconds: 2"), encoding="utf-8"
    )
    assert instance.read_text(encoding="utf-8") != shipped
    with (
        simulated(symbols=200, us_symbols=0, now=last_evening()) as exchange,
        fresh_database(server_url, INSTALLED) as url,
    ):
        told = variables(exchange.moment.isoformat(), RATE, 50) | {"RUN_LOST_AFTER": "20"}
        site = Site(tmp_path, {"DATABASE_URL": url, **Exchange(exchange.base).variables(), **told})

        night = live_in(site, Exchange(exchange.base), RATE, instance)

    assert night.problems == []
    assert night.reused > 0
    assert "silent for" in night.why_lost or "process that did this run is gone" in night.why_lost


def test_a_worker_says_what_it_is_missing(database_url: str, tmp_path: Path) -> None:
    command = Command(tmp_path, {"MIRAIKAKAKU_HOME": str(tmp_path / "home"), "DATABASE_URL": database_url})

    nowhere = command("worker")
    assert nowhere.code == 2
    assert "CELERY_BROKER_URL: runs reach workers through Redis" in nowhere.errors[0]

    wrong = command.with_(CELERY_BROKER_URL=f"amqp://user:{PASSWORD}@host")("worker")
    assert wrong.code == 2
    assert wrong.errors[0].startswith("CELERY_BROKER_URL: must look like redis://")
    assert PASSWORD not in wrong.err

    silent = command.with_(CELERY_BROKER_URL=f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0")("worker")
    assert silent.code == 3
    assert silent.errors[0].startswith("CELERY_BROKER_URL: Redis cannot be used (")
    assert PASSWORD not in silent.err

    lost = command.with_(DAGSTER_YAML=tmp_path / "none.yaml", CELERY_BROKER_URL="redis://127.0.0.1")
    assert "none.yaml cannot be read" in lost("collect", "--symbols", "7203.T").errors[0]
