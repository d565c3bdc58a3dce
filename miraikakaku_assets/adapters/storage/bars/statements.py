"""SQL behind `PostgresBars`: what moves a staged delivery into the tables.

Stages are temporary tables of one transaction: ``delivered_bars``, ``delivered_refusals``, ``delivered_actions``.
"""

from miraikakaku_assets.domain.bars.rules import MOVE_RULES, RULES, SUPERSEDING_RULES


def _names(rules: tuple[str, ...]) -> str:
    return ", ".join(f"'{rule}'" for rule in rules)


BAR_COLUMNS = (
    *("instrument_id", "timeframe", "ts", "open", "high", "low", "close", "volume"),
    *("source", "status", "flag", "fetched_at"),
)

UPSERT = f"""
WITH written AS (
    INSERT INTO miraikakaku.price_bars AS stored ({", ".join(BAR_COLUMNS)})
    SELECT {", ".join(BAR_COLUMNS)} FROM delivered_bars ORDER BY instrument_id, ts
    ON CONFLICT (instrument_id, timeframe, ts) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, source = excluded.source, status = excluded.status,
        flag = excluded.flag, fetched_at = excluded.fetched_at
    WHERE (stored.open, stored.high, stored.low, stored.close, stored.volume, stored.status, stored.flag)
        IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume,
                          excluded.status, excluded.flag)
      AND NOT (stored.status = 'final' AND excluded.status = 'provisional')
    RETURNING instrument_id, ts, (xmax = 0) AS is_new
)
SELECT instrument_id, count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS restated,
       min(ts) AS since
FROM written GROUP BY instrument_id
"""

# A bar is held by one rule about moves: what its neighbours said of it before is overtaken.
QUARANTINE = f"""
WITH overtaken AS (
    DELETE FROM miraikakaku.quarantined_bars AS held USING delivered_refusals AS refused
    WHERE held.symbol = refused.symbol COLLATE "C" AND held.timeframe = refused.timeframe AND held.ts = refused.ts
      AND held.rule <> refused.rule AND held.rule IN ({_names(MOVE_RULES)}) AND refused.rule IN ({_names(MOVE_RULES)})
      AND held.released_at IS NULL AND held.close IS NOT DISTINCT FROM refused.close
    RETURNING held.symbol, held.ts, held.first_seen_at
)
INSERT INTO miraikakaku.quarantined_bars
    (symbol, timeframe, ts, rule, occurrence, instrument_id, detail, open, high, low, close, volume, source,
     row_number, first_seen_at, last_seen_at)
SELECT symbol, timeframe, ts, rule, occurrence, instrument_id, detail, open, high, low, close, volume, source,
       row_number, COALESCE((SELECT min(overtaken.first_seen_at) FROM overtaken
           WHERE overtaken.symbol = given.symbol AND overtaken.ts = given.ts), fetched_at), fetched_at
FROM delivered_refusals AS given ORDER BY symbol, ts, rule, occurrence
ON CONFLICT (symbol, timeframe, ts, rule, occurrence) DO UPDATE SET
    instrument_id = excluded.instrument_id, open = excluded.open, high = excluded.high, low = excluded.low,
    close = excluded.close, volume = excluded.volume, source = excluded.source,
    row_number = excluded.row_number, last_seen_at = excluded.last_seen_at, released_at = NULL
"""

_GONE = """
SELECT gone.instrument_id, i.symbol, i.universe, gone.ts, gone.close, gone.status, gone.rule
FROM gone JOIN miraikakaku.instruments i ON i.id = gone.instrument_id
"""

# A bar stored earlier that is judged bad today (its neighbour came, the calendar was corrected) leaves the
# table; the refused row that says the same prices has just been put into quarantine. What is stored encloses open
# and close, what is refused is as it came.
WITHDRAW = f"""
WITH gone AS (
    DELETE FROM miraikakaku.price_bars AS stored USING delivered_refusals AS refused
    WHERE stored.instrument_id = refused.instrument_id AND stored.timeframe = refused.timeframe
      AND stored.ts = refused.ts AND refused.rule IN ({_names(SUPERSEDING_RULES)})
      AND (stored.open, stored.high, stored.low, stored.close)
          IS NOT DISTINCT FROM (refused.open,
              CASE WHEN refused.high IS NOT NULL THEN GREATEST(refused.high, refused.open, refused.close) END,
              CASE WHEN refused.low IS NOT NULL THEN LEAST(refused.low, refused.open, refused.close) END,
              refused.close)
    RETURNING stored.instrument_id, stored.ts, stored.close, stored.status, refused.rule
) {_GONE}
"""

