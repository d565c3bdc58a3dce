"""names as long as Nasdaq prints them, and what an update left out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    # 255 characters are Nasdaq's limit of the column; its longest name of 2016 has 254, JPX's longest fewer than 100.
    op.alter_column(
        "stock_master", "stock_name", type_=sa.String(255), existing_nullable=False, schema=_SCHEMA
    )
    op.add_column("stock_master_updates", sa.Column("counts", JSONB()), schema=_SCHEMA)


def downgrade() -> None:
    """Goes back; longer names are cut."""
    op.drop_column("stock_master_updates", "counts", schema=_SCHEMA)
    op.alter_column(
        "stock_master",
        "stock_name",
        type_=sa.String(200),
        existing_nullable=False,
        schema=_SCHEMA,
        postgresql_using="left(stock_name, 200)",
    )
