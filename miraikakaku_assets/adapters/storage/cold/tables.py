"""Tables of cold storage."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from miraikakaku_assets.adapters.storage.tables import metadata, utc

__all__ = ["metadata"]

cold_files = Table(
    "cold_files",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("path", Text, nullable=False),  # below cold/ of the state folder; the name carries its digest
    Column("universe", Text, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("month", Date, nullable=False),  # its first day; months are those of UTC
    utc("first_ts", nullable=False),
    utc("last_ts", nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),  # of its bytes
    Column("digest", Text, nullable=False),  # sum of the hashes of its rows
    Column("schema_version", Integer, nullable=False),
    utc("moved_at", nullable=False),
    utc("released_at"),  # since when no bar is read from it
    UniqueConstraint("path"),
)

# A month of an instrument is read from one file or from the database, never from both.
cold_ranges = Table(
    "cold_ranges",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("month", Date, nullable=False),
    Column("file_id", Integer, ForeignKey("miraikakaku.cold_files.id"), nullable=False),
    utc("first_ts", nullable=False),
    utc("last_ts", nullable=False),
    Column("rows", BigInteger, nullable=False),
    PrimaryKeyConstraint("instrument_id", "timeframe", "month"),
    Index("idx_cold_ranges_file", "file_id"),
)
