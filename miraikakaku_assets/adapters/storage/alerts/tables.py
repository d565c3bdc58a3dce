"""Tables of alerts, of the messages about them, and of silences."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.analysis.tables import metadata
from miraikakaku_assets.adapters.storage.tables import now, utc

__all__ = ["metadata"]

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False),  # what it is about; while it stands, it is raised once
    Column("severity", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("universe", Text),
    Column("symbol", Text),
    Column("title", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    utc("raised_at", nullable=False),
    utc("last_seen_at", nullable=False),
    Column("occurrences", Integer, nullable=False, server_default=text("1")),
    utc("resolved_at"),
    # What follows is of conditions: a plan decides who is told. Events are told when they are raised.
    Column("is_condition", Boolean, nullable=False, server_default=text("false")),
    utc("waiting_since"),  # from when the group wait counts
    utc("quiet_since"),  # the condition holds no more; it is over after its quiet time
    Column("ended_by_hand", Boolean, nullable=False, server_default=text("false")),
    Column("flaps", Integer, nullable=False, server_default=text("0")),  # returns within the quiet time
    utc("told_at"),
    Column("told_level", Text),
    utc("flapping_told_at"),
    utc("acknowledged_at"),
    Column("acknowledged_note", Text),
    Column("escalation", Integer, nullable=False, server_default=text("0")),
    utc("escalated_at"),
    Column("suppression", Text),  # silenced, expected, inhibited
    Column("suppressed_by", Text),  # number of the silence, key of the root
    utc("plan_due_at"),  # when a plan has to look at it; null: nothing happens by time alone
    CheckConstraint("severity IN ('INFO', 'WARNING', 'CRITICAL')", name="severity"),
    CheckConstraint("suppression IN ('silenced', 'expected', 'inhibited')", name="suppression"),
    Index("uq_alerts_standing", "key", unique=True, postgresql_where=text("resolved_at IS NULL")),
    Index("idx_alerts_raised", "raised_at"),
    Index("idx_alerts_key", "key"),
    Index("idx_alerts_plan_due", "plan_due_at", postgresql_where=text("plan_due_at IS NOT NULL")),
    Index(
        "idx_alerts_inhibited",
        "suppressed_by",
        postgresql_where=text("suppression = 'inhibited' AND resolved_at IS NULL"),
    ),
)

notification_outbox = Table(
    "notification_outbox",
    metadata,
    Column("position", BigInteger, Identity(), nullable=False),
    Column("alert_id", Integer, ForeignKey("miraikakaku.alerts.id", ondelete="CASCADE"), nullable=False),
    Column("channel", Text(collation="C"), nullable=False),  # name of a configured channel, e.g. discord
    Column("notice", Text, nullable=False, server_default=text("'event'")),
    Column("escalation", Integer, nullable=False, server_default=text("1")),
    utc("due_at", nullable=False),  # not before: the priority's delay, then the backoff after each failure
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    utc("delivered_at"),
    now("created_at"),
    PrimaryKeyConstraint("position"),
    CheckConstraint(
        "notice IN ('event', 'raised', 'flapping', 'escalated', 'recovered', 'digest')", name="notice"
    ),
    Index(
        "uq_notification_outbox_event",
        "alert_id",
        "channel",
        unique=True,
        postgresql_where=text("notice = 'event'"),
    ),
    Index("idx_notification_outbox_due", "due_at", postgresql_where=text("delivered_at IS NULL")),
)

# The alerts a message of a plan is about; the message of an event is about its alert_id alone.
notification_members = Table(
    "notification_members",
    metadata,
    Column(
        "position",
        BigInteger,
        ForeignKey("miraikakaku.notification_outbox.position", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("alert_id", Integer, ForeignKey("miraikakaku.alerts.id", ondelete="CASCADE"), nullable=False),
    Column("is_over", Boolean, nullable=False),  # the message says that it is over
    Column("place", Integer, nullable=False),  # in the message
    PrimaryKeyConstraint("position", "alert_id"),
    Index("idx_notification_members_alert", "alert_id"),
)

# One row per channel that was ever used; whoever holds its lock is the one who delivers there.
notification_channels = Table(
    "notification_channels",
    metadata,
    Column("channel", Text(collation="C"), primary_key=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),  # since something was delivered
    utc("paused_until"),  # nothing is sent before: its own Retry-After, or the backoff
    Column("last_error", Text),
    utc("delivered_at"),  # the last time something was
)

alert_silences = Table(
    "alert_silences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key_pattern", Text),  # null matches all, as below
    Column("level", Text),
    Column("universe", Text),
    Column("symbol", Text),
    utc("starts_at", nullable=False),
    utc("ends_at", nullable=False),  # moved to now when it is lifted
    Column("note", Text, nullable=False),
    utc("created_at", nullable=False),
    CheckConstraint("kind IN ('silence', 'expected')", name="kind"),
    CheckConstraint("level IN ('high', 'medium', 'low')", name="level"),
    Index("idx_alert_silences_ends", "ends_at"),
)

# One row. Whoever plans or raises conditions holds its lock: they come one after the other.
alert_planner = Table(
    "alert_planner",
    metadata,
    Column("id", Integer, primary_key=True),
    utc("planned_at"),  # of the newest plan; ahead of now: the clock was set back, everything is looked at
    CheckConstraint("id = 1", name="one_row"),
)
