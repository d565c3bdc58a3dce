"""Migrations: from nothing, again, at the same moment, and equal to the tables the code writes to."""

import subprocess
import sys
import textwrap

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import inspect, text

from miraikakaku_assets.adapters.storage import migrate
from miraikakaku_assets.adapters.storage.engine import DAGSTER_SCHEMA, Database
from miraikakaku_assets.adapters.storage.tables import SCHEMA, metadata
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets_tests.support.patience import PATIENCE

SPECIFIED = {
    "stock_master", "stock_master_updates", "price_bars", "corporate_actions", "quarantined_bars",
    "batch_executions", "batch_execution_details", "coverage_reports",
}  # fmt: skip


@pytest.fixture
def empty(database_url: str) -> Database:
    return Database(database_url)


def test_empty_database_gets_every_table(empty: Database) -> None:
    before, after = migrate.upgrade(empty)
    assert before is None
    assert after == ScriptDirectory.from_config(migrate.alembic_config()).get_current_head()
    tables = set(inspect(empty.engine).get_table_names(SCHEMA))
    assert tables == {table.name for table in metadata.sorted_tables} | {"alembic_version"}
    assert tables >= SPECIFIED
    assert inspect(empty.engine).get_view_names(SCHEMA) == ["coverage_gaps"]
    assert DAGSTER_SCHEMA in inspect(empty.engine).get_schema_names()
    assert migrate.upgrade(empty) == (after, after)
    empty.close()


def test_tables_of_the_code_and_of_the_migrations_are_the_same(database: Database) -> None:
    with database.engine.connect() as connection:
        command.check(migrate.alembic_config(connection))


def test_difference_between_code_and_migrations_would_be_seen(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {SCHEMA}.price_bars DROP COLUMN flag"))
    with database.engine.connect() as connection, pytest.raises(Exception, match="flag") as caught:
        command.check(migrate.alembic_config(connection))
    assert isinstance(caught.value, CommandError)


DEFINED = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attcollation::regcollation::text, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d
             ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = to_regnamespace(:schema)
        """,
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = :schema",
    "persistence": """
        SELECT relname, relpersistence::text FROM pg_class
        WHERE relnamespace = to_regnamespace(:schema) AND relkind = 'r'
        """,
}


@pytest.mark.parametrize("what", DEFINED)
def test_migrated_tables_are_those_the_code_would_create(database: Database, what: str) -> None:
    # Alembic's own check compares neither CHECK constraints nor defaults, collations and UNLOGGED.
    with database.engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA declared"))
        declared = connection.execution_options(schema_translate_map={SCHEMA: "declared"})
        metadata.create_all(declared)

    def definitions(schema: str) -> set[str]:
        with database.engine.connect() as connection:
            rows = connection.execute(text(DEFINED[what]), {"schema": schema})
            return {
                str(tuple(row)).replace(f"{schema}.", "") for row in rows if "alembic_version" not in str(row)
            }

    assert definitions(SCHEMA) == definitions("declared") != set()


PROCESS = textwrap.dedent("""
    import sys
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.adapters.storage.migrate import upgrade

    database = Database(sys.argv[1])
    database.check()
    print("ready", flush=True)
    sys.stdin.readline()
    print(*upgrade(database))
""")


def test_three_processes_may_upgrade_at_the_same_moment(database_url: str) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    answers = []
    for worker in workers:  # the others are started before the first is waited for
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        out, errors = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0, errors
        answers.append(out.split())
    head = answers[0][1]
    assert sorted(answers) == [[head, head], [head, head], ["None", head]]


def test_unreachable_database_is_said_in_one_sentence() -> None:
    gone = Database("postgresql://user:s3cret@127.0.0.1:9/none")
    with pytest.raises(
        DependencyUnavailableError, match=r"postgresql://user:\*\*\*@127\.0\.0\.1:9/none"
    ) as caught:
        migrate.upgrade(gone)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("revision", ["0099", "a3f1c2d4e5b6"])
def test_schema_of_another_version_is_said_in_one_sentence_and_stays(
    database: Database, revision: str
) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(f"UPDATE {SCHEMA}.alembic_version SET version_num = '{revision}'"))
    with pytest.raises(
        ConfigurationError, match=f"has schema {revision}, and this program knows none beyond 0"
    ):
        migrate.upgrade(database)
    with database.engine.connect() as connection:
        assert migrate._revision(connection) == revision
