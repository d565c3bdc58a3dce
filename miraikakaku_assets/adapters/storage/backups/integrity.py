"""Search for damage: every page of every table and index is read before somebody needs it.

With the extension ``amcheck`` on the server ``pg_amcheck`` does it. The embedded server's wheel has no such extension:
there each table is read whole, which proves the checksums of its pages, and what each of its plain indexes finds is
compared with what the table holds.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg2
from psycopg2 import sql

from miraikakaku_assets.adapters.storage.backups.copies import SCHEMAS
from miraikakaku_assets.adapters.storage.backups.programs import Programs
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.operations.integrity import IntegrityReport
from miraikakaku_assets.domain.errors import BackupError

_TABLES = """
    SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%s) AND c.relkind = 'r' ORDER BY 2, 3"""
_INDEXES = """
    SELECT n.nspname, c.relname, array_agg(a.attname ORDER BY k.place)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
    CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k (attribute, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attribute
    WHERE i.indrelid = %s AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
    GROUP BY n.nspname, c.relname ORDER BY 2"""
_WAYS = {
    "table": "SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; "
    "SET LOCAL enable_bitmapscan = off",
    "index": "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexscan = on; "
    "SET LOCAL enable_indexonlyscan = on; SET LOCAL max_parallel_workers_per_gather = 0",
}
_DAMAGE = ("XX001", "XX002")  # data_corrupted, index_corrupted


class PostgresIntegrityCheck:
    """Implements the port `IntegrityCheck`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self, now: datetime) -> IntegrityReport:
        """Reads every table and index of both schemas."""
        begun = time.monotonic()
        connection = psycopg2.connect(self._database.url, application_name="miraikakaku integrity")
        try:
            checksums = bool(_value(connection, "SELECT current_setting('data_checksums') = 'on'"))
            has_amcheck = bool(
                _value(connection, "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'amcheck')")
            )
            before = _checksum_failures(connection)
            damaged, relations = self._read_all(connection)
            if has_amcheck:
                damaged |= self._amcheck(connection.server_version // 10_000)
            # Those of this search: the server counts since ever, and what was repaired is damage no more.
            failures = max(_checksum_failures(connection) - before, 0)
        finally:
            connection.close()
        method = "amcheck" if has_amcheck else "read_all"
        return IntegrityReport(now, method, checksums, failures, relations, time.monotonic() - begun, damaged)

    def _amcheck(self, server_major: int) -> dict[str, str]:
        named = [argument for schema in SCHEMAS.values() for argument in ("--schema", schema)]
        try:
            Programs(self._database.url, server_major).run("pg_amcheck", "--heapallindexed", *named)
        except BackupError as error:
            return {"database": str(error)}
        return {}

    def _read_all(self, connection: Any) -> tuple[dict[str, str], int]:
        damaged: dict[str, str] = {}
        relations = 0
        with connection, connection.cursor() as cursor:
            cursor.execute(_TABLES, (list(SCHEMAS.values()),))
            tables = cursor.fetchall()
        for oid, schema, table in tables:
            name, relations = f"{schema}.{table}", relations + 1
            with _noting(damaged, name), connection, connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute(
                    sql.SQL("SELECT count(whole_row) FROM {} whole_row").format(sql.Identifier(schema, table))
                )
                cursor.execute(_INDEXES, (oid,))
                for index_schema, index, columns in cursor.fetchall():
                    relations += 1
                    figures = {way: _figures(cursor, way, (schema, table), columns) for way in _WAYS}
                    if figures["table"] != figures["index"]:
                        damaged[f"{index_schema}.{index}"] = (
                            f"it finds {figures['index'][0]:,} rows, its table has {figures['table'][0]:,}, "
                            "or their values differ; REINDEX it"
                        )
        return damaged, relations


def _checksum_failures(connection: Any) -> int:
    return int(_value(connection, "SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database"))


def _value(connection: Any, query: str) -> Any:
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def _figures(cursor: Any, way: str, table: tuple[str, str], columns: list[str]) -> tuple[int, Any]:
    cursor.execute(_WAYS[way])
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    # In the order of the index, so that the planner has a reason to walk it from end to end.
    query = sql.SQL(
        "SELECT count(*), sum(hash_record_extended(keys, 0)) FROM (SELECT {0} FROM {1} ORDER BY {0}) AS keys"
        if way == "index"
        else "SELECT count(*), sum(hash_record_extended(keys, 0)) FROM (SELECT {0} FROM {1}) AS keys"
    )
    cursor.execute(query.format(names, sql.Identifier(*table)))
    rows, digest = cursor.fetchone()
    return int(rows), digest


@contextmanager
def _noting(damaged: dict[str, str], name: str) -> Iterator[None]:
    """Damage ends the transaction of one table; the others are still looked at."""
    try:
        yield
    except psycopg2.Error as error:
        if error.pgcode not in _DAMAGE and not isinstance(error, psycopg2.errors.InternalError_):
            raise
        damaged[name] = str(error).splitlines()[0]
