"""Tables of bulk jobs."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.forecasts.tables import metadata
from miraikakaku_assets.adapters.storage.tables import count, now, utc

__all__ = ["metadata"]

bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),  # job-<number>
    Column(
        "number", BigInteger, nullable=False, unique=True
    ),  # milliseconds of its acceptance, one more if taken
    Column("state", Text, nullable=False),
    Column("symbols", JSONB, nullable=False),  # universe → Yahoo symbols
    Column("unknown", JSONB, nullable=False),  # of them, those in no master
    Column("total", Integer, nullable=False),
    Column("interval", Text, nullable=False),
    Column("period", Text),
    Column(
        "since", Date
    ),  # fixed when it was accepted: a job that is resumed tomorrow asks for the same window
    Column("requested_by", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("body_digest", Text, nullable=False),
    Column("run_id", Text),  # the run that has taken it; null: none has, or it is over
    count("attempts"),  # launches since it last came forward
    count("processed_at_launch"),
    utc("launch_due_at"),  # when it may be launched (again)
    Column("error", Text),
    now("created_at"),
    utc("started_at"),  # when a run took it first
    now("updated_at"),
    utc("ended_at"),
    utc("results_at"),  # when its files were complete
    CheckConstraint(
        "state IN ('accepted', 'running', 'paused', 'cancel_requested', 'cancelled', 'completed', 'failed')",
        name="state",
    ),
    CheckConstraint("(ended_at IS NULL) = (state NOT IN ('cancelled', 'completed', 'failed'))", name="ended"),
    UniqueConstraint("requested_by", "idempotency_key", name="uq_bulk_jobs_idempotency"),
    Index("idx_bulk_jobs_open", "number", postgresql_where=text("ended_at IS NULL")),
)

bulk_job_runs = Table(
    "bulk_job_runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("job_id", Text(collation="C"), ForeignKey("miraikakaku.bulk_jobs.id"), nullable=False),
    now("taken_at"),
    Index("idx_bulk_job_runs_job", "job_id"),
)

bulk_job_files = Table(
    "bulk_job_files",
    metadata,
    Column("job_id", Text(collation="C"), ForeignKey("miraikakaku.bulk_jobs.id"), nullable=False),
    Column("name", Text(collation="C"), nullable=False),  # below results/ of the state folder
    Column("universe", Text, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    now("written_at"),
    PrimaryKeyConstraint("job_id", "name"),
)
