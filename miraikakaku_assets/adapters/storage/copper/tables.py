"""Tables of the copper curve."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Double,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from miraikakaku_assets.adapters.storage.tables import metadata, utc

__all__ = ["metadata"]

lme_copper_futures = Table(
    "lme_copper_futures",
    metadata,
    Column(
        "contract", Text(collation="C"), nullable=False
    ),  # LME-CU-CASH, LME-CU-3M, HGZ26.CMX, or a file's name
    Column("session", Date, nullable=False),  # exchange date
    Column("tenor", Text(collation="C"), nullable=False),  # cash, 3M, or the month of delivery
    Column("price", Double, nullable=False),  # as quoted
    Column("unit", Text, nullable=False),  # USD/t, USD/lb, cents/lb or CNY/t
    Column("usd_per_tonne", Double),  # null in yuan
    Column("volume", BigInteger),  # contracts; null of official prices
    Column("expires", Date),  # last trading day; null of the LME's tenors
    Column("source", Text, nullable=False),
    utc("known_at", nullable=False),
    utc("fetched_at", nullable=False),
    PrimaryKeyConstraint("contract", "session"),
    CheckConstraint("price > 0 AND price < 'Infinity'", name="price"),
    Index("idx_lme_copper_futures_session", "session"),
)

lme_copper_stocks = Table(
    "lme_copper_stocks",
    metadata,
    Column("session", Date, primary_key=True),
    Column("tonnes", Double, nullable=False),
    Column("source", Text, nullable=False),
    utc("known_at", nullable=False),
    utc("fetched_at", nullable=False),
    CheckConstraint("tonnes >= 0", name="tonnes"),
)

quarantined_copper_quotes = Table(
    "quarantined_copper_quotes",
    metadata,
    Column("source", Text(collation="C"), nullable=False),
    Column("place", Text(collation="C"), nullable=False),  # the session, or the row of one without a date
    Column("contract", Text(collation="C"), nullable=False),
    Column("rule", Text(collation="C"), nullable=False),
    Column("price", Double),
    Column("unit", Text, nullable=False),
    Column("detail", Text, nullable=False),
    utc("first_seen_at", nullable=False),
    utc("last_seen_at", nullable=False),
    PrimaryKeyConstraint("source", "place", "contract", "rule"),
)
