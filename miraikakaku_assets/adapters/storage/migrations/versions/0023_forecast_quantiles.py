"""Nine quantiles of every forecast; null in those from before."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward; the quantiles of the rows that are there stay null."""
    op.add_column("daily_predictions", sa.Column("quantiles", sa.ARRAY(sa.REAL())), schema=_SCHEMA)
    op.create_check_constraint(
        op.f("ck_daily_predictions_quantiles"),
        "daily_predictions",
        "quantiles IS NULL OR (reason IS NULL AND cardinality(quantiles) = 9"
        " AND array_position(quantiles, NULL) IS NULL)",
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; quantiles are forgotten, points and bands stay."""
    op.drop_constraint(op.f("ck_daily_predictions_quantiles"), "daily_predictions", schema=_SCHEMA)
    op.drop_column("daily_predictions", "quantiles", schema=_SCHEMA)
