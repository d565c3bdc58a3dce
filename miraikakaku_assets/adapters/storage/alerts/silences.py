"""Silences and what is expected, in PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from miraikakaku_assets.adapters.storage.alerts.conditions import LOCK
from miraikakaku_assets.adapters.storage.alerts.tables import alert_silences as stored
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.alerting.levels import Level
from miraikakaku_assets.domain.alerting.matchers import Matcher
from miraikakaku_assets.domain.alerting.silences import Silence, SilenceKind

_LOOK_AGAIN = text(
    "UPDATE miraikakaku.alerts SET plan_due_at = :now WHERE is_condition AND resolved_at IS NULL"
)


class PostgresSilences:
    """Implements the port `SilenceStore`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def add(
        self,
        kind: SilenceKind,
        matcher: Matcher,
        period: tuple[datetime, datetime],
        note: str,
        now: datetime,
    ) -> Silence:
        """Stores one; alerts that stand are looked at again by the next plan."""
        adding = insert(stored).values(
            kind=kind,
            key_pattern=matcher.key,
            level=matcher.level,
            universe=matcher.universe,
            symbol=matcher.symbol,
            starts_at=period[0],
            ends_at=period[1],
            note=note,
            created_at=now,
        )
        with self._engine.begin() as connection:
            connection.execute(LOCK)
            row = connection.execute(adding.returning(*stored.c)).one()
            connection.execute(_LOOK_AGAIN, {"now": now})
        return _silence(row)

    def lift(self, number: int, now: datetime) -> Silence | None:
        """Ends one now; None if there is none of this number that has not ended."""
        lifting = update(stored).where(stored.c.id == number, stored.c.ends_at > now).values(ends_at=now)
        with self._engine.begin() as connection:
            connection.execute(LOCK)
            row = connection.execute(lifting.returning(*stored.c)).first()
            if row is not None:
                connection.execute(_LOOK_AGAIN, {"now": now})
        return None if row is None else _silence(row)

    def listed(self, *, ending_after: datetime | None) -> list[Silence]:
        """Those that end after a moment, all without one; the newest first."""
        with self._engine.connect() as connection:
            return silences_ending_after(connection, ending_after)


def silences_ending_after(connection: Connection, moment: datetime | None) -> list[Silence]:
    """Silences that end after a moment, all without one; the newest first."""
    query = select(stored).order_by(stored.c.id.desc())
    if moment is not None:
        query = query.where(stored.c.ends_at > moment)
    return [_silence(row) for row in connection.execute(query)]


def _silence(row: Any) -> Silence:
    level = None if row.level is None else Level(row.level)
    return Silence(
        row.id,
        SilenceKind(row.kind),
        Matcher(row.key_pattern, level, row.universe, row.symbol),
        row.starts_at.astimezone(UTC),
        row.ends_at.astimezone(UTC),
        row.note,
        row.created_at.astimezone(UTC),
    )
