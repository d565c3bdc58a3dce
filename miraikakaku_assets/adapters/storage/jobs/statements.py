"""SQL of bulk jobs, for connections of either kind.

The figures of a job are those of its runs' collections in ``run_progress``: each run is given only symbols without an
outcome, so that they add up.
"""

CHANNEL = "bulk_jobs"
"""Where the database tells of progress and changes of state: ``<job> progress`` or ``<job> state``."""

_SUM = """(
    SELECT coalesce(sum(shown.{column}), 0)::bigint FROM miraikakaku.bulk_job_runs AS own
    JOIN miraikakaku.run_progress AS shown ON shown.run_id = own.run_id WHERE own.job_id = job.id
)"""
PROCESSED = _SUM.format(column="processed")
SUCCESSFUL = _SUM.format(column="successful")

# The lease: whoever launches and is killed leaves a job that is due again when it is over. A job that has come forward
# since it was launched last has all its attempts again.
BEGIN_LAUNCH = f"""
UPDATE miraikakaku.bulk_jobs AS job
SET attempts = CASE WHEN {PROCESSED} > processed_at_launch THEN 1 ELSE attempts + 1 END,
    processed_at_launch = {PROCESSED}, launch_due_at = clock_timestamp() + interval '60 seconds'
WHERE id = {{job}} AND state = 'accepted' AND run_id IS NULL AND launch_due_at <= clock_timestamp()
RETURNING attempts
"""

_JOB = """
SELECT job.id, job.state, job.interval, job.period, job.total, coalesce(done.processed, 0) AS processed,
       coalesce(done.successful, 0) AS successful, coalesce(done.failed, 0) AS failed,
       coalesce(done.records, 0) AS records, coalesce(work.current_symbols, '{{}}') AS current,
       work.symbols_per_minute, work.records_per_minute, job.unknown, job.error, job.created_at, job.started_at,
       greatest(job.updated_at, done.updated_at) AS updated_at, job.ended_at
FROM {jobs} AS job
LEFT JOIN LATERAL (
    SELECT sum(shown.processed)::int AS processed, sum(shown.successful)::int AS successful,
           sum(shown.failed)::int AS failed, sum(shown.records)::bigint AS records, max(shown.updated_at) AS updated_at
    FROM miraikakaku.bulk_job_runs AS own JOIN miraikakaku.run_progress AS shown ON shown.run_id = own.run_id
    WHERE own.job_id = job.id
) AS done ON true
LEFT JOIN LATERAL (
    SELECT shown.current_symbols, shown.symbols_per_minute, shown.records_per_minute
    FROM miraikakaku.run_progress AS shown
    WHERE shown.run_id = job.run_id AND shown.status = 'running' ORDER BY shown.batch_execution_id DESC LIMIT 1
) AS work ON true
"""
READ = _JOB.format(jobs="miraikakaku.bulk_jobs") + "WHERE job.id = ANY ($1::text[])"
LIST = (
    _JOB.format(
        jobs="""(
    SELECT * FROM miraikakaku.bulk_jobs WHERE $1::text[] IS NULL OR state = ANY ($1)
    ORDER BY number DESC LIMIT $2 OFFSET $3
)"""
    )
    + "ORDER BY job.number DESC"
)
COUNT = "SELECT count(*) FROM miraikakaku.bulk_jobs WHERE $1::text[] IS NULL OR state = ANY ($1)"

# A code is that of a Tokyo issue; a symbol comes first.
RESOLVE = """
SELECT given.name, instrument.universe, instrument.symbol
FROM unnest($1::text[]) AS given (name) JOIN miraikakaku.instruments AS instrument ON instrument.symbol = given.name
UNION ALL
SELECT given.name, master.universe, master.yahoo_symbol
FROM unnest($1::text[]) AS given (name)
JOIN miraikakaku.stock_master AS master ON master.universe = 'jp' AND master.stock_code = given.name
WHERE NOT EXISTS (SELECT FROM miraikakaku.instruments AS instrument WHERE instrument.symbol = given.name)
"""

TRY_KEY = "SELECT pg_try_advisory_xact_lock(20251133, hashtext($1))"
KEYED = """
SELECT id, body_digest, unknown FROM miraikakaku.bulk_jobs WHERE requested_by = $1 AND idempotency_key = $2
"""
# One acceptance at a time, so that numbers are unique and grow: a commit takes a millisecond.
NUMBERING = "SELECT pg_advisory_xact_lock(20251134, 0)"
ACCEPT = """
WITH next AS (
    SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000)::bigint,
                    (SELECT max(number) FROM miraikakaku.bulk_jobs) + 1) AS number
)
INSERT INTO miraikakaku.bulk_jobs (
    id, number, state, symbols, unknown, total, interval, period, since, requested_by, idempotency_key, body_digest,
    launch_due_at)
SELECT 'job-' || number, number, 'accepted', $1::jsonb, $2::jsonb, $3, $4, $5, $6, $7, $8, $9, clock_timestamp()
FROM next
RETURNING id
"""
CHANGE = """
UPDATE miraikakaku.bulk_jobs SET state = $2, updated_at = clock_timestamp()
WHERE id = $1 AND state = ANY ($3::text[]) AND state <> $2
"""
RESUME = """
UPDATE miraikakaku.bulk_jobs
SET state = CASE WHEN run_id IS NULL THEN 'accepted' ELSE 'running' END, attempts = 0,
    launch_due_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE id = $1 AND state = 'paused'
"""
LAUNCH_FAILED = """
UPDATE miraikakaku.bulk_jobs SET launch_due_at = clock_timestamp(), attempts = greatest(attempts - 1, 0)
WHERE id = $1 AND state = 'accepted'
"""
OUTCOMES = """
SELECT DISTINCT ON (detail.symbol) detail.symbol, batch.universe, batch.timeframe, detail.status, detail.verdict,
       detail.error_message, detail.rows_read, detail.records_inserted
FROM miraikakaku.bulk_job_runs AS own
JOIN miraikakaku.batch_executions AS batch ON batch.run_id = own.run_id
JOIN miraikakaku.batch_execution_details AS detail ON detail.batch_execution_id = batch.id
WHERE own.job_id = $1 AND detail.verdict <> 'underway'
ORDER BY detail.symbol, detail.batch_execution_id DESC LIMIT $2 OFFSET $3
"""
COUNT_OUTCOMES = """
SELECT count(DISTINCT detail.symbol) FROM miraikakaku.bulk_job_runs AS own
JOIN miraikakaku.batch_executions AS batch ON batch.run_id = own.run_id
JOIN miraikakaku.batch_execution_details AS detail ON detail.batch_execution_id = batch.id
WHERE own.job_id = $1 AND detail.verdict <> 'underway'
"""
FILES_OF = """
SELECT job.results_at, job.started_at IS NOT NULL AS has_begun, job.ended_at
FROM miraikakaku.bulk_jobs AS job WHERE job.id = $1
"""
FILES = """
SELECT name, universe, timeframe, rows, bytes, sha256 FROM miraikakaku.bulk_job_files WHERE job_id = $1 ORDER BY name
"""
