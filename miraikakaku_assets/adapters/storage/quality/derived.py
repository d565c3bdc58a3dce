"""The batches of what is derived: built bars beside their parts, indicators, signals, forecasts, and the tables."""

from datetime import date, datetime
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from miraikakaku_assets.adapters.storage.analysis.tables import pattern_signals, technical_indicators
from miraikakaku_assets.adapters.storage.forecasts.tables import daily_predictions, prediction_performance
from miraikakaku_assets.adapters.storage.quality.violations import literal
from miraikakaku_assets.adapters.storage.tables import corporate_actions, price_bars, stock_master
from miraikakaku_assets.domain.indicators.definitions import COLUMNS
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.quality.batch import Batch

_DEFINED = (
    *(price_bars, corporate_actions, stock_master, technical_indicators, pattern_signals),
    *(daily_predictions, prediction_performance),
)
# What is due to be computed again is not what its bars say, and is no error: the analysis will mend it.
_ANALYSED = """miraikakaku.instruments i JOIN miraikakaku.analysis_state s
    ON s.instrument_id = i.id AND s.timeframe = '{collected}' AND s.changed_since IS NULL"""


def schema() -> str:
    """Columns as they are stored beside those that are defined."""
    defined = ", ".join(
        f"({literal(table.name)}, {literal(column.name)}, {literal(_type(column.type))}, "
        f"'{'yes' if column.nullable else 'no'}')"
        for table in _DEFINED
        for column in table.columns
    )
    tables = ", ".join(literal(table.name) for table in _DEFINED)
    return f"""
SELECT coalesce(d.table_name, a.table_name) AS table_name, coalesce(d.column_name, a.column_name) AS column_name,
       a.type AS stored_type, d.type AS defined_type, a.nullable AS stored_null, d.nullable AS defined_null
FROM (VALUES {defined}) AS d(table_name, column_name, type, nullable)
FULL JOIN (
    SELECT c.relname::text AS table_name, t.attname::text AS column_name,
           format_type(t.atttypid, t.atttypmod) AS type, CASE WHEN t.attnotnull THEN 'no' ELSE 'yes' END AS nullable
    FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
    WHERE c.relnamespace = 'miraikakaku'::regnamespace AND c.relname IN ({tables})
      AND t.attnum > 0 AND NOT t.attisdropped
) a ON a.table_name = d.table_name AND a.column_name = d.column_name"""


