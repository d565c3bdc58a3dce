"""SQL of the performance review. All of it reads catalogues and counters, and no table of bars."""

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import DAGSTER_SCHEMA
from miraikakaku_assets.adapters.storage.tables import SCHEMA

_OURS = f"('{SCHEMA}', '{DAGSTER_SCHEMA}')"
_LEAST_INDEX_BYTES = 1 << 20  # below that an index costs nothing worth a word
_LEAST_ROWS = 10_000  # and without one a table is read as fast

SERVER = text("""
SELECT (SELECT sum(heap_blks_hit)::float8 / nullif(sum(heap_blks_hit) + sum(heap_blks_read), 0)
        FROM pg_statio_user_tables) AS cache_hit_ratio,
       (SELECT sum(idx_blks_hit)::float8 / nullif(sum(idx_blks_hit) + sum(idx_blks_read), 0)
        FROM pg_statio_user_tables) AS index_hit_ratio,
       (SELECT sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit + idx_blks_read, 0))
        FROM pg_statio_user_tables) AS blocks_asked,
       (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::int AS max_connections,
       (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()) AS since
""")

# Values are taken out: they are nobody's business in a report.
OLDEST_TRANSACTION = text("""
SELECT extract(epoch FROM clock_timestamp() - xact_start) AS seconds,
       left(regexp_replace(regexp_replace(query, '''[^'']*''', '?', 'g'), '\\s+', ' ', 'g'), 120) AS query
FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
ORDER BY xact_start LIMIT 1
""")

TABLES = text(f"""
SELECT schemaname || '.' || relname AS "table", n_live_tup AS live_rows, n_dead_tup AS dead_rows,
       n_mod_since_analyze AS modified_rows, greatest(last_analyze, last_autoanalyze) AS analyzed_at,
       pg_total_relation_size(relid) AS size_bytes, coalesce(seq_scan, 0) AS whole_reads,
       coalesce(seq_tup_read, 0) AS rows_read_whole
FROM pg_stat_user_tables
WHERE schemaname IN {_OURS}
  AND (CAST(:table AS text) IS NULL OR schemaname || '.' || relname = CAST(:table AS text))
ORDER BY size_bytes DESC, relname
""")

UNUSED_INDEXES = text(f"""
SELECT s.schemaname || '.' || s.indexrelname AS index_name, s.schemaname || '.' || s.relname AS "table",
       pg_relation_size(s.indexrelid) AS size_bytes
FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid
WHERE s.schemaname IN {_OURS} AND s.idx_scan = 0 AND NOT i.indisunique
  AND pg_relation_size(s.indexrelid) >= {_LEAST_INDEX_BYTES}
ORDER BY size_bytes DESC
""")

# Dagster's tables are its own business. A B-tree takes the width of its columns and 16 bytes a row (8 of the tuple, 4
# of its pointer, padding), and fills its pages to nine tenths.
MISSING_INDEXES = text(f"""
SELECT c.conrelid::regclass::text AS "table",
       array_agg(a.attname::text ORDER BY k.place) AS columns,
       greatest(max(t.reltuples), 0) * (16 + sum(coalesce(p.avg_width, 8))) / 0.9 AS size_bytes
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid AND t.reltuples >= {_LEAST_ROWS}
JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = '{SCHEMA}'
CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
LEFT JOIN pg_stats p ON p.schemaname = n.nspname AND p.tablename = t.relname AND p.attname = a.attname
WHERE c.contype = 'f' AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL
      AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
GROUP BY c.oid, c.conrelid ORDER BY size_bytes DESC
""")

EXTENSION = text("""
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
""")

STATEMENTS = """
SELECT left(regexp_replace(s.query, '\\s+', ' ', 'g'), 300) AS query, s.calls, s.total_exec_time AS total_ms,
       s.mean_exec_time AS mean_ms, s.rows
FROM "{schema}".pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() ORDER BY s.total_exec_time DESC LIMIT :limit
"""

STAGES = text("""
WITH work AS (
    SELECT 'cycle ' || universe AS stage, ended_at, extract(epoch FROM ended_at - started_at) AS seconds
    FROM miraikakaku.cycle_log
    WHERE ended_at IS NOT NULL AND error IS NULL AND started_at > CAST(:now AS timestamptz) - interval '30 days'
    UNION ALL
    SELECT 'collection ' || universe || ' ' || timeframe, end_time, extract(epoch FROM end_time - start_time)
    FROM miraikakaku.batch_executions
    WHERE status = 'completed' AND end_time IS NOT NULL
      AND start_time > CAST(:now AS timestamptz) - interval '30 days'
), numbered AS (
    SELECT stage, seconds, row_number() OVER (PARTITION BY stage ORDER BY ended_at DESC) AS number FROM work
)
SELECT stage, max(seconds) FILTER (WHERE number = 1) AS seconds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE number > 1) AS usual_seconds,
       (count(*) - 1)::int AS earlier
FROM numbered GROUP BY stage ORDER BY 2 DESC
""")
