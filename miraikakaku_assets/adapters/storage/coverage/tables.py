"""Tables of coverage: reports, the snapshots they count, gaps as ranges, what is known per issue and per day."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.collection.tables import metadata
from miraikakaku_assets.adapters.storage.tables import utc

__all__ = ["metadata"]

# What a report is a share of: a row per composition of the universe, however many reports count it.
coverage_universes = Table(
    "coverage_universes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("universe", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("list_date", Date, nullable=False),
    utc("taken_at", nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the members: id, symbol, segment, listing, delisting
    Column("issues", Integer, nullable=False),
    Column("members", ARRAY(Integer), nullable=False),  # instrument ids, ascending
    UniqueConstraint("universe", "timeframe", "list_date", "digest", name="uq_coverage_universes_members"),
)

coverage_reports = Table(
    "coverage_reports",
    metadata,
    Column("id", Integer, primary_key=True),
    utc("checked_at", nullable=False),
    Column("universe", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("denominator", Text, nullable=False),
    Column("window_start", Date, nullable=False),
    Column("window_end", Date, nullable=False),
    Column("instruments", Integer, nullable=False),
    Column("complete_instruments", Integer, nullable=False),
    Column("empty_instruments", Integer, nullable=False),
    Column("expected_bars", BigInteger, nullable=False),
    Column("stored_bars", BigInteger, nullable=False),
    Column("coverage", Double),  # null when nothing was expected
    Column("threshold", Double, nullable=False),
    Column("report_file", Text, nullable=False),  # empty where it could not be written
    # Null in reports of before there were snapshots.
    Column("universe_snapshot", Integer, ForeignKey("miraikakaku.coverage_universes.id")),
    Column("gaps_by_cause", JSONB),  # cause → missing bars
    UniqueConstraint("checked_at", "universe", "timeframe", "segment", name="uq_coverage_reports_check"),
)

# One row per run of sessions with one cause; the view `coverage_gaps` has one per session.
coverage_gap_ranges = Table(
    "coverage_gap_ranges",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("first_session", Date, nullable=False),
    Column("last_session", Date, nullable=False),
    Column("sessions", Integer, nullable=False),
    Column("missing_bars", BigInteger, nullable=False),  # of 5m, a session may miss a part of its bars
    Column("cause", Text, nullable=False),
    utc("checked_at", nullable=False),
    PrimaryKeyConstraint("instrument_id", "timeframe", "first_session"),
    Index("idx_coverage_gap_ranges_cause", "cause"),
)

# The sessions of the windows that were checked: without them a range of dates is not a list of sessions.
coverage_calendar = Table(
    "coverage_calendar",
    metadata,
    Column("calendar", Text, nullable=False),
    Column("session", Date, nullable=False),
    PrimaryKeyConstraint("calendar", "session"),
)

instrument_coverage = Table(
    "instrument_coverage",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("expected_bars", BigInteger, nullable=False),
    Column("stored_bars", BigInteger, nullable=False),
    Column("newest_session", Date),  # of its stored bars within the window; null: there is none
    Column("due_session", Date),  # the newest that is expected; null: nothing is
    Column("sessions_behind", Integer, nullable=False),  # expected ones after its newest bar
    utc("checked_at", nullable=False),
    PrimaryKeyConstraint("instrument_id", "timeframe"),
    Index("idx_instrument_coverage_behind", "timeframe", "sessions_behind"),
)

coverage_days = Table(
    "coverage_days",
    metadata,
    Column("universe", Text, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("sector", Text, nullable=False),
    Column("session", Date, nullable=False),
    Column("expected_bars", BigInteger, nullable=False),
    Column("stored_bars", BigInteger, nullable=False),
    utc("checked_at", nullable=False),
    PrimaryKeyConstraint("universe", "timeframe", "sector", "session"),
)

coverage_repairs = Table(
    "coverage_repairs",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("first_session", Date, nullable=False),
    Column("last_session", Date, nullable=False),
    Column("missing_before", BigInteger, nullable=False),
    Column("cause_before", Text, nullable=False),
    Column("missing_after", BigInteger, nullable=False),
    Column("cause_after", Text),  # null: nothing is missing any more
    Column("outcome", Text, nullable=False),
    utc("repaired_at", nullable=False),
    PrimaryKeyConstraint("run_id", "instrument_id", "timeframe", "first_session"),
    Index("idx_coverage_repairs_gap", "instrument_id", "timeframe", "first_session"),
)

storage_sizes = Table(
    "storage_sizes",
    metadata,
    utc("measured_at", nullable=False),
    Column("what", Text, nullable=False),  # database, free, total, or a table's name
    Column("bytes", BigInteger, nullable=False),
    PrimaryKeyConstraint("measured_at", "what"),
)
