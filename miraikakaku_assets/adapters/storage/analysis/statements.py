"""SQL behind `PostgresAnalysis`: marks, what an analysis reads, and how it is put in place of the one before."""

from miraikakaku_assets.adapters.storage.analysis.tables import CHANGES
from miraikakaku_assets.domain.indicators.definitions import COLUMNS

# ORDER BY the instrument's number: transactions of groups lock in that order. The newest bar never lies in a file.
STANDINGS = """
SELECT i.symbol, i.id, coalesce(state.revision, 0) AS revision, state.changed_since, state.open_since,
       state.settles_at, state.basis, state.definition, known.checked_at, LEAST(oldest.ts, cold.ts) AS first,
       newest.ts AS newest
FROM miraikakaku.instruments i
LEFT JOIN miraikakaku.analysis_state state ON state.instrument_id = i.id AND state.timeframe = $2
LEFT JOIN miraikakaku.collection_state known ON known.instrument_id = i.id AND known.timeframe = $2
LEFT JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $2 ORDER BY ts LIMIT 1
) oldest ON true
LEFT JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $2 ORDER BY ts DESC LIMIT 1
) newest ON true
LEFT JOIN LATERAL (
    SELECT first_ts AS ts FROM miraikakaku.cold_ranges b
    WHERE b.instrument_id = i.id AND b.timeframe = $2 COLLATE "C" ORDER BY b.month LIMIT 1
) cold ON true
WHERE i.universe = $1 AND (state.revision IS NOT NULL OR oldest.ts IS NOT NULL) {chosen}
ORDER BY i.id
"""

INSTRUMENTS = """
SELECT id FROM miraikakaku.instruments i WHERE i.universe = $1 {chosen} ORDER BY id
"""

BARS = """
SELECT instrument_id, ts, open, high, low, close, volume, status, flag, fetched_at
FROM miraikakaku.price_bars WHERE instrument_id = ANY ($1::int[]) AND timeframe = $2
ORDER BY instrument_id, ts
"""

ACTIONS = """
SELECT instrument_id, ex_date, kind, value FROM miraikakaku.corporate_actions
WHERE instrument_id = ANY ($1::int[]) AND flag IS NULL ORDER BY instrument_id, ex_date, kind
"""

MARKET = """
SELECT i.symbol, b.ts, b.close
FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id
WHERE i.universe = $1 AND b.timeframe = $2 AND b.status = 'final' AND b.ts >= $3::timestamptz
ORDER BY i.symbol COLLATE "C", b.ts
"""

SIGNALS = """
SELECT i.symbol, s.pattern, s.direction, s.ts, s.at, s.priority, s.name, s.name_ja, s.definition,
       s.evidence::text AS evidence, s.take_profit_pips::bigint AS take_profit_pips,
       s.stop_pips::bigint AS stop_pips, s.close, s.track_record::text AS track_record, s.detected_at
FROM miraikakaku.pattern_signals s JOIN miraikakaku.instruments i ON i.id = s.instrument_id
WHERE i.universe = $1 AND s.ts >= $2::timestamptz {chosen}
ORDER BY s.at, i.symbol COLLATE "C", s.definition, s.pattern, s.direction
"""

INDICATORS = f"""
SELECT i.symbol, t.ts, {", ".join(f"t.{name}" for name in COLUMNS)}
FROM miraikakaku.technical_indicators t JOIN miraikakaku.instruments i ON i.id = t.instrument_id
WHERE i.universe = $1 AND t.timeframe = $2 AND i.symbol = ANY ($3::text[])
ORDER BY i.symbol COLLATE "C", t.ts
"""

# Once the locks are held, nobody else writes bars of these instruments until the end of the transaction.
UNMOVED = """
SELECT read.id FROM unnest($1::int[], $2::bigint[]) AS read(id, revision)
LEFT JOIN miraikakaku.analysis_state state ON state.instrument_id = read.id AND state.timeframe = $3
WHERE coalesce(state.revision, 0) = read.revision
"""

# Only the key is compared, which tells derived bars by their timeframe. With «built_from IS NOT NULL» the planner of a
# table without derived bars expected one row and read all of it, 500 times over: two minutes for a year of Tokyo.
REPLACED_BARS = """
DELETE FROM miraikakaku.price_bars AS stored
USING unnest($1::int[], $2::text[], $3::timestamptz[]) AS replaced(id, timeframe, since)
WHERE stored.instrument_id = replaced.id AND stored.timeframe = replaced.timeframe COLLATE "C"
  AND stored.ts >= replaced.since
"""

REPLACED_INDICATORS = """
DELETE FROM miraikakaku.technical_indicators AS stored
USING unnest($1::int[], $2::text[], $3::timestamptz[]) AS replaced(id, timeframe, since)
WHERE stored.instrument_id = replaced.id AND stored.timeframe = replaced.timeframe COLLATE "C"
  AND stored.ts >= replaced.since
"""

LATEST_FORGOTTEN = "DELETE FROM miraikakaku.latest_indicators WHERE instrument_id = ANY ($1::int[])"

_LATEST = (
    *("instrument_id", "ts", "close", "volume", *(f"change_{bars}" for bars in CHANGES)),
    *("turnover_20", "high_250", "low_250", *COLUMNS),
)

