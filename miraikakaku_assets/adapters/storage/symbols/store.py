"""Facts and news of one symbol in PostgreSQL."""

from typing import Any

import polars as pl
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from miraikakaku_assets.adapters.storage.adbc import bulk_cursor, read_frame
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.reading.symbol_records import DataNews, SymbolFacts

# An instrument may have been listed under several codes: that of the list in force comes first.
_FACTS = text("""
SELECT i.symbol, i.universe, m.stock_name AS name, m.market_category AS market, m.sector, m.size_category AS size,
       coalesce(m.security_type, i.kind) AS security_type, i.currency, i.price_unit,
       coalesce(m.is_active, true) AS is_listed, m.status_reason
FROM miraikakaku.instruments i LEFT JOIN miraikakaku.stock_master m ON m.instrument_id = i.id
WHERE i.symbol = :name OR i.symbol = (
    SELECT yahoo_symbol FROM miraikakaku.stock_master WHERE universe = 'jp' AND stock_code = :name LIMIT 1)
ORDER BY i.symbol <> :name, m.is_active DESC NULLS LAST, m.last_list_date DESC, m.id DESC LIMIT 1
""")

_RESTATEMENTS = """
SELECT r.timeframe, r.reason, r.ex_date, r.factor, r.first_session, r.bars, r.old_close, r.new_close, r.detected_at,
       r.settled_at
FROM miraikakaku.restatements r JOIN miraikakaku.instruments i ON i.id = r.instrument_id
WHERE i.symbol = $1 ORDER BY r.id DESC LIMIT $2::int
"""
_QUARANTINED = """
SELECT q.timeframe, q.ts, q.rule, q.detail, q.open, q.high, q.low, q.close, q.volume, q.source, q.last_seen_at,
       q.released_at
FROM miraikakaku.quarantined_bars q WHERE q.symbol = $1 ORDER BY q.ts DESC, q.rule LIMIT $2::int
"""
_REFUSED_ACTIONS = """
SELECT a.ex_date, a.kind, a.value, a.rule, a.detail, a.last_seen_at
FROM miraikakaku.quarantined_actions a WHERE a.symbol = $1 ORDER BY a.ex_date DESC, a.kind, a.rule LIMIT $2::int
"""


class PostgresSymbols:
    """Implements the port `SymbolRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self, name: str) -> SymbolFacts | None:
        """The instrument of a symbol, or of a code of the Tokyo exchange; None where there is none.

        Raises:
            DependencyUnavailableError: The database cannot be reached.
        """
        if "\0" in name:  # PostgreSQL knows no such character
            return None
        try:
            with self._database.engine.connect() as connection:
                row = connection.execute(_FACTS, {"name": name}).mappings().first()
        except OperationalError:
            self._database.check()
            raise
        return None if row is None else SymbolFacts(**row)

    def news(self, symbol: str, last: int) -> DataNews:
        """The newest restatements, quarantined bars and refused corporate actions of a symbol."""
        with bulk_cursor(self._database) as cursor:
            return DataNews(*(self._read(cursor, query, symbol, last) for query in _NEWS))

    @staticmethod
    def _read(cursor: Any, query: str, symbol: str, last: int) -> pl.DataFrame:
        return read_frame(cursor, query, (symbol, last))


_NEWS = (_RESTATEMENTS, _QUARANTINED, _REFUSED_ACTIONS)
