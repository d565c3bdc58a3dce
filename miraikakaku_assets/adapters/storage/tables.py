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
from sqlalchemy.dialects.postgresql import JSONB

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


def utc(name: str, **options: object) -> Column[object]:
    """A moment, ``timestamptz``."""
    return Column(name, DateTime(timezone=True), **options)  # type: ignore[arg-type]


def now(name: str) -> Column[object]:
    """The moment at which the row was written."""
    return utc(name, nullable=False, server_default=func.now())


def count(name: str) -> Column[int]:
    """A number of rows or symbols, 0 until it is counted."""
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
    now("created_at"),
)

stock_master = Table(
    "stock_master",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instrument_id", Integer, ForeignKey("miraikakaku.instruments.id"), nullable=False),
    Column("universe", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("stock_code", String(10), nullable=False),
    Column("stock_name", String(255), nullable=False),  # as printed: full-width letters and U+3000 kept
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
    Column(
        "listed_on", Date
    ),  # a source's word, else the first list that showed it; null: in the very first list
    Column("delisted_on", Date),  # a source's word, else the first list that no longer showed it
    Column("first_list_date", Date, nullable=False),
    Column("last_list_date", Date, nullable=False),
    now("created_at"),
    now("updated_at"),
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
    count("added_stocks"),
    count("updated_stocks"),
    count("removed_stocks"),
    count("returned_stocks"),
    count("unchanged_stocks"),
    Column("status", String(20), nullable=False),
    Column("rule", Text),
    Column("error_message", Text),
    Column("source", Text, nullable=False),
    Column("list_date", Date),
    Column("sha256", String(64)),
    Column("stored_file", Text),  # below the state folder: masters/ when in force, quarantine/ when refused
    Column("accepted_mass_change", Boolean, nullable=False, server_default=text("false")),
    Column("counts", JSONB),  # lines left out and disagreements between sources, by reason
    now("started_at"),
    utc("completed_at"),
    CheckConstraint("update_type IN ('manual', 'scheduled')", name="update_type"),
    CheckConstraint("status IN ('success', 'quarantined', 'failed')", name="status"),
)

price_bars = Table(
    "price_bars",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    utc("ts", nullable=False),
    Column("open", Double),  # null with high and low: an official price, which has no range
    Column("high", Double),
    Column("low", Double),
    Column("close", Double, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("flag", Text),
    utc("fetched_at", nullable=False),
    Column("built_from", Text),  # timeframe of the bars it was built from; null: it was collected
    Column("parts", Integer),  # how many of them there were
    Column("expected_parts", Integer),  # how many the calendar expects
    PrimaryKeyConstraint("instrument_id", "timeframe", "ts"),
    CheckConstraint(
        "close > 0 AND close < 'Infinity' AND volume >= 0 AND (num_nulls(open, high, low) = 3 OR coalesce(low > 0 "
        "AND low <= LEAST(open, close) AND high >= GREATEST(open, close) AND high < 'Infinity', false))",
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
    Column("flag", Text),  # why it is doubtful; flagged ones adjust no price
    Column("source", Text, nullable=False),
    utc("fetched_at", nullable=False),
    PrimaryKeyConstraint("instrument_id", "ex_date", "kind"),
    CheckConstraint("kind IN ('dividend', 'split')", name="kind"),
)

quarantined_bars = Table(
    "quarantined_bars",
    metadata,
    Column("symbol", Text(collation="C"), nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    utc("ts", nullable=False),
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
    utc("first_seen_at", nullable=False),
    utc("last_seen_at", nullable=False),
    utc("released_at"),  # a valid bar took its place
    PrimaryKeyConstraint("symbol", "timeframe", "ts", "rule", "occurrence"),
    Index("idx_quarantined_bars_instrument", "instrument_id", "timeframe", "ts"),
)

restatements = Table(
    "restatements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    Column(
        "reason", Text, nullable=False
    ),  # split, or scale: the source restated its history without naming one
    Column("ex_date", Date),
    Column("factor", Double),  # new price of an old bar over its stored price
    Column("first_session", Date, nullable=False),  # of the history that was pulled again
    Column("shown_session", Date),  # the bar whose close is shown, before and after
    Column("bars", Integer, nullable=False),  # stored bars whose values changed
    Column("old_close", Double),
    Column("new_close", Double),
    utc("detected_at", nullable=False),
    utc("settled_at"),  # when what is derived from these bars was computed again; null: it is stale
    CheckConstraint("reason IN ('split', 'scale')", name="reason"),
    Index("idx_restatements_instrument", "instrument_id", "timeframe"),
)

quarantined_actions = Table(
    "quarantined_actions",
    metadata,
    Column("symbol", Text(collation="C"), nullable=False),
    Column("ex_date", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Text(collation="C"), nullable=False),
    Column("detail", Text, nullable=False),
    Column("value", Double),
    Column("source", Text, nullable=False),
    utc("first_seen_at", nullable=False),
    utc("last_seen_at", nullable=False),
    PrimaryKeyConstraint("symbol", "ex_date", "kind", "rule"),
)