_RELEASE = """
UPDATE miraikakaku.quarantined_bars AS refused SET released_at = GREATEST(delivered.fetched_at, refused.last_seen_at)
FROM {stage} AS delivered JOIN miraikakaku.instruments AS i ON i.id = delivered.instrument_id
WHERE refused.symbol = i.symbol COLLATE "C" AND refused.timeframe = delivered.timeframe
  AND refused.ts = delivered.ts AND refused.released_at IS NULL AND {which}
"""

# What is refused in the same delivery stays: a second row beside the accepted one.
RELEASE = _RELEASE.format(stage="delivered_bars", which="refused.last_seen_at < delivered.fetched_at")
RELEASE_RECONSIDERED = _RELEASE.format(
    stage="reconsidered_bars",
    which=f"refused.rule IN ({_names(MOVE_RULES)}) AND refused.close = delivered.close",
)

# Bars that were not delivered: out of quarantine, unless something else has taken their place, or with another flag.
RECONSIDER = f"""
WITH written AS (
    INSERT INTO miraikakaku.price_bars AS stored ({", ".join(BAR_COLUMNS)})
    SELECT {", ".join(BAR_COLUMNS)} FROM reconsidered_bars ORDER BY instrument_id, ts
    ON CONFLICT (instrument_id, timeframe, ts) DO UPDATE SET flag = excluded.flag
    WHERE (stored.open, stored.high, stored.low, stored.close)
        IS NOT DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close)
      AND stored.flag IS DISTINCT FROM excluded.flag
    RETURNING instrument_id, ts
)
SELECT instrument_id, count(*) AS reconsidered, min(ts) AS since FROM written GROUP BY instrument_id
"""

# Returns whose dividends and splits came or changed.
ACTIONS = """
WITH written AS (
    INSERT INTO miraikakaku.corporate_actions AS stored
        (instrument_id, ex_date, kind, value, flag, source, fetched_at)
    SELECT instrument_id, ex_date, kind, value, flag, source, fetched_at FROM delivered_actions
    ORDER BY instrument_id, ex_date, kind
    ON CONFLICT (instrument_id, ex_date, kind) DO UPDATE SET
        value = excluded.value, flag = excluded.flag, source = excluded.source, fetched_at = excluded.fetched_at
    WHERE (stored.value, stored.flag) IS DISTINCT FROM (excluded.value, excluded.flag)
    RETURNING instrument_id
)
SELECT DISTINCT instrument_id FROM written
"""

# A few rows of each instrument, by its own part of the key: read by time alone, the whole table would be.
READ_SESSION = """
SELECT i.symbol, $4::date AS session, b.ts, b.open, b.high, b.low, b.close, b.volume, b.status, b.flag, b.source
FROM miraikakaku.instruments i CROSS JOIN LATERAL (
    SELECT * FROM miraikakaku.price_bars
    WHERE instrument_id = i.id AND timeframe = $3 AND ts >= ($4::date::timestamp AT TIME ZONE $1)
      AND ts < (($4::date + 1)::timestamp AT TIME ZONE $1)
    ORDER BY ts LIMIT 1000
) b
WHERE i.universe = $2
ORDER BY i.symbol COLLATE "C", b.ts
"""

READ_ACTIONS = """
SELECT i.symbol, a.ex_date, a.kind, a.value
FROM miraikakaku.corporate_actions a JOIN miraikakaku.instruments i ON i.id = a.instrument_id
WHERE i.universe = $1 AND ($2::text IS NULL OR i.symbol = ANY ($2::text[])) AND ($3 OR a.flag IS NULL)
ORDER BY i.symbol COLLATE "C", a.ex_date, a.kind
"""

