"""What runs report of their stages, for whoever has started them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "stage_reports",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("report", JSONB(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "universe", "stage", name=op.f("pk_stage_reports")),
        schema=_SCHEMA,
    )
    op.create_index("idx_stage_reports_stored_at", "stage_reports", ["stored_at"], schema=_SCHEMA)


def downgrade() -> None:
    """Goes back; commands that wait for a run get no report of it."""
    op.drop_table("stage_reports", schema=_SCHEMA)
