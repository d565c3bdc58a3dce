"""SQL behind `PostgresForecasts`.

Stages are temporary tables of one transaction: ``made_predictions``, ``came_outcomes``, ``made_scores``. What reads
many rows has no parameters, because the driver streams (COPY) only then: a million rows took 0.9 GB instead of 0.5.
"""

from miraikakaku_assets.adapters.storage.forecasts.tables import SCORES

KEY = ("as_of", "clock", "instrument_id", "horizon", "model")
FIGURES = (
    *("point", "sd", "lo80", "hi80", "lo95", "hi95", "close", "made_at", "target"),
    *("calibration_scores", "model_id", "version", "calibration", "reason", "quantiles", "inputs"),
)

# One writer of a universe's forecasts or outcomes at a time: none sees half of what another has written.
LOCK = "SELECT pg_advisory_xact_lock(20250933, hashtext($1))"

INSTRUMENTS = "SELECT symbol, id FROM miraikakaku.instruments WHERE universe = $1"

# What was published stays; only what could not be forecast may still be.
SAVE_PREDICTIONS = f"""
WITH written AS (
    INSERT INTO miraikakaku.daily_predictions AS stored ({", ".join((*KEY, *FIGURES))})
    SELECT {", ".join((*KEY, *FIGURES))} FROM made_predictions ORDER BY place
    ON CONFLICT ({", ".join(KEY)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in FIGURES)}
    WHERE stored.reason IS NOT NULL AND excluded.reason IS NULL
    RETURNING 1
)
SELECT count(*) FROM written
"""

AWAIT = """
INSERT INTO miraikakaku.awaited_outcomes (as_of, target, instrument_id, horizon)
SELECT as_of, min(target), instrument_id, horizon FROM made_predictions AS made
WHERE reason IS NULL AND NOT EXISTS (
    SELECT 1 FROM miraikakaku.prediction_outcomes AS came
    WHERE came.as_of = made.as_of AND came.instrument_id = made.instrument_id AND came.horizon = made.horizon
      AND came.as_of BETWEEN $1::date AND $2::date)
GROUP BY as_of, instrument_id, horizon
ON CONFLICT (as_of, instrument_id, horizon) DO NOTHING
"""

SAVE_OUTCOMES = """
WITH written AS (
    INSERT INTO miraikakaku.prediction_outcomes (as_of, target, instrument_id, horizon, actual, naive, scored_at)
    SELECT as_of, target, instrument_id, horizon, actual, naive, scored_at FROM came_outcomes ORDER BY place
    ON CONFLICT (as_of, instrument_id, horizon) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM written
"""

AWAITED_NO_MORE = """
DELETE FROM miraikakaku.awaited_outcomes AS awaited USING came_outcomes AS came
WHERE awaited.as_of = came.as_of AND awaited.instrument_id = came.instrument_id AND awaited.horizon = came.horizon
"""

PREDICTED = """
SELECT p.model, count(DISTINCT p.instrument_id) AS symbols
FROM miraikakaku.daily_predictions p JOIN miraikakaku.instruments i ON i.id = p.instrument_id
WHERE i.universe = $1 AND p.as_of = $2::date AND p.clock = $3 GROUP BY p.model ORDER BY p.model
"""

NEWEST_ORIGIN = """
SELECT p.as_of FROM miraikakaku.daily_predictions p JOIN miraikakaku.instruments i ON i.id = p.instrument_id
WHERE i.universe = $1 AND p.clock = $2 ORDER BY p.as_of DESC LIMIT 1
"""

UNSCORED = """
SELECT i.symbol, a.as_of, a.horizon::bigint AS horizon, a.target
FROM miraikakaku.awaited_outcomes a JOIN miraikakaku.instruments i ON i.id = a.instrument_id
WHERE i.universe = $1 AND a.target <= $2::date
ORDER BY i.symbol COLLATE "C", a.as_of, a.horizon
"""

_MARK = "ON CONFLICT (universe, target, clock) DO UPDATE SET mark = DEFAULT"

TO_BE_SCORED = f"""
INSERT INTO miraikakaku.days_to_score (universe, target, clock)
SELECT DISTINCT $1::text, came.target, clocks.clock
FROM came_outcomes AS came CROSS JOIN (VALUES ('evening'), ('morning')) AS clocks (clock)
WHERE EXISTS (
    SELECT 1 FROM miraikakaku.daily_predictions AS made
    WHERE made.as_of = came.as_of AND made.clock = clocks.clock AND made.instrument_id = came.instrument_id)
ORDER BY 2, 3 {_MARK}
"""

