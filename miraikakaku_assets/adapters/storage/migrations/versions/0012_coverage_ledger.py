"""Gaps as ranges, snapshots of universes, freshness per issue, coverage per day, repairs and sizes."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_VIEW = f"""
CREATE VIEW {_SCHEMA}.coverage_gaps AS
SELECT g.instrument_id, g.timeframe, c.session, g.cause, g.checked_at
FROM {_SCHEMA}.coverage_gap_ranges g
JOIN {_SCHEMA}.instruments i ON i.id = g.instrument_id
JOIN {_SCHEMA}.coverage_calendar c
  ON c.calendar = i.calendar AND c.session BETWEEN g.first_session AND g.last_session
"""


def upgrade() -> None:
    """Goes forward; the gaps of the newest check come back, as ranges, with the next one."""
    op.drop_table("coverage_gaps", schema=_SCHEMA)
    _reports()
    _gaps()
    _per_issue_and_day()
    op.execute(_VIEW)
    op.create_table(
        "storage_sizes",
        _moment("measured_at"),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("measured_at", "what", name=op.f("pk_storage_sizes")),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; gaps come back with the next check."""
    op.execute(f"DROP VIEW {_SCHEMA}.coverage_gaps")
    op.drop_column("coverage_reports", "gaps_by_cause", schema=_SCHEMA)
    op.drop_column("coverage_reports", "universe_snapshot", schema=_SCHEMA)
    for table in (
        "storage_sizes",
        "coverage_repairs",
        "coverage_days",
        "instrument_coverage",
        "coverage_calendar",
        "coverage_gap_ranges",
        "coverage_universes",
    ):
        op.drop_table(table, schema=_SCHEMA)
    op.create_table(
        "coverage_gaps",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        _timeframe(),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        _moment("checked_at"),
        sa.PrimaryKeyConstraint("instrument_id", "timeframe", "session", name=op.f("pk_coverage_gaps")),
        schema=_SCHEMA,
    )


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _timeframe() -> sa.Column[str]:
    return sa.Column("timeframe", sa.Text(collation="C"), nullable=False)


def _reports() -> None:
    op.create_table(
        "coverage_universes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("list_date", sa.Date(), nullable=False),
        _moment("taken_at"),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("issues", sa.Integer(), nullable=False),
        sa.Column("members", ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_universes")),
        sa.UniqueConstraint(
            "universe", "timeframe", "list_date", "digest", name="uq_coverage_universes_members"
        ),
        schema=_SCHEMA,
    )
    op.add_column("coverage_reports", sa.Column("universe_snapshot", sa.Integer()), schema=_SCHEMA)
    op.add_column("coverage_reports", sa.Column("gaps_by_cause", JSONB()), schema=_SCHEMA)
    op.create_foreign_key(
        op.f("fk_coverage_reports_universe_snapshot"),
        "coverage_reports",
        "coverage_universes",
        ["universe_snapshot"],
        ["id"],
        source_schema=_SCHEMA,
        referent_schema=_SCHEMA,
    )


def _gaps() -> None:
    op.create_table(
        "coverage_gap_ranges",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        _timeframe(),
        sa.Column("first_session", sa.Date(), nullable=False),
        sa.Column("last_session", sa.Date(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("missing_bars", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        _moment("checked_at"),
        sa.PrimaryKeyConstraint(
            "instrument_id", "timeframe", "first_session", name=op.f("pk_coverage_gap_ranges")
        ),
        schema=_SCHEMA,
    )
    op.create_index("idx_coverage_gap_ranges_cause", "coverage_gap_ranges", ["cause"], schema=_SCHEMA)
    op.create_table(
        "coverage_calendar",
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("calendar", "session", name=op.f("pk_coverage_calendar")),
        schema=_SCHEMA,
    )
    op.create_table(
        "coverage_repairs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        _timeframe(),
        sa.Column("first_session", sa.Date(), nullable=False),
        sa.Column("last_session", sa.Date(), nullable=False),
        sa.Column("missing_before", sa.BigInteger(), nullable=False),
        sa.Column("cause_before", sa.Text(), nullable=False),
        sa.Column("missing_after", sa.BigInteger(), nullable=False),
        sa.Column("cause_after", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        _moment("repaired_at"),
        sa.PrimaryKeyConstraint(
            "run_id", "instrument_id", "timeframe", "first_session", name=op.f("pk_coverage_repairs")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_coverage_repairs_gap",
        "coverage_repairs",
        ["instrument_id", "timeframe", "first_session"],
        schema=_SCHEMA,
    )


def _per_issue_and_day() -> None:
    op.create_table(
        "instrument_coverage",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        _timeframe(),
        sa.Column("expected_bars", sa.BigInteger(), nullable=False),
        sa.Column("stored_bars", sa.BigInteger(), nullable=False),
        sa.Column("newest_session", sa.Date()),
        sa.Column("due_session", sa.Date()),
        sa.Column("sessions_behind", sa.Integer(), nullable=False),
        _moment("checked_at"),
        sa.PrimaryKeyConstraint("instrument_id", "timeframe", name=op.f("pk_instrument_coverage")),
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_instrument_coverage_behind",
        "instrument_coverage",
        ["timeframe", "sessions_behind"],
        schema=_SCHEMA,
    )
    op.create_table(
        "coverage_days",
        sa.Column("universe", sa.Text(), nullable=False),
        _timeframe(),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("expected_bars", sa.BigInteger(), nullable=False),
        sa.Column("stored_bars", sa.BigInteger(), nullable=False),
        _moment("checked_at"),
        sa.PrimaryKeyConstraint("universe", "timeframe", "sector", "session", name=op.f("pk_coverage_days")),
        schema=_SCHEMA,
    )
