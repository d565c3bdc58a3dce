"""Files of bars that left the database, and which months of which instruments are read from them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"


def upgrade() -> None:
    """Goes forward."""
    op.create_table(
        "cold_files",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("first_ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cold_files")),
        sa.UniqueConstraint("path", name=op.f("uq_cold_files_path")),
        schema=_SCHEMA,
    )
    op.create_table(
        "cold_ranges",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("first_ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instrument_id", "timeframe", "month", name=op.f("pk_cold_ranges")),
        sa.ForeignKeyConstraint(
            ["file_id"], [f"{_SCHEMA}.cold_files.id"], name=op.f("fk_cold_ranges_file_id")
        ),
        schema=_SCHEMA,
    )
    op.create_index("idx_cold_ranges_file", "cold_ranges", ["file_id"], schema=_SCHEMA)


def downgrade() -> None:
    """Goes back where no bar lies in a file; `miraikakaku cold restore` brings them back."""
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT FROM {_SCHEMA}.cold_ranges) THEN"
        " RAISE EXCEPTION 'bars lie in cold files; run `miraikakaku cold restore` first'; END IF; END $$"
    )
    op.drop_table("cold_ranges", schema=_SCHEMA)
    op.drop_table("cold_files", schema=_SCHEMA)