HOLDINGS = """
SELECT i.symbol, (newest.ts AT TIME ZONE $1)::date AS newest, state.complete_from,
       (state.checked_at AT TIME ZONE 'UTC')::date AS checked
FROM miraikakaku.instruments i
LEFT JOIN miraikakaku.collection_state state ON state.instrument_id = i.id AND state.timeframe = $2
LEFT JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $2 AND b.status = 'final'
    ORDER BY ts DESC LIMIT 1
) newest ON true
WHERE i.universe = $3 AND (newest.ts IS NOT NULL OR state.complete_from IS NOT NULL)
"""

NEWEST_STARTS = """
SELECT i.symbol, newest.ts
FROM miraikakaku.instruments i
CROSS JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $2 AND b.status = 'final'
    ORDER BY ts DESC LIMIT 1
) newest
WHERE i.universe = $3 AND i.symbol = ANY ($1::text[])
"""

OVERLAP = """
SELECT i.symbol, (held.ts AT TIME ZONE $3)::date AS session, held.close,
       (oldest.ts AT TIME ZONE $3)::date AS oldest, oldest.close AS oldest_close
FROM unnest($1::text[], $2::date[]) AS wanted(symbol, day)
JOIN miraikakaku.instruments i ON i.symbol = wanted.symbol AND i.universe = $5
CROSS JOIN LATERAL (
    SELECT ts, close FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $4
    ORDER BY ts LIMIT 1
) oldest
CROSS JOIN LATERAL (
    SELECT ts, close FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $4 AND b.status = 'final'
      AND b.ts >= (wanted.day::timestamp AT TIME ZONE $3)
    ORDER BY ts LIMIT $6::int
) held
WHERE oldest.ts < (wanted.day::timestamp AT TIME ZONE $3)
"""

# Sessions before the day (UTC) of an answer were over when it came: all markets close by midnight UTC. A
# request that begins later leaves days that nobody has asked for, so what was known before it counts no more.
STATE = """
INSERT INTO miraikakaku.collection_state AS known (instrument_id, timeframe, complete_from, checked_at)
SELECT instrument_id, timeframe, complete_from, fetched_at FROM delivered_state
ON CONFLICT (instrument_id, timeframe) DO UPDATE SET
    complete_from = CASE WHEN excluded.complete_from <= (known.checked_at AT TIME ZONE 'UTC')::date
        THEN LEAST(known.complete_from, excluded.complete_from) ELSE excluded.complete_from END,
    checked_at = GREATEST(known.checked_at, excluded.checked_at)
"""

# A stored session that the restated history no longer has, or has with a bar that is refused, would stay on the old
# scale between bars of the new one.
LEFT_BEHIND = f"""
WITH gone AS (
    DELETE FROM miraikakaku.price_bars AS stored USING delivered_restatements AS moved
    WHERE stored.instrument_id = moved.instrument_id AND stored.timeframe = moved.timeframe
      AND stored.ts <= (SELECT max(ts) FROM delivered_bars AS new WHERE new.instrument_id = moved.instrument_id)
      AND NOT EXISTS (
          SELECT 1 FROM delivered_bars AS new
          WHERE new.instrument_id = stored.instrument_id AND new.ts = stored.ts)
    RETURNING stored.*, 'restated_away' AS rule, moved.fetched_at AS seen_at
), kept AS (
    INSERT INTO miraikakaku.quarantined_bars AS held
        (symbol, timeframe, ts, rule, occurrence, instrument_id, detail, open, high, low, close, volume, source,
         first_seen_at, last_seen_at)
    SELECT i.symbol, gone.timeframe, gone.ts, 'restated_away', 1, gone.instrument_id, '{RULES["restated_away"]}',
           gone.open, gone.high, gone.low, gone.close, gone.volume, gone.source, gone.seen_at, gone.seen_at
    FROM gone JOIN miraikakaku.instruments i ON i.id = gone.instrument_id
    ON CONFLICT (symbol, timeframe, ts, rule, occurrence) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, last_seen_at = excluded.last_seen_at, released_at = NULL
) {_GONE}
"""

