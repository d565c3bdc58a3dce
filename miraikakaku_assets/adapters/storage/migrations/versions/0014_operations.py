"""Heartbeats of services, samples of health checks, reviews of performance and what they did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    _heartbeats_and_samples()
    op.create_table(
        "performance_reviews",
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("reviewed_at", name=op.f("pk_performance_reviews")),
        schema=_SCHEMA,
    )
    op.create_table(
        "performance_remedies",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", JSONB(), nullable=False),
        sa.Column("after", JSONB()),
        sa.Column("error", sa.Text()),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_performance_remedies")),
        sa.CheckConstraint(
            "state IN ('begun', 'applied', 'failed', 'proposed')", name=op.f("ck_performance_remedies_state")
        ),
        schema=_SCHEMA,
    )
    op.create_index("idx_performance_remedies_last_at", "performance_remedies", ["last_at"], schema=_SCHEMA)
    op.create_index(
        "idx_performance_remedies_proposed",
        "performance_remedies",
        ["kind", "target"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("state = 'proposed'"),
    )


def _heartbeats_and_samples() -> None:
    op.create_table(
        "service_heartbeats",
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("host", sa.Text(collation="C"), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("health_path", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("service", "host", name=op.f("pk_service_heartbeats")),
        sa.CheckConstraint(
            "state IN ('running', 'restarting', 'stopped')", name=op.f("ck_service_heartbeats_state")
        ),
        schema=_SCHEMA,
    )
    op.create_table(
        "system_metrics",
        sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resource", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sampled_at", "resource", name=op.f("pk_system_metrics")),
        sa.CheckConstraint(
            "level IN ('unknown', 'normal', 'caution', 'danger')", name=op.f("ck_system_metrics_level")
        ),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; heartbeats, samples and the account of reviews are lost."""
    for table in ("performance_remedies", "performance_reviews", "system_metrics", "service_heartbeats"):
        op.drop_table(table, schema=_SCHEMA)
