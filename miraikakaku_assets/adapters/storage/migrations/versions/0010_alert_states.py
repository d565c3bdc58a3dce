"""The state of alerts, messages about several of them, and silences."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_NOTICES = "'event', 'raised', 'flapping', 'escalated', 'recovered', 'digest'"


def upgrade() -> None:
    """Goes forward: what people were told of alerts that stand is kept, so that nobody is told again."""
    for column in (
        sa.Column("is_condition", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _utc("waiting_since"),
        _utc("quiet_since"),
        sa.Column("ended_by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("flaps", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _utc("told_at"),
        sa.Column("told_level", sa.Text()),
        _utc("flapping_told_at"),
        _utc("acknowledged_at"),
        sa.Column("acknowledged_note", sa.Text()),
        sa.Column("escalation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _utc("escalated_at"),
        sa.Column("suppression", sa.Text()),
        sa.Column("suppressed_by", sa.Text()),
        _utc("plan_due_at"),
    ):
        op.add_column("alerts", column, schema=_SCHEMA)
    op.create_check_constraint(
        op.f("ck_alerts_suppression"),
        "alerts",
        "suppression IN ('silenced', 'expected', 'inhibited')",
        schema=_SCHEMA,
    )
    op.create_index(
        "idx_alerts_plan_due",
        "alerts",
        ["plan_due_at"],
        schema=_SCHEMA,
        postgresql_where=sa.text("plan_due_at IS NOT NULL"),
    )
    op.create_index(
        "idx_alerts_inhibited",
        "alerts",
        ["suppressed_by"],
        schema=_SCHEMA,
        postgresql_where=sa.text("suppression = 'inhibited' AND resolved_at IS NULL"),
    )
    op.execute(f"ALTER TABLE {_SCHEMA}.alerts SET (fillfactor = 70)")
    op.execute(f"""
        UPDATE {_SCHEMA}.alerts SET is_condition = true, waiting_since = raised_at, told_at = raised_at,
            told_level = CASE severity WHEN 'CRITICAL' THEN 'high' WHEN 'WARNING' THEN 'medium' ELSE 'low' END,
            escalation = 1, escalated_at = raised_at,
            plan_due_at = CASE WHEN resolved_at IS NULL THEN now() END
        WHERE kind NOT IN ('pattern', 'withdrawn')
    """)
    _outbox()
    op.create_table(
        "alert_silences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_pattern", sa.Text()),
        sa.Column("level", sa.Text()),
        sa.Column("universe", sa.Text()),
        sa.Column("symbol", sa.Text()),
        _utc("starts_at", nullable=False),
        _utc("ends_at", nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _utc("created_at", nullable=False),
        sa.CheckConstraint("kind IN ('silence', 'expected')", name=op.f("ck_alert_silences_kind")),
        sa.CheckConstraint("level IN ('high', 'medium', 'low')", name=op.f("ck_alert_silences_level")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_silences")),
        schema=_SCHEMA,
    )
    op.create_index("idx_alert_silences_ends", "alert_silences", ["ends_at"], schema=_SCHEMA)
    op.create_table(
        "alert_planner",
        sa.Column("id", sa.Integer(), nullable=False),
        _utc("planned_at"),
        sa.CheckConstraint("id = 1", name=op.f("ck_alert_planner_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_planner")),
        schema=_SCHEMA,
    )
    op.execute(f"INSERT INTO {_SCHEMA}.alert_planner (id) VALUES (1)")


def _outbox() -> None:
    op.drop_constraint("pk_notification_outbox", "notification_outbox", schema=_SCHEMA)
    for column in (
        sa.Column("position", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("notice", sa.Text(), server_default=sa.text("'event'"), nullable=False),
        sa.Column("escalation", sa.Integer(), server_default=sa.text("1"), nullable=False),
    ):
        op.add_column("notification_outbox", column, schema=_SCHEMA)
    # The identity numbers the rows as they lie; what waits has to go out in the order in which it was raised.
    op.execute(f"""
        WITH ordered AS (
            SELECT alert_id, channel, row_number() OVER (ORDER BY alert_id, channel) AS place
            FROM {_SCHEMA}.notification_outbox
        )
        UPDATE {_SCHEMA}.notification_outbox AS waiting SET position = ordered.place
        FROM ordered WHERE ordered.alert_id = waiting.alert_id AND ordered.channel = waiting.channel
    """)
    op.create_primary_key("pk_notification_outbox", "notification_outbox", ["position"], schema=_SCHEMA)
    op.create_check_constraint(
        op.f("ck_notification_outbox_notice"),
        "notification_outbox",
        f"notice IN ({_NOTICES})",
        schema=_SCHEMA,
    )
    op.create_table(
        "notification_members",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position"],
            [f"{_SCHEMA}.notification_outbox.position"],
            name="fk_notification_members_position",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            [f"{_SCHEMA}.alerts.id"],
            name="fk_notification_members_alert_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("position", "alert_id", name=op.f("pk_notification_members")),
        schema=_SCHEMA,
    )
    op.create_index("idx_notification_members_alert", "notification_members", ["alert_id"], schema=_SCHEMA)
    op.execute(f"""
        UPDATE {_SCHEMA}.notification_outbox AS waiting SET notice = 'raised'
        FROM {_SCHEMA}.alerts WHERE alerts.id = waiting.alert_id AND alerts.is_condition
    """)
    op.execute(f"""
        INSERT INTO {_SCHEMA}.notification_members (position, alert_id, is_over, place)
        SELECT position, alert_id, false, 1 FROM {_SCHEMA}.notification_outbox WHERE notice = 'raised'
    """)
    op.create_index(
        "uq_notification_outbox_event",
        "notification_outbox",
        ["alert_id", "channel"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("notice = 'event'"),
    )


def _utc(name: str, **options: bool) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def downgrade() -> None:
    """Goes back: silences are lost, and of the messages about an alert the first on each channel is kept."""
    op.drop_table("alert_planner", schema=_SCHEMA)
    op.drop_table("alert_silences", schema=_SCHEMA)
    op.drop_table("notification_members", schema=_SCHEMA)
    op.drop_index("uq_notification_outbox_event", "notification_outbox", schema=_SCHEMA)
    op.execute(f"""
        DELETE FROM {_SCHEMA}.notification_outbox AS later USING {_SCHEMA}.notification_outbox AS first
        WHERE first.alert_id = later.alert_id AND first.channel = later.channel AND first.position < later.position
    """)
    op.drop_constraint("pk_notification_outbox", "notification_outbox", schema=_SCHEMA)
    op.drop_constraint(op.f("ck_notification_outbox_notice"), "notification_outbox", schema=_SCHEMA)
    for name in ("position", "notice", "escalation"):
        op.drop_column("notification_outbox", name, schema=_SCHEMA)
    op.create_primary_key(
        "pk_notification_outbox", "notification_outbox", ["alert_id", "channel"], schema=_SCHEMA
    )
    op.execute(f"ALTER TABLE {_SCHEMA}.alerts RESET (fillfactor)")
    op.execute(f"""
        UPDATE {_SCHEMA}.alerts SET resolved_at = quiet_since WHERE quiet_since IS NOT NULL AND resolved_at IS NULL
    """)
    op.drop_index("idx_alerts_inhibited", "alerts", schema=_SCHEMA)
    op.drop_index("idx_alerts_plan_due", "alerts", schema=_SCHEMA)
    op.drop_constraint(op.f("ck_alerts_suppression"), "alerts", schema=_SCHEMA)
    for name in (
        *("is_condition", "waiting_since", "quiet_since", "ended_by_hand", "flaps", "told_at", "told_level"),
        *("flapping_told_at", "acknowledged_at", "acknowledged_note", "escalation", "escalated_at"),
        *("suppression", "suppressed_by", "plan_due_at"),
    ):
        op.drop_column("alerts", name, schema=_SCHEMA)
