"""Tables of the security scan. The narrow roles may not read them: they say where an installation is weak."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from miraikakaku_assets.adapters.storage.tables import metadata, utc

__all__ = ["metadata"]

security_findings = Table(
    "security_findings",
    metadata,
    Column("id", Text, primary_key=True),  # digest of kind, rule, target and occurrence
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("occurrence", Integer, nullable=False, server_default=text("0")),
    Column("level", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("fix", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    utc("first_seen_at", nullable=False),
    utc("last_seen_at", nullable=False),
    utc("resolved_at"),  # null while it stands
    Column("accepted_reason", Text),
    utc("accepted_at"),
    utc("accepted_until"),
    CheckConstraint("level IN ('low', 'medium', 'high', 'critical')", name="level"),
    CheckConstraint(
        "num_nulls(accepted_reason, accepted_at, accepted_until) IN (0, 3)",
        name="accepted",
    ),
    Index("idx_security_findings_kind", "kind"),
)

security_scans = Table(
    "security_scans",
    metadata,
    Column("id", BigInteger, primary_key=True),
    utc("scanned_at", nullable=False),
    Column("check", Text, nullable=False),
    Column("used", Text, nullable=False),
    Column("examined", Integer, nullable=False),
    Column("noun", Text, nullable=False),
    Column("findings", Integer, nullable=False),
    Column("trouble", Text, nullable=False, server_default=text("''")),  # why it could not be made
    Index("idx_security_scans_check", "check", text("scanned_at DESC")),
)
