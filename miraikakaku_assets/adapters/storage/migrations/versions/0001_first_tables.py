"""first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "batch_executions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_type", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("total_stocks", sa.Integer(), nullable=False),
        sa.Column("processed_stocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("successful_stocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_stocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_inserted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_restated", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_unchanged", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_quarantined", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("start_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('running', 'completed', 'failed', 'paused')", name=op.f("ck_batch_executions_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_executions")),
        schema="miraikakaku",
    )
    op.create_index(
        "idx_batch_executions_run", "batch_executions", ["run_id"], unique=False, schema="miraikakaku"
    )
    op.create_index(
        "idx_batch_executions_status", "batch_executions", ["status"], unique=False, schema="miraikakaku"
    )
    op.create_table(
        "corporate_actions",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("ex_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('dividend', 'split')", name=op.f("ck_corporate_actions_kind")),
        sa.PrimaryKeyConstraint("instrument_id", "ex_date", "kind", name=op.f("pk_corporate_actions")),
        schema="miraikakaku",
    )
    op.create_table(
        "coverage_gaps",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instrument_id", "timeframe", "session", name=op.f("pk_coverage_gaps")),
        schema="miraikakaku",
    )
    op.create_table(
        "coverage_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("denominator", sa.Text(), nullable=False),
        sa.Column("window_start", sa.Date(), nullable=False),
        sa.Column("window_end", sa.Date(), nullable=False),
        sa.Column("instruments", sa.Integer(), nullable=False),
        sa.Column("complete_instruments", sa.Integer(), nullable=False),
        sa.Column("empty_instruments", sa.Integer(), nullable=False),
        sa.Column("expected_bars", sa.BigInteger(), nullable=False),
        sa.Column("stored_bars", sa.BigInteger(), nullable=False),
        sa.Column("coverage", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("report_file", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_reports")),
        sa.UniqueConstraint(
            "checked_at", "universe", "timeframe", "segment", name="uq_coverage_reports_check"
        ),
        schema="miraikakaku",
    )
    op.create_table(
        "instruments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price_unit", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instruments")),
        sa.UniqueConstraint("symbol", name=op.f("uq_instruments_symbol")),
        schema="miraikakaku",
    )
    op.create_index(
        op.f("ix_instruments_universe"), "instruments", ["universe"], unique=False, schema="miraikakaku"
    )
    op.create_table(
        "price_bars",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("flag", sa.Text(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "low > 0 AND low <= LEAST(open, close) AND high >= GREATEST(open, close)"
            " AND high < 'Infinity' AND volume >= 0",
            name=op.f("ck_price_bars_sane"),
        ),
        sa.PrimaryKeyConstraint("instrument_id", "timeframe", "ts", name=op.f("pk_price_bars")),
        schema="miraikakaku",
    )
    op.create_table(
        "quarantined_bars",
        sa.Column("symbol", sa.Text(collation="C"), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule", sa.Text(collation="C"), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("open", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("close", sa.Double(), nullable=True),
        sa.Column("volume", sa.Double(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint(
            "symbol", "timeframe", "ts", "rule", "occurrence", name=op.f("pk_quarantined_bars")
        ),
        schema="miraikakaku",
    )
    op.create_index(
        "idx_quarantined_bars_instrument",
        "quarantined_bars",
        ["instrument_id", "timeframe", "ts"],
        unique=False,
        schema="miraikakaku",
    )
    op.create_table(
        "rate_limits",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_free", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rate_limits")),
        schema="miraikakaku",
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "stock_master_updates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("update_type", sa.String(length=20), nullable=False),
        sa.Column("total_stocks", sa.Integer(), nullable=False),
        sa.Column("added_stocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_stocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("removed_stocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned_stocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged_stocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("list_date", sa.Date(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("stored_file", sa.Text(), nullable=True),
        sa.Column("accepted_mass_change", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('success', 'quarantined', 'failed')", name=op.f("ck_stock_master_updates_status")
        ),
        sa.CheckConstraint(
            "update_type IN ('manual', 'scheduled')", name=op.f("ck_stock_master_updates_update_type")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_master_updates")),
        schema="miraikakaku",
    )
    op.create_table(
        "batch_execution_details",
        sa.Column("batch_execution_id", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.Text(collation="C"), nullable=False),
        sa.Column("stock_code", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("rows_read", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("records_inserted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("records_restated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("records_quarantined", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_execution_id"],
            ["miraikakaku.batch_executions.id"],
            name=op.f("fk_batch_execution_details_batch_execution_id"),
        ),
        sa.PrimaryKeyConstraint("batch_execution_id", "symbol", name=op.f("pk_batch_execution_details")),
        schema="miraikakaku",
    )
    op.create_index(
        "idx_batch_execution_details_status",
        "batch_execution_details",
        ["status"],
        unique=False,
        schema="miraikakaku",
    )
    op.create_index(
        "idx_batch_execution_details_symbol",
        "batch_execution_details",
        ["symbol", "batch_execution_id"],
        unique=False,
        schema="miraikakaku",
    )
    op.create_table(
        "stock_master",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("stock_code", sa.String(length=10), nullable=False),
        sa.Column("stock_name", sa.String(length=200), nullable=False),
        sa.Column("market_category", sa.String(length=100), nullable=True),
        sa.Column("security_type", sa.Text(), nullable=False),
        sa.Column("sector", sa.String(length=100), nullable=True),
        sa.Column("sector33_code", sa.String(length=10), nullable=True),
        sa.Column("sector17_code", sa.String(length=10), nullable=True),
        sa.Column("sector17", sa.String(length=100), nullable=True),
        sa.Column("size_code", sa.String(length=10), nullable=True),
        sa.Column("size_category", sa.String(length=50), nullable=True),
        sa.Column("yahoo_symbol", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'listed'"), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("delisted_on", sa.Date(), nullable=True),
        sa.Column("first_list_date", sa.Date(), nullable=False),
        sa.Column("last_list_date", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["miraikakaku.instruments.id"], name=op.f("fk_stock_master_instrument_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_master")),
        sa.UniqueConstraint("universe", "stock_code", name="uq_stock_master_universe_code"),
        schema="miraikakaku",
    )
    op.create_index(
        "idx_stock_master_active", "stock_master", ["is_active"], unique=False, schema="miraikakaku"
    )
    op.create_index(
        "idx_stock_master_code", "stock_master", ["stock_code"], unique=False, schema="miraikakaku"
    )


def downgrade() -> None:
    """Goes back."""
    op.drop_index("idx_stock_master_code", table_name="stock_master", schema="miraikakaku")
    op.drop_index("idx_stock_master_active", table_name="stock_master", schema="miraikakaku")
    op.drop_table("stock_master", schema="miraikakaku")
    op.drop_index(
        "idx_batch_execution_details_symbol", table_name="batch_execution_details", schema="miraikakaku"
    )
    op.drop_index(
        "idx_batch_execution_details_status", table_name="batch_execution_details", schema="miraikakaku"
    )
    op.drop_table("batch_execution_details", schema="miraikakaku")
    op.drop_table("stock_master_updates", schema="miraikakaku")
    op.drop_table("rate_limits", schema="miraikakaku")
    op.drop_index("idx_quarantined_bars_instrument", table_name="quarantined_bars", schema="miraikakaku")
    op.drop_table("quarantined_bars", schema="miraikakaku")
    op.drop_table("price_bars", schema="miraikakaku")
    op.drop_index(op.f("ix_instruments_universe"), table_name="instruments", schema="miraikakaku")
    op.drop_table("instruments", schema="miraikakaku")
    op.drop_table("coverage_reports", schema="miraikakaku")
    op.drop_table("coverage_gaps", schema="miraikakaku")
    op.drop_table("corporate_actions", schema="miraikakaku")
    op.drop_index("idx_batch_executions_status", table_name="batch_executions", schema="miraikakaku")
    op.drop_index("idx_batch_executions_run", table_name="batch_executions", schema="miraikakaku")
    op.drop_table("batch_executions", schema="miraikakaku")
