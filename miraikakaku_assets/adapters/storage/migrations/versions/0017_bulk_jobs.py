"""Bulk jobs of the REST API, and who hears of their progress."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_LISTENERS = (
    """
CREATE FUNCTION miraikakaku.notify_bulk_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bulk_jobs', job_id || ' progress') FROM miraikakaku.bulk_job_runs WHERE run_id = NEW.run_id;
    RETURN NULL;
END $$
""",
    """
CREATE FUNCTION miraikakaku.notify_bulk_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bulk_jobs', NEW.id || ' state');
    RETURN NULL;
END $$
""",
    """
CREATE TRIGGER notify_bulk_progress AFTER INSERT OR UPDATE ON miraikakaku.run_progress
    FOR EACH ROW WHEN (NEW.run_id IS NOT NULL) EXECUTE FUNCTION miraikakaku.notify_bulk_progress()
""",
    """
CREATE TRIGGER notify_bulk_state AFTER INSERT OR UPDATE OF state ON miraikakaku.bulk_jobs
    FOR EACH ROW EXECUTE FUNCTION miraikakaku.notify_bulk_state()
""",
)


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "bulk_jobs",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("symbols", JSONB(), nullable=False),
        sa.Column("unknown", JSONB(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("period", sa.Text()),
        sa.Column("since", sa.Date()),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("body_digest", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("processed_at_launch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("launch_due_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('accepted', 'running', 'paused', 'cancel_requested', 'cancelled', 'completed', 'failed')",
            name=op.f("ck_bulk_jobs_state"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (state NOT IN ('cancelled', 'completed', 'failed'))",
            name=op.f("ck_bulk_jobs_ended"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_jobs")),
        sa.UniqueConstraint("number", name=op.f("uq_bulk_jobs_number")),
        sa.UniqueConstraint("requested_by", "idempotency_key", name="uq_bulk_jobs_idempotency"),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_bulk_jobs_open",
        "bulk_jobs",
        ["number"],
        schema=_SCHEMA,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "bulk_job_runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(collation="C"), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], [f"{_SCHEMA}.bulk_jobs.id"], name=op.f("fk_bulk_job_runs_job_id")
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_bulk_job_runs")),
        schema=_SCHEMA,
    )
    op.create_index("idx_bulk_job_runs_job", "bulk_job_runs", ["job_id"], schema=_SCHEMA)
    for statement in _LISTENERS:
        op.execute(statement)


def downgrade() -> None:
    """Goes back; jobs and their idempotency keys are forgotten, what they collected stays."""
    op.execute("DROP TRIGGER notify_bulk_progress ON miraikakaku.run_progress")
    op.drop_table("bulk_job_runs", schema=_SCHEMA)
    op.drop_table("bulk_jobs", schema=_SCHEMA)
    op.execute("DROP FUNCTION miraikakaku.notify_bulk_progress()")
    op.execute("DROP FUNCTION miraikakaku.notify_bulk_state()")
