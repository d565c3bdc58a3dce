"""The newest look at the health of assets, in PostgreSQL: one row."""

from dataclasses import asdict
from datetime import UTC

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.tables import asset_health as stored
from miraikakaku_assets.application.ports.operations.assets import (
    AssetHealth,
    AssetSnapshot,
    AssetState,
    Partitions,
)


class PostgresAssetHealth:
    """Implements the port `AssetHealthStore`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def replace(self, snapshot: AssetSnapshot) -> None:
        """Stores a snapshot in place of an older one; a younger one stays."""
        assets = [{**asdict(asset), "state": asset.state.word} for asset in snapshot.assets]
        adding = insert(stored).values(id=1, as_of=snapshot.as_of, assets=assets)
        replacing = adding.on_conflict_do_update(
            index_elements=[stored.c.id],
            set_={"as_of": adding.excluded.as_of, "assets": adding.excluded.assets},
            where=stored.c.as_of <= adding.excluded.as_of,
        )
        with self._engine.begin() as connection:
            connection.execute(replacing)

    def read(self) -> AssetSnapshot | None:
        """The newest; None while there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(stored.c.as_of, stored.c.assets)).first()
        if row is None:
            return None
        assets = [
            AssetHealth(
                asset["key"],
                AssetState[asset["state"].upper()],
                tuple(asset["reasons"]),
                None if asset["partitions"] is None else Partitions(**asset["partitions"]),
            )
            for asset in row.assets
        ]
        return AssetSnapshot(row.as_of.astimezone(UTC), assets)
