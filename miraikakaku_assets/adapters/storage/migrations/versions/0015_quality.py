"""What checks of stored data have found, and days that are announced as unusual."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_C = sa.Text(collation="C")


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "quality_results",
        sa.Column("universe", _C, nullable=False),
        sa.Column("batch", sa.Date(), nullable=False),
        sa.Column("suite", _C, nullable=False),
        sa.Column("rule", _C, nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("exceptions", sa.BigInteger(), nullable=False),
        sa.Column("tolerated", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("worst", JSONB(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("universe", "batch", "suite", "rule", name="pk_quality_results"),
        sa.CheckConstraint(
            "state IN ('passed', 'failed', 'empty', 'training', 'expected')",
            name=op.f("ck_quality_results_state"),
        ),
        schema=_SCHEMA,
    )
    op.create_table(
        "quality_findings",
        sa.Column("universe", _C, nullable=False),
        sa.Column("batch", sa.Date(), nullable=False),
        sa.Column("suite", _C, nullable=False),
        sa.Column("rule", _C, nullable=False),
        sa.Column("symbol", _C, nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            *("universe", "batch", "suite", "rule", "symbol", "session"), name="pk_quality_findings"
        ),
        schema=_SCHEMA,
    )
    op.create_table(
        "expected_days",
        sa.Column("universe", _C, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("universe", "day", name="pk_expected_days"),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; what was found and announced is gone."""
    for table in ("expected_days", "quality_findings", "quality_results"):
        op.drop_table(table, schema=_SCHEMA)
