"""Brings a database to the newest schema; safe to call from several processes and any number of times."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import InternalError, OperationalError, ProgrammingError

from miraikakaku_assets.adapters.storage.analysis.tables import latest_indicators, technical_indicators
from miraikakaku_assets.adapters.storage.engine import DAGSTER_SCHEMA, Database
from miraikakaku_assets.adapters.storage.tables import SCHEMA
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.domain.indicators.definitions import COLUMNS
from miraikakaku_assets.fault_points import fault_point

_LOCK = 4120250931
_MAY_NOT = frozenset({"42501", "25006"})
"""SQLSTATE: insufficient privilege, and a write in a transaction that may only read."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for this package, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> tuple[str | None, str]:
    """Creates the schemas and runs the migrations that are missing, in one transaction.

    Returns:
        Revision before and after.

    Raises:
        ConfigurationError: The schema is of another program, most likely of a newer version of this one; or it is
            behind, and the role in use may not change it.
        DependencyUnavailableError: The database cannot be reached.
    """
    try:
        with database.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _refuse_unknown(database, connection)
            before = _revision(connection)
            if before == _head() and not _missing_indicators(connection):
                return before, before  # nothing is written: a role that may only read gets here, too
            for schema in (SCHEMA, DAGSTER_SCHEMA):
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
            command.upgrade(alembic_config(connection), "head")
            _add_indicators(connection)
            after = str(_revision(connection))
            fault_point("migration.before_commit")
    except OperationalError as error:
        database.check()  # says in one sentence that it cannot be reached
        raise DependencyUnavailableError(f"The database {database.shown} refuses the migration") from error
    except (ProgrammingError, InternalError) as error:
        if getattr(error.orig, "pgcode", None) not in _MAY_NOT:
            raise
        raise ConfigurationError(
            f"The schema of {database.shown} is not {_head()}, and this role may not change it; "
            "run `miraikakaku db upgrade` as the owner of the database"
        ) from error
    else:
        fault_point("migration.after_commit")
        return before, after


def _add_indicators(connection: Connection) -> None:
    """Adds the columns of indicators that were defined after the table was made; empty until they are computed."""
    # Looked up first: even an ALTER TABLE that adds nothing waits for all readers.
    for table, name in _missing_indicators(connection):
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {name} double precision"))


def _missing_indicators(connection: Connection) -> list[tuple[str, str]]:
    """Tables with columns that they should have and have not."""
    query = text("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:table)")
    stored = {
        table.fullname: set(connection.scalars(query, {"table": table.fullname}))
        for table in (technical_indicators, latest_indicators)
    }
    return [(table, name) for table, names in stored.items() for name in COLUMNS if name not in names]


def _head() -> str:
    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def _revision(connection: Connection) -> str | None:
    return _context(connection).get_current_revision()


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})


def known_revisions() -> frozenset[str]:
    """Schemas that this program can bring to its own."""
    scripts = ScriptDirectory.from_config(alembic_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


def _refuse_unknown(database: Database, connection: Connection) -> None:
    scripts, known = ScriptDirectory.from_config(alembic_config()), known_revisions()
    unknown = [revision for revision in _context(connection).get_current_heads() if revision not in known]
    if unknown:
        raise ConfigurationError(
            f"The database {database.shown} has schema {', '.join(unknown)}, and this program knows none beyond "
            f"{scripts.get_current_head()}: it was written by another version; run that one, or name another "
            "MIRAIKAKAKU_HOME (or DATABASE_URL)"
        )
