"""The copper curve, stocks of the LME, and bars of prices that have no range."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_C = sa.Text(collation="C")
_SANE = (
    "close > 0 AND close < 'Infinity' AND volume >= 0 AND (num_nulls(open, high, low) = 3 OR coalesce(low > 0 "
    "AND low <= LEAST(open, close) AND high >= GREATEST(open, close) AND high < 'Infinity', false))"
)
_WAS_SANE = (
    "low > 0 AND low <= LEAST(open, close) AND high >= GREATEST(open, close) "
    "AND high < 'Infinity' AND volume >= 0"
)


def upgrade() -> None:
    """Goes forward."""
    for name in ("open", "high", "low"):
        op.alter_column("price_bars", name, nullable=True, schema=_SCHEMA)
    op.drop_constraint(op.f("ck_price_bars_sane"), "price_bars", schema=_SCHEMA)
    op.create_check_constraint(op.f("ck_price_bars_sane"), "price_bars", _SANE, schema=_SCHEMA)
    op.create_table(
        "lme_copper_futures",
        sa.Column("contract", _C, nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("tenor", _C, nullable=False),
        sa.Column("price", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("usd_per_tonne", sa.Double()),
        sa.Column("volume", sa.BigInteger()),
        sa.Column("expires", sa.Date()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("contract", "session", name="pk_lme_copper_futures"),
        sa.CheckConstraint("price > 0 AND price < 'Infinity'", name=op.f("ck_lme_copper_futures_price")),
        schema=_SCHEMA,
    )
    op.create_index("idx_lme_copper_futures_session", "lme_copper_futures", ["session"], schema=_SCHEMA)
    op.create_table(
        "lme_copper_stocks",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("tonnes", sa.Double(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_lme_copper_stocks"),
        sa.CheckConstraint("tonnes >= 0", name=op.f("ck_lme_copper_stocks_tonnes")),
        schema=_SCHEMA,
    )
    op.create_table(
        "quarantined_copper_quotes",
        sa.Column("source", _C, nullable=False),
        sa.Column("place", _C, nullable=False),
        sa.Column("contract", _C, nullable=False),
        sa.Column("rule", _C, nullable=False),
        sa.Column("price", sa.Double()),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            *("source", "place", "contract", "rule"), name="pk_quarantined_copper_quotes"
        ),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; the curve is gone, and with it every bar without a range."""
    for table in ("quarantined_copper_quotes", "lme_copper_stocks", "lme_copper_futures"):
        op.drop_table(table, schema=_SCHEMA)
    op.execute("DELETE FROM miraikakaku.price_bars WHERE open IS NULL")
    op.drop_constraint(op.f("ck_price_bars_sane"), "price_bars", schema=_SCHEMA)
    op.create_check_constraint(op.f("ck_price_bars_sane"), "price_bars", _WAS_SANE, schema=_SCHEMA)
    for name in ("open", "high", "low"):
        op.alter_column("price_bars", name, nullable=False, schema=_SCHEMA)
