"""SQL behind `PostgresBars`: what moves a staged delivery into the tables.

Stages are temporary tables of one transaction: ``delivered_bars``, ``delivered_refusals``, ``delivered_actions``.
"""

from miraikakaku_assets.domain.bars.validation import SUPERSEDING_RULES

BAR_COLUMNS = (
    "instrument_id",
    "timeframe",
    "ts",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "source",
    "status",
    "flag",
    "fetched_at",
)

LOCK = "SELECT count(pg_advisory_xact_lock(20250932, id)) FROM unnest($1::int[]) AS id"

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
    RETURNING instrument_id, (xmax = 0) AS is_new
)
SELECT instrument_id, count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS restated
FROM written GROUP BY instrument_id
"""

QUARANTINE = """
INSERT INTO miraikakaku.quarantined_bars
    (symbol, timeframe, ts, rule, occurrence, instrument_id, detail, open, high, low, close, volume, source,
     row_number, first_seen_at, last_seen_at)
SELECT symbol, timeframe, ts, rule, occurrence, instrument_id, detail, open, high, low, close, volume, source,
       row_number, fetched_at, fetched_at
FROM delivered_refusals ORDER BY symbol, ts, rule, occurrence
ON CONFLICT (symbol, timeframe, ts, rule, occurrence) DO UPDATE SET
    instrument_id = excluded.instrument_id, open = excluded.open, high = excluded.high, low = excluded.low,
    close = excluded.close, volume = excluded.volume, source = excluded.source,
    row_number = excluded.row_number, last_seen_at = excluded.last_seen_at, released_at = NULL
"""

# A bar stored earlier that is judged bad today (its neighbour came, the calendar was corrected) leaves the
# table; the refused row that says the same prices has just been put into quarantine.
WITHDRAW = f"""
WITH gone AS (
    DELETE FROM miraikakaku.price_bars AS stored USING delivered_refusals AS refused
    WHERE stored.instrument_id = refused.instrument_id AND stored.timeframe = refused.timeframe
      AND stored.ts = refused.ts AND refused.rule IN ({", ".join(f"'{rule}'" for rule in SUPERSEDING_RULES)})
      AND (stored.open, stored.high, stored.low, stored.close)
          IS NOT DISTINCT FROM (refused.open, refused.high, refused.low, refused.close)
    RETURNING stored.instrument_id
)
SELECT instrument_id, count(*) AS withdrawn FROM gone GROUP BY instrument_id
"""

RELEASE = """
UPDATE miraikakaku.quarantined_bars AS refused SET released_at = delivered.fetched_at
FROM delivered_bars AS delivered JOIN miraikakaku.instruments AS i ON i.id = delivered.instrument_id
WHERE refused.symbol = i.symbol COLLATE "C" AND refused.timeframe = delivered.timeframe
  AND refused.ts = delivered.ts AND refused.released_at IS NULL AND refused.last_seen_at < delivered.fetched_at
"""

ACTIONS = """
INSERT INTO miraikakaku.corporate_actions AS stored (instrument_id, ex_date, kind, value, source, fetched_at)
SELECT instrument_id, ex_date, kind, value, source, fetched_at FROM delivered_actions
ORDER BY instrument_id, ex_date, kind
ON CONFLICT (instrument_id, ex_date, kind) DO UPDATE SET
    value = excluded.value, source = excluded.source, fetched_at = excluded.fetched_at
WHERE stored.value IS DISTINCT FROM excluded.value
"""
