"""The text that Prometheus reads, parsed by its own library."""

import re
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from miraikakaku_assets.adapters.metrics.exposition import exposition
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.figures import PostgresFigures
from miraikakaku_assets.application.monitoring.metrics import metric_families
from miraikakaku_assets.application.ports.notices import NewAlert, Severity
from miraikakaku_assets.application.ports.operations.system import Sample, ServiceState
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitState
from miraikakaku_assets.domain.operations.thresholds import Level

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
UNITS = ("_ratio", "_seconds", "_bytes", "_per_second")
COUNTS = {"alerts_standing", "collections_stored", "notifications_waiting", "source_refusals", "source_breaker_open",
          "health_level", "health_queue"}  # fmt: skip
ROWS = """
INSERT INTO miraikakaku.coverage_reports (checked_at, universe, timeframe, segment, denominator, window_start,
    window_end, instruments, complete_instruments, empty_instruments, expected_bars, stored_bars, coverage, threshold,
    report_file)
VALUES ('2026-11-19', 'jp', '1d', 'all', 'd', '2026-01-01', '2026-11-18', 2, 1, 0, 10, 8, 0.8, 0.95, 'f'),
       ('2026-11-20', 'jp', '1d', 'all', 'd', '2026-01-01', '2026-11-19', 2, 1, 0, 10, 9, 0.9, 0.95, 'f'),
       ('2026-11-20', 'jp', '1d', 'Prime "市場"', 'd', '2026-01-01', '2026-11-19', 1, 1, 0, 5, 5, 1.0, 0.95, 'f');
INSERT INTO miraikakaku.batch_executions (batch_type, status, universe, timeframe, source, total_stocks,
    successful_stocks, failed_stocks, start_time, end_time)
VALUES ('prices', 'failed', 'jp', '1d', 'yahoo', 10, 9, 1, '2026-11-20 05:00+00', '2026-11-20 05:15+00');
INSERT INTO miraikakaku.cycle_log (universe, run_id, started_at, ended_at, symbols, succeeded)
VALUES ('fx', 'r', '2026-11-20 05:00+00', '2026-11-20 05:00:20+00', 8, 6);
INSERT INTO miraikakaku.instruments (id, symbol, universe, kind, currency, price_unit, calendar)
VALUES (1, '7203.T', 'jp', 'stock', 'JPY', 'JPY per share', 'XTKS');
INSERT INTO miraikakaku.collection_state VALUES (1, '1d', '2020-01-01', '2026-11-20');
"""


def exposed(database: Database, samples: tuple[Sample, ...] = ()) -> dict[tuple[str, ...], float]:
    """Name and values of the labels, in the order of their names → value, of all that is exposed."""
    service = ServiceState("daemon", "here", 1, started_at=NOW, silent_seconds=12.5)
    rate = LimitState("yahoo", 2.5, 5.0, None, Breaker.OPEN, None, 20, "HTTP 429")
    families = metric_families(
        PostgresFigures(database).figures(NOW), samples, [service], rate, NOW - timedelta(hours=3), NOW
    )
    found = {}
    for family in text_string_to_metric_families(exposition(families)):
        assert family.documentation.endswith(".")
        name = family.name.removeprefix("miraikakaku_")
        assert name != family.name
        assert re.fullmatch(r"[a-z][a-z_]*", name)
        assert name.endswith(UNITS) or name in COUNTS
        for sample in family.samples:
            found[(name, *(sample.labels[label] for label in sorted(sample.labels)))] = sample.value
    return found


def test_everything_that_is_stored_is_exposed_in_base_units(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(ROWS))
    alert = NewAlert("k", Severity.WARNING, "test", "t", "m", channels=("discord",))
    PostgresAlerts(database).raise_alerts([alert], NOW)
    samples = (
        Sample(NOW, "cpu", 0.42, "share", Level.NORMAL),
        Sample(NOW, "database_connection", 0.75, "seconds", Level.CAUTION),
        Sample(NOW, "api_response", None, "seconds", Level.UNKNOWN),
    )

    figures = exposed(database, samples)

    expected = {
        ("coverage_ratio", "all", "jp"): 0.9,
        ("coverage_ratio", 'Prime "市場"', "jp"): 1.0,
        ("alerts_standing", "WARNING"): 1,
        ("notifications_waiting", "discord"): 1,
        ("collections_stored", "failed", "1d", "jp"): 1,
        ("collection_duration_seconds", "1d", "jp"): 900,
        ("collection_success_ratio", "1d", "jp"): 0.9,
        ("collection_end_timestamp_seconds", "1d", "jp"): datetime(
            2026, 11, 20, 5, 15, tzinfo=UTC
        ).timestamp(),
        ("cycle_duration_seconds", "fx"): 20,
        ("cycle_success_ratio", "fx"): 0.75,
        ("source_requests_per_second", "yahoo"): 2.5,
        ("source_breaker_open", "yahoo"): 1,
        ("backup_age_seconds",): 10_800,
        ("service_silence_seconds", "here", "daemon"): 12.5,
        ("health_cpu_ratio",): 0.42,
        ("health_database_connection_seconds",): 0.75,
        ("health_level", "database_connection"): 2,
        ("health_level", "api_response"): 0,
    }
    assert {key: figures.get(key) for key in expected} == expected
    assert figures[("table_size_bytes", "miraikakaku", "price_bars")] > 0
    assert ("health_api_response_seconds",) not in figures


def test_the_newest_bar_of_a_universe_has_its_age(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(ROWS))
        connection.execute(
            text(
                "INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, open, high, low, close, volume,"
                " status, source, fetched_at) VALUES"
                " (1, '1d', '2026-11-19 00:00+00', 1, 1, 1, 1, 1, 'final', 'yahoo', now()),"
                " (1, '1d', '2026-11-20 00:00+00', 1, 1, 1, 1, 1, 'provisional', 'yahoo', now())"
            )
        )

    assert exposed(database)[("newest_bar_age_seconds", "1d", "jp")] == 30 * 3600


def test_an_empty_installation_exposes_what_it_has(database: Database) -> None:
    names = {key[0] for key in exposed(database)}

    assert "source_requests_per_second" in names
    assert names.isdisjoint({"coverage_ratio", "cycle_duration_seconds", "health_level"})
