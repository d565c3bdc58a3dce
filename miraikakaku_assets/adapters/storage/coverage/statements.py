"""SQL of coverage."""

from miraikakaku_assets.adapters.storage.masters.statements import LIST_IN_FORCE

LIST_DATE = LIST_IN_FORCE.format(universe="$1")

# A paused collection has not come to every symbol: those it has not come to were kept waiting by the source.
ISSUES = """
WITH parked AS (
    SELECT b.id FROM miraikakaku.batch_executions b
    WHERE b.status = 'paused' AND b.batch_type = 'all_stocks' AND b.id = (
        SELECT max(newer.id) FROM miraikakaku.batch_executions newer
        WHERE newer.universe = $1 AND newer.timeframe = $2)
)
SELECT m.instrument_id, m.yahoo_symbol AS symbol, coalesce(m.market_category, '-') AS segment,
       coalesce(nullif(m.sector, '-'), m.market_category, '-') AS sector, m.listed_on, m.delisted_on,
       coalesce(newest.status = 'failed', false) AS fetch_failed,
       coalesce(newest.verdict = 'rate_limited', false) OR coalesce(newest.batch < parked.id, parked.id IS NOT NULL)
           AS rate_limited,
       coalesce(newest.verdict = 'not_on_source', false) AS not_on_source
FROM miraikakaku.stock_master m
LEFT JOIN parked ON true
LEFT JOIN LATERAL (
    SELECT d.status, d.verdict, d.batch_execution_id AS batch FROM miraikakaku.batch_execution_details d
    JOIN miraikakaku.batch_executions b ON b.id = d.batch_execution_id AND b.timeframe = $2
    WHERE d.symbol = m.yahoo_symbol AND d.verdict <> 'underway' ORDER BY d.batch_execution_id DESC LIMIT 1
) newest ON true
WHERE m.universe = $1 AND m.is_active AND ($3::text IS NULL OR m.yahoo_symbol = ANY ($3::text[]))
ORDER BY m.instrument_id
"""

# Without parameters: the driver streams such a result (COPY), and holds one with parameters in memory as a whole, which
# is 900 MB for 15 million bars. What is put in are names of records, moments and numbers.
PRESENT = """
SELECT b.instrument_id, b.ts FROM miraikakaku.price_bars b
JOIN miraikakaku.instruments i ON i.id = b.instrument_id AND i.universe = '{universe}'
WHERE b.timeframe = '{timeframe}' AND b.status = 'final' AND b.ts >= '{first}'::timestamptz
  AND b.ts < '{last}'::timestamptz {chosen}
"""
CHOSEN = "AND b.instrument_id = ANY ('{ids}'::int[])"

REFUSED = """
SELECT q.instrument_id, (q.ts AT TIME ZONE $1)::date AS session,
       bool_and(q.rule = 'no_price' AND coalesce(q.volume = 0, false)) AS without_trade
FROM miraikakaku.quarantined_bars q
JOIN miraikakaku.instruments i ON i.id = q.instrument_id AND i.universe = $2
WHERE q.timeframe = $3 AND q.released_at IS NULL AND NOT q.rule = ANY ($6::text[])
  AND q.ts >= $4::timestamptz AND q.ts < $5::timestamptz
GROUP BY 1, 2
"""

# Requests without an end are known as a whole where they brought bars; the log has the others.
ASKED = """
SELECT s.instrument_id, s.complete_from AS since, NULL::date AS until, s.checked_at AS answered_at
FROM miraikakaku.collection_state s
JOIN miraikakaku.instruments i ON i.id = s.instrument_id AND i.universe = $1
WHERE s.timeframe = $2
UNION ALL
SELECT i.id, l.since, l.until, max(l.logged_at)
FROM miraikakaku.data_collection_log l
JOIN miraikakaku.instruments i ON i.symbol = l.symbol AND i.universe = $1
LEFT JOIN miraikakaku.collection_state s ON s.instrument_id = i.id AND s.timeframe = l.timeframe
WHERE l.timeframe = $2 AND l.error_class IS NULL AND l.since IS NOT NULL
  AND (l.until IS NOT NULL OR s.complete_from IS NULL OR l.since < s.complete_from)
GROUP BY 1, 2, 3
"""

FORGET = """
DELETE FROM miraikakaku.{table} g USING miraikakaku.instruments i
WHERE i.id = g.instrument_id AND i.universe = $1 AND g.timeframe = $2
"""
FORGET_REPORT = """
DELETE FROM miraikakaku.coverage_reports
WHERE checked_at = $1::timestamptz AND universe = $2 AND timeframe = $3
"""
FORGET_DAYS = "DELETE FROM miraikakaku.coverage_days WHERE universe = $1 AND timeframe = $2"
CALENDAR = """
INSERT INTO miraikakaku.coverage_calendar (calendar, session)
SELECT $1, session FROM unnest($2::date[]) AS session
ON CONFLICT DO NOTHING
"""
SNAPSHOT = """
INSERT INTO miraikakaku.coverage_universes (universe, timeframe, list_date, taken_at, digest, issues, members)
VALUES ($1, $2, $3::date, $4::timestamptz, $5, $6::int, $7::int[])
ON CONFLICT (universe, timeframe, list_date, digest) DO UPDATE SET digest = excluded.digest
RETURNING id
"""
CAUSES = """
UPDATE miraikakaku.coverage_reports SET gaps_by_cause = $4::jsonb -> segment
WHERE checked_at = $1::timestamptz AND universe = $2 AND timeframe = $3
"""

NEWEST_WINDOW = """
SELECT checked_at, window_start, window_end FROM miraikakaku.coverage_reports
WHERE universe = $1 AND timeframe = $2 ORDER BY checked_at DESC LIMIT 1
"""
GAPS = """
SELECT g.instrument_id, i.symbol, g.first_session, g.last_session, g.sessions, g.missing_bars, g.cause
FROM miraikakaku.coverage_gap_ranges g
JOIN miraikakaku.instruments i ON i.id = g.instrument_id
WHERE i.universe = $1 AND g.timeframe = $2
ORDER BY g.instrument_id, g.first_session
"""
GIVEN_UP = """
SELECT r.instrument_id, r.first_session, r.last_session FROM miraikakaku.coverage_repairs r
JOIN miraikakaku.instruments i ON i.id = r.instrument_id
WHERE i.universe = $1 AND r.timeframe = $2 AND r.outcome = 'given_up'
"""
FRUITLESS = """
SELECT r.instrument_id, r.first_session, count(*)::int FROM miraikakaku.coverage_repairs r
JOIN miraikakaku.instruments i ON i.id = r.instrument_id
WHERE i.universe = $1 AND r.timeframe = $2 AND r.missing_after >= r.missing_before
GROUP BY 1, 2
"""
