"""How a database lets people in, and what they may do there."""

from collections.abc import Iterable
from dataclasses import dataclass

from miraikakaku_assets.domain.security.exposure import is_loopback
from miraikakaku_assets.domain.security.finding import Finding, Kind, Level

_OPEN_METHODS = frozenset({"trust"})
_WEAK_METHODS = frozenset({"password"})  # in the clear
_LOCAL_ADDRESSES = frozenset({"127.0.0.1", "::1", "samehost"})
_ROLES_FIX = "`miraikakaku db roles` makes roles that can do no more than they must"


@dataclass(frozen=True)
class AccessRule:
    """A line of ``pg_hba.conf``.

    Attributes:
        line: Its number.
        kind: ``local``, ``host``, ``hostssl``, …
        address: Whom it is for; empty for ``local``.
        method: How they are checked.
        roles: Whom it lets in.
    """

    line: int
    kind: str
    address: str
    method: str
    roles: tuple[str, ...] = ("all",)

    @property
    def is_remote(self) -> bool:
        """Whether it lets other machines in."""
        return self.kind != "local" and self.address not in _LOCAL_ADDRESSES and not is_loopback(self.address)


@dataclass(frozen=True)
class PublicGrant:
    """A right that every role has.

    Attributes:
        on: The object, e.g. ``schema public``.
        privilege: E.g. ``CREATE``.
    """

    on: str
    privilege: str


@dataclass(frozen=True)
class DatabaseAccess:
    """How this installation and others get into its database.

    Attributes:
        role: The role in use.
        is_superuser: Whether that role may do everything.
        is_embedded: Whether it is the embedded server, which only its owner and root get into.
        address: Of the server, as this connection reaches it; empty for a socket.
        is_encrypted: Whether this connection is.
        grants: Rights of everybody on the schemas of this installation and ``public``.
        rules: Lines of ``pg_hba.conf``; None where the role may not read them.
        superusers: Other roles that may log in and do everything.
    """

    role: str
    is_superuser: bool
    is_embedded: bool
    address: str
    is_encrypted: bool
    grants: tuple[PublicGrant, ...] = ()
    rules: tuple[AccessRule, ...] | None = None
    superusers: tuple[str, ...] = ()


def role_findings(access: DatabaseAccess) -> list[Finding]:
    """What is too open about a database."""
    findings = []
    if access.is_superuser and not access.is_embedded:
        findings.append(
            _finding(
                "superuser_in_use",
                access.role,
                Level.HIGH,
                f"the role {access.role}, which this installation works with, is a superuser",
                "make it the owner of its database and no superuser: ALTER ROLE … NOSUPERUSER",
            )
        )
    if access.address and not is_loopback(access.address) and not access.is_encrypted:
        findings.append(
            _finding(
                "not_encrypted",
                "connection",
                Level.MEDIUM,
                f"the connection to the database at {access.address} is not encrypted",
                "add ?sslmode=verify-full to DATABASE_URL, and a certificate to the server",
            )
        )
    if access.is_embedded and access.superusers:
        findings.append(
            _finding(
                "further_superusers",
                ", ".join(access.superusers),
                Level.MEDIUM,
                f"further roles of the embedded server are superusers: {', '.join(access.superusers)}",
                "ALTER ROLE … NOSUPERUSER",
            )
        )
    return findings + _grants(access.grants) + _rules(access.rules or ())


def _grants(grants: Iterable[PublicGrant]) -> list[Finding]:
    return [
        _finding(
            "granted_to_public",
            f"{grant.on} {grant.privilege}",
            Level.MEDIUM,
            f"every role has {grant.privilege} on {grant.on}",
            f"REVOKE {grant.privilege} ON {grant.on} FROM PUBLIC; {_ROLES_FIX}",
        )
        for grant in grants
    ]


def _rules(rules: Iterable[AccessRule]) -> list[Finding]:
    findings = []
    for rule in rules:
        who = ", ".join(rule.roles)
        where = rule.address or "the socket"
        if rule.method in _OPEN_METHODS:
            level = Level.CRITICAL if rule.is_remote else Level.HIGH
            what = f"{who} get in from {where} without a password ({rule.method})"
            findings.append(_access(rule, "no_password", level, what))
        elif rule.method in _WEAK_METHODS and rule.kind != "hostssl" and rule.is_remote:
            what = f"{who} send their password from {where} in the clear ({rule.method})"
            findings.append(_access(rule, "clear_password", Level.HIGH, what))
        elif rule.method == "md5" and rule.is_remote:
            what = f"{who} get in from {where} by md5, which is broken"
            findings.append(_access(rule, "weak_password", Level.LOW, what))
    return findings


def _access(rule: AccessRule, name: str, level: Level, what: str) -> Finding:
    return Finding(
        Kind.ROLES,
        name,
        f"pg_hba.conf {rule.kind} {rule.address}".strip(),
        level,
        what,
        f"pg_hba.conf, line {rule.line}",
        "write scram-sha-256 there, or peer for the socket, and reload the server",
        {"line": rule.line, "method": rule.method, "address": rule.address},
    )


def _finding(rule: str, target: str, level: Level, what: str, fix: str) -> Finding:
    return Finding(Kind.ROLES, rule, target, level, what, "database", fix)
