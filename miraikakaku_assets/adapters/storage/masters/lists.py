"""Pages of the stock masters, for many readers at once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from miraikakaku_assets.adapters.storage.async_database import AsyncDatabase
from miraikakaku_assets.adapters.storage.grouped_reads import GroupedReads
from miraikakaku_assets.application.ports.serving import MasterFilter, NamedInstrument

_VERSION = "SELECT id, completed_at FROM miraikakaku.stock_master_updates ORDER BY id DESC LIMIT 1"
_CHOSEN = """
FROM miraikakaku.stock_master AS master
WHERE master.universe = $1 AND ($2::bool IS NULL OR master.is_active = $2)
  AND ($3::text IS NULL OR starts_with(master.market_category, $3))
  AND ($4::text IS NULL OR master.sector = $4)
  AND ($5::text IS NULL OR starts_with(master.stock_code, upper(normalize($5, NFKC)))
       OR strpos(lower(normalize(master.stock_name, NFKC)), lower(normalize($5, NFKC))) > 0)
"""
_COUNT = f"SELECT count(*) {_CHOSEN}"
_PAGE = f"""
SELECT stock_code, stock_name, market_category, sector, is_active, yahoo_symbol, universe, exchange, security_type,
       sector17, size_category, status, status_reason, listed_on, delisted_on
{_CHOSEN} ORDER BY master.stock_code COLLATE "C" LIMIT $6 OFFSET $7
"""
_UPDATES = """
SELECT id, universe, update_type, total_stocks, added_stocks, updated_stocks, removed_stocks, returned_stocks,
       unchanged_stocks, status, rule, error_message, list_date, started_at, completed_at
FROM miraikakaku.stock_master_updates WHERE $1::text IS NULL OR universe = $1 ORDER BY id DESC LIMIT $2 OFFSET $3
"""
_COUNT_UPDATES = (
    "SELECT count(*) FROM miraikakaku.stock_master_updates WHERE $1::text IS NULL OR universe = $1"
)
_UPDATE_OF = """
SELECT id, total_stocks, added_stocks, updated_stocks, removed_stocks, status, error_message, completed_at
FROM miraikakaku.stock_master_updates WHERE universe = $1 AND id > $2 ORDER BY id DESC LIMIT 1
"""
_INSTRUMENT = """
SELECT universe, symbol, currency, price_unit FROM miraikakaku.instruments
WHERE symbol = $1 OR symbol = (
    SELECT yahoo_symbol FROM miraikakaku.stock_master WHERE universe = 'jp' AND stock_code = $1)
ORDER BY symbol <> $1 LIMIT 1
"""


class PostgresMasterLists:
    """Implements the port `MasterLists`."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        self._versions = GroupedReads(self._read_version)

    async def version(self) -> tuple[int, datetime | None]:
        """Number and end of the newest update; every change of a master is recorded with one."""
        return await self._versions.read(None) or (0, None)

    async def page(
        self, chosen: MasterFilter, limit: int, offset: int
    ) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """How many issues there are, and some of them, by code."""
        which = (chosen.universe, chosen.is_active, chosen.market_category, chosen.sector, chosen.search)
        async with self._database.connection() as connection:
            total = await connection.fetchval(_COUNT, *which)
            rows = await connection.fetch(_PAGE, *which, limit, offset)
        return total, [dict(row) for row in rows]

    async def updates(
        self, universe: str | None, limit: int, offset: int
    ) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """How many updates there were, and some of them, newest first."""
        async with self._database.connection() as connection:
            total = await connection.fetchval(_COUNT_UPDATES, universe)
            rows = await connection.fetch(_UPDATES, universe, limit, offset)
        return total, [dict(row) for row in rows]

    async def update_of(self, universe: str, since: int) -> Mapping[str, Any] | None:
        """The newest update of a universe behind a number."""
        row = await self._database.row(_UPDATE_OF, universe, since)
        return None if row is None else dict(row)

    async def instrument(self, name: str) -> NamedInstrument | None:
        """The instrument of a symbol, or of a code of the Tokyo exchange."""
        if "\0" in name:  # PostgreSQL knows no such character
            return None
        row = await self._database.row(_INSTRUMENT, name)
        return None if row is None else NamedInstrument(**dict(row))

    async def _read_version(self, keys: Collection[None]) -> Mapping[None, tuple[int, datetime | None]]:
        row = await self._database.row(_VERSION)
        return {} if row is None else dict.fromkeys(keys, (row["id"], row["completed_at"]))
