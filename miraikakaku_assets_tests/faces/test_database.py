"""The commands about the database, with a server of their own and with somebody else's."""

from pathlib import Path

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.installations.command_line import PASSWORD, command_in


@pytest.mark.slow
def test_the_embedded_server_is_started_asked_and_stopped(open_folder: Path) -> None:
    command = Command(open_folder, {"MIRAIKAKAKU_HOME": "state"})  # relative to the working directory
    assert command("db", "stop").out == "it was not running\n"

    started = command("db", "start")

    assert started.code == 0, started.err
    address = command("db", "url").out.strip()
    assert started.out == f"running: {address}\n"
    with psycopg2.connect(command("db", "url", "--password").out.strip()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM miraikakaku.price_bars")
        assert cursor.fetchone() == (0,)
    connection.close()
    again = command("db", "upgrade", "--json").document
    assert again["before"] == again["after"]

    stopped = command("db", "stop")

    assert (stopped.code, stopped.out) == (0, "stopped\n")
    assert command("db", "stop").out == "it was not running\n"
    assert "master    none yet" in command("status").out  # whoever needs it starts it again


def test_the_schema_is_brought_up_once(exchange: Simulated, database_url: str, tmp_path: Path) -> None:
    command = command_in(tmp_path, database_url, exchange)  # nothing is in it, not even tables

    first = command("db", "upgrade", "--json")
    second = command("db", "upgrade")

    assert first.code == second.code == 0
    assert first.document["before"] is None
    assert second.out == f"schema {first.document['after']}, nothing to do\n"
    schemas = (
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name IN ('miraikakaku', 'dagster')"
    )
    assert len(command.rows(schemas)) == 2


def test_the_url_of_an_external_server_hides_its_password(command: Command) -> None:
    external = make_url(command.variables["DATABASE_URL"])

    hidden = command("db", "url").out.strip()
    shown = command("db", "url", "--password").out.strip()

    assert PASSWORD not in hidden
    assert make_url(hidden).database == external.database
    assert make_url(shown).password == PASSWORD


def test_a_scheme_that_sqlalchemy_knows_reaches_the_same_database(command: Command) -> None:
    other = command.variables["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://")

    ended = command.with_(DATABASE_URL=other)("db", "url", "--password")

    assert ended.code == 0, ended.err
    assert ended.out == command("db", "url", "--password").out


@pytest.mark.parametrize("arguments", ["status", "collect --json", "up"])
def test_a_schema_newer_than_the_program_is_refused(command: Command, arguments: str) -> None:
    command.execute("UPDATE miraikakaku.alembic_version SET version_num = '9999'")

    ended = command(*arguments.split())

    assert ended.code == 2
    (sentence,) = ended.errors
    assert "has schema 9999, and this program knows none beyond" in sentence
    assert PASSWORD not in ended.err
