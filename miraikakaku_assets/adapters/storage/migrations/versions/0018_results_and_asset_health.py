"""Files of bulk jobs, and the newest look at the health of assets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_SCHEMA = "miraikakaku"
_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Goes forward."""
    op.add_column("bulk_jobs", sa.Column("results_at", _UTC), schema=_SCHEMA)
    op.create_table(
        "bulk_job_files",
        sa.Column("job_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("universe", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(collation="C"), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("written_at", _UTC, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], [f"{_SCHEMA}.bulk_jobs.id"], name=op.f("fk_bulk_job_files_job_id")
        ),
        sa.PrimaryKeyConstraint("job_id", "name", name=op.f("pk_bulk_job_files")),
        schema=_SCHEMA,
    )
    op.create_table(
        "asset_health",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("as_of", _UTC, nullable=False),
        sa.Column("assets", JSONB(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_asset_health_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_health")),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Goes back; the files of bulk jobs stay in the state folder and nobody names them any more."""
    op.drop_table("asset_health", schema=_SCHEMA)
    op.drop_table("bulk_job_files", schema=_SCHEMA)
    op.drop_column("bulk_jobs", "results_at", schema=_SCHEMA)
