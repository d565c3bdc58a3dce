"""Findings of the security scan, in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, case, delete, false, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.security.tables import security_findings as stored
from miraikakaku_assets.adapters.storage.security.tables import security_scans as scans
from miraikakaku_assets.application.ports.operations.security import (
    Acceptance,
    CheckOutcome,
    Recorded,
    RecordedScan,
    StoredFinding,
)
from miraikakaku_assets.domain.security.finding import Check, Finding, Kind, Level
from miraikakaku_assets.domain.utc import in_utc

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(4120250932)")
_WORST_FIRST = case({level.value: -level.rank for level in Level}, value=stored.c.level, else_=0)
_CONTENT = ("kind", "rule", "target", "occurrence", "level", "what", "place", "fix", "details")


class PostgresSecurityFindings:
    """Implements the port `SecurityFindings`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def record(self, outcomes: Sequence[CheckOutcome], now: datetime) -> Recorded:
        """Stores a scan and its findings, in one transaction.

        What a check that was made does not find any more is resolved; one that could not be made changes nothing.
        Two scans at once are stored one after the other; the second has the last word.
        """
        findings = {finding.id: finding for outcome in outcomes for finding in outcome.findings}
        kinds = {kind.value for outcome in outcomes if not outcome.trouble for kind in outcome.check.kinds}
        with self._engine.begin() as connection:
            connection.execute(_ONE_AT_A_TIME)
            if outcomes:
                connection.execute(insert(scans), [_scan(outcome, now) for outcome in outcomes])
            standing = set(
                connection.scalars(
                    select(stored.c.id).where(stored.c.id.in_(findings), stored.c.resolved_at.is_(None))
                )
            )
            _upsert(connection, findings.values(), now)
            over = (
                update(stored)
                .where(
                    stored.c.kind.in_(kinds),
                    stored.c.id.not_in(findings),
                    stored.c.resolved_at.is_(None),
                )
                .values(resolved_at=now)
                .returning(stored.c.id)
            )
            resolved = frozenset(connection.scalars(over)) if kinds else frozenset()
        return Recorded(frozenset(findings) - standing, resolved)

    def listed(
        self, *, only_standing: bool = False, resolved_since: datetime | None = None
    ) -> list[StoredFinding]:
        """Findings, those that stand first, the worst first, then by kind and target."""
        query = select(stored).order_by(
            stored.c.resolved_at.is_not(None),
            _WORST_FIRST,
            stored.c.kind,
            stored.c.target,
            stored.c.rule,
            stored.c.id,
        )
        if only_standing:
            late = false() if resolved_since is None else stored.c.resolved_at >= resolved_since
            query = query.where(or_(stored.c.resolved_at.is_(None), late))
        with self._engine.connect() as connection:
            return [_finding(row) for row in connection.execute(query)]

    def accept(self, finding: str, acceptance: Acceptance) -> StoredFinding | None:
        """Notes that a standing finding is accepted; None if none has the id."""
        change = (
            update(stored)
            .where(stored.c.id == finding, stored.c.resolved_at.is_(None))
            .values(
                accepted_reason=acceptance.reason, accepted_at=acceptance.at, accepted_until=acceptance.until
            )
            .returning(stored)
        )
        with self._engine.begin() as connection:
            row = connection.execute(change).first()
        return None if row is None else _finding(row)

    def latest(self, checks: Collection[Check]) -> Mapping[Check, RecordedScan]:
        """The newest scan of each of these checks, if there was one."""
        query = (
            select(scans)
            .distinct(scans.c.check)
            .where(scans.c.check.in_([check.value for check in checks]))
            .order_by(scans.c.check, scans.c.scanned_at.desc(), scans.c.id.desc())
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {
            Check(row.check): RecordedScan(
                row.scanned_at.astimezone(UTC),
                (
                    CheckOutcome(
                        Check(row.check),
                        used=row.used,
                        examined=row.examined,
                        noun=row.noun,
                        trouble=row.trouble,
                    ),
                ),
            )
            for row in rows
        }

    def prune(self, before: datetime) -> int:
        """Removes findings that were resolved before a moment, and scans of before it; returns how many findings."""
        newest = select(func.max(scans.c.id)).group_by(scans.c.check)
        with self._engine.begin() as connection:
            connection.execute(delete(scans).where(scans.c.scanned_at < before, scans.c.id.not_in(newest)))
            gone = connection.scalars(
                delete(stored).where(stored.c.resolved_at < before).returning(stored.c.id)
            )
            return len(gone.all())


def _scan(outcome: CheckOutcome, now: datetime) -> dict[str, object]:
    return {
        "scanned_at": now,
        "check": outcome.check.value,
        "used": outcome.used,
        "examined": outcome.examined,
        "noun": outcome.noun,
        "findings": len(outcome.findings),
        "trouble": outcome.trouble,
    }


def _upsert(connection: Connection, findings: Collection[Finding], now: datetime) -> None:
    """What is back after it was mended stands again, with the day it was seen first."""
    if not findings:
        return
    rows = [
        {
            "id": finding.id,
            "kind": finding.kind.value,
            "rule": finding.rule,
            "target": finding.target,
            "occurrence": finding.occurrence,
            "level": finding.level.value,
            "what": finding.what,
            "place": finding.place,
            "fix": finding.fix,
            "details": dict(finding.details),
            "first_seen_at": now,
            "last_seen_at": now,
        }
        for finding in sorted(findings, key=lambda finding: finding.id)
    ]
    new = insert(stored)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[stored.c.id],
            set_={
                **{name: new.excluded[name] for name in _CONTENT},
                "last_seen_at": func.greatest(stored.c.last_seen_at, new.excluded.last_seen_at),
                "resolved_at": None,
            },
        ),
        rows,
    )


def _finding(row: Any) -> StoredFinding:
    acceptance = None
    if row.accepted_until is not None:
        acceptance = Acceptance(
            row.accepted_reason, row.accepted_at.astimezone(UTC), row.accepted_until.astimezone(UTC)
        )
    return StoredFinding(
        row.id,
        Finding(
            Kind(row.kind),
            row.rule,
            row.target,
            Level(row.level),
            row.what,
            row.place,
            row.fix,
            row.details,
            row.occurrence,
        ),
        row.first_seen_at.astimezone(UTC),
        row.last_seen_at.astimezone(UTC),
        in_utc(row.resolved_at),
        acceptance,
    )
