"""The request rate learns from refusals; probes of the sources.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-21
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UTC = sa.DateTime(timezone=True)


def _state() -> list[sa.Column[Any]]:
    zero = sa.text("0")
    return [
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("rate_since", _UTC, nullable=True),
        sa.Column("blocked_until", _UTC, nullable=True),
        sa.Column("blocks", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("refusals", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("events", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("paused_until", _UTC, nullable=True),
        sa.Column("pause_seconds", sa.Double(), nullable=True),
        sa.Column("trial_until", _UTC, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), server_default=sa.text("'granted'"), nullable=False),
        sa.Column("leaves_at", _UTC, nullable=True),
    ]


def upgrade() -> None:
    """Goes forward."""
    for column in _state():
        op.add_column("rate_limits", column, schema="miraikakaku")
    op.create_table(
        "source_probes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("probed_at", _UTC, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("requests", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("newest_session", sa.Date(), nullable=True),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_probes")),
        sa.UniqueConstraint("source", "probed_at", "symbol", name="uq_source_probes_round"),
        schema="miraikakaku",
    )


def downgrade() -> None:
    """Goes back."""
    op.drop_table("source_probes", schema="miraikakaku")
    for column in reversed(_state()):
        op.drop_column("rate_limits", column.name, schema="miraikakaku")
