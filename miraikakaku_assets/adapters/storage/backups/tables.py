"""Tables about operations: backups, searches for damage, and figures of days whose rows are gone."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.forecasts.tables import metadata
from miraikakaku_assets.adapters.storage.tables import utc

__all__ = ["metadata"]

# What was tried; what can be restored is said by the folders, also when this database is lost.
backups = Table(
    "backups",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    utc("started_at", nullable=False),
    utc("ended_at"),
    Column("bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("seconds", JSONB, nullable=False, server_default=text("'{}'")),  # phase → wall time
    Column("error", Text, nullable=False, server_default=text("''")),
    CheckConstraint("kind IN ('scheduled', 'manual', 'before_restore')", name="kind"),
    CheckConstraint("status IN ('running', 'good', 'unverified', 'failed', 'interrupted')", name="status"),
    Index("idx_backups_started", "started_at"),
)

integrity_checks = Table(
    "integrity_checks",
    metadata,
    utc("checked_at", primary_key=True),
    Column("method", Text, nullable=False),
    Column("checksums", Boolean, nullable=False),
    Column("checksum_failures", BigInteger, nullable=False),
    Column("relations", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("damaged", JSONB, nullable=False, server_default=text("'{}'")),  # relation → what is wrong
)

# What is left of rows that maintenance has removed, a line per day, subject and figure.
daily_figures = Table(
    "daily_figures",
    metadata,
    Column("day", Date, nullable=False),  # in Tokyo
    Column("subject", Text, nullable=False),  # table, and what it is about: batch_executions/jp
    Column("figure", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("sum", Numeric, nullable=False),
    Column("min", Double),
    Column("max", Double),
    PrimaryKeyConstraint("day", "subject", "figure"),
)
