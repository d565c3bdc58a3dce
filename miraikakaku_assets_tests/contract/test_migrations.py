"""Migrations: from nothing, again, at the same moment, and equal to the tables the code writes to."""

import subprocess
import sys
import textwrap

import pytest
from alembic import command
from alembic.util.exc import CommandError
from sqlalchemy import inspect, text

from miraikakaku_assets.adapters.storage import migrate
from miraikakaku_assets.adapters.storage.engine import DAGSTER_SCHEMA, Database
from miraikakaku_assets.adapters.storage.tables import SCHEMA, metadata
from miraikakaku_assets.domain.errors import DependencyUnavailableError

SPECIFIED = {
    "stock_master", "stock_master_updates", "price_bars", "corporate_actions", "quarantined_bars",
    "batch_executions", "batch_execution_details", "coverage_reports", "coverage_gaps",
}  # fmt: skip


@pytest.fixture
def empty(database_url: str) -> Database:
    return Database(database_url)


def test_empty_database_gets_every_table(empty: Database) -> None:
    assert not migrate.is_current(empty)
    before, after = migrate.upgrade(empty)
    assert before is None
    assert migrate.is_current(empty)
    found = set(inspect(empty.engine).get_table_names(SCHEMA))
    assert found == {table.name for table in metadata.sorted_tables} | {"alembic_version"}
    assert found >= SPECIFIED
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


def test_constraints_are_those_of_the_code(database: Database) -> None:
    # Alembic does not compare CHECK constraints.
    query = text(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = to_regnamespace(:schema)"
    )
    with database.engine.connect() as connection:
        found = {name for (name,) in connection.execute(query, {"schema": SCHEMA})}
    declared = {
        str(metadata.naming_convention["ck"]) % {"table_name": table.name, "constraint_name": constraint.name}
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if constraint.__visit_name__ == "check_constraint"
    }
    assert found == {name.replace("ck_ck_", "ck_") for name in declared} or found == {
        str(constraint.name) for table in metadata.sorted_tables for constraint in table.constraints
        if constraint.__visit_name__ == "check_constraint"
    }  # fmt: skip


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
        out, errors = worker.communicate(timeout=60)
        assert worker.returncode == 0, errors
        answers.append(out.split())
    head = answers[0][1]
    assert sorted(answers) == [[head, head], [head, head], ["None", head]]


def test_unreachable_database_is_said_in_one_sentence() -> None:
    gone = Database("postgresql://user:s3cret@127.0.0.1:9/none")
    with pytest.raises(DependencyUnavailableError, match=r"postgresql://user:\*\*\*@127\.0\.0\.1:9/none") as caught:
        migrate.upgrade(gone)
    assert "s3cret" not in str(caught.value)
