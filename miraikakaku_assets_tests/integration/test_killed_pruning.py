"""A pruning that is killed at any moment leaves whole books; the same again ends as if nothing had happened."""

import random
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.engine import make_url

from miraikakaku_assets_tests.support.databases import fresh_database, send_everybody_away
from miraikakaku_assets_tests.support.installations.instance_scenarios import (
    KEYS,
    opened,
    pooled_config,
    rows_of,
    run_chain,
    run_listed,
    run_scattered,
    schema_url,
)
from miraikakaku_assets_tests.support.installations.pruned_books import (
    TAG,
    asked_by_the_web_ui,
    broken_books,
    everything_in,
    run_cycle,
    run_observed,
)
from miraikakaku_assets_tests.support.killing import kill_at_work, run_to_end

pytestmark = pytest.mark.slow

PRUNE = textwrap.dedent("""
    import sys
    from datetime import datetime, timedelta
    import dagster as dg
    from sqlalchemy import Engine, event
    from miraikakaku_assets.orchestration.pruning import event_log

    event_log._RUNS, event_log._EVENTS = 1, 5
    with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
        instance.get_runs(limit=1)
        print("ready", flush=True)
        sys.stdin.readline()
        event.listen(Engine, "commit", lambda connection: print("stored", flush=True))
        rules = event_log.Retention(timedelta(days=30), timedelta(days=1), sys.argv[3])
        event_log.prune_event_log(instance, datetime.fromisoformat(sys.argv[2]), rules)
    print("done", flush=True)
""")


def arguments(home: Path, now: datetime) -> tuple[str, str, str]:
    return str(home), now.isoformat(), TAG


def fill(instance: dg.DagsterInstance) -> None:
    for number in range(3):
        run_chain(instance, failing=[KEYS[number]])
        run_scattered(instance, KEYS[number:])
        run_listed(instance)
        for _ in range(4):
            run_cycle(instance, KEYS)
        run_observed(instance, KEYS[:3])


def test_killed_at_random_moments(
    server_url: str, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")
    url, later = schema_url(installed_url, "dagster"), datetime.now(UTC) + timedelta(days=31)
    with opened(tmp_path / "one", pooled_config(url)) as instance:
        fill(instance)
        before = asked_by_the_web_ui(instance)
        filled = everything_in(url)
        send_everybody_away(server_url, installed_url)
        with fresh_database(server_url, str(make_url(installed_url).database)) as other:
            with opened(tmp_path / "two", pooled_config(schema_url(other, "dagster"))):
                run_to_end(PRUNE, *arguments(tmp_path / "two", later))
            undisturbed = everything_in(schema_url(other, "dagster"))
        assert len(undisturbed["runs"]) < len(filled["runs"]) / 2

        moments = random.Random(20261121)  # noqa: S311 - the same moments in every run
        left = []
        for stored in (2, 5, 4, 3):
            seconds = moments.uniform(0.0, 0.03)
            kill_at_work(PRUNE, *arguments(tmp_path / "one", later), stored=stored, seconds=seconds)
            assert broken_books(url) == []
            assert asked_by_the_web_ui(instance) == before
            left.append(rows_of(url, "SELECT count(*) FROM event_logs")[0][0])
        whole, rest = len(filled["event_logs"]), len(undisturbed["event_logs"])
        assert any(rest < rows < whole for rows in left), "it was killed in the middle of it"

        run_to_end(PRUNE, *arguments(tmp_path / "one", later))
        assert everything_in(url) == undisturbed
        assert asked_by_the_web_ui(instance) == before
