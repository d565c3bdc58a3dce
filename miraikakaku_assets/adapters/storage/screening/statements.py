"""SQL behind `PostgresScreener`: one statement a page, of one row per instrument; no history is read for it."""

from miraikakaku_assets.application.ports.reading.screening import FIGURES
from miraikakaku_assets.domain.indicators.definitions import COLUMNS, WITHOUT_LEVEL

_FORECAST_DAYS = 7  # older forecasts say nothing of what is ahead
_SHOWN = [name for name in COLUMNS if name not in WITHOUT_LEVEL]

# Where a whole market is forecast alike, nothing is ranked. A market's newest origin is the first row of an index; the
# bound keeps a market without forecasts from being read.
_RANKED = f"""
ranked AS (
    SELECT made.instrument_id, made.as_of AS forecast_as_of, exp(made.point) - 1 AS forecast,
           made.hi80 - made.lo80 AS forecast_band,
           CASE WHEN min(made.point) OVER market < max(made.point) OVER market
                THEN rank() OVER (PARTITION BY origin.universe ORDER BY made.point DESC) END AS forecast_rank,
           count(*) OVER market AS ranked
    FROM unnest($1::text[]) AS asked(universe)
    CROSS JOIN LATERAL (
        SELECT i.universe, p.as_of FROM miraikakaku.daily_predictions p
        JOIN miraikakaku.instruments i ON i.id = p.instrument_id
        WHERE p.model = 'ensemble' AND p.horizon = $2::smallint AND i.universe = asked.universe
          AND p.as_of >= (SELECT max(ts)::date - {_FORECAST_DAYS} FROM miraikakaku.latest_indicators)
        ORDER BY p.as_of DESC LIMIT 1) origin
    JOIN miraikakaku.daily_predictions made
      ON made.as_of = origin.as_of AND made.horizon = $2::smallint AND made.model = 'ensemble'
    JOIN miraikakaku.instruments whose ON whose.id = made.instrument_id AND whose.universe = origin.universe
    WHERE made.reason IS NULL
    WINDOW market AS (PARTITION BY origin.universe)
)"""

# An instrument may have been listed under several codes: that of the list in force comes first.
_KNOWN = f"""
known AS (
    SELECT i.id, i.symbol, i.universe, i.currency, i.price_unit, m.stock_name AS name, m.market_category AS market,
           m.sector, m.size_category AS size, coalesce(m.security_type, i.kind) AS security_type,
           (latest.ts AT TIME ZONE asked.zone)::date AS session, latest.close, latest.volume, latest.change_1,
           latest.change_5, latest.change_20, latest.change_250, latest.turnover_20,
           latest.close / latest.high_250 - 1 AS below_high_250, latest.close / latest.low_250 - 1 AS above_low_250,
           (latest.close - latest.bb_lower) / nullif(latest.bb_upper - latest.bb_lower, 0) AS band_position,
           {", ".join(f"latest.{name}" for name in _SHOWN)},
           ranked.forecast_as_of, ranked.forecast, ranked.forecast_rank, ranked.forecast_band, ranked.ranked
    FROM miraikakaku.latest_indicators latest
    JOIN miraikakaku.instruments i ON i.id = latest.instrument_id
    JOIN unnest($1::text[], $3::text[]) AS asked(universe, zone) ON asked.universe = i.universe
    LEFT JOIN (
        SELECT DISTINCT ON (instrument_id) instrument_id, stock_name, market_category, sector, size_category,
               security_type, is_active
        FROM miraikakaku.stock_master
        ORDER BY instrument_id, is_active DESC, last_list_date DESC, id DESC) m ON m.instrument_id = i.id
    LEFT JOIN ranked ON ranked.instrument_id = i.id
    WHERE coalesce(m.is_active, true)
)"""

# The sum keeps the planner from walking all signals by time for one instrument's newest.
PAGE = f"""
WITH {_RANKED}, {_KNOWN}, chosen AS (
    SELECT known.*, count(*) OVER () AS total FROM known WHERE {{conditions}}
    ORDER BY {{sort}}, symbol COLLATE "C" {{cut}}
)
SELECT chosen.symbol, chosen.name, chosen.universe, chosen.market, chosen.sector, chosen.size, chosen.security_type,
       chosen.currency, chosen.price_unit, chosen.session, {", ".join(f"chosen.{name}" for name in FIGURES)},
       chosen.forecast_as_of, chosen.ranked, signal.name AS signal, signal.name_ja AS signal_ja,
       signal.direction AS signal_direction, signal.at AS signal_at, chosen.total
FROM chosen LEFT JOIN LATERAL (
    SELECT name, name_ja, direction, at FROM miraikakaku.pattern_signals s
    WHERE s.instrument_id = chosen.id AND s.definition = $4
    ORDER BY s.at + interval '0' DESC LIMIT 1) signal ON true
ORDER BY {{outer_sort}}, chosen.symbol COLLATE "C"
"""

SIGNALLED = """EXISTS (
    SELECT 1 FROM miraikakaku.pattern_signals s WHERE s.instrument_id = known.id AND s.definition = $4
      AND s.pattern = {pattern} AND s.at >= {since}::timestamptz
      AND ({direction}::text IS NULL OR s.direction = {direction}))"""

CHOICES = """
SELECT array_agg(DISTINCT m.sector) FILTER (WHERE m.sector IS NOT NULL) AS sectors,
       array_agg(DISTINCT m.size_category) FILTER (WHERE m.size_category IS NOT NULL) AS sizes,
       array_agg(DISTINCT m.market_category) FILTER (WHERE m.market_category IS NOT NULL) AS markets,
       array_agg(DISTINCT coalesce(m.security_type, i.kind)) AS security_types,
       max(latest.ts) AS newest, count(DISTINCT latest.instrument_id) AS instruments
FROM miraikakaku.latest_indicators latest JOIN miraikakaku.instruments i ON i.id = latest.instrument_id
LEFT JOIN miraikakaku.stock_master m ON m.instrument_id = i.id AND m.is_active
WHERE i.universe = ANY (:universes)
"""

PATTERNS = """
SELECT DISTINCT ON (s.pattern) s.pattern, s.name, s.name_ja
FROM miraikakaku.pattern_signals s JOIN miraikakaku.instruments i ON i.id = s.instrument_id
WHERE i.universe = ANY (:universes) AND s.definition = :definition ORDER BY s.pattern, s.at DESC
"""
