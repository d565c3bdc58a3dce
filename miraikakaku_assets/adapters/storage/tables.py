"""Tables of the schema ``miraikakaku`` (SQLAlchemy Core). Alembic owns their evolution.

Times are ``timestamptz`` in UTC. Prices are stored as the source quotes them (raw: never dividend-adjusted
by us; Yahoo's history is split-adjusted as of ``fetched_at``), in the instrument's currency.

``price_bars`` has no foreign key on purpose: the per-row trigger would cost more than the insert itself,
and instruments are never deleted. Its CHECK is the last line behind the validation in the domain.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

SCHEMA = "miraikakaku"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    },
)


def _utc(name: str, **options: object) -> Column[object]:
    return Column(name, DateTime(timezone=True), **options)  # type: ignore[arg-type]


def _now(name: str) -> Column[object]:
    return _utc(name, nullable=False, server_default=func.now())


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


instruments = Table(
    "instruments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("symbol", Text, nullable=False, unique=True),  # Yahoo symbol = partition key
    Column("universe", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("price_unit", Text, nullable=False),  # e.g. "JPY per share"
    Column("calendar", Text, nullable=False),  # exchange_calendars name, e.g. XTKS
    _now("created_at"),
)

stock_master = Table(
    "stock_master",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instrument_id", Integer, ForeignKey("miraikakaku.instruments.id"), nullable=False),
    Column("universe", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("stock_code", String(10), nullable=False),
    Column("stock_name", String(200), nullable=False),  # as printed: full-width letters and U+3000 kept
    Column("market_category", String(100)),
    Column("security_type", Text, nullable=False),
    Column("sector", String(100)),  # 33業種区分
    Column("sector33_code", String(10)),
    Column("sector17_code", String(10)),
    Column("sector17", String(100)),
    Column("size_code", String(10)),
    Column("size_category", String(50)),
    Column("yahoo_symbol", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("status", Text, nullable=False, server_default=text("'listed'")),
    Column("status_reason", Text),
    Column("listed_on", Date),  # first list date that showed it, null when it was in the very first list
    Column("delisted_on", Date),  # first list date that no longer showed it
    Column("first_list_date", Date, nullable=False),
    Column("last_list_date", Date, nullable=False),
    _now("created_at"),
    _now("updated_at"),
    UniqueConstraint("universe", "stock_code", name="uq_stock_master_universe_code"),
    Index("idx_stock_master_code", "stock_code"),
    Index("idx_stock_master_active", "is_active"),
)

stock_master_updates = Table(
    "stock_master_updates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("universe", Text, nullable=False),
    Column("update_type", String(20), nullable=False),
    Column("total_stocks", Integer, nullable=False),
    _count("added_stocks"),
    _count("updated_stocks"),
    _count("removed_stocks"),
    _count("returned_stocks"),
    _count("unchanged_stocks"),
    Column("status", String(20), nullable=False),
    Column("rule", Text),
    Column("error_message", Text),
    Column("source", Text, nullable=False),
    Column("list_date", Date),
    Column("sha256", String(64)),
    Column("stored_file", Text),  # below the state folder: masters/ when in force, quarantine/ when refused
    Column("accepted_mass_change", Boolean, nullable=False, server_default=text("false")),
    _now("started_at"),
    _utc("completed_at"),
    CheckConstraint("update_type IN ('manual', 'scheduled')", name="update_type"),
    CheckConstraint("status IN ('success', 'quarantined', 'failed')", name="status"),
)

price_bars = Table(
    "price_bars",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    _utc("ts", nullable=False),
    Column("open", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("close", Double, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("flag", Text),
    _utc("fetched_at", nullable=False),
    PrimaryKeyConstraint("instrument_id", "timeframe", "ts"),
    CheckConstraint(
        "low > 0 AND low <= LEAST(open, close) AND high >= GREATEST(open, close) AND high < 'Infinity' AND volume >= 0",
        name="sane",
    ),
)

corporate_actions = Table(
    "corporate_actions",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("ex_date", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Double, nullable=False),  # dividend: currency per share; split: new shares per old share
    Column("source", Text, nullable=False),
    _utc("fetched_at", nullable=False),
    PrimaryKeyConstraint("instrument_id", "ex_date", "kind"),
    CheckConstraint("kind IN ('dividend', 'split')", name="kind"),
)

quarantined_bars = Table(
    "quarantined_bars",
    metadata,
    Column("symbol", Text(collation="C"), nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    _utc("ts", nullable=False),
    Column("rule", Text(collation="C"), nullable=False),
    Column("occurrence", Integer, nullable=False),  # the n-th refused row of this key in one delivery
    Column("instrument_id", Integer),  # null: the symbol is in no master
    Column("detail", Text, nullable=False),
    Column("open", Double),
    Column("high", Double),
    Column("low", Double),
    Column("close", Double),
    Column("volume", Double),
    Column("source", Text, nullable=False),
    Column("row_number", BigInteger),
    _utc("first_seen_at", nullable=False),
    _utc("last_seen_at", nullable=False),
    _utc("released_at"),  # a valid bar took its place
    PrimaryKeyConstraint("symbol", "timeframe", "ts", "rule", "occurrence"),
    Index("idx_quarantined_bars_instrument", "instrument_id", "timeframe", "ts"),
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
    Column("total_stocks", Integer, nullable=False),
    _count("processed_stocks"),
    _count("successful_stocks"),
    _count("failed_stocks"),
    Column("rows_read", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_inserted", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_restated", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_unchanged", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_quarantined", BigInteger, nullable=False, server_default=text("0")),
    Column("error_message", Text),
    _now("start_time"),
    _now("updated_at"),
    _utc("end_time"),
    _now("created_at"),
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
    _count("rows_read"),
    _count("records_inserted"),
    _count("records_restated"),
    _count("records_quarantined"),
    _now("end_time"),
    PrimaryKeyConstraint("batch_execution_id", "symbol"),
    Index("idx_batch_execution_details_status", "status"),
    Index("idx_batch_execution_details_symbol", "symbol", "batch_execution_id"),
)

coverage_reports = Table(
    "coverage_reports",
    metadata,
    Column("id", Integer, primary_key=True),
    _utc("checked_at", nullable=False),
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
    Column("report_file", Text, nullable=False),
    UniqueConstraint("checked_at", "universe", "timeframe", "segment", name="uq_coverage_reports_check"),
)

coverage_gaps = Table(
    "coverage_gaps",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column("session", Date, nullable=False),
    Column("cause", Text, nullable=False),
    _utc("checked_at", nullable=False),
    PrimaryKeyConstraint("instrument_id", "timeframe", "session"),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("name", Text, primary_key=True),
    _utc("next_free", nullable=False),  # theoretical arrival time of the generic cell rate algorithm
    prefixes=["UNLOGGED"],  # no WAL flush per request; emptied by a crash, which only forgives the past
)
