"""Tables of what checks of stored data have found."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Double,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.forecasts.tables import metadata
from miraikakaku_assets.adapters.storage.tables import now, utc
from miraikakaku_assets.domain.quality.results import State

__all__ = ["metadata"]

_STATES = ", ".join(f"'{state}'" for state in State)

quality_results = Table(
    "quality_results",
    metadata,
    Column("universe", Text(collation="C"), nullable=False),
    Column("batch", Date, nullable=False),  # newest session that was looked at
    Column("suite", Text(collation="C"), nullable=False),
    Column("rule", Text(collation="C"), nullable=False),
    Column("asset", Text, nullable=False),  # key of the asset that was judged, e.g. jp/prices_1d
    Column("state", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),  # rows, series or days that were judged
    Column("exceptions", BigInteger, nullable=False),  # how many of them break the rule
    Column("tolerated", BigInteger, nullable=False),  # up to how many may
    Column("value", Double),  # what was measured, where one number is judged
    Column("low", Double),  # least usual value
    Column("high", Double),  # greatest usual value
    Column("note", Text, nullable=False),
    Column(
        "worst", JSONB, nullable=False, server_default=text("'[]'")
    ),  # key and value of up to 20 exceptions
    Column("query", Text, nullable=False),  # SQL that lists all exceptions
    utc("checked_at", nullable=False),
    PrimaryKeyConstraint("universe", "batch", "suite", "rule"),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
)

# What rules over whole series have found, bar by bar: such rules are no SQL, so the query of a result reads this.
quality_findings = Table(
    "quality_findings",
    metadata,
    Column("universe", Text(collation="C"), nullable=False),
    Column("batch", Date, nullable=False),
    Column("suite", Text(collation="C"), nullable=False),
    Column("rule", Text(collation="C"), nullable=False),
    Column("symbol", Text(collation="C"), nullable=False),
    Column("session", Date, nullable=False),
    Column("value", Double, nullable=False),  # how far: a factor, a number of sessions
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("universe", "batch", "suite", "rule", "symbol", "session"),
)

# Days that people have announced as unusual: neither judged nor learnt from.
expected_days = Table(
    "expected_days",
    metadata,
    Column("universe", Text(collation="C"), nullable=False),
    Column("day", Date, nullable=False),
    Column("note", Text, nullable=False),
    now("announced_at"),
    PrimaryKeyConstraint("universe", "day"),
)