# Forecasts of sessions whose outcome is known: a model was mended, or the past was forecast later.
TO_BE_SCORED_AGAIN = f"""
INSERT INTO miraikakaku.days_to_score (universe, target, clock)
SELECT DISTINCT $1::text, came.target, made.clock
FROM made_predictions AS made JOIN miraikakaku.prediction_outcomes AS came
    ON came.as_of = made.as_of AND came.instrument_id = made.instrument_id AND came.horizon = made.horizon
WHERE came.as_of BETWEEN $2::date AND $3::date
ORDER BY 2 {_MARK}
"""

DAYS_TO_SCORE = """
SELECT target, mark FROM miraikakaku.days_to_score
WHERE universe = $1 AND target <= $2::date AND clock = $3 ORDER BY target
"""

SCORED_DAYS = """
DELETE FROM miraikakaku.days_to_score WHERE universe = $1 AND clock = $4
AND (target, mark) IN (SELECT * FROM unnest($2::date[], $3::bigint[]))
"""

CHOSEN = "SELECT id, symbol FROM miraikakaku.instruments i WHERE universe = $1 {chosen}"

# The digest of a symbol is the same in every database, its number is not.
SAMPLED = """
AND EXISTS (SELECT 1 FROM miraikakaku.daily_predictions p
            WHERE p.instrument_id = i.id AND p.clock = ${clock} AND p.as_of BETWEEN ${since}::date AND ${until}::date)
ORDER BY md5(symbol) LIMIT ${sample}::bigint
"""

# The rows of a sample lie side by side (see `forecast_frames.in_order`), which the planner cannot know: of a year of
# 1,200 issues it read all 2 GB for 100 of them, in 4.8 s; this way it is 0.6 s.
SIDE_BY_SIDE = ("SET LOCAL enable_seqscan = off", "SET LOCAL work_mem = '64MB'")

PREDICTIONS = """
SELECT instrument_id, as_of, target, horizon, model, version, point, sd, lo80, hi80, lo95, hi95, reason, close,
       calibration, calibration_scores, quantiles, model_id, made_at, inputs
FROM miraikakaku.daily_predictions
WHERE as_of BETWEEN '{since}'::date AND '{until}'::date AND clock = '{clock}'
  AND instrument_id = ANY ('{ids}'::int[]) {chosen}
"""
# The names as PostgreSQL itself quotes them; in a parameter they would keep the driver from streaming, and out of a
# stage the planner from the index: for one of nine models it read the rows of all.
QUOTED = "SELECT quote_literal($1)"
OF_MODELS = 'AND model = ANY (({quoted}::text[]) COLLATE "C")'

# An outcome is handed out for the session that was forecast, and only if that is over.
OUTCOMES = """
SELECT instrument_id, as_of, target, horizon, actual, naive
FROM miraikakaku.prediction_outcomes
WHERE as_of BETWEEN '{since}'::date AND '{until}'::date AND target <= '{until}'::date
  AND instrument_id = ANY ('{ids}'::int[])
"""

DIRECTIONS = """
SELECT made.instrument_id, made.as_of, made.horizon, sign(made.point)::smallint AS point,
       sign(came.actual)::smallint AS actual
FROM miraikakaku.daily_predictions made JOIN miraikakaku.prediction_outcomes came
  ON came.as_of = made.as_of AND came.instrument_id = made.instrument_id AND came.horizon = made.horizon
WHERE made.as_of BETWEEN '{since}'::date AND '{until}'::date AND made.clock = '{clock}'
  AND made.instrument_id = ANY ('{ids}'::int[]) {chosen}
  AND made.reason IS NULL AND came.target <= '{until}'::date AND came.actual IS NOT NULL
"""

_SCORED = ("segment_kind", "segment", "model", "horizon", "window_origins", "until")
_COUNTED = ("n", "days", "missing", "calls", *SCORES)

SAVE_PERFORMANCE = f"""
INSERT INTO miraikakaku.prediction_performance (universe, clock, {", ".join((*_SCORED, *_COUNTED))})
SELECT $1, $2, {", ".join((*_SCORED, *_COUNTED))} FROM made_scores
ORDER BY segment_kind, window_origins, until, segment, model, horizon
ON CONFLICT (universe, clock, segment_kind, window_origins, until, segment, model, horizon)
DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COUNTED)}
"""

PERFORMANCE = f"""
SELECT {", ".join((*_SCORED, *_COUNTED))} FROM miraikakaku.prediction_performance
WHERE universe = $1 AND segment_kind = $2 AND window_origins = $3::int AND until >= $4::date AND clock = $5
ORDER BY segment, model, horizon, until
"""
