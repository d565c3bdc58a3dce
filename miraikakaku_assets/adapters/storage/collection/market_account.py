"""Figures that rules about universes look at, each in some milliseconds: they are asked for every minute."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports import CANCELLED
from miraikakaku_assets.application.ports.operations.watching import CollectionTally
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.utc import in_utc

_EXAMPLES = 5

# A batch that waits for the source, or is at work, has not ended; the one before it is no news any more.
_NEWEST = text("""
SELECT id, run_id, status, total_stocks, processed_stocks, end_time, error_message, error_class
FROM miraikakaku.batch_executions
WHERE universe = :universe AND timeframe = '1d' AND batch_type = 'all_stocks' ORDER BY id DESC LIMIT 1
""")

# Whatever collects a symbol afterwards says what has become of it.
_FAILED = text("""
SELECT symbol, verdict FROM (
    SELECT DISTINCT ON (detail.symbol) detail.symbol, detail.verdict, detail.status
    FROM miraikakaku.batch_execution_details AS detail
    JOIN miraikakaku.batch_executions AS batch ON batch.id = detail.batch_execution_id
    WHERE batch.id >= :batch AND batch.universe = :universe AND batch.timeframe = '1d'
      AND detail.verdict <> 'underway'
    ORDER BY detail.symbol, detail.batch_execution_id DESC) AS newest
WHERE status = 'failed' ORDER BY symbol
""")

_STARTED = text("""
SELECT max(start_time) FROM miraikakaku.batch_executions WHERE universe = :universe AND timeframe = '1d'
""")

# An index look-up per instrument; the newest of all bars would be a scan of the table.
_BAR = text("""
SELECT max(bar.ts) FROM miraikakaku.instruments AS instrument
CROSS JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars AS bar
    WHERE bar.instrument_id = instrument.id AND bar.timeframe = '1d' COLLATE "C" AND bar.status = 'final'
    ORDER BY ts DESC LIMIT 1) AS bar
WHERE instrument.universe = :universe
""")

_LISTED = text("""
SELECT security_type, count(*) FROM miraikakaku.stock_master
WHERE universe = :universe AND is_active GROUP BY security_type
""")

_COVERAGE = text("""
SELECT checked_at, segment, instruments, complete_instruments, expected_bars, stored_bars, coverage, threshold,
       report_file
FROM miraikakaku.coverage_reports
WHERE universe = :universe AND timeframe = '1d'
  AND checked_at = (SELECT max(checked_at) FROM miraikakaku.coverage_reports
                    WHERE universe = :universe AND timeframe = '1d')
ORDER BY id
""")

_MODELS = text("""
SELECT EXISTS (SELECT FROM miraikakaku.forecast_models WHERE universe = :universe AND reason IS NULL)
""")

# By single days, so that every look-up is one of the primary key: without a forecast the table would be read.
_FORECAST = text("""
SELECT EXISTS (
    SELECT FROM generate_series(0, 10) AS later
    CROSS JOIN miraikakaku.instruments AS instrument
    JOIN miraikakaku.daily_predictions AS prediction
      ON prediction.as_of = CAST(:session AS date) + later AND prediction.instrument_id = instrument.id
     AND prediction.clock = 'evening'
    WHERE instrument.universe = :universe)
""")


class PostgresMarketAccount:
    """Implements the port `MarketAccount`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def newest_collection(self, universe: Universe) -> CollectionTally | None:
        """The newest collection of everything that has ended; None if there is none, or it waits for the source."""
        named = {"universe": universe.name}
        with self._engine.connect() as connection:
            batch = connection.execute(_NEWEST, named).first()
            if batch is None or batch.end_time is None or batch.status not in ("completed", "failed"):
                return None
            if batch.error_class == CANCELLED:  # whoever has stopped it knows
                return None
            failed = connection.execute(_FAILED, {**named, "batch": batch.id}).all()
        causes = Counter(verdict for _, verdict in failed)
        not_on_source = causes.pop("not_on_source", 0)
        lost = [symbol for symbol, verdict in failed if verdict != "not_on_source"]
        broken_off = batch.status == "failed" and batch.error_class is not None
        untouched = max(batch.total_stocks - batch.processed_stocks, 0) if broken_off else 0
        return CollectionTally(
            run_id=batch.run_id,
            ended_at=batch.end_time.astimezone(UTC),
            asked=max(batch.total_stocks - not_on_source, 0),
            failed=len(lost) + untouched,
            not_on_source=not_on_source,
            causes=dict(causes.most_common()) | ({"not_reached": untouched} if untouched else {}),
            examples=tuple(lost[:_EXAMPLES]),
            error=batch.error_message if batch.error_class else None,
        )

    def last_started(self, universe: Universe) -> datetime | None:
        """When the newest collection of daily bars began."""
        return self._moment(_STARTED, universe)

    def newest_bar(self, universe: Universe) -> datetime | None:
        """Start of the newest final daily bar."""
        return self._moment(_BAR, universe)

    def listed(self, universe: Universe) -> Mapping[str, int]:
        """Security type → issues of the list in force; empty without a list."""
        with self._engine.connect() as connection:
            return dict(connection.execute(_LISTED, {"universe": universe.name}).tuples().all())

    def newest_coverage(self, universe: Universe) -> Sequence[Mapping[str, Any]]:
        """Rows of `coverage_reports` of the newest check, the whole universe first."""
        with self._engine.connect() as connection:
            return [
                dict(row) for row in connection.execute(_COVERAGE, {"universe": universe.name}).mappings()
            ]

    def has_models(self, universe: Universe) -> bool:
        """Whether a model of it was ever trained."""
        with self._engine.connect() as connection:
            return bool(connection.scalar(_MODELS, {"universe": universe.name}))

    def is_forecast(self, universe: Universe, session: date) -> bool:
        """Whether anything was forecast from a session, or from one of the ten days after it."""
        named = {"universe": universe.name, "session": session}
        with self._engine.connect() as connection:
            return bool(connection.scalar(_FORECAST, named))

    def _moment(self, query: Any, universe: Universe) -> datetime | None:
        with self._engine.connect() as connection:
            moment: datetime | None = connection.scalar(query, {"universe": universe.name})
        return in_utc(moment)
