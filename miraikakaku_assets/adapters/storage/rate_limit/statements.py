"""Statements of the request rate, one per deed, each atomic on the row; what they are given is `LimitRules`.

``held`` is the row as it was, ``moment`` the database's clock once the row is ours, ``pace`` the rate at which
the caller may go at that moment. Every SET is one sub-select, so that each value is computed once, from the
newest version of the row also when somebody else held it.
"""

from miraikakaku_assets.adapters.storage.prepared_connection import Prepared

_CLOCK = "(SELECT clock_timestamp() AS moment OFFSET 0) AS clock"  # OFFSET 0: evaluated once
_PACE = """
    greatest(:least::float8, least(:maximum::float8, coalesce(
        held.rate + :growth::float8 * greatest(extract(epoch FROM moment - held.rate_since)::float8, 0),
        :maximum::float8)))
"""

_TAKE = f"""
INSERT INTO miraikakaku.rate_limits AS held (name, next_free, leaves_at)
VALUES (:name::text, clock_timestamp() + interval '1 second' / :maximum::float8, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET (next_free, refusals, events, trial_until, answer, leaves_at) = (
    SELECT
        CASE WHEN answer IN ('granted', 'trial')
             THEN greatest(held.next_free, moment) + interval '1 second' / pace ELSE held.next_free END,
        CASE WHEN :served::bool AND held.paused_until IS NULL THEN 0 ELSE held.refusals END,
        CASE WHEN :served::bool AND held.paused_until IS NULL THEN 0 ELSE held.events END,
        CASE WHEN answer = 'trial' THEN leaves_at + :trial_seconds::float8 * interval '1 second'
             ELSE held.trial_until END,
        answer,
        CASE answer WHEN 'paused' THEN greatest(held.paused_until, held.blocked_until)
                    WHEN 'busy' THEN least(held.trial_until, moment + interval '0.5 second')
                    ELSE leaves_at END
    FROM (
        SELECT moment, pace,
            CASE WHEN held.paused_until IS NULL THEN 'granted' WHEN held.paused_until > moment THEN 'paused'
                 WHEN held.trial_until > moment THEN 'busy' ELSE 'trial' END AS answer,
            greatest(greatest(held.next_free, moment) + interval '1 second' * ((1 - :burst::float8) / pace),
                     held.blocked_until, moment) AS leaves_at
        FROM (SELECT moment, {_PACE} AS pace FROM {_CLOCK} OFFSET 0) AS paced OFFSET 0
    ) AS decided
)
RETURNING answer, extract(epoch FROM leaves_at - clock_timestamp())::float8, epoch, blocks, refusals, leaves_at, reason
"""

_REFUSED = f"""
UPDATE miraikakaku.rate_limits AS held SET (
    next_free, rate, rate_since, blocked_until, blocks, refusals, events, epoch,
    paused_until, pause_seconds, trial_until, reason
) = (
    SELECT
        CASE WHEN stops THEN greatest(block_ends, moment) + interval '1 second' * (:burst::float8 / new_pace)
             ELSE held.next_free END,
        CASE WHEN slows THEN new_pace ELSE held.rate END,
        CASE WHEN slows THEN greatest(held.rate_since, moment) ELSE held.rate_since END,
        block_ends,
        held.blocks + stops::int,
        refused, troubles,
        held.epoch + (is_new OR opens)::int,
        CASE WHEN opens THEN greatest(held.paused_until,
                                      moment + interval '1 second' * greatest(pause, :block::float8))
             ELSE held.paused_until END,
        CASE WHEN opens THEN pause ELSE held.pause_seconds END,
        CASE WHEN tried THEN NULL ELSE held.trial_until END,
        :reason::text
    FROM (
        SELECT *,
            opens OR :limited::bool OR :block::float8 > 0 AS stops,
            CASE WHEN slows THEN greatest(:least::float8, pace * :decrease::float8) ELSE pace END AS new_pace
        FROM (
            SELECT *,
                :limited::bool AND is_new AND held.paused_until IS NULL AS slows,
                :block::float8 > :longest_wait::float8 OR tried OR (
                    held.paused_until IS NULL AND refused >= :refusals_to_open::int
                    AND troubles >= :events_to_open::int) AS opens,
                CASE WHEN held.paused_until IS NULL THEN :first_pause::float8
                     WHEN tried THEN least(2 * held.pause_seconds, :longest_pause::float8)
                     ELSE held.pause_seconds END AS pause
            FROM (
                SELECT *, held.refusals + 1 AS refused, held.events + is_new::int AS troubles,
                    :is_trial::bool AND is_new AND held.paused_until IS NOT NULL AS tried,
                    CASE WHEN :block::float8 > 0
                         THEN greatest(held.blocked_until, moment + interval '1 second' * :block::float8)
                         ELSE held.blocked_until END AS block_ends
                FROM (SELECT moment, {_PACE} AS pace, :epoch::bigint >= held.epoch AS is_new
                      FROM {_CLOCK} OFFSET 0) AS paced OFFSET 0
            ) AS counted OFFSET 0
        ) AS judged OFFSET 0
    ) AS decided
)
WHERE name = :name::text
"""

