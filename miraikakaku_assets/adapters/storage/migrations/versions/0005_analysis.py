"""aggregated bars with their origin, indicators, pattern signals, alerts and the outbox of notifications."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_UTC = sa.DateTime(timezone=True)
_C = sa.Text(collation="C")
_INDICATORS = (
    *("rsi_14", "macd", "macd_signal", "macd_histogram", "bb_middle", "bb_upper", "bb_lower", "atr_14"),
    *("sma_5", "sma_25", "sma_75", "sma_200", "ema_5", "ema_25", "ema_75", "ema_200"),
    *("stoch_k", "stoch_d", "adx_14", "plus_di_14", "minus_di_14", "obv"),
)
_TABLES = (
    "notification_channels",
    "notification_outbox",
    "alerts",
    "cycle_log",
    "pattern_signals",
    "technical_indicators",
    "analysis_state",
)


def upgrade() -> None:
    """Goes forward; every bar that is there is marked as not analysed yet."""
    for column in (
        sa.Column("built_from", sa.Text()),
        sa.Column("parts", sa.Integer()),
        sa.Column("expected_parts", sa.Integer()),
    ):
        op.add_column("price_bars", column, schema=_SCHEMA)
    _derived()
    _messages()
    op.execute(
        """INSERT INTO miraikakaku.analysis_state (instrument_id, timeframe, changed_since)
           SELECT i.id, t.timeframe, oldest.ts
           FROM miraikakaku.instruments i CROSS JOIN (VALUES ('1d'), ('5m')) AS t(timeframe)
           CROSS JOIN LATERAL (
               SELECT ts FROM miraikakaku.price_bars b
               WHERE b.instrument_id = i.id AND b.timeframe = t.timeframe ORDER BY ts LIMIT 1
           ) oldest"""
    )


def _derived() -> None:
    op.create_table(
        "analysis_state",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", _C, nullable=False),
        sa.Column("changed_since", _UTC),
        sa.Column("revision", sa.BigInteger(), nullable=False, server_default=sa.text("1")),
        sa.Column("open_since", _UTC),
        sa.Column("settles_at", _UTC),
        sa.Column("basis", sa.Text()),
        sa.Column("definition", sa.Text()),
        sa.Column("analyzed_at", _UTC),
        sa.PrimaryKeyConstraint("instrument_id", "timeframe", name="pk_analysis_state"),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_analysis_state_due",
        "analysis_state",
        ["timeframe"],
        schema=_SCHEMA,
        postgresql_where=sa.text("changed_since IS NOT NULL"),
    )
    op.create_table(
        "technical_indicators",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", _C, nullable=False),
        sa.Column("ts", _UTC, nullable=False),
        *(sa.Column(name, sa.Double()) for name in _INDICATORS),
        sa.PrimaryKeyConstraint("instrument_id", "timeframe", "ts", name="pk_technical_indicators"),
        schema=_SCHEMA,
    )
    op.create_table(
        "pattern_signals",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("definition", _C, nullable=False),
        sa.Column("pattern", _C, nullable=False),
        sa.Column("direction", _C, nullable=False),
        sa.Column("ts", _UTC, nullable=False),
        sa.Column("at", _UTC, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_ja", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("track_record", JSONB()),
        sa.Column("take_profit_pips", sa.Integer()),
        sa.Column("stop_pips", sa.Integer()),
        sa.Column("detected_at", _UTC, nullable=False),
        sa.PrimaryKeyConstraint(
            "instrument_id", "definition", "pattern", "direction", "ts", name="pk_pattern_signals"
        ),
        schema=_SCHEMA,
    )
    op.create_index("idx_pattern_signals_at", "pattern_signals", ["at"], schema=_SCHEMA)


def _messages() -> None:
    op.create_table(
        "cycle_log",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("started_at", _UTC, nullable=False),
        sa.Column("ended_at", _UTC),
        *(
            sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))
            for name in ("symbols", "succeeded", "bars", "indicators", "signals")
        ),
        sa.Column("error", sa.Text()),
        sa.UniqueConstraint("run_id", name="uq_cycle_log_run_id"),
        schema=_SCHEMA,
    )
    op.create_index("idx_cycle_log_universe", "cycle_log", ["universe", "started_at"], schema=_SCHEMA)
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("universe", sa.Text()),
        sa.Column("symbol", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("details", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("raised_at", _UTC, nullable=False),
        sa.Column("last_seen_at", _UTC, nullable=False),
        sa.Column("occurrences", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("resolved_at", _UTC),
        sa.CheckConstraint("severity IN ('INFO', 'WARNING', 'CRITICAL')", name=op.f("ck_alerts_severity")),
        schema=_SCHEMA,
    )
    op.create_index(
        "uq_alerts_standing",
        "alerts",
        ["key"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("idx_alerts_raised", "alerts", ["raised_at"], schema=_SCHEMA)
    op.create_index("idx_alerts_key", "alerts", ["key"], schema=_SCHEMA)
    op.create_table(
        "notification_outbox",
        sa.Column(
            "alert_id",
            sa.Integer(),
            sa.ForeignKey(f"{_SCHEMA}.alerts.id", ondelete="CASCADE", name="fk_notification_outbox_alert_id"),
            nullable=False,
        ),
        sa.Column("channel", _C, nullable=False),
        sa.Column("due_at", _UTC, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("last_error", sa.Text()),
        sa.Column("delivered_at", _UTC),
        sa.Column("created_at", _UTC, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("alert_id", "channel", name="pk_notification_outbox"),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_notification_outbox_due",
        "notification_outbox",
        ["due_at"],
        schema=_SCHEMA,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "notification_channels",
        sa.Column("channel", _C, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("paused_until", _UTC),
        sa.Column("last_error", sa.Text()),
        sa.Column("delivered_at", _UTC),
        sa.PrimaryKeyConstraint("channel", name="pk_notification_channels"),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; what was derived is gone, collected bars stay."""
    for table in _TABLES:
        op.drop_table(table, schema=_SCHEMA)
    op.execute("DELETE FROM miraikakaku.price_bars WHERE built_from IS NOT NULL")
    for column in ("expected_parts", "parts", "built_from"):
        op.drop_column("price_bars", column, schema=_SCHEMA)
