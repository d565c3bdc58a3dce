"""An installation with a few rows in both schemas, a model and a secret, to be backed up."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from miraikakaku_assets_tests.support.command import Command

PASSWORD = "hunter2-and-more"  # noqa: S105 - the test server lets everybody in; this must never be seen again
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
MODEL = "jp/theta_0123456789ab.bin"
_FILL = """
    INSERT INTO miraikakaku.instruments (symbol, universe, kind, currency, price_unit, calendar)
    SELECT 'T' || n, 'jp', 'stock', 'JPY', 'JPY per share', 'XTKS' FROM generate_series(1, 50) AS n;
    INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, open, high, low, close, volume, source, status,
        fetched_at)
    SELECT i, '1d', timestamptz '2026-01-05' + d * interval '1 day', 1, 2 + random(), 1, 1, d, 'yahoo', 'final', now()
    FROM generate_series(1, 50) AS i, generate_series(1, 100) AS d;
    INSERT INTO dagster.kvs (key, value) VALUES ('a', 'one') ON CONFLICT DO NOTHING"""

_FEW_TABLES = """
    DO $$ DECLARE leaving text; BEGIN
        FOR leaving IN SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables
            WHERE schemaname IN ('miraikakaku', 'dagster') AND tablename NOT IN
                ('alembic_version', 'backups', 'instruments', 'price_bars', 'technical_indicators', 'latest_indicators',
                    'price_origin', 'cold_files', 'cold_ranges', 'kvs', 'runs')
        LOOP EXECUTE 'DROP TABLE ' || leaving || ' CASCADE'; END LOOP;
    END $$"""


def backed_up_installation(folder: Path, url: str, *, whole: bool = False) -> Command:
    """The command line of such an installation.

    Args:
        folder: Working directory; the state folder lies in it.
        url: Its database, with all tables.
        whole: Whether all tables stay. Otherwise eleven do, which are sooner copied and restored.
    """
    with_password = make_url(url).set(password=PASSWORD).render_as_string(hide_password=False)
    command = Command(folder, {}).with_(
        MIRAIKAKAKU_HOME=folder / "home", DATABASE_URL=with_password, SLACK_WEBHOOK_URL=SLACK
    )
    if not whole:
        command.execute(_FEW_TABLES)
    command.execute(_FILL)
    model = folder / "home" / "models" / MODEL
    model.parent.mkdir(parents=True)
    model.write_bytes(b"weights")
    return command


SLACK = "https://hooks.slack.com/services/T0/B0/" + "x" * 24