_SERVED = f"""
UPDATE miraikakaku.rate_limits AS held SET (
    next_free, rate, rate_since, blocks, refusals, events, epoch, paused_until, pause_seconds, trial_until, reason
) = (
    SELECT
        CASE WHEN closes THEN moment + interval '1 second' * (:burst::float8 / new_pace) ELSE held.next_free END,
        CASE WHEN closes THEN new_pace ELSE held.rate END,
        CASE WHEN closes THEN greatest(held.rate_since, moment) ELSE held.rate_since END,
        held.blocks + closes::int,
        CASE WHEN stays THEN held.refusals ELSE 0 END,
        CASE WHEN stays THEN held.events ELSE 0 END,
        held.epoch + closes::int,
        CASE WHEN stays THEN held.paused_until END,
        CASE WHEN stays THEN held.pause_seconds END,
        CASE WHEN stays THEN held.trial_until END,
        CASE WHEN stays THEN held.reason END
    FROM (
        SELECT *, held.paused_until IS NOT NULL AND NOT closes AS stays,
            least(pace, :maximum::float8 * :restart::float8) AS new_pace
        FROM (SELECT moment, {_PACE} AS pace,
                     held.paused_until IS NOT NULL AND :is_trial::bool AND :epoch::bigint >= held.epoch AS closes
              FROM {_CLOCK} OFFSET 0) AS paced OFFSET 0
    ) AS decided
)
WHERE name = :name::text
"""

_SLOW_DOWN = f"""
UPDATE miraikakaku.rate_limits AS held SET (rate, rate_since) = (
    SELECT greatest(:least::float8, :decrease::float8 * {_PACE}), moment + interval '1 second' * :hold::float8
    FROM {_CLOCK}
)
WHERE name = :name::text
"""

_STATE = f"""
SELECT {_PACE}, CASE WHEN blocked_until > moment THEN blocked_until END, paused_until,
       coalesce(paused_until > moment, false), refusals,
       CASE WHEN refusals > 0 OR paused_until IS NOT NULL THEN reason END
FROM miraikakaku.rate_limits AS held, {_CLOCK} WHERE name = :name::text
"""

PREPARED = {
    name: Prepared(query)
    for name, query in {
        "take": _TAKE,
        "look": "SELECT blocks FROM miraikakaku.rate_limits WHERE name = :name::text",
        "refused": _REFUSED,
        "served": _SERVED,
        "unsent": """
            UPDATE miraikakaku.rate_limits SET trial_until = NULL
            WHERE name = :name::text AND epoch = :epoch::bigint
        """,
        "slow_down": _SLOW_DOWN,
        "let_grow": """
            UPDATE miraikakaku.rate_limits SET rate_since = least(rate_since, clock_timestamp())
            WHERE name = :name::text
        """,
        "pause": """
            INSERT INTO miraikakaku.rate_limits AS held
                (name, next_free, leaves_at, paused_until, pause_seconds, reason)
            SELECT :name::text, moment, moment, moment + interval '1 second' * :first_pause::float8,
                   :first_pause::float8, :reason::text
            FROM (SELECT clock_timestamp() AS moment OFFSET 0) AS clock
            ON CONFLICT (name) DO UPDATE
            SET paused_until = excluded.paused_until, pause_seconds = excluded.pause_seconds, trial_until = NULL,
                reason = excluded.reason, epoch = held.epoch + 1, blocks = held.blocks + 1
            WHERE held.paused_until IS NULL
        """,
        "resume": """
            UPDATE miraikakaku.rate_limits
            SET rate = NULL, rate_since = NULL, blocked_until = NULL, refusals = 0, events = 0, reason = NULL,
                paused_until = NULL, pause_seconds = NULL, trial_until = NULL, epoch = epoch + 1,
                next_free = least(next_free, clock_timestamp())
            WHERE name = :name::text
        """,
        "state": _STATE,
    }.items()
}
"""Every statement by its name; parameters are bound when it is run."""