# What is held for its neighbours on the old scale is no neighbour of the new history: it is not judged again.
HELD_BEHIND = f"""
UPDATE miraikakaku.quarantined_bars AS held
SET rule = 'restated_away', detail = '{RULES["restated_away"]}', last_seen_at = moved.fetched_at
FROM delivered_restatements AS moved
WHERE held.instrument_id = moved.instrument_id AND held.timeframe = moved.timeframe AND held.released_at IS NULL
  AND held.last_seen_at < moved.fetched_at AND held.occurrence = 1 AND held.rule IN ({_names(MOVE_RULES)})
  AND NOT EXISTS (
      SELECT 1 FROM miraikakaku.quarantined_bars AS other
      WHERE other.symbol = held.symbol AND other.timeframe = held.timeframe AND other.ts = held.ts
        AND other.rule = 'restated_away' AND other.occurrence = 1)
"""

RESTATEMENTS = """
INSERT INTO miraikakaku.restatements
    (instrument_id, timeframe, reason, ex_date, factor, first_session, shown_session, bars, old_close, new_close,
     detected_at)
SELECT instrument_id, timeframe, reason, ex_date, factor, oldest, session, bars, old_close, new_close, fetched_at
FROM delivered_restatements
"""

REFUSED_ACTIONS = """
INSERT INTO miraikakaku.quarantined_actions
    (symbol, ex_date, kind, rule, detail, value, source, first_seen_at, last_seen_at)
SELECT symbol, ex_date, kind, rule, detail, value, source, fetched_at, fetched_at FROM delivered_refused_actions
ON CONFLICT (symbol, ex_date, kind, rule) DO UPDATE SET
    detail = excluded.detail, value = excluded.value, source = excluded.source, last_seen_at = excluded.last_seen_at
"""

# What is derived from bars is due again from the earliest one that came, changed or went. Patterns read daily bars
# beside five-minute ones, so that a daily bar marks both, where there is something to mark.
MARK = """
WITH changed AS (
    SELECT id, since FROM unnest($1::int[], $2::timestamptz[]) AS told(id, since) ORDER BY id
), patterns AS (
    UPDATE miraikakaku.analysis_state AS known
    SET changed_since = LEAST(known.changed_since, changed.since), revision = known.revision + 1
    FROM changed WHERE $3 = '1d' AND known.instrument_id = changed.id AND known.timeframe = '5m'
)
INSERT INTO miraikakaku.analysis_state AS known (instrument_id, timeframe, changed_since)
SELECT id, $3, since FROM changed
ON CONFLICT (instrument_id, timeframe) DO UPDATE SET
    changed_since = LEAST(known.changed_since, excluded.changed_since), revision = known.revision + 1
"""

# A bar that lies in a file counts as one of the database: since a moment within its month, from that moment on.
_MARK_FROM = """
INSERT INTO miraikakaku.analysis_state AS known (instrument_id, timeframe, changed_since)
SELECT changed.id, collected.timeframe, LEAST(oldest.ts, cold.ts)
FROM unnest($1::int[]) AS changed(id)
CROSS JOIN unnest($2::text[]) AS collected(timeframe)
CROSS JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = changed.id AND b.timeframe = collected.timeframe COLLATE "C" {chosen}
    ORDER BY ts LIMIT 1
) oldest
LEFT JOIN LATERAL (
    SELECT {cold} AS ts FROM miraikakaku.cold_ranges b
    WHERE b.instrument_id = changed.id AND b.timeframe = collected.timeframe COLLATE "C" {reaching}
    ORDER BY b.month LIMIT 1
) cold ON true
ORDER BY changed.id
ON CONFLICT (instrument_id, timeframe) DO UPDATE SET
    changed_since = LEAST(known.changed_since, excluded.changed_since), revision = known.revision + 1
"""

# A dividend or a split moves the adjusted prices of all bars before it.
MARK_WHOLE = _MARK_FROM.format(chosen="", cold="b.first_ts", reaching="")
MARK_SINCE = _MARK_FROM.format(
    chosen="AND b.ts >= $3::timestamptz",
    cold="GREATEST(b.first_ts, $3::timestamptz)",
    reaching="AND b.last_ts >= $3::timestamptz",
)
