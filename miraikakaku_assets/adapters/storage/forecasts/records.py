"""What came of stored forecasts, counted in PostgreSQL: a market's year is millions of rows, its figures are few."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import select, text

from miraikakaku_assets.adapters.storage.adbc import bulk_cursor, read_frame
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.tables import forecast_decisions
from miraikakaku_assets.application.ports.forecasts import Decision
from miraikakaku_assets.application.ports.reading.forecast_records import RANK_DAYS, RISK_BINS
from miraikakaku_assets.domain.market.instruments import Universe

_COME = """
SELECT made.as_of, made.point, made.hi80 - made.lo80 AS width, came.actual
FROM miraikakaku.daily_predictions made
JOIN miraikakaku.prediction_outcomes came
  ON came.as_of = made.as_of AND came.instrument_id = made.instrument_id AND came.horizon = made.horizon
JOIN miraikakaku.instruments i ON i.id = made.instrument_id
WHERE i.universe = $1 AND made.model = $2 AND made.horizon = $3::smallint AND made.as_of >= $4::date
  AND made.reason IS NULL AND came.actual IS NOT NULL
"""

# Spearman's correlation is that of the mean ranks: of equal values each has the middle of their places.
_RANK_DAYS = f"""
WITH come AS ({_COME}), placed AS (
    SELECT as_of, actual, point,
           rank() OVER expected + (count(*) OVER same_point - 1) / 2.0 AS expected,
           rank() OVER happened + (count(*) OVER same_actual - 1) / 2.0 AS happened,
           ntile(10) OVER expected AS tenth
    FROM come
    WINDOW expected AS (PARTITION BY as_of ORDER BY point DESC), happened AS (PARTITION BY as_of ORDER BY actual DESC),
           same_point AS (PARTITION BY as_of, point), same_actual AS (PARTITION BY as_of, actual)
)
SELECT as_of, count(*) AS n, corr(expected, happened) AS ic,
       avg(actual) FILTER (WHERE tenth = 1 AND is_ranked) AS top,
       avg(actual) FILTER (WHERE tenth = 10 AND is_ranked) AS bottom
FROM (SELECT placed.*, min(point) OVER days < max(point) OVER days AS is_ranked
      FROM placed WINDOW days AS (PARTITION BY as_of)) AS ranked
GROUP BY as_of ORDER BY as_of
"""

_RISK_BINS = f"""
WITH come AS ({_COME}), sorted AS (
    SELECT come.*, ntile($5::int) OVER (ORDER BY abs(point) / nullif(width, 0) DESC NULLS LAST, as_of) AS bin FROM come
)
SELECT bin::bigint AS bin, count(*) AS n, count(*) FILTER (WHERE point <> 0 AND actual <> 0) AS calls,
       count(*) FILTER (WHERE point * actual > 0) AS hits, sum(abs(point - actual)) AS error,
       sum(abs(actual)) AS no_change
FROM sorted GROUP BY bin ORDER BY bin
"""

_INPUTS = text("""
SELECT to_jsonb(p) -> 'inputs' FROM miraikakaku.daily_predictions p
JOIN miraikakaku.instruments i ON i.id = p.instrument_id
WHERE i.universe = :universe AND i.symbol = :symbol AND p.as_of = :as_of AND p.model = 'ensemble'
ORDER BY p.horizon LIMIT 1
""")


class PostgresForecastRecords:
    """Implements the port `ForecastRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rank_days(self, universe: Universe, model: str, horizon: int, since: date) -> pl.DataFrame:
        """Rank correlation and tenths by origin, schema `RANK_DAYS`, ascending."""
        with bulk_cursor(self._database) as cursor:
            days = read_frame(cursor, _RANK_DAYS, (universe.name, model, horizon, str(since)))
        return days.select(pl.col(name).cast(kind) for name, kind in RANK_DAYS.items())

    def risk_bins(self, universe: Universe, model: str, horizon: int, since: date, bins: int) -> pl.DataFrame:
        """Forecasts from the surest to the least sure one in equal parts, schema `RISK_BINS`."""
        with bulk_cursor(self._database) as cursor:
            parts = read_frame(cursor, _RISK_BINS, (universe.name, model, horizon, str(since), bins))
        return parts.select(pl.col(name).cast(kind) for name, kind in RISK_BINS.items())

    def decision_history(self, universe: Universe, kind: str, last: int) -> Sequence[Decision]:
        """The newest decisions of a kind, newest first, then by horizon."""
        table = forecast_decisions.c
        query = (
            select(table.universe, table.kind, table.as_of, table.horizon, table.outcome, table.evidence)
            .where(table.universe == universe.name, table.kind == kind)
            .order_by(table.as_of.desc(), table.horizon)
            .limit(last)
        )
        with self._database.engine.connect() as connection:
            return [Decision(*row) for row in connection.execute(query)]

    def inputs(self, universe: Universe, symbol: str, as_of: date) -> dict[str, Any] | None:
        """What a forecast was made from, where its row says so."""
        named = {"universe": universe.name, "symbol": symbol, "as_of": as_of}
        with self._database.engine.connect() as connection:
            stored = connection.execute(_INPUTS, named).scalar()
        return stored if isinstance(stored, dict) else None
