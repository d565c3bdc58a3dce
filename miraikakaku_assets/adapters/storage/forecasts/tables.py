"""Tables of forecasts: trainings, what was forecast, what came, how good it was, and what was decided from it.

A market of 4,178 issues, nine models and five horizons makes 188,000 forecasts a day. Their rows hold eight-byte values
first, then four, two, and text, so that nothing is lost to alignment; their primary key begins with the origin, so
that a day is appended to its end.
"""

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Double,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.alerts.tables import metadata
from miraikakaku_assets.adapters.storage.tables import count, now, utc

__all__ = ["metadata"]

_CLOCKS = "clock IN ('evening', 'morning')"


def _clock() -> Column[str]:
    """When the forecasts are made: behind the close of the origin, or before the next session opens."""
    return Column("clock", Text(collation="C"), nullable=False, server_default=text("'evening'"))


forecast_models = Table(
    "forecast_models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("universe", Text, nullable=False),
    Column("model", Text(collation="C"), nullable=False),
    Column("version", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("trained_until", Date, nullable=False),  # last session whose closes the training could see
    utc("trained_at", nullable=False),
    Column("data_version", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("file", Text),  # below models/
    Column("sha256", String(64)),
    Column("metrics", JSONB, nullable=False, server_default=text("'{}'")),
    Column("reason", Text),  # why there is no model
    UniqueConstraint(
        *("universe", "model", "version", "seed", "trained_until", "data_version", "code_version"),
        name="uq_forecast_models_training",
    ),
    CheckConstraint("num_nonnulls(file, sha256) = CASE WHEN reason IS NULL THEN 2 ELSE 0 END", name="model"),
)

# No foreign keys, for the reason given for `price_bars`.
daily_predictions = Table(
    "daily_predictions",
    metadata,
    Column("point", Double),  # log returns from the close at the origin
    Column("sd", Double),
    Column("lo80", Double),
    Column("hi80", Double),
    Column("lo95", Double),
    Column("hi95", Double),
    Column("close", Double),  # at the origin, split-adjusted as of `made_at`, in the instrument's currency
    utc("made_at", nullable=False),
    Column("instrument_id", Integer, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("target", Date, nullable=False),
    Column("calibration_scores", Integer),
    Column("model_id", Integer),  # of `forecast_models`; null for an ensemble
    Column("horizon", SmallInteger, nullable=False),
    Column("model", Text(collation="C"), nullable=False),
    Column("version", Text, nullable=False),
    Column("calibration", Text),
    Column("reason", Text),  # why there is no forecast
    _clock(),
    Column("inputs", Text),  # names of what was known of other markets, with commas
    Column("quantiles", ARRAY(REAL)),  # nine log returns, ascending; null in forecasts from before they were
    PrimaryKeyConstraint("as_of", "clock", "instrument_id", "horizon", "model"),
    CheckConstraint(_CLOCKS, name="clock"),
    CheckConstraint("horizon > 0 AND target > as_of", name="ahead"),
    CheckConstraint(
        "num_nonnulls(point, lo80, hi80, lo95, hi95) = CASE WHEN reason IS NULL THEN 5 ELSE 0 END"
        " AND (sd IS NULL OR reason IS NULL)",
        name="numbers_or_reason",
    ),
    # NaN is the largest of all numbers here, so that it is below no infinity.
    CheckConstraint(
        "lo95 > '-Infinity' AND lo95 <= lo80 AND lo80 <= point AND point <= hi80 AND hi80 <= hi95"
        " AND hi95 < 'Infinity'",
        name="bands",
    ),
    CheckConstraint("sd >= 0 AND sd < 'Infinity'", name="sd"),
    CheckConstraint("close > 0 AND close < 'Infinity'", name="close"),
    CheckConstraint("reason IS NOT NULL OR close IS NOT NULL", name="priced"),
    CheckConstraint(
        "quantiles IS NULL OR (reason IS NULL AND cardinality(quantiles) = 9"
        " AND array_position(quantiles, NULL) IS NULL)",
        name="quantiles",
    ),
    Index("idx_daily_predictions_instrument", "instrument_id", "as_of", "model"),
    # A market ranked by what is shown of it: 16,000 rows of a day side by side, not among those of nine models.
    Index(
        "idx_daily_predictions_ensemble",
        *("as_of", "horizon", "instrument_id"),
        postgresql_where=text("model = 'ensemble'"),
    ),
)

prediction_outcomes = Table(
    "prediction_outcomes",
    metadata,
    Column("actual", Double),  # log return from the origin to the target; null: no trade on either, for good
    Column("naive", Double),  # mean size of the one-session log returns up to the origin
    utc("scored_at", nullable=False),
    Column("instrument_id", Integer, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("target", Date, nullable=False),
    Column("horizon", SmallInteger, nullable=False),
    PrimaryKeyConstraint("as_of", "instrument_id", "horizon"),
    CheckConstraint("horizon > 0 AND target > as_of", name="ahead"),
    CheckConstraint("actual > '-Infinity' AND actual < 'Infinity'", name="actual"),
    CheckConstraint("naive >= 0 AND naive < 'Infinity'", name="naive"),
)

# What has been forecast and has not come yet. It could be read off the two tables above, but only by comparing all of
# both, every day: 9 s of the processor for 13.5 million forecasts, which are four months of Tokyo.
awaited_outcomes = Table(
    "awaited_outcomes",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("target", Date, nullable=False),
    Column("horizon", SmallInteger, nullable=False),
    PrimaryKeyConstraint("as_of", "instrument_id", "horizon"),
)

# Days whose scores are not those of what is stored of them: written with what came or was forecast late, and taken away
# with the scores, in one transaction each. A new mark has a new number: what comes while a day is scored is not lost.
days_to_score = Table(
    "days_to_score",
    metadata,
    Column("mark", BigInteger, Identity(always=True), nullable=False),
    Column("target", Date, nullable=False),
    Column("universe", Text(collation="C"), nullable=False),
    _clock(),
    PrimaryKeyConstraint("universe", "target", "clock"),
    CheckConstraint(_CLOCKS, name="clock"),
)

SCORES = (
    *("mae", "rmse", "mape", "mase", "mae_no_change", "mape_no_change", "mae_to_no_change"),
    *("skill", "dm_p_better"),
    *("hit_rate", "hit_low", "hit_high", "always_up"),
    *("coverage_80", "coverage_95", "width_80", "width_95"),
)
"""Columns of ``prediction_performance`` that are numbers or null."""

prediction_performance = Table(
    "prediction_performance",
    metadata,
    *(Column(name, Double) for name in SCORES),
    Column("until", Date, nullable=False),  # newest target that counts
    Column("window_origins", Integer, nullable=False),  # how many count, back from the newest with an outcome
    count("n"),
    count("days"),
    count("missing"),
    count("calls"),
    Column("horizon", SmallInteger, nullable=False),
    Column("universe", Text(collation="C"), nullable=False),
    Column("segment_kind", Text(collation="C"), nullable=False),
    Column("segment", Text(collation="C"), nullable=False),
    Column("model", Text(collation="C"), nullable=False),
    _clock(),
    PrimaryKeyConstraint(
        *("universe", "clock", "segment_kind", "window_origins", "until", "segment", "model", "horizon")
    ),
    CheckConstraint(_CLOCKS, name="clock"),
    CheckConstraint("segment_kind IN ('universe', 'sector', 'symbol')", name="segment_kind"),
)

forecast_decisions = Table(
    "forecast_decisions",
    metadata,
    Column("universe", Text(collation="C"), nullable=False),
    Column("kind", Text(collation="C"), nullable=False),
    Column("as_of", Date, nullable=False),  # origin from which on it holds
    Column("horizon", SmallInteger, nullable=False),
    Column("outcome", JSONB, nullable=False),
    Column("evidence", JSONB, nullable=False),
    now("recorded_at"),
    _clock(),
    PrimaryKeyConstraint("universe", "clock", "kind", "as_of", "horizon"),
    CheckConstraint(_CLOCKS, name="clock"),
    CheckConstraint("kind IN ('weights', 'champion')", name="kind"),
)
