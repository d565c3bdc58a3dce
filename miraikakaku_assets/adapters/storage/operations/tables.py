"""Tables about the operation of an installation."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.forecasts.tables import metadata
from miraikakaku_assets.adapters.storage.tables import now, utc

__all__ = ["metadata"]

service_heartbeats = Table(
    "service_heartbeats",
    metadata,
    Column("service", Text(collation="C"), nullable=False),
    Column("host", Text(collation="C"), nullable=False),
    Column("pid", Integer, nullable=False),
    now("started_at"),  # when this process first beat
    now("beat_at"),  # by the database's clock
    Column("state", Text, nullable=False),
    Column("address", Text, nullable=False, server_default=text("''")),  # where it answers HTTP
    Column("health_path", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("service", "host"),
    CheckConstraint("state IN ('running', 'restarting', 'stopped')", name="state"),
)

run_leases = Table(
    "run_leases",
    metadata,
    Column("run_id", Text(collation="C"), primary_key=True),  # of Dagster's run
    Column("worker", Text, nullable=False),
    Column("holder", Text, nullable=False),  # one reception of the run by one worker
    now("taken_at"),
    now("renewed_at"),  # by the database's clock
    Index("idx_run_leases_renewed_at", "renewed_at"),
)

system_metrics = Table(
    "system_metrics",
    metadata,
    utc("sampled_at", nullable=False),  # the same for all figures of a check
    Column("resource", Text(collation="C"), nullable=False),
    Column("value", Double),  # null: it could not be measured
    Column("unit", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("sampled_at", "resource"),
    CheckConstraint("level IN ('unknown', 'normal', 'caution', 'danger')", name="level"),
)

performance_reviews = Table(
    "performance_reviews",
    metadata,
    utc("reviewed_at", primary_key=True),
    Column("report", JSONB, nullable=False),
)

performance_remedies = Table(
    "performance_remedies",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("state", Text, nullable=False),  # begun for ever: its process died, and nothing has changed
    Column("reason", Text, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB),
    Column("error", Text),
    utc("first_at", nullable=False),
    utc("last_at", nullable=False),
    CheckConstraint("state IN ('begun', 'applied', 'failed', 'proposed')", name="state"),
    Index("idx_performance_remedies_last_at", "last_at"),
    Index(
        "idx_performance_remedies_proposed",
        "kind",
        "target",
        unique=True,
        postgresql_where=text("state = 'proposed'"),
    ),
)

asset_health = Table(
    "asset_health",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    utc("as_of", nullable=False),
    Column("assets", JSONB, nullable=False),  # of all, by key: state, reasons, partitions counted
    CheckConstraint("id = 1", name="one_row"),
)
