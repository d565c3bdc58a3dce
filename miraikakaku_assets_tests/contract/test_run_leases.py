"""Leases of runs in PostgreSQL: one holder, whoever asks at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.run_leases import PostgresRunLeases


def silence(database: Database, seconds: int) -> None:
    """Nobody has renewed a lease for so long."""
    with database.engine.begin() as connection:
        moved = f"UPDATE miraikakaku.run_leases SET renewed_at = renewed_at - interval '{seconds} s'"
        connection.execute(text(moved))


def test_one_of_many_gets_a_run_and_the_next_only_after_its_silence(database: Database) -> None:
    leases = PostgresRunLeases(database)
    names = [f"w{number}" for number in range(8)]

    def take(name: str) -> bool:
        return leases.take("run", f"{name}@host", name, 30)

    assert leases.read("run") is None
    with ThreadPoolExecutor(8) as pool:
        got = dict(zip(names, pool.map(take, names), strict=True))
    (holder,) = [name for name, taken in got.items() if taken]
    lease = leases.read("run")
    assert lease is not None
    assert (lease.holder, lease.worker) == (holder, f"{holder}@host")
    assert lease.silent_seconds >= 0

    silence(database, 29)
    assert leases.renew("run", holder), "silent, but not for long enough"
    silence(database, 31)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, names)) == 1
    second = leases.read("run")
    assert second is not None
    assert second.silent_seconds < 29
    assert [name for name in names if leases.renew("run", name)] == [second.holder]


def test_leases_of_runs_that_have_ended_are_forgotten(database: Database) -> None:
    leases = PostgresRunLeases(database)
    assert leases.take("old", "w@host", "a", 30)
    silence(database, 3_600)
    assert leases.take("new", "w@host", "b", 30)

    assert leases.forget(timedelta(minutes=30)) == 1

    assert leases.read("old") is None
    assert leases.renew("new", "b")
    assert not leases.renew("old", "a")
