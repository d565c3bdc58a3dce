"""What models are made from: the daily bars of a whole universe, its corporate actions and its sectors."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import bulk_cursor, plain_array, read_frame, text_array
from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

_ALWAYS = datetime(1, 1, 1, tzinfo=UTC)

_INSTRUMENTS = """
SELECT id AS instrument_id, symbol FROM miraikakaku.instruments
WHERE universe = $1 AND ($2::text IS NULL OR symbol = ANY ($2::text[]))
"""

# Without parameters, so that the driver streams the rows; with the numbers of instruments in the place of their names,
# and sorted by who asks.
_BARS = """
SELECT instrument_id, ts, {columns} FROM miraikakaku.price_bars
WHERE instrument_id = ANY ('{ids}'::int[]) AND timeframe = '{timeframe}' AND status = 'final'
  AND ts >= '{since}'::timestamptz
"""

# An instrument may have been listed under several codes: that of the list in force comes first.
_SECTORS = """
SELECT DISTINCT ON (i.symbol COLLATE "C") i.symbol, m.sector
FROM miraikakaku.stock_master m JOIN miraikakaku.instruments i ON i.id = m.instrument_id
WHERE m.universe = $1 AND m.sector IS NOT NULL
ORDER BY i.symbol COLLATE "C", m.is_active DESC, m.last_list_date DESC, m.id DESC
"""


class PostgresMarketBars:
    """Implements the port `MarketBars`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._analysis = PostgresAnalysis(database)

    def daily(
        self, universe: Universe, since: datetime | None = None, symbols: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Final daily bars since a moment (UTC), raw, sorted by symbol and ts.

        Columns ``symbol``, ``ts`` (open of the session, UTC), ``open``, ``high``, ``low``, ``close`` (currency of the
        instrument) and ``volume``.
        """
        return self._read(universe, since, symbols, "open, high, low, close, volume")

    def closes(
        self, universe: Universe, since: datetime | None = None, symbols: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Of the same bars ``symbol``, ``ts`` and ``close`` only."""
        return self._read(universe, since, symbols, "close")

    def _read(
        self, universe: Universe, since: datetime | None, symbols: Sequence[str] | None, columns: str
    ) -> pl.DataFrame:
        with bulk_cursor(self._database) as cursor:
            chosen = None if symbols is None else text_array(symbols)
            known = read_frame(cursor, _INSTRUMENTS, (universe.name, chosen)).sort("symbol")
            query = _BARS.format(
                ids=plain_array(known["instrument_id"]),
                timeframe=Timeframe.D1.value,
                since=(since or _ALWAYS).isoformat(),
                columns=columns,
            )
            bars = read_frame(cursor, query)
        named = bars.join(known.with_row_index("place"), on="instrument_id").sort("place", "ts")
        return named.select("symbol", *(name for name in bars.columns if name != "instrument_id"))

    def actions(self, universe: Universe) -> pl.DataFrame:
        """Dividends and splits without a flag, schema `ACTIONS`."""
        return self._analysis.actions(universe)

    def sectors(self, universe: Universe) -> pl.DataFrame:
        """Columns ``symbol`` and ``sector`` (JPX's 33業種区分), one row each; no rows where no list names sectors."""
        with bulk_cursor(self._database) as cursor:
            return read_frame(cursor, _SECTORS, (universe.name,))
