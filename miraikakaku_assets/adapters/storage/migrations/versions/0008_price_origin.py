"""Where the prices of a database come from: simulated and real ones never meet."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "price_origin",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("exchange", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("demo", JSONB(), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_origin")),
        sa.CheckConstraint("id = 1", name=op.f("ck_price_origin_one")),
        sa.CheckConstraint(
            "simulated OR (exchange = '' AND demo IS NULL)", name=op.f("ck_price_origin_described")
        ),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; nothing keeps simulated and real prices apart any more."""
    op.drop_table("price_origin", schema=_SCHEMA)
