"""SQL of the copper curve; stages are temporary tables of one transaction."""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(4120250940)"

QUOTES = """
WITH written AS (
    INSERT INTO miraikakaku.lme_copper_futures AS stored
        (contract, session, tenor, price, unit, usd_per_tonne, volume, expires, source, known_at, fetched_at)
    SELECT contract, session, tenor, price, unit, usd_per_tonne, volume, expires, $1, known_at, $2::timestamptz
    FROM delivered_quotes ORDER BY contract, session
    ON CONFLICT (contract, session) DO UPDATE SET
        tenor = excluded.tenor, price = excluded.price, unit = excluded.unit, usd_per_tonne = excluded.usd_per_tonne,
        volume = excluded.volume, expires = excluded.expires, source = excluded.source, known_at = excluded.known_at,
        fetched_at = excluded.fetched_at
    WHERE (stored.price, stored.unit, stored.volume, stored.expires)
        IS DISTINCT FROM (excluded.price, excluded.unit, excluded.volume, excluded.expires)
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new)::bigint, count(*) FILTER (WHERE NOT is_new)::bigint FROM written
"""

STOCKS = """
WITH written AS (
    INSERT INTO miraikakaku.lme_copper_stocks AS stored (session, tonnes, source, known_at, fetched_at)
    SELECT session, tonnes, $1, known_at, $2::timestamptz FROM delivered_stocks ORDER BY session
    ON CONFLICT (session) DO UPDATE SET tonnes = excluded.tonnes, source = excluded.source,
        known_at = excluded.known_at, fetched_at = excluded.fetched_at
    WHERE stored.tonnes IS DISTINCT FROM excluded.tonnes
    RETURNING 1
)
SELECT count(*)::bigint FROM written
"""

# A price that was refused once and is good now is refused no more.
RELEASE = """
DELETE FROM miraikakaku.quarantined_copper_quotes AS held USING delivered_quotes AS good
WHERE held.source = $1 AND held.contract = good.contract COLLATE "C" AND held.place = good.session::text COLLATE "C"
  AND held.rule <> 'second_quote'
"""

REFUSE = """
INSERT INTO miraikakaku.quarantined_copper_quotes
    (source, place, contract, rule, price, unit, detail, first_seen_at, last_seen_at)
SELECT $1, place, contract, rule, price, unit, detail, $2::timestamptz, $2::timestamptz
FROM delivered_refusals ORDER BY place, contract, rule
ON CONFLICT (source, place, contract, rule) DO UPDATE SET price = excluded.price, unit = excluded.unit,
    detail = excluded.detail, last_seen_at = excluded.last_seen_at
"""

READ = """
SELECT contract, tenor, session, price, unit, volume, expires, usd_per_tonne, known_at, source
FROM miraikakaku.lme_copper_futures WHERE session >= $1::date ORDER BY contract, session
"""
READ_STOCKS = "SELECT session, tonnes FROM miraikakaku.lme_copper_stocks ORDER BY session"
NEWEST = "SELECT contract, max(session) FROM miraikakaku.lme_copper_futures GROUP BY contract"
