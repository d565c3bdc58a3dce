"""Tables about the work itself: collections, their progress, the rate of requests, the health of sources."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.tables import count, metadata, now, utc

__all__ = ["metadata"]

# The whole database holds real prices, or simulated ones: one row, from the first question to a source on.
price_origin = Table(
    "price_origin",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("simulated", Boolean, nullable=False),
    Column(
        "exchange", Text, nullable=False, server_default=text("''")
    ),  # what the simulated one says of itself
    Column("demo", JSONB),  # what a demo's exchange and settings are made of; null: no demo
    now("marked_at"),
    CheckConstraint("id = 1", name="one"),
    CheckConstraint("simulated OR (exchange = '' AND demo IS NULL)", name="described"),
)

batch_executions = Table(
    "batch_executions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch_type", String(50), nullable=False),
    Column("status", String(20), nullable=False),
    Column("universe", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("run_id", Text),
    Column("since", Date),  # the window that was asked for; null: from where the stored bars end
    Column("until", Date),  # null: up to now
    Column("scope", Text, nullable=False, server_default=text("''")),  # fingerprint of the symbols asked for
    Column("total_stocks", Integer, nullable=False),
    count("processed_stocks"),
    count("successful_stocks"),
    count("failed_stocks"),
    Column("rows_read", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_inserted", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_restated", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_unchanged", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_quarantined", BigInteger, nullable=False, server_default=text("0")),
    Column("requests", BigInteger, nullable=False, server_default=text("0")),
    Column("error_message", Text),
    Column("error_class", Text),  # system: the batch was stopped by more than one symbol's trouble
    utc("resume_at"),  # when a paused batch may go on
    now("start_time"),
    now("updated_at"),
    utc("end_time"),
    now("created_at"),
    CheckConstraint("status IN ('running', 'completed', 'failed', 'paused')", name="status"),
    Index("idx_batch_executions_status", "status"),
    Index("idx_batch_executions_run", "run_id"),
)

batch_execution_details = Table(
    "batch_execution_details",
    metadata,
    Column("batch_execution_id", Integer, ForeignKey("miraikakaku.batch_executions.id"), nullable=False),
    Column("symbol", Text(collation="C"), nullable=False),
    Column("stock_code", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("verdict", Text, nullable=False),
    Column("error_class", Text),
    Column("error_message", Text),
    count("rows_read"),
    count("records_inserted"),
    count("records_restated"),
    count("records_quarantined"),
    utc("start_time"),  # when its first request was about to be sent
    now("end_time"),
    PrimaryKeyConstraint("batch_execution_id", "symbol"),
    Index("idx_batch_execution_details_status", "status"),
    Index("idx_batch_execution_details_symbol", "symbol", "batch_execution_id"),
)

data_collection_log = Table(
    "data_collection_log",
    metadata,
    Column("batch_execution_id", Integer, ForeignKey("miraikakaku.batch_executions.id"), nullable=False),
    Column("run_id", Text),
    Column("symbol", Text(collation="C"), nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("since", Date),  # first session asked for
    Column("until", Date),  # last one, null: up to now
    count("requests"),
    Column(
        "latency_ms", Double, nullable=False
    ),  # what the source took for all of them, our own waits left out
    count("rows_read"),
    Column("outcome", Text, nullable=False),
    Column("error_class", Text),
    now("logged_at"),
    PrimaryKeyConstraint("batch_execution_id", "symbol", "timeframe"),
    Index("idx_data_collection_log_symbol", "symbol", "timeframe", "logged_at"),
)

run_progress = Table(
    "run_progress",
    metadata,
    Column("batch_execution_id", Integer, ForeignKey("miraikakaku.batch_executions.id"), primary_key=True),
    Column("run_id", Text),
    Column("status", String(20), nullable=False),
    Column("total", Integer, nullable=False),
    count("settled"),  # known before anything was fetched: reused, delisted, in no master
    count("processed"),
    count("successful"),
    count("failed"),
    Column("records", BigInteger, nullable=False, server_default=text("0")),
    Column("percentage", Double, nullable=False, server_default=text("0")),
    Column("symbols_per_minute", Double),  # over the whole batch; null before the first symbol
    Column("records_per_minute", Double),
    utc("estimated_completion"),
    Column("current_symbols", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    now("updated_at"),
    Column("claimed", ARRAY(Text), nullable=False, server_default=text("'{}'")),  # while it is at work
    Index("idx_run_progress_run", "run_id"),
)

stage_reports = Table(
    "stage_reports",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("universe", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("report", JSONB, nullable=False),  # the dataclass of `application.stage_reports` of that stage
    now("stored_at"),
    PrimaryKeyConstraint("run_id", "universe", "stage"),
    Index("idx_stage_reports_stored_at", "stored_at"),
)

collection_state = Table(
    "collection_state",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("complete_from", Date, nullable=False),  # everything since then has been asked for and answered
    utc("checked_at", nullable=False),
    PrimaryKeyConstraint("instrument_id", "timeframe"),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("name", Text, primary_key=True),
    utc("next_free", nullable=False),  # theoretical arrival time of the generic cell rate algorithm
    Column("rate", Double),  # requests a second at `rate_since`, growing since; null: never slowed down
    utc("rate_since"),  # in the future while the rate is kept down
    utc("blocked_until"),  # end of a Retry-After
    Column("blocks", BigInteger, nullable=False, server_default=text("0")),  # voids the slots given before
    count("refusals"),  # in a row, since the last served request
    count("events"),  # separate troubles among them
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),  # number of the newest trouble
    utc("paused_until"),  # null: the circuit breaker is closed; past: it is half-open
    Column("pause_seconds", Double),
    utc("trial_until"),  # until then one request finds out whether the source answers again
    Column("reason", Text),
    Column("answer", Text, nullable=False, server_default=text("'granted'")),  # what the last caller was told
    utc("leaves_at"),  # and when it may leave
    prefixes=["UNLOGGED"],  # no WAL flush per request; emptied by a crash, which only forgives the past
)

# Up to where each watcher has read what the orchestrator wrote.
watch_positions = Table(
    "watch_positions",
    metadata,
    Column("watcher", Text, primary_key=True),
    Column("position", Text, nullable=False),
    utc("noted_at", nullable=False),
)

source_probes = Table(
    "source_probes",
    metadata,
    Column("id", BigInteger, primary_key=True),
    utc("probed_at", nullable=False),  # the same for all symbols of a round
    Column("source", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("verdict", Text, nullable=False),  # ok, or the kind of the error
    Column("latency_ms", Double),  # null: nothing was sent
    count("requests"),
    Column("newest_session", Date),  # exchange date of the newest bar
    Column("rate", Double, nullable=False),  # requests a second allowed at that time
    UniqueConstraint("source", "probed_at", "symbol", name="uq_source_probes_round"),
)
