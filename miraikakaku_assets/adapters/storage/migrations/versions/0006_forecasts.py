"""trainings, forecasts, outcomes, scores, and what was decided from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_UTC = sa.DateTime(timezone=True)
_C = sa.Text(collation="C")
_SCORES = (
    *(
        "mae",
        "rmse",
        "mape",
        "mase",
        "mae_no_change",
        "mape_no_change",
        "mae_to_no_change",
        "skill",
        "dm_p_better",
    ),
    *("hit_rate", "hit_low", "hit_high", "always_up"),
    *("coverage_80", "coverage_95", "width_80", "width_95"),
)
_TABLES = (
    "forecast_decisions",
    "prediction_performance",
    "days_to_score",
    "awaited_outcomes",
    "prediction_outcomes",
    "daily_predictions",
    "forecast_models",
)


def upgrade() -> None:
    """Goes forward."""
    _trainings()
    _forecasts()
    _outcomes()
    _scores()


def _trainings() -> None:
    op.create_table(
        "forecast_models",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("model", _C, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("trained_until", sa.Date(), nullable=False),
        sa.Column("trained_at", _UTC, nullable=False),
        sa.Column("data_version", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("file", sa.Text()),
        sa.Column("sha256", sa.String(64)),
        sa.Column("metrics", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("reason", sa.Text()),
        sa.UniqueConstraint(
            *("universe", "model", "version", "seed", "trained_until", "data_version", "code_version"),
            name="uq_forecast_models_training",
        ),
        sa.CheckConstraint(
            "num_nonnulls(file, sha256) = CASE WHEN reason IS NULL THEN 2 ELSE 0 END",
            name=op.f("ck_forecast_models_model"),
        ),
        schema=_SCHEMA,
    )


def _forecasts() -> None:
    op.create_table(
        "daily_predictions",
        *(sa.Column(name, sa.Double()) for name in ("point", "sd", "lo80", "hi80", "lo95", "hi95", "close")),
        sa.Column("made_at", _UTC, nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("target", sa.Date(), nullable=False),
        sa.Column("calibration_scores", sa.Integer()),
        sa.Column("model_id", sa.Integer()),
        sa.Column("horizon", sa.SmallInteger(), nullable=False),
        sa.Column("model", _C, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("calibration", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("as_of", "instrument_id", "horizon", "model", name="pk_daily_predictions"),
        sa.CheckConstraint("horizon > 0 AND target > as_of", name=op.f("ck_daily_predictions_ahead")),
        sa.CheckConstraint(
            "num_nonnulls(point, lo80, hi80, lo95, hi95) = CASE WHEN reason IS NULL THEN 5 ELSE 0 END"
            " AND (sd IS NULL OR reason IS NULL)",
            name=op.f("ck_daily_predictions_numbers_or_reason"),
        ),
        sa.CheckConstraint(
            "lo95 > '-Infinity' AND lo95 <= lo80 AND lo80 <= point AND point <= hi80 AND hi80 <= hi95"
            " AND hi95 < 'Infinity'",
            name=op.f("ck_daily_predictions_bands"),
        ),
        sa.CheckConstraint("sd >= 0 AND sd < 'Infinity'", name=op.f("ck_daily_predictions_sd")),
        sa.CheckConstraint("close > 0 AND close < 'Infinity'", name=op.f("ck_daily_predictions_close")),
        sa.CheckConstraint(
            "reason IS NOT NULL OR close IS NOT NULL", name=op.f("ck_daily_predictions_priced")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_daily_predictions_instrument",
        "daily_predictions",
        ["instrument_id", "as_of", "model"],
        schema=_SCHEMA,
    )


def _outcomes() -> None:
    op.create_table(
        "prediction_outcomes",
        sa.Column("actual", sa.Double()),
        sa.Column("naive", sa.Double()),
        sa.Column("scored_at", _UTC, nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("target", sa.Date(), nullable=False),
        sa.Column("horizon", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", "instrument_id", "horizon", name="pk_prediction_outcomes"),
        sa.CheckConstraint("horizon > 0 AND target > as_of", name=op.f("ck_prediction_outcomes_ahead")),
        sa.CheckConstraint(
            "actual > '-Infinity' AND actual < 'Infinity'", name=op.f("ck_prediction_outcomes_actual")
        ),
        sa.CheckConstraint("naive >= 0 AND naive < 'Infinity'", name=op.f("ck_prediction_outcomes_naive")),
        schema=_SCHEMA,
    )
    op.create_table(
        "awaited_outcomes",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("target", sa.Date(), nullable=False),
        sa.Column("horizon", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", "instrument_id", "horizon", name="pk_awaited_outcomes"),
        schema=_SCHEMA,
    )
    op.create_table(
        "days_to_score",
        sa.Column("mark", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("target", sa.Date(), nullable=False),
        sa.Column("universe", _C, nullable=False),
        sa.PrimaryKeyConstraint("universe", "target", name="pk_days_to_score"),
        schema=_SCHEMA,
    )


def _scores() -> None:
    op.create_table(
        "prediction_performance",
        *(sa.Column(name, sa.Double()) for name in _SCORES),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("window_origins", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))
            for name in ("n", "days", "missing", "calls")
        ),
        sa.Column("horizon", sa.SmallInteger(), nullable=False),
        sa.Column("universe", _C, nullable=False),
        sa.Column("segment_kind", _C, nullable=False),
        sa.Column("segment", _C, nullable=False),
        sa.Column("model", _C, nullable=False),
        sa.PrimaryKeyConstraint(
            *("universe", "segment_kind", "window_origins", "until", "segment", "model", "horizon"),
            name="pk_prediction_performance",
        ),
        sa.CheckConstraint(
            "segment_kind IN ('universe', 'sector', 'symbol')",
            name=op.f("ck_prediction_performance_segment_kind"),
        ),
        schema=_SCHEMA,
    )
    op.create_table(
        "forecast_decisions",
        sa.Column("universe", _C, nullable=False),
        sa.Column("kind", _C, nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("horizon", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", JSONB(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("recorded_at", _UTC, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("universe", "kind", "as_of", "horizon", name="pk_forecast_decisions"),
        sa.CheckConstraint("kind IN ('weights', 'champion')", name=op.f("ck_forecast_decisions_kind")),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; forecasts and their scores are gone."""
    for table in _TABLES:
        op.drop_table(table, schema=_SCHEMA)
