"""forecasts of the morning beside those of the evening, and which inputs each had."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_KEYS = {
    "daily_predictions": ("as_of", "clock", "instrument_id", "horizon", "model"),
    "days_to_score": ("universe", "target", "clock"),
    "prediction_performance": (
        *("universe", "clock", "segment_kind", "window_origins", "until", "segment", "model", "horizon"),
    ),
    "forecast_decisions": ("universe", "clock", "kind", "as_of", "horizon"),
}


def upgrade() -> None:
    """Goes forward; what is there was made in the evening."""
    for table, key in _KEYS.items():
        clock = sa.Column(
            "clock", sa.Text(collation="C"), nullable=False, server_default=sa.text("'evening'")
        )
        op.add_column(table, clock, schema=_SCHEMA)
        op.create_check_constraint(
            op.f(f"ck_{table}_clock"), table, "clock IN ('evening', 'morning')", schema=_SCHEMA
        )
        _set_key(table, key)
    op.add_column("daily_predictions", sa.Column("inputs", sa.Text()), schema=_SCHEMA)


def downgrade() -> None:
    """Goes back; forecasts of the morning and their scores are gone."""
    op.drop_column("daily_predictions", "inputs", schema=_SCHEMA)
    for table, key in _KEYS.items():
        op.execute(f"DELETE FROM {_SCHEMA}.{table} WHERE clock <> 'evening'")
        _set_key(table, tuple(name for name in key if name != "clock"))
        op.drop_constraint(op.f(f"ck_{table}_clock"), table, schema=_SCHEMA)
        op.drop_column(table, "clock", schema=_SCHEMA)


def _set_key(table: str, key: tuple[str, ...]) -> None:
    name = op.f(f"pk_{table}")
    op.drop_constraint(name, table, schema=_SCHEMA)
    op.create_primary_key(name, table, list(key), schema=_SCHEMA)
