"""Columns in and out of PostgreSQL over ADBC: frames that are read, staged and appended, and arrays as parameters."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.engine import Database


@contextmanager
def bulk_cursor(database: Database) -> Iterator[Any]:
    """A cursor in one transaction: committed at the end, rolled back on an error.

    Raises:
        DependencyUnavailableError: The database cannot be reached.
    """
    with database.bulk() as connection, connection.cursor() as cursor:
        yield cursor


def read_frame(cursor: Any, query: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
    """What a query finds."""
    cursor.execute(query, parameters or None)
    return pl.DataFrame(cursor.fetch_arrow_table())


def stage(cursor: Any, name: str, frame: pl.DataFrame) -> None:
    """Copies a frame into a new temporary table, which the connection forgets after its transaction."""
    cursor.adbc_ingest(name, frame.to_arrow(), mode="create", temporary=True)


def append_rows(cursor: Any, table: str, rows: pl.DataFrame) -> None:
    """Copies rows straight into one of our tables."""
    if not rows.is_empty():
        cursor.adbc_ingest(table, rows.to_arrow(), mode="append", db_schema_name="miraikakaku")


def lock_instruments(cursor: Any, ids: Iterable[int]) -> None:
    """One writer at a time per instrument, until the end of the transaction."""
    query = "SELECT count(pg_advisory_xact_lock(20250932, id)) FROM unnest($1::int[]) AS id"
    cursor.execute(query, (plain_array(sorted(ids)),))
    cursor.fetchall()


def plain_array(values: Iterable[int | date]) -> str:
    """A PostgreSQL array literal of numbers or dates, which need no quotes."""
    return "{" + ",".join(map(str, values)) + "}"


def text_array(values: Iterable[str]) -> str:
    """A PostgreSQL array literal; the driver binds no arrays of text."""
    return (
        "{" + ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values) + "}"
    )


def moment_array(moments: Iterable[datetime | None]) -> str:
    """A PostgreSQL array literal of moments."""
    return "{" + ",".join("NULL" if moment is None else f'"{moment}"' for moment in moments) + "}"
