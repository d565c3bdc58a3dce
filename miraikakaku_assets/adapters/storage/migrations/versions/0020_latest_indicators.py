"""The newest indicators of every instrument, and an index by which a market is ranked by its forecasts."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_CHANGES = (1, 5, 20, 250)
_INDICATORS = (
    *("rsi_14", "macd", "macd_signal", "macd_histogram", "bb_upper", "bb_middle", "bb_lower", "atr_14"),
    *("sma_5", "sma_25", "sma_75", "sma_200", "ema_5", "ema_25", "ema_75", "ema_200"),
    *("stoch_k", "stoch_d", "adx_14", "plus_di_14", "minus_di_14", "obv"),
)
_FIGURES = (*(f"change_{bars}" for bars in _CHANGES), "turnover_20", "high_250", "low_250", *_INDICATORS)


def upgrade() -> None:
    """Goes forward; what is analysed already is filled in."""
    op.create_table(
        "latest_indicators",
        sa.Column("instrument_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Double()) for name in _FIGURES),
        sa.PrimaryKeyConstraint("instrument_id", name="pk_latest_indicators"),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_daily_predictions_ensemble",
        "daily_predictions",
        ["as_of", "horizon", "instrument_id"],
        schema=_SCHEMA,
        postgresql_where=sa.text("model = 'ensemble'"),
    )
    changes = ", ".join(f"past.closes[1] / past.closes[{bars + 1}] - 1" for bars in _CHANGES)
    op.execute(
        f"""INSERT INTO miraikakaku.latest_indicators (instrument_id, ts, close, volume, {", ".join(_FIGURES)})
            SELECT i.id, newest.ts, past.closes[1], past.volume, {changes}, past.turnover, past.high, past.low,
                   {", ".join(f"newest.{name}" for name in _INDICATORS)}
            FROM miraikakaku.instruments i
            CROSS JOIN LATERAL (
                SELECT * FROM miraikakaku.technical_indicators t
                WHERE t.instrument_id = i.id AND t.timeframe = '1d' ORDER BY t.ts DESC LIMIT 1) newest
            CROSS JOIN LATERAL (
                SELECT array_agg(close ORDER BY place) AS closes, max(volume) FILTER (WHERE place = 1) AS volume,
                       avg(close * volume) FILTER (WHERE place <= 20) AS turnover,
                       max(high) FILTER (WHERE place <= 250) AS high, min(low) FILTER (WHERE place <= 250) AS low
                FROM (SELECT high, low, close, volume, row_number() OVER (ORDER BY b.ts DESC) AS place
                      FROM miraikakaku.price_bars b
                      WHERE b.instrument_id = i.id AND b.timeframe = '1d' AND b.ts <= newest.ts
                      ORDER BY b.ts DESC LIMIT 251) AS bars) past
            WHERE past.closes IS NOT NULL"""
    )


def downgrade() -> None:
    """Goes back; both can be made anew."""
    op.drop_index("idx_daily_predictions_ensemble", table_name="daily_predictions", schema=_SCHEMA)
    op.drop_table("latest_indicators", schema=_SCHEMA)
