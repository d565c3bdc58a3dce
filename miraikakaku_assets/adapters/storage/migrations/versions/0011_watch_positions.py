"""Up to where each watcher has read what the orchestrator wrote."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "watch_positions",
        sa.Column("watcher", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("watcher", name=op.f("pk_watch_positions")),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; watchers begin with the newest runs again."""
    op.drop_table("watch_positions", schema=_SCHEMA)