def _type(kind: TypeEngine[Any]) -> str:
    compiled = str(kind.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    return compiled.partition(" COLLATE")[0].lower().replace("varchar", "character varying")


def parts(batch: Batch, built: Timeframe, source: Timeframe, collected: Timeframe, spans: str) -> str:
    """Built bars of some intervals beside what their parts come to.

    Args:
        batch: Whose.
        built: Timeframe of the built bars.
        source: Timeframe of the parts.
        collected: Timeframe of the bars behind both, whose analysis has to be done.
        spans: VALUES of start and latest start of a part.
    """
    return f"""
SELECT i.symbol, s.ts, b.open, b.high, b.low, b.close, b.volume, b.parts, p.open AS parts_open, p.high AS parts_high,
       p.low AS parts_low, p.close AS parts_close, p.volume AS parts_volume, p.parts AS stored_parts
FROM (SELECT i.id, i.symbol FROM {_ANALYSED.format(collected=collected)}
      WHERE i.universe = {literal(batch.universe.name)}) i
CROSS JOIN (VALUES {spans}) AS s(ts, last)
CROSS JOIN LATERAL (
    SELECT (array_agg(p.open ORDER BY p.ts))[1] AS open, max(p.high) AS high, min(p.low) AS low,
           (array_agg(p.close ORDER BY p.ts DESC))[1] AS close, sum(p.volume)::bigint AS volume,
           nullif(count(*), 0)::int AS parts
    FROM miraikakaku.price_bars p
    WHERE p.instrument_id = i.id AND p.timeframe = '{source}' AND p.ts >= s.ts AND p.ts <= s.last OFFSET 0
) p
LEFT JOIN LATERAL (
    SELECT * FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = '{built}' AND b.ts = s.ts OFFSET 0
) b ON true
WHERE p.parts IS NOT NULL OR b.close IS NOT NULL"""


def indicators(batch: Batch, before: datetime) -> str:
    """The newest indicators of each timeframe before a moment (UTC), beside their bars."""
    wrong = " + ".join(f"(t.{name} IN ('NaN', 'Infinity', '-Infinity') IS TRUE)::int" for name in COLUMNS)
    chosen = ", ".join(f"t.{name}" for name in COLUMNS)
    of_days = _newest(batch, Timeframe.D1, (Timeframe.D1, Timeframe.W1, Timeframe.MO1), before)
    of_minutes = _newest(batch, Timeframe.M5, (Timeframe.M5, Timeframe.H1, Timeframe.H4), before)
    return f"""
SELECT t.symbol, t.timeframe, t.ts, {chosen}, b.close AS bar_close, {wrong} AS not_finite,
       abs(t.macd_histogram - (t.macd - t.macd_signal)) / b.close AS histogram_error
FROM ({of_days} UNION ALL {of_minutes}) t
LEFT JOIN LATERAL (
    SELECT b.close FROM miraikakaku.price_bars b
    WHERE b.instrument_id = t.instrument_id AND b.timeframe = t.timeframe AND b.ts = t.ts OFFSET 0
) b ON true"""


def _newest(batch: Batch, collected: Timeframe, timeframes: tuple[Timeframe, ...], before: datetime) -> str:
    listed = ", ".join(f"('{timeframe}')" for timeframe in timeframes)
    return f"""SELECT i.symbol, n.* FROM {_ANALYSED.format(collected=collected)}
CROSS JOIN (VALUES {listed}) AS f(timeframe)
CROSS JOIN LATERAL (
    SELECT * FROM miraikakaku.technical_indicators t
    WHERE t.instrument_id = i.id AND t.timeframe = f.timeframe AND t.ts = (
        SELECT max(m.ts) FROM miraikakaku.technical_indicators m
        WHERE m.instrument_id = i.id AND m.timeframe = f.timeframe AND m.ts < '{before}'
    ) OFFSET 0
) n WHERE i.universe = {literal(batch.universe.name)}"""


def signals(batch: Batch, since: datetime) -> str:
    """Signals since a moment (UTC), beside their bars."""
    return f"""
SELECT i.symbol, g.pattern, g.direction, g.ts, g.close, b.close AS bar_close,
       extract(epoch FROM g.at - g.ts)::int AS seconds_until_known
FROM {_ANALYSED.format(collected=Timeframe.M5)} JOIN miraikakaku.pattern_signals g ON g.instrument_id = i.id
LEFT JOIN LATERAL (
    SELECT b.close FROM miraikakaku.price_bars b
    WHERE b.instrument_id = g.instrument_id AND b.timeframe = '5m' AND b.ts = g.ts OFFSET 0
) b ON true
WHERE i.universe = {literal(batch.universe.name)} AND g.at >= '{since}'"""


def predictions(batch: Batch, sessions: str, first: date) -> str:
    """Forecasts of the newest origin.

    Args:
        batch: Whose.
        sessions: VALUES of sessions and their numbers.
        first: The earliest origin that counts.
    """
    universe = literal(batch.universe.name)
    return f"""
SELECT i.symbol, p.model, p.horizon::int AS horizon, p.as_of, p.target, p.lo95, p.lo80, p.point, p.hi80, p.hi95,
       p.close, t.session AS session_ahead,
       (count(*) OVER of_model + min(p.horizon) OVER of_model - 1)::int AS horizons,
       num_nonnulls(p.point, p.lo80, p.hi80, p.lo95, p.hi95) + CASE WHEN p.reason IS NULL THEN 0 ELSE 5 END
           AS numbers_without_reason
FROM miraikakaku.daily_predictions p JOIN miraikakaku.instruments i ON i.id = p.instrument_id
LEFT JOIN (VALUES {sessions}) AS o(session, number) ON o.session = p.as_of
LEFT JOIN (VALUES {sessions}) AS t(session, number) ON t.number = o.number + p.horizon
WHERE i.universe = {universe} AND p.clock = 'evening' AND p.as_of = (
    SELECT n.as_of FROM miraikakaku.daily_predictions n JOIN miraikakaku.instruments u ON u.id = n.instrument_id
    WHERE u.universe = {universe} AND n.clock = 'evening'
      AND n.as_of BETWEEN '{first}' AND '{batch.session}' ORDER BY n.as_of DESC LIMIT 1
)
WINDOW of_model AS (PARTITION BY p.instrument_id, p.model)"""


def scores(batch: Batch) -> str:
    """The newest scores of the universe as a whole."""
    universe = literal(batch.universe.name)
    return f"""
SELECT model, horizon::int AS horizon, window_origins, mae, rmse, mae_no_change, width_80, width_95, hit_low, hit_rate,
       hit_high, always_up, coverage_80, coverage_95
FROM miraikakaku.prediction_performance f
WHERE f.universe = {universe} AND f.clock = 'evening' AND f.segment_kind = 'universe' AND f.until = (
    SELECT max(n.until) FROM miraikakaku.prediction_performance n
    WHERE n.universe = {universe} AND n.clock = 'evening' AND n.segment_kind = 'universe'
      AND n.until <= '{batch.session}'
)"""
