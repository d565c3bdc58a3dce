"""How a PostgreSQL server lets people in, and what everybody may do there."""

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from miraikakaku_assets.adapters.storage.engine import DAGSTER_SCHEMA, Database
from miraikakaku_assets.adapters.storage.tables import SCHEMA
from miraikakaku_assets.domain.security.database_roles import AccessRule, DatabaseAccess, PublicGrant

_SELF = text("""
SELECT current_user AS role, rolsuper AS superuser, COALESCE(host(inet_server_addr()), '') AS address,
       COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted
FROM pg_roles WHERE rolname = current_user
""")
_SUPERUSERS = text(
    "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin AND oid <> 10 ORDER BY rolname"
)
"""All but the one that the server was made with."""
# USAGE of `public` is PostgreSQL's default and gives nothing away.
_GRANTS = text("""
SELECT 'schema ' || nspname AS place, acl.privilege_type AS privilege
FROM pg_namespace, aclexplode(nspacl) AS acl
WHERE acl.grantee = 0 AND (nspname = ANY(:ours) OR (nspname = 'public' AND acl.privilege_type <> 'USAGE'))
UNION
SELECT nspname || '.' || relname, acl.privilege_type
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace, aclexplode(relacl) AS acl
WHERE acl.grantee = 0 AND nspname = ANY(:ours)
ORDER BY 1, 2
""")
_RULES = text("""
SELECT line_number, type, COALESCE(address, '') AS address, auth_method, user_name
FROM pg_hba_file_rules WHERE error IS NULL ORDER BY line_number
""")


def database_access(database: Database, *, is_embedded: bool) -> DatabaseAccess:
    """Reads it.

    Args:
        database: The database.
        is_embedded: Whether it is the embedded server.
    """
    with database.engine.connect() as connection:
        own = connection.execute(_SELF).one()
        grants = connection.execute(_GRANTS, {"ours": [SCHEMA, DAGSTER_SCHEMA]}).all()
        superusers = tuple(connection.scalars(_SUPERUSERS))
        rules = _rules(connection)
    return DatabaseAccess(
        role=own.role,
        is_superuser=own.superuser,
        is_embedded=is_embedded,
        address=own.address,
        is_encrypted=own.encrypted,
        grants=tuple(PublicGrant(row.place, row.privilege) for row in grants),
        rules=rules,
        superusers=tuple(name for name in superusers if name != own.role),
    )


def _rules(connection: Connection) -> tuple[AccessRule, ...] | None:
    """Lines of ``pg_hba.conf``; None where this role may not read them."""
    try:
        with connection.begin_nested():
            rows = connection.execute(_RULES).all()
    except DBAPIError:
        return None
    return tuple(_rule(row) for row in rows)


def _rule(row: Any) -> AccessRule:
    return AccessRule(row.line_number, row.type, row.address, row.auth_method, tuple(row.user_name or ()))
