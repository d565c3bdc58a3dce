"""ledger of collections, restated histories, refused corporate actions."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def _utc(name: str, *, nullable: bool = True, now: bool = False) -> sa.Column[datetime]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable and not now, server_default=default)


def _count(name: str, kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column(name, kind(), server_default=sa.text("0"), nullable=False)


def _batch() -> sa.Column[int]:
    return sa.Column("batch_execution_id", sa.Integer(), nullable=False)


def _belongs_to_batch(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["batch_execution_id"],
        [f"{_SCHEMA}.batch_executions.id"],
        name=op.f(f"fk_{table}_batch_execution_id"),
    )


def upgrade() -> None:
    """Goes forward."""
    for column in (
        sa.Column("since", sa.Date()),
        sa.Column("until", sa.Date()),
        sa.Column("scope", sa.Text(), server_default=sa.text("''"), nullable=False),
        _count("requests", sa.BigInteger),
        sa.Column("error_class", sa.Text()),
        _utc("resume_at"),
    ):
        op.add_column("batch_executions", column, schema=_SCHEMA)
    op.add_column("batch_execution_details", _utc("start_time"), schema=_SCHEMA)
    op.add_column("corporate_actions", sa.Column("flag", sa.Text()), schema=_SCHEMA)
    _create_log()
    _create_progress()
    op.create_table(
        "collection_state",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("complete_from", sa.Date(), nullable=False),
        _utc("checked_at", nullable=False),
        sa.PrimaryKeyConstraint("instrument_id", "timeframe", name=op.f("pk_collection_state")),
        schema=_SCHEMA,
    )
    _create_restatements()
    op.create_table(
        "quarantined_actions",
        sa.Column("symbol", sa.Text(collation="C"), nullable=False),
        sa.Column("ex_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(collation="C"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("source", sa.Text(), nullable=False),
        _utc("first_seen_at", nullable=False),
        _utc("last_seen_at", nullable=False),
        sa.PrimaryKeyConstraint("symbol", "ex_date", "kind", "rule", name=op.f("pk_quarantined_actions")),
        schema=_SCHEMA,
    )


def _create_log() -> None:
    op.create_table(
        "data_collection_log",
        _batch(),
        sa.Column("run_id", sa.Text()),
        sa.Column("symbol", sa.Text(collation="C"), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.Date()),
        sa.Column("until", sa.Date()),
        _count("requests"),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        _count("rows_read"),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text()),
        _utc("logged_at", now=True),
        _belongs_to_batch("data_collection_log"),
        sa.PrimaryKeyConstraint(
            "batch_execution_id", "symbol", "timeframe", name=op.f("pk_data_collection_log")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_data_collection_log_symbol",
        "data_collection_log",
        ["symbol", "timeframe", "logged_at"],
        schema=_SCHEMA,
    )


def _create_progress() -> None:
    op.create_table(
        "run_progress",
        _batch(),
        sa.Column("run_id", sa.Text()),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        _count("settled"),
        _count("processed"),
        _count("successful"),
        _count("failed"),
        _count("records", sa.BigInteger),
        sa.Column("percentage", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("symbols_per_minute", sa.Double()),
        sa.Column("records_per_minute", sa.Double()),
        _utc("estimated_completion"),
        sa.Column("current_symbols", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        _utc("updated_at", now=True),
        _belongs_to_batch("run_progress"),
        sa.PrimaryKeyConstraint("batch_execution_id", name=op.f("pk_run_progress")),
        schema=_SCHEMA,
    )
    op.create_index("idx_run_progress_run", "run_progress", ["run_id"], schema=_SCHEMA)


def _create_restatements() -> None:
    op.create_table(
        "restatements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ex_date", sa.Date()),
        sa.Column("factor", sa.Double()),
        sa.Column("first_session", sa.Date(), nullable=False),
        sa.Column("shown_session", sa.Date()),
        sa.Column("bars", sa.Integer(), nullable=False),
        sa.Column("old_close", sa.Double()),
        sa.Column("new_close", sa.Double()),
        _utc("detected_at", nullable=False),
        _utc("settled_at"),
        sa.CheckConstraint("reason IN ('split', 'scale')", name=op.f("ck_restatements_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restatements")),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_restatements_instrument", "restatements", ["instrument_id", "timeframe"], schema=_SCHEMA
    )


def downgrade() -> None:
    """Goes back."""
    for table in (
        "quarantined_actions",
        "restatements",
        "collection_state",
        "run_progress",
        "data_collection_log",
    ):
        op.drop_table(table, schema=_SCHEMA)
    op.drop_column("corporate_actions", "flag", schema=_SCHEMA)
    op.drop_column("batch_execution_details", "start_time", schema=_SCHEMA)
    for column in ("resume_at", "error_class", "requests", "scope", "until", "since"):
        op.drop_column("batch_executions", column, schema=_SCHEMA)
