"""Findings of the security scan."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "security_findings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("first_seen_at", _UTC, nullable=False),
        sa.Column("last_seen_at", _UTC, nullable=False),
        sa.Column("resolved_at", _UTC, nullable=True),
        sa.Column("accepted_reason", sa.Text(), nullable=True),
        sa.Column("accepted_at", _UTC, nullable=True),
        sa.Column("accepted_until", _UTC, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_findings")),
        sa.CheckConstraint(
            "level IN ('low', 'medium', 'high', 'critical')", name=op.f("ck_security_findings_level")
        ),
        sa.CheckConstraint(
            "num_nulls(accepted_reason, accepted_at, accepted_until) IN (0, 3)",
            name=op.f("ck_security_findings_accepted"),
        ),
        schema=_SCHEMA,
    )
    op.create_index("idx_security_findings_kind", "security_findings", ["kind"], schema=_SCHEMA)
    op.create_table(
        "security_scans",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("scanned_at", _UTC, nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("used", sa.Text(), nullable=False),
        sa.Column("examined", sa.Integer(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_scans")),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_security_scans_check", "security_scans", ["check", sa.text("scanned_at DESC")], schema=_SCHEMA
    )


def downgrade() -> None:
    """Goes back; what somebody has accepted is forgotten."""
    op.drop_table("security_scans", schema=_SCHEMA)
    op.drop_table("security_findings", schema=_SCHEMA)
