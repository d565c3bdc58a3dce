"""Pages of the coverage gaps, for many readers at once."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from miraikakaku_assets.adapters.storage.async_database import AsyncDatabase
from miraikakaku_assets.application.ports.serving import GapFilter

_CHOSEN = """
FROM miraikakaku.coverage_gaps AS gap JOIN miraikakaku.instruments AS instrument ON instrument.id = gap.instrument_id
WHERE instrument.universe = $1 AND gap.timeframe = $2 AND ($3::text IS NULL OR instrument.symbol = $3)
  AND ($4::text IS NULL OR gap.cause = $4) AND ($5::date IS NULL OR gap.session >= $5)
"""
_COUNT = f"SELECT count(*) {_CHOSEN}"
_PAGE = f"""
SELECT instrument.symbol, gap.timeframe, gap.session, gap.cause, gap.checked_at
{_CHOSEN} ORDER BY gap.session DESC, instrument.symbol COLLATE "C" LIMIT $6 OFFSET $7
"""
_RANGES = """
FROM miraikakaku.coverage_gap_ranges AS gap
JOIN miraikakaku.instruments AS instrument ON instrument.id = gap.instrument_id
LEFT JOIN miraikakaku.stock_master AS master
  ON master.instrument_id = gap.instrument_id AND master.universe = instrument.universe AND master.is_active
WHERE instrument.universe = $1 AND gap.timeframe = '1d'
  AND ($2::date IS NULL OR $2 BETWEEN gap.first_session AND gap.last_session)
  AND ($3::text IS NULL OR coalesce(nullif(master.sector, '-'), master.market_category, '-') = $3)
  AND ($4::text IS NULL OR gap.cause = $4) AND ($5::text IS NULL OR instrument.symbol = $5)
"""
_COUNT_RANGES = f"SELECT count(*) AS gaps, count(DISTINCT gap.instrument_id) AS issues {_RANGES}"
_PAGE_OF_RANGES = f"""
SELECT instrument.symbol, master.stock_name AS name, master.market_category AS market, master.sector, gap.cause,
       gap.first_session, gap.last_session, gap.missing_bars
{_RANGES} ORDER BY gap.last_session DESC, instrument.symbol COLLATE "C", gap.first_session LIMIT $6 OFFSET $7
"""


class PostgresGapLists:
    """Implements the port `GapLists`."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database

    async def page(
        self,
        universe: str,
        timeframe: str,
        symbol: str | None,
        cause: str | None,
        since: date | None,
        limit: int,
        offset: int,
    ) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """How many gaps there are, and some of them, newest session first."""
        which = (universe, timeframe, symbol, cause, since)
        async with self._database.connection() as connection:
            total = await connection.fetchval(_COUNT, *which)
            rows = await connection.fetch(_PAGE, *which, limit, offset)
        return total, [dict(row) for row in rows]

    async def ranges(
        self, chosen: GapFilter, limit: int, offset: int
    ) -> tuple[int, int, Sequence[Mapping[str, Any]]]:
        """How many gaps of daily bars, of how many issues, and some of them with names, the newest first."""
        which = (chosen.universe, chosen.session, chosen.sector, chosen.cause, chosen.symbol)
        async with self._database.connection() as connection:
            counts = await connection.fetchrow(_COUNT_RANGES, *which)
            rows = await connection.fetch(_PAGE_OF_RANGES, *which, limit, offset)
        return counts["gaps"], counts["issues"], [dict(row) for row in rows]
