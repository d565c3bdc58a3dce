"""Tables of what is derived from bars: indicators and pattern signals, and the log of cycles."""

from sqlalchemy import (
    BigInteger,
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

from miraikakaku_assets.adapters.storage.coverage.tables import metadata
from miraikakaku_assets.adapters.storage.tables import count, utc
from miraikakaku_assets.domain.indicators.definitions import COLUMNS

__all__ = ["metadata"]

CHANGES = (1, 5, 20, 250)
"""Bars over which the change of a close is kept: a day, a week, a month, a year."""

# What changed below an instrument's derived rows. Whoever writes bars moves `changed_since` back and `revision`
# on in the same transaction; an analysis clears the mark only if the revision is still the one it has read.
analysis_state = Table(
    "analysis_state",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),  # of the collected bars: 1d or 5m
    utc("changed_since"),  # start of the earliest bar that came, changed or went; null: nothing is due
    Column("revision", BigInteger, nullable=False, server_default=text("1")),
    utc("open_since"),  # start of the earliest derived bar that time alone will close; null: none is waiting
    utc("settles_at"),  # a collection from then on closes one, whether or not it brings anything new
    Column("basis", Text),  # price basis of the indicators; null before the first analysis
    Column("definition", Text),  # of the patterns, with the edition of how bars are read: v2/2
    utc("analyzed_at"),
    PrimaryKeyConstraint("instrument_id", "timeframe"),
    Index("idx_analysis_state_due", "timeframe", postgresql_where=text("changed_since IS NOT NULL")),
)

technical_indicators = Table(
    "technical_indicators",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("timeframe", Text(collation="C"), nullable=False),
    utc("ts", nullable=False),
    *(Column(name, Double) for name in COLUMNS),
    PrimaryKeyConstraint("instrument_id", "timeframe", "ts"),
)

# The newest row of `technical_indicators` of each instrument's daily bars, with what a list of a whole market is
# filtered and sorted by. It could be read off the histories, 32,000 look-ups for 16,000 instruments: 0.4 s. Whoever
# replaces indicators of daily bars writes it in the same transaction. Prices are raw, the indicators on their basis.
latest_indicators = Table(
    "latest_indicators",
    metadata,
    Column("instrument_id", Integer, nullable=False, autoincrement=False),
    utc("ts", nullable=False),
    Column("close", Double, nullable=False),
    Column("volume", BigInteger, nullable=False),
    *(Column(f"change_{bars}", Double) for bars in CHANGES),  # of the close over so many bars, share of 1
    Column("turnover_20", Double),  # mean of close x volume over 20 bars
    Column("high_250", Double),  # highest high and lowest low of 250 bars, or of as many as there are
    Column("low_250", Double),
    *(Column(name, Double) for name in COLUMNS),
    PrimaryKeyConstraint("instrument_id"),
)

pattern_signals = Table(
    "pattern_signals",
    metadata,
    Column("instrument_id", Integer, nullable=False),
    Column("definition", Text(collation="C"), nullable=False),
    Column("pattern", Text(collation="C"), nullable=False),
    Column("direction", Text(collation="C"), nullable=False),
    utc("ts", nullable=False),  # start of the five-minute bar on which it began
    utc("at", nullable=False),  # end of that bar: the moment from which it was known
    Column("name", Text, nullable=False),
    Column("name_ja", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("close", Double, nullable=False),  # price when it became known, in the instrument's unit
    Column("evidence", JSONB, nullable=False),
    Column("track_record", JSONB),  # of this side of the pattern as it stood then; null: it had none
    Column("take_profit_pips", Integer),
    Column("stop_pips", Integer),
    utc("detected_at", nullable=False),
    PrimaryKeyConstraint("instrument_id", "definition", "pattern", "direction", "ts"),
    Index("idx_pattern_signals_at", "at"),
)

cycle_log = Table(
    "cycle_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("universe", Text, nullable=False),
    Column("run_id", Text, nullable=False, unique=True),
    utc("started_at", nullable=False),
    utc("ended_at"),  # null: it runs, or its process died
    count("symbols"),
    count("succeeded"),
    count("bars"),  # rows written
    count("indicators"),
    count("signals"),  # new ones
    Column("error", Text),
    Index("idx_cycle_log_universe", "universe", "started_at"),
)
