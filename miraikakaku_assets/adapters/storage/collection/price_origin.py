"""The mark of real or simulated prices, in PostgreSQL: it holds for a state folder and for DATABASE_URL alike."""

import json
from typing import Any

from sqlalchemy import Connection, select, text

from miraikakaku_assets.adapters.storage.collection.tables import price_origin
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.origin import REAL, Demo, PriceOrigin

# Databases from before there was a mark: a simulator's bars look like Yahoo's, and real prices are what must be spared.
_HOLDS_BARS = text("SELECT EXISTS (SELECT FROM miraikakaku.price_bars)")
_CLAIM = text("""
INSERT INTO miraikakaku.price_origin AS mark (simulated, exchange, demo)
VALUES (:simulated, :exchange, CAST(:demo AS jsonb))
ON CONFLICT (id) DO UPDATE SET exchange = excluded.exchange, demo = coalesce(excluded.demo, mark.demo)
WHERE mark.simulated = excluded.simulated
  AND (mark.exchange, mark.demo) IS DISTINCT FROM (excluded.exchange, coalesce(excluded.demo, mark.demo))
""")


class PostgresOrigin:
    """Implements the port `OriginStore`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def read(self) -> PriceOrigin | None:
        """The mark, None before the first price; without a mark, bars that are stored are real ones."""
        with self._engine.connect() as connection:
            return _in_force(connection)

    def claim(self, origin: PriceOrigin) -> PriceOrigin:
        """Sets the mark unless there is one of the other kind; returns the one in force."""
        with self._engine.begin() as connection:
            if _in_force(connection) == REAL:
                connection.execute(_CLAIM, _values(REAL))  # bars may be there without a row
            connection.execute(_CLAIM, _values(origin))
            return _of(connection.execute(select(price_origin)).one())


def _in_force(connection: Connection) -> PriceOrigin | None:
    row = connection.execute(select(price_origin)).one_or_none()
    if row is not None:
        return _of(row)
    return REAL if connection.scalar(_HOLDS_BARS) else None


def _values(origin: PriceOrigin) -> dict[str, Any]:
    demo = origin.demo and {"exchange": origin.demo.exchange, "settings": origin.demo.settings}
    return {
        "simulated": origin.simulated,
        "exchange": origin.exchange,
        "demo": json.dumps(demo) if demo else None,
    }


def _of(row: Any) -> PriceOrigin:
    return PriceOrigin(row.simulated, row.exchange, None if row.demo is None else Demo(**row.demo))
