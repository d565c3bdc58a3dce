"""Up to where each watcher has read, in PostgreSQL."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.collection.tables import watch_positions
from miraikakaku_assets.adapters.storage.engine import Database


class PostgresWatchPositions:
    """Implements the port `WatchPositions`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def read(self, watcher: str) -> str | None:
        """What was noted last; None the first time."""
        query = select(watch_positions.c.position).where(watch_positions.c.watcher == watcher)
        with self._engine.connect() as connection:
            position: str | None = connection.scalar(query)
        return position

    def note(self, watcher: str, position: str, now: datetime) -> None:
        """Notes how far a watcher is."""
        anew = {"position": position, "noted_at": now}
        noting = insert(watch_positions).values(watcher=watcher, **anew)
        with self._engine.begin() as connection:
            connection.execute(noting.on_conflict_do_update(index_elements=["watcher"], set_=anew))
