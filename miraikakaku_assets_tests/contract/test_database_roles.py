"""Narrow roles can do what they must and nothing else; what is too open about a database is read from it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import upgrade
from miraikakaku_assets.adapters.storage.security.access import database_access
from miraikakaku_assets.adapters.storage.security.roles import API, READER, grant_roles
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.security.database_roles import role_findings

INSTRUMENT = """
INSERT INTO miraikakaku.instruments (symbol, universe, kind, currency, price_unit, calendar)
VALUES ('7203.T', 'jp', 'stock', 'JPY', 'share', 'XTKS')"""
ALERT = """
INSERT INTO miraikakaku.alerts (key, severity, kind, title, message, details, raised_at, last_seen_at)
VALUES ('a', 'INFO', 'a', 'a', 'a', '{}', now(), now())"""


def opened(database: Database, role: str) -> Database:
    """The same database in a role; the owner of the embedded server may log in as any."""
    return Database(make_url(database.url).set(username=role).render_as_string(hide_password=False))


@pytest.fixture
def reader(database: Database) -> Iterator[Database]:
    grant_roles(database)
    narrow = opened(database, READER)
    yield narrow
    narrow.close()


@pytest.fixture
def api(database: Database) -> Iterator[Database]:
    grant_roles(database)
    narrow = opened(database, API)
    yield narrow
    narrow.close()


def refusal(database: Database, statement: str) -> str | None:
    """SQLSTATE with which a statement is refused; None if it works."""
    try:
        with database.engine.begin() as connection:
            connection.execute(text("SET LOCAL default_transaction_read_only = off"))
            connection.execute(text("SET LOCAL transaction_read_only = off"))
            connection.exec_driver_sql(statement)
    except DBAPIError as error:
        return str(getattr(error.orig, "pgcode", ""))
    return None


def test_roles_are_made_once_and_brought_back_to_what_they_should_be(database: Database) -> None:
    first = grant_roles(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER ROLE {READER} CREATEDB")
        connection.exec_driver_sql(f"GRANT INSERT ON miraikakaku.price_bars TO {READER}")
        connection.exec_driver_sql(f"GRANT SELECT ON miraikakaku.security_findings TO {API}")
        connection.exec_driver_sql("CREATE POLICY wide ON miraikakaku.rate_limits USING (true)")
        connection.exec_driver_sql("ALTER TABLE miraikakaku.rate_limits DISABLE ROW LEVEL SECURITY")
    second = grant_roles(database)

    assert [role.name for role in first] == [role.name for role in second] == [READER, API]
    assert not any(role.is_new for role in second)
    narrow = opened(database, READER)
    assert refusal(narrow, "INSERT INTO miraikakaku.price_bars DEFAULT VALUES") == "42501"
    assert refusal(narrow, "CREATE DATABASE mine") in {"42501", "25001"}
    narrow.close()
    with database.engine.connect() as connection:
        rights = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = %s"
        for role in (READER, API):
            assert tuple(connection.exec_driver_sql(rights, (role,)).one()) == (False, False, False, True)
        policies = (
            "SELECT polname FROM pg_policy WHERE polrelid = 'miraikakaku.rate_limits'::regclass ORDER BY 1"
        )
        names = connection.exec_driver_sql(policies).scalars().all()
        assert names == ["everybody_reads", "keys_are_counted", "keys_are_made"]
        closed = "SELECT relrowsecurity FROM pg_class WHERE oid = 'miraikakaku.rate_limits'::regclass"
        assert connection.exec_driver_sql(closed).scalar()


def test_the_reader_reads_data_and_writes_nothing(database: Database, reader: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(INSTRUMENT)
    with reader.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT symbol FROM miraikakaku.instruments").scalars().all() == [
            "7203.T"
        ]
        assert connection.exec_driver_sql("SHOW default_transaction_read_only").scalar() == "on"
    for statement in (
        "UPDATE miraikakaku.instruments SET symbol = 'X'",
        "DELETE FROM miraikakaku.alerts",
        INSTRUMENT,
        "CREATE TABLE miraikakaku.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "TRUNCATE miraikakaku.price_bars",
        "SELECT * FROM miraikakaku.security_findings",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
    ):
        assert refusal(reader, statement) == "42501", statement


def test_a_table_that_comes_later_is_readable_too(database: Database, reader: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE miraikakaku.later (a int)")

    assert refusal(reader, "SELECT * FROM miraikakaku.later") is None
    assert refusal(reader, "INSERT INTO miraikakaku.later VALUES (1)") == "42501"


def test_the_api_also_acknowledges_alerts(database: Database, api: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(ALERT)

    assert refusal(api, "UPDATE miraikakaku.alerts SET resolved_at = now()") is None
    assert refusal(api, "SELECT count(*) FROM miraikakaku.price_bars") is None
    for statement in (
        "DELETE FROM miraikakaku.alerts",
        "UPDATE miraikakaku.price_bars SET volume = 0",
        INSTRUMENT,
        "SELECT * FROM miraikakaku.security_scans",
        "UPDATE miraikakaku.rate_limits SET rate = 1000",
        "DELETE FROM miraikakaku.rate_limits",
        f"GRANT {READER} TO {API}",
    ):
        assert refusal(api, statement) in {"42501", "0LP01"}, statement


def test_the_api_counts_keys_and_leaves_the_row_of_the_source_alone(
    database: Database, api: Database
) -> None:
    take = (
        "INSERT INTO miraikakaku.rate_limits AS held (name, next_free, leaves_at, answer) "
        "VALUES ('{}', '2026-11-20 00:00Z', now(), 'granted') "
        "ON CONFLICT (name) DO UPDATE SET next_free = held.next_free + interval '1 day', answer = 'granted'"
    )
    with database.engine.begin() as connection:
        connection.exec_driver_sql(take.format("yahoo"))

    assert [refusal(api, take.format("api:a")) for _ in range(2)] == [None, None]
    assert [refusal(api, take.format(name)) for name in ("yahoo", "archive")] == ["42501", "42501"]
    assert refusal(api, "UPDATE miraikakaku.rate_limits SET next_free = now() + interval '9 years'") is None
    rows = "SELECT name, next_free < '2026-11-22 00:00Z' FROM miraikakaku.rate_limits ORDER BY name"
    for whoever in (database, api):
        with whoever.engine.begin() as connection:
            read = connection.exec_driver_sql(rows).all()
        assert [tuple(row) for row in read] == [("api:a", False), ("yahoo", True)]
    assert refusal(database, take.format("yahoo")) is None


def test_a_narrow_role_opens_a_database_that_is_up_to_date_and_says_when_it_is_not(
    database: Database, reader: Database, api: Database
) -> None:
    (head, _), (again, _) = upgrade(reader), upgrade(api)
    assert head == again
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE miraikakaku.alembic_version SET version_num = '0008'")

    for narrow in (reader, api):
        with pytest.raises(
            ConfigurationError, match="this role may not change it; run `miraikakaku db upgrade`"
        ):
            upgrade(narrow)


def test_a_role_that_may_not_make_roles_says_so(reader: Database) -> None:
    with pytest.raises(ConfigurationError, match="may not make roles or grant rights"):
        grant_roles(reader)


def test_the_embedded_server_as_we_make_it_has_no_finding(database: Database) -> None:
    access = database_access(database, is_embedded=True)

    assert access.is_superuser
    assert access.rules
    assert access.address == ""
    assert role_findings(access) == []


def test_what_everybody_may_do_is_found_and_taken_away_by_the_command(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("GRANT SELECT ON miraikakaku.alerts TO PUBLIC")
        connection.exec_driver_sql("GRANT CREATE ON SCHEMA public TO PUBLIC")

    found = role_findings(database_access(database, is_embedded=True))
    grant_roles(database)

    assert [finding.target for finding in found] == ["miraikakaku.alerts SELECT", "schema public CREATE"]
    assert role_findings(database_access(database, is_embedded=True)) == []


def test_a_role_that_may_not_read_pg_hba_reads_the_rest(reader: Database) -> None:
    access = database_access(reader, is_embedded=False)

    assert (access.role, access.is_superuser, access.rules) == (READER, False, None)
