"""Narrow roles of the database: one that reads the data, and one that also writes what an API has to.

Both may log in and have no password until somebody gives them one; the embedded server lets its owner in as either.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.keys import KEY_PREFIX
from miraikakaku_assets.adapters.storage.tables import SCHEMA
from miraikakaku_assets.domain.errors import ConfigurationError

READER, API = "miraikakaku_reader", "miraikakaku_api"
HIDDEN = ("security_findings", "security_scans")
"""Tables that say where an installation is weak: neither role reads them."""
API_WRITES: Mapping[str, tuple[str, ...]] = {
    "alerts": ("UPDATE",),  # acknowledged and resolved by hand
    "alert_silences": ("INSERT", "UPDATE"),
    "alert_planner": ("UPDATE",),  # who is told is planned anew with each response
    "notification_outbox": ("INSERT", "DELETE"),
    "notification_members": ("INSERT", "DELETE"),
    "bulk_jobs": ("INSERT", "UPDATE"),
    # of the keys, see `KEY_ROWS`; the source's row beside them is not the API's to change
    "rate_limits": ("INSERT (name, next_free, leaves_at, answer)", "UPDATE (next_free, answer)"),
}
"""Table → what an API may do there beside reading, in these columns where some are named.

A table that is not there yet is left out.
"""
KEY_ROWS = f"starts_with(name, '{KEY_PREFIX}')"
"""Rows of ``rate_limits`` that roles other than the owner may write, whatever they were granted."""
_POLICIES = {
    "everybody_reads": "FOR SELECT USING (true)",
    "keys_are_made": f"FOR INSERT WITH CHECK ({KEY_ROWS})",
    "keys_are_counted": f"FOR UPDATE USING ({KEY_ROWS}) WITH CHECK ({KEY_ROWS})",
}
"""Policies of ``rate_limits``. They name no role, so that a backup of them is restored where there are none."""
_SETTINGS = {
    READER: {"default_transaction_read_only": "on", "statement_timeout": "60s"},
    API: {"statement_timeout": "60s"},
}
_LOCK = text("SELECT pg_advisory_xact_lock(4120250933)")
_SEQUENCES = text("""
SELECT pg_get_serial_sequence(:table, attname) FROM pg_attribute
WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped
  AND pg_get_serial_sequence(:table, attname) IS NOT NULL
""")
_STANDING_POLICIES = text("SELECT polname FROM pg_policy WHERE polrelid = CAST(:table AS regclass)")
_HAS_ROW_SECURITY = text("SELECT relrowsecurity FROM pg_class WHERE oid = CAST(:table AS regclass)")
_MAY_NOT = frozenset({"42501", "25006"})
"""SQLSTATE: insufficient privilege, and a write of a role that may only read."""
_AT_ONCE = frozenset({"XX000", "23505", "40001", "40P01", "42710"})
"""SQLSTATE of a statement about roles, which all databases of a server share, that met another one's."""
_TRIES = 10


@dataclass(frozen=True)
class GrantedRole:
    """A narrow role as it is now.

    Attributes:
        name: Its name.
        is_new: Whether it was made just now.
        tables: How many tables it reads.
        writes: Table → what it may do there beside reading.
        has_password: Whether it has one; None where that is not ours to read.
    """

    name: str
    is_new: bool
    tables: int
    writes: Mapping[str, tuple[str, ...]]
    has_password: bool | None


def grant_roles(database: Database) -> list[GrantedRole]:
    """Makes both roles, or brings them to what they should be; doing it twice changes nothing.

    Rights that they have too many in this database are taken away.

    Raises:
        ConfigurationError: The role in use may not make roles.
    """
    for attempt in range(_TRIES):
        try:
            with database.engine.begin() as connection:
                connection.execute(_LOCK)
                return _granted(connection)
        except DBAPIError as error:
            state = getattr(error.orig, "pgcode", None)
            if state in _MAY_NOT:
                raise ConfigurationError(
                    f"The role behind {database.shown} may not make roles or grant rights; "
                    "run it as a superuser, or give it CREATEROLE and the ownership of the database"
                ) from error
            if state not in _AT_ONCE or attempt == _TRIES - 1:
                raise
            time.sleep(0.05 * (attempt + 1))
    raise AssertionError  # the last try returns or raises


