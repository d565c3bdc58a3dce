"""Account of backups, searches for damage, and daily figures of rows that are gone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "backups",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("seconds", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("kind IN ('scheduled', 'manual', 'before_restore')", name=op.f("ck_backups_kind")),
        sa.CheckConstraint(
            "status IN ('running', 'good', 'unverified', 'failed', 'interrupted')",
            name=op.f("ck_backups_status"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_backups")),
        schema=_SCHEMA,
    )
    op.create_index("idx_backups_started", "backups", ["started_at"], schema=_SCHEMA)
    op.create_table(
        "integrity_checks",
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("checksums", sa.Boolean(), nullable=False),
        sa.Column("checksum_failures", sa.BigInteger(), nullable=False),
        sa.Column("relations", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("damaged", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("checked_at", name=op.f("pk_integrity_checks")),
        schema=_SCHEMA,
    )
    op.create_table(
        "daily_figures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("sum", sa.Numeric(), nullable=False),
        sa.Column("min", sa.Double()),
        sa.Column("max", sa.Double()),
        sa.PrimaryKeyConstraint("day", "subject", "figure", name=op.f("pk_daily_figures")),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; the folders of backups stay."""
    for table in ("daily_figures", "integrity_checks", "backups"):
        op.drop_table(table, schema=_SCHEMA)
