"""Pages of signals, and the newest record of each side of each pattern, for those who look on."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.analysis import SignalFilter

_CHOSEN = """
FROM miraikakaku.pattern_signals s JOIN miraikakaku.instruments i ON i.id = s.instrument_id
WHERE i.universe = :universe AND s.definition = :definition
  AND (CAST(:pattern AS text) IS NULL OR s.pattern = :pattern)
  AND (CAST(:direction AS text) IS NULL OR s.direction = :direction)
  AND (CAST(:symbol AS text) IS NULL OR i.symbol = :symbol)
"""
_COUNT = text(f"SELECT count(*) {_CHOSEN}")
_PAGE = text(f"""
SELECT i.symbol, s.at, s.pattern, s.name, s.name_ja, s.direction, s.priority, s.close, s.evidence, s.track_record,
       s.take_profit_pips, s.stop_pips
{_CHOSEN} ORDER BY s.at DESC, i.symbol COLLATE "C", s.pattern LIMIT :limit OFFSET :offset
""")
_NEWEST_OF_SIDE = text(f"""
SELECT DISTINCT ON (s.pattern, s.direction) s.pattern, s.direction, s.name, s.name_ja, s.at, s.track_record,
       count(*) OVER (PARTITION BY s.pattern, s.direction) AS signals
{_CHOSEN} ORDER BY s.pattern, s.direction, s.at DESC
""")


class PostgresSignalLists:
    """Implements the port `SignalLists`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def page(self, chosen: SignalFilter, limit: int, offset: int) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """How many signals there are, and some of them, newest first."""
        named = {**chosen._asdict(), "limit": limit, "offset": offset}
        with self._engine.connect() as connection:
            total = connection.execute(_COUNT, named).scalar_one()
            rows = connection.execute(_PAGE, named).mappings().all()
        return total, [dict(row) for row in rows]

    def newest_of_sides(self, chosen: SignalFilter) -> Sequence[Mapping[str, Any]]:
        """The newest signal of each side of each pattern with its record, and how many there are."""
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(_NEWEST_OF_SIDE, chosen._asdict()).mappings()]