def url_of(database: Database, role: str) -> str:
    """The database's URL in another role; the owner of the embedded server may log in as any."""
    return make_url(database.url).set(username=role, password=None).render_as_string(hide_password=False)


def read_only_url(database: Database) -> str:
    """The database's URL with what holds for the role that reads, where there is no such role."""
    url = make_url(database.url)
    given = url.query.get("options", ())
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {setting}={value}" for setting, value in _SETTINGS[READER].items()]
    return url.update_query_dict({"options": " ".join(options)}).render_as_string(hide_password=False)


def _granted(connection: Connection) -> list[GrantedRole]:
    there = set(connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'miraikakaku\\_%'")))
    name = connection.scalar(text("SELECT quote_ident(current_database())"))
    tables = list(
        connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = :schema ORDER BY tablename"),
            {"schema": SCHEMA},
        )
    )
    _close_to_everybody(connection)
    for role in (READER, API):
        if role not in there:
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        _narrow(connection, role, str(name))
    writes = {table: rights for table, rights in API_WRITES.items() if table in tables}
    for table, rights in writes.items():
        connection.exec_driver_sql(f"GRANT {', '.join(rights)} ON {SCHEMA}.{table} TO {API}")
        if "INSERT" in rights:
            for sequence in connection.scalars(_SEQUENCES, {"table": f"{SCHEMA}.{table}"}).all():
                connection.exec_driver_sql(f"GRANT USAGE ON SEQUENCE {sequence} TO {API}")
    if "rate_limits" in tables:
        _keep_rows_apart(connection)
    passwords = _passwords(connection)
    readable = len([table for table in tables if table not in HIDDEN])
    return [
        GrantedRole(role, role not in there, readable, writes if role == API else {}, passwords.get(role))
        for role in (READER, API)
    ]


def _keep_rows_apart(connection: Connection) -> None:
    """Whoever owns the table is bound by no policy: collections write the source's row as ever.

    Changes lock the table, so that nothing is done where the policies stand.
    """
    table = f"{SCHEMA}.rate_limits"
    standing = set(connection.scalars(_STANDING_POLICIES, {"table": table}))
    if standing != set(_POLICIES):
        for policy in sorted(standing):
            connection.exec_driver_sql(f'DROP POLICY "{policy}" ON {table}')
        for policy, rule in _POLICIES.items():
            connection.exec_driver_sql(f"CREATE POLICY {policy} ON {table} {rule}")
    if not connection.scalar(_HAS_ROW_SECURITY, {"table": table}):
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


def _close_to_everybody(connection: Connection) -> None:
    """What PUBLIC may do here, the narrow roles may, too."""
    connection.exec_driver_sql(f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC")
    connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM PUBLIC")
    may_close = connection.scalar(
        text("SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public'")
    )
    if may_close:
        connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _narrow(connection: Connection, role: str, database: str) -> None:
    """Takes everything away and grants what is needed, in one transaction: nobody sees the role in between."""
    attributes = connection.execute(
        text(
            "SELECT rolsuper OR rolreplication OR rolbypassrls AS mighty, rolcreatedb OR rolcreaterole AS makes "
            "FROM pg_roles WHERE rolname = :role"
        ),
        {"role": role},
    ).one()
    if attributes.mighty:  # only a superuser may take it away, or even name it
        connection.exec_driver_sql(f"ALTER ROLE {role} NOSUPERUSER NOREPLICATION NOBYPASSRLS")
    if attributes.makes:
        connection.exec_driver_sql(f"ALTER ROLE {role} NOCREATEDB NOCREATEROLE")
    for statement in (
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM {role}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {SCHEMA} FROM {role}",
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM {role}",
        f"GRANT CONNECT ON DATABASE {database} TO {role}",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT SELECT ON TABLES TO {role}",
        *(f"REVOKE ALL ON {SCHEMA}.{table} FROM {role}" for table in HIDDEN),
        *(
            f"ALTER ROLE {role} IN DATABASE {database} SET {setting} = '{value}'"
            for setting, value in _SETTINGS[role].items()
        ),
    ):
        connection.exec_driver_sql(statement)


def _passwords(connection: Connection) -> dict[str, bool]:
    if not connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
        return {}
    rows = connection.execute(
        text("SELECT rolname, rolpassword IS NOT NULL FROM pg_authid WHERE rolname IN (:reader, :api)"),
        {"reader": READER, "api": API},
    )
    return {row[0]: row[1] for row in rows}