LATEST = f"""
INSERT INTO miraikakaku.latest_indicators ({", ".join(_LATEST)})
SELECT asked.id, newest.ts, past.closes[1], past.volume,
       {", ".join(f"past.closes[1] / past.closes[{bars + 1}] - 1" for bars in CHANGES)},
       past.turnover, past.high, past.low, {", ".join(f"newest.{name}" for name in COLUMNS)}
FROM unnest($1::int[]) AS asked(id)
CROSS JOIN LATERAL (
    SELECT * FROM miraikakaku.technical_indicators t
    WHERE t.instrument_id = asked.id AND t.timeframe = '1d' ORDER BY t.ts DESC LIMIT 1) newest
CROSS JOIN LATERAL (
    SELECT array_agg(close ORDER BY place) AS closes, max(volume) FILTER (WHERE place = 1) AS volume,
           avg(close * volume) FILTER (WHERE place <= 20) AS turnover,
           max(high) FILTER (WHERE place <= 250) AS high, min(low) FILTER (WHERE place <= 250) AS low
    FROM (SELECT high, low, close, volume, row_number() OVER (ORDER BY b.ts DESC) AS place
          FROM miraikakaku.price_bars b
          WHERE b.instrument_id = asked.id AND b.timeframe = '1d' AND b.ts <= newest.ts
          ORDER BY b.ts DESC LIMIT {max(CHANGES) + 1}) AS bars) past
WHERE past.closes IS NOT NULL
"""

_GIVEN = """
given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS one (
        instrument_id int, definition text, pattern text, direction text, ts timestamptz, at timestamptz, name text,
        name_ja text, priority text, close double precision, evidence text, track_record text, take_profit_pips int,
        stop_pips int)
)"""

VANISHED_SIGNALS = f"""
WITH {_GIVEN}
DELETE FROM miraikakaku.pattern_signals AS stored
USING unnest($2::int[], $3::timestamptz[]) AS judged(id, since)
WHERE stored.instrument_id = judged.id AND stored.ts >= judged.since AND stored.definition = $4
  AND NOT EXISTS (
      SELECT 1 FROM given WHERE given.instrument_id = stored.instrument_id AND given.pattern = stored.pattern
        AND given.direction = stored.direction AND given.ts = stored.ts)
"""

# What is known already keeps the time of its detection and the track record it was told with.
WRITE_SIGNALS = f"""
WITH {_GIVEN}, written AS (
    INSERT INTO miraikakaku.pattern_signals AS stored
        (instrument_id, definition, pattern, direction, ts, at, name, name_ja, priority, close, evidence,
         track_record, take_profit_pips, stop_pips, detected_at)
    SELECT instrument_id, definition, pattern, direction, ts, at, name, name_ja, priority, close, evidence::jsonb,
           track_record::jsonb, take_profit_pips, stop_pips, $2::timestamptz
    FROM given ORDER BY instrument_id, definition, pattern, direction, ts
    ON CONFLICT (instrument_id, definition, pattern, direction, ts) DO UPDATE SET
        at = excluded.at, name = excluded.name, name_ja = excluded.name_ja, priority = excluded.priority,
        close = excluded.close, evidence = excluded.evidence, take_profit_pips = excluded.take_profit_pips,
        stop_pips = excluded.stop_pips
    WHERE (stored.at, stored.name, stored.name_ja, stored.priority, stored.close, stored.evidence,
           stored.take_profit_pips, stored.stop_pips)
        IS DISTINCT FROM (excluded.at, excluded.name, excluded.name_ja, excluded.priority, excluded.close,
                          excluded.evidence, excluded.take_profit_pips, excluded.stop_pips)
    RETURNING instrument_id, (xmax = 0) AS is_new
)
SELECT instrument_id, count(*) FILTER (WHERE is_new) AS new FROM written GROUP BY instrument_id
"""

# A signal that is no more is told to nobody else; what is being sent at this moment is locked, and goes out.
WITHDRAWN_ALERTS = """
WITH ended AS (
    UPDATE miraikakaku.alerts SET resolved_at = $2::timestamptz
    WHERE key = ANY ($1::text[]) AND resolved_at IS NULL RETURNING id
), unsent AS (
    SELECT position FROM miraikakaku.notification_outbox
    WHERE alert_id IN (SELECT id FROM ended) AND delivered_at IS NULL FOR UPDATE SKIP LOCKED
)
DELETE FROM miraikakaku.notification_outbox AS waiting USING unsent
WHERE waiting.position = unsent.position
"""

SETTLED = """
UPDATE miraikakaku.restatements SET settled_at = $1::timestamptz
WHERE instrument_id = ANY ($2::int[]) AND timeframe = $3 AND settled_at IS NULL
"""

# The revision moves on here, too: of two analyses that have read the same bars, one is stored.
DONE = """
INSERT INTO miraikakaku.analysis_state AS known
    (instrument_id, timeframe, changed_since, open_since, settles_at, basis, definition, analyzed_at)
SELECT id, $4, NULL, open_since, settles_at, $5, $6, $7::timestamptz
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS done(id, open_since, settles_at)
ON CONFLICT (instrument_id, timeframe) DO UPDATE SET
    changed_since = NULL, open_since = excluded.open_since, settles_at = excluded.settles_at,
    basis = excluded.basis, definition = excluded.definition, analyzed_at = excluded.analyzed_at,
    revision = known.revision + 1
"""
