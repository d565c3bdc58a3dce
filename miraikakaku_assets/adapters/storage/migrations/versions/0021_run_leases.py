"""Which worker does which run, and when it last said so."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "run_leases",
        sa.Column("run_id", sa.Text(collation="C"), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_leases")),
        schema=_SCHEMA,
    )
    op.create_index("idx_run_leases_renewed_at", "run_leases", ["renewed_at"], schema=_SCHEMA)


def downgrade() -> None:
    """Goes back; runs that workers do at that moment are lost and repeated."""
    op.drop_table("run_leases", schema=_SCHEMA)
