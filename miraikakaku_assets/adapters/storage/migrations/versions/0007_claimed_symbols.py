"""which symbols a collection at work fetches, so that a second one leaves them to it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    op.add_column(
        "run_progress",
        sa.Column("claimed", ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back."""
    op.drop_column("run_progress", "claimed", schema=_SCHEMA)
