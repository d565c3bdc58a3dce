"""The mark of real or simulated prices, in PostgreSQL: it holds for a state folder and for DATABASE_URL alike."""

import json
from typing import Any

from sqlalchemy import select, text

from miraikakaku_assets.adapters.storage.collection.tables import price_origin
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.origin import Demo, PriceOrigin

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
        """The mark, None before the first price was asked for."""
        with self._engine.connect() as connection:
            row = connection.execute(select(price_origin)).one_or_none()
        return None if row is None else PriceOrigin(row.simulated, row.exchange, _demo(row.demo))

    def claim(self, origin: PriceOrigin) -> PriceOrigin:
        """Sets the mark unless there is one of the other kind; returns the one in force."""
        demo = origin.demo and {"exchange": origin.demo.exchange, "settings": origin.demo.settings}
        values = {
            "simulated": origin.simulated,
            "exchange": origin.exchange,
            "demo": json.dumps(demo) if demo else None,
        }
        with self._engine.begin() as connection:
            connection.execute(_CLAIM, values)
            row = connection.execute(select(price_origin)).one()
        return PriceOrigin(row.simulated, row.exchange, _demo(row.demo))


def _demo(value: Any) -> Demo | None:
    return None if value is None else Demo(**value)
