"""Account of performance reviews and of what they did, in PostgreSQL."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.tables import performance_remedies as remedies
from miraikakaku_assets.adapters.storage.operations.tables import performance_reviews as reviews


class PostgresReviewBooks:
    """Implements the port `ReviewBooks`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def begin(self, at: datetime, kind: str, target: str, reason: str, before: Mapping[str, Any]) -> int:
        """Notes a remedy that is about to be taken, and returns its number."""
        row = _row(at, kind, target, reason, before) | {"state": "begun"}
        with self._engine.begin() as connection:
            return int(connection.scalar(insert(remedies).values(row).returning(remedies.c.id)) or 0)

    def end(self, number: int, after: Mapping[str, Any], error: str | None) -> None:
        """Notes what came of it."""
        state = "failed" if error else "applied"
        with self._engine.begin() as connection:
            connection.execute(
                update(remedies)
                .where(remedies.c.id == number)
                .values(state=state, after=dict(after), error=error)
            )

    def propose(self, at: datetime, kind: str, target: str, reason: str, before: Mapping[str, Any]) -> None:
        """Notes a proposal, once; one that stands already is only seen again."""
        row = _row(at, kind, target, reason, before) | {"state": "proposed"}
        statement = insert(remedies).values(row)
        seen_again = statement.on_conflict_do_update(
            index_elements=["kind", "target"],
            index_where=text("state = 'proposed'"),
            set_={
                "reason": statement.excluded.reason,
                "before": statement.excluded.before,
                "last_at": statement.excluded.last_at,
            },
        )
        with self._engine.begin() as connection:
            connection.execute(seen_again)

    def add(self, at: datetime, report: Mapping[str, Any], keep: timedelta) -> None:
        """Stores a review, instead of one of the same moment, and removes what is older."""
        statement = insert(reviews).values(reviewed_at=at, report=dict(report))
        anew = statement.on_conflict_do_update(
            index_elements=["reviewed_at"], set_={"report": statement.excluded.report}
        )
        with self._engine.begin() as connection:
            connection.execute(anew)
            connection.execute(delete(reviews).where(reviews.c.reviewed_at < at - keep))
            connection.execute(delete(remedies).where(remedies.c.last_at < at - keep))

    def remedies(self, since: datetime) -> list[Mapping[str, Any]]:
        """Remedies and proposals seen since a moment, newest first."""
        query = select(remedies).where(remedies.c.last_at >= since)
        with self._engine.connect() as connection:
            rows = connection.execute(
                query.order_by(remedies.c.last_at.desc(), remedies.c.id.desc())
            ).mappings()
            return [
                {
                    **row,
                    "first_at": row["first_at"].astimezone(UTC),
                    "last_at": row["last_at"].astimezone(UTC),
                }
                for row in rows
            ]

    def sizes(self) -> dict[str, int]:
        """Setting → the size that the newest applied remedy of kind ``size`` has chosen."""
        query = (
            select(remedies.c.target, remedies.c.after["size"].as_integer().label("size"))
            .where(remedies.c.kind == "size", remedies.c.state == "applied")
            .distinct(remedies.c.target)
            .order_by(remedies.c.target, remedies.c.id.desc())
        )
        with self._engine.connect() as connection:
            return {row.target: row.size for row in connection.execute(query)}


def _row(at: datetime, kind: str, target: str, reason: str, before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "target": target,
        "reason": reason,
        "before": dict(before),
        "first_at": at,
        "last_at": at,
    }
