"""Connections: typed errors without passwords, transactions that hold, and a server that comes back."""

import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database, open_database
from miraikakaku_assets.domain.errors import DependencyUnavailableError

SECRET = "s3cret-Pa55"  # noqa: S105 - what must not be seen
UNREACHABLE = {
    "closed port": f"postgresql://user:{SECRET}@127.0.0.1:9/prices",
    "unknown host": f"postgresql://user:{SECRET}@no-such-host.invalid/prices",
    "unknown socket": f"postgresql://user:{SECRET}@/prices?host=/nowhere",
}


@pytest.mark.parametrize("case", UNREACHABLE)
@pytest.mark.parametrize("way", ["rows", "columns"])
def test_unreachable_database_is_named_without_its_password(case: str, way: str) -> None:
    database = Database(UNREACHABLE[case])
    attempt = database.check if way == "rows" else database.bulk().__enter__
    with pytest.raises(DependencyUnavailableError) as caught:
        attempt()
    assert "user:***@" in str(caught.value)
    assert "DATABASE_URL" in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_url_is_shown_without_its_password_and_used_with_it() -> None:
    database = Database(f"postgres://user:{SECRET}@db.example.org:5433/prices?sslmode=require")
    assert database.shown == "postgresql://user:***@db.example.org:5433/prices?sslmode=require"
    assert database.url == f"postgresql://user:{SECRET}@db.example.org:5433/prices?sslmode=require"
    assert database.dagster_url.startswith(f"postgresql+psycopg2://user:{SECRET}@db.example.org:5433/prices?")
    assert "search_path%3Ddagster" in database.dagster_url
    assert SECRET not in repr(database.engine)


def test_external_url_is_taken_as_it_is_and_nothing_is_started(tmp_path: Path, database_url: str) -> None:
    open_database(tmp_path / "home", database_url).check()
    assert not (tmp_path / "home").exists()


def test_bulk_work_is_committed_together_or_not_at_all(database: Database) -> None:
    frame = pl.DataFrame(
        {"name": ["a"], "next_free": [None]},
        schema={"name": pl.String, "next_free": pl.Datetime("us", "UTC")},
    )
    frame = frame.with_columns(
        next_free=pl.lit("2025-01-01").str.to_datetime(time_zone="UTC", time_unit="us")
    )

    def store(*, fail: bool) -> None:
        with database.bulk() as connection, connection.cursor() as cursor:
            cursor.adbc_ingest("rate_limits", frame.to_arrow(), mode="append", db_schema_name="miraikakaku")
            if fail:
                raise RuntimeError("half way")

    def stored() -> int:
        with database.engine.connect() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM miraikakaku.rate_limits")) or 0)

    with pytest.raises(RuntimeError, match="half way"):
        store(fail=True)
    assert stored() == 0
    store(fail=False)
    assert stored() == 1


def test_temporary_tables_of_one_piece_of_work_are_not_there_in_the_next(database: Database) -> None:
    for _ in range(3):
        with database.bulk() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE delivered (x int)")


def test_connections_ended_by_the_server_are_replaced(database: Database) -> None:
    def ask() -> int:
        with database.bulk() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 42")
            return int(cursor.fetchone()[0])

    def ask_rows() -> int:
        with database.engine.connect() as connection:
            return int(connection.scalar(text("SELECT 43")) or 0)

    assert (ask(), ask_rows()) == (42, 43)
    other = Database(database.url)
    with other.engine.begin() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE datname = current_database() AND pid <> pg_backend_pid()")
        )  # fmt: skip
    other.close()
    assert (ask(), ask_rows()) == (42, 43)


def test_bulk_work_of_many_threads_does_not_mix(database: Database) -> None:
    def work(number: int) -> int:
        with database.bulk() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE mine AS SELECT $1::int AS x", (number,))
            cursor.execute("SELECT x FROM mine")
            return int(cursor.fetchone()[0])

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(40))) == list(range(40))
