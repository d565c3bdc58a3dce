"""A pruning that is killed at any moment leaves whole books; the same again ends as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from miraikakaku_assets_tests.contract.instance_scenarios import (
    KEYS,
    opened,
    pooled_config,
    rows_of,
    run_chain,
    run_listed,
    run_scattered,
    schema_url,
)
from miraikakaku_assets_tests.contract.pruned_books import (
    TAG,
    asked_by_the_web_ui,
    broken_books,
    everything_in,
    run_cycle,
    run_observed,
)
from miraikakaku_assets_tests.databases import fresh_database

pytestmark = pytest.mark.slow

PRUNE = textwrap.dedent("""
    import sys
    from datetime import datetime, timedelta
    import dagster as dg
    from miraikakaku_assets.orchestration.pruning import event_log

    event_log._RUNS, event_log._EVENTS = 1, 5
    with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
        instance.get_runs(limit=1)
        print("ready", flush=True)
        sys.stdin.readline()
        rules = event_log.Retention(timedelta(days=30), timedelta(days=1), sys.argv[3])
        event_log.prune_event_log(instance, datetime.fromisoformat(sys.argv[2]), rules)
    print("pruned", flush=True)
""")


def prune(home: Path, now: datetime, killed_after: float | None = None) -> float:
    """Prunes in a process of its own, to the end or until it is killed; returns the seconds."""
    command = [sys.executable, "-c", PRUNE, str(home), now.isoformat(), TAG]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        started = time.monotonic()
        if killed_after is None:
            assert process.stdout.readline() == "pruned\n"
        else:
            time.sleep(killed_after)
            os.kill(process.pid, signal.SIGKILL)
        return time.monotonic() - started


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
        with copied(server_url, installed_url) as other:
            with opened(tmp_path / "two", pooled_config(schema_url(other, "dagster"))):
                seconds = prune(tmp_path / "two", later)
            undisturbed = everything_in(schema_url(other, "dagster"))
        assert len(undisturbed["runs"]) < len(filled["runs"]) / 2

        moments = random.Random(20261121)  # noqa: S311 - the same moments in every run
        left = [len(filled["event_logs"])]
        for moment in sorted(moments.uniform(0.05, 0.9) for _ in range(4)):
            prune(tmp_path / "one", later, killed_after=moment * seconds)
            assert broken_books(url) == []
            assert asked_by_the_web_ui(instance) == before
            left.append(rows_of(url, "SELECT count(*) FROM event_logs")[0][0])
        assert len(undisturbed["event_logs"]) < left[1] < left[0], "the first kill came in the middle of it"

        prune(tmp_path / "one", later)
        assert everything_in(url) == undisturbed
        assert asked_by_the_web_ui(instance) == before


def copied(server_url: str, url: str) -> AbstractContextManager[str]:
    """A copy of a database; whoever is connected to it will have to connect again."""
    name = make_url(url).database
    admin = create_engine(
        make_url(server_url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
    admin.dispose()
    return fresh_database(server_url, str(name))
