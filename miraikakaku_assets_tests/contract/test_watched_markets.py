"""Collections, lists, coverage and forecasts as the watch finds them in a real database."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.files.backups.shelf import FolderBackups
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.backups.history import PostgresBackupHistory, PostgresIntegrity
from miraikakaku_assets.adapters.storage.collection.market_account import PostgresMarketAccount
from miraikakaku_assets.adapters.storage.collection.probes import PostgresProbes
from miraikakaku_assets.adapters.storage.collection.watch_positions import PostgresWatchPositions
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.adapters.storage.security.store import PostgresSecurityFindings
from miraikakaku_assets.application.alerting.alert_rule import AlertChanges, AlertPorts
from miraikakaku_assets.application.alerting.conditions.installation_alerts import InstallationAccount
from miraikakaku_assets.application.alerting.rules import ALERTS
from miraikakaku_assets.application.alerting.watch import Floors, WatchPorts, watch
from miraikakaku_assets.application.ports.notices import Alert
from miraikakaku_assets.application.ports.operations.watching import (
    DueCollection,
    EndedRuns,
    OrchestratorState,
    ScheduleState,
)
from miraikakaku_assets_tests.support.markets.signal_alerts import NOW

MONTH_AGO = NOW - timedelta(days=30)


@dataclass
class Scripted:
    """An orchestrator that shows what a test says."""

    state: OrchestratorState
    linked: dict[str, Sequence[str]] = field(default_factory=dict)

    def read(self, position: str | None) -> OrchestratorState:
        del position
        return self.state

    def link(self, run_ids: Sequence[str], alert_key: str) -> None:
        self.linked[alert_key] = run_ids


class Market:
    """Tokyo in a database, with its schedules on for a month, and a clock that a test moves."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.alerts = PostgresAlerts(database)
        self.now = NOW
        self.orchestrator = Scripted(OrchestratorState(NOW, "0"))
        self.floors = Floors({}, 0)

    def due(self, moment: datetime | None, *, is_on: bool = True) -> None:
        """Tokyo's schedule is on or off, and was due last at a moment."""
        since = MONTH_AGO if is_on else None
        schedules = [ScheduleState(name, since, None, 86_400) for name in ("jp_daily", "coverage_check")]
        due = [DueCollection("jp", "jp_daily", MONTH_AGO, moment)] if is_on else []
        self.orchestrator.state = replace(self.orchestrator.state, schedules=schedules, collections=due)

    def watch(self) -> AlertChanges:
        self.orchestrator.state = replace(self.orchestrator.state, read_at=self.now)
        ports = WatchPorts(
            orchestrator=self.orchestrator,
            positions=PostgresWatchPositions(self.database),
            markets=PostgresMarketAccount(self.database),
            rate=PostgresRateLimiter(self.database, "yahoo", 5.0, 20),
            probes=PostgresProbes(self.database),
            floors=self.floors,
            installation=InstallationAccount(
                None,
                PostgresIntegrity(self.database),
                FolderBackups(self.folder, self.folder),
                PostgresBackupHistory(self.database),
                PostgresSecurityFindings(self.database),
            ),
            alerting=AlertPorts(self.alerts, lambda: self.now),
        )
        return watch("test", ports).changes

    def run(self, statement: str, **values: object) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(text(statement), values)

    def collected(
        self,
        symbols: int,
        failing: str = "",
        verdict: str = "timeout",
        kind: str = "all_stocks",
        **batch: object,
    ) -> None:
        """A collection of symbols 0001, 0002, …; those between two numbers (``1-20``) fail."""
        values = {"status": "failed" if failing else "completed", "error_class": None, "processed": symbols}
        first, _, last = failing.partition("-")
        self.run(
            """WITH batch AS (
                   INSERT INTO miraikakaku.batch_executions (
                       batch_type, status, universe, timeframe, source, run_id, total_stocks, processed_stocks,
                       start_time, end_time, error_class)
                   VALUES (:kind, :status, 'jp', '1d', 'yahoo', 'run', :symbols, :processed, :began, :ended,
                       :error_class) RETURNING id)
               INSERT INTO miraikakaku.batch_execution_details (
                   batch_execution_id, symbol, stock_code, status, verdict)
               SELECT id, to_char(n, 'FM0000'), 'x',
                   CASE WHEN n BETWEEN :first AND :last THEN 'failed' ELSE 'completed' END,
                   CASE WHEN n BETWEEN :first AND :last THEN :verdict ELSE 'ok' END
               FROM batch, generate_series(1, :symbols) AS n""",
            kind=kind,
            symbols=symbols,
            verdict=verdict,
            first=int(first or 0),
            last=int(last or first or -1),
            began=self.now - timedelta(minutes=20),
            ended=self.now,
            **(values | batch),
        )

    def bar(self, session: date) -> None:
        """A final daily bar of one issue."""
        self.run(
            """WITH one AS (
                   INSERT INTO miraikakaku.instruments (symbol, universe, kind, currency, price_unit, calendar)
                   VALUES ('7203.T', 'jp', 'stock', 'JPY', 'JPY per share', 'XTKS')
                   ON CONFLICT (symbol) DO UPDATE SET kind = 'stock' RETURNING id)
               INSERT INTO miraikakaku.price_bars (
                   instrument_id, timeframe, ts, open, high, low, close, volume, source, status, fetched_at)
               SELECT id, '1d', CAST(:opens AS timestamptz), 1, 1, 1, 1, 1, 'yahoo', 'final', now() FROM one""",
            opens=datetime(session.year, session.month, session.day, tzinfo=UTC),  # 09:00 in Tokyo
        )

    def listed(self, universe: str, **types: int) -> None:
        """A list with so many issues of each type."""
        for kind, issues in types.items():
            self.run(
                """WITH made AS (
                       INSERT INTO miraikakaku.instruments (symbol, universe, kind, currency, price_unit, calendar)
                       SELECT :universe || :kind || n, :universe, :kind, 'JPY', 'x', 'XTKS'
                       FROM generate_series(1, :issues) AS n RETURNING id, symbol)
                   INSERT INTO miraikakaku.stock_master (
                       universe, instrument_id, exchange, stock_code, stock_name, security_type, yahoo_symbol,
                       first_list_date, last_list_date)
                   SELECT :universe, id, 'x', left(symbol, 10), symbol, :kind, symbol, now(), now() FROM made""",
                universe=universe,
                kind=kind,
                issues=issues,
            )

    def covered(self, share: float, segment: str = "all") -> None:
        """A coverage check of this moment."""
        self.run(
            """INSERT INTO miraikakaku.coverage_reports (
                   checked_at, universe, timeframe, segment, denominator, window_start, window_end, instruments,
                   complete_instruments, empty_instruments, expected_bars, stored_bars, coverage, threshold,
                   report_file)
               VALUES (:now, 'jp', '1d', :segment, 'x', now(), now(), 10, 9, 0, 1000, 1, :share, 0.95, 'r.json')""",
            now=self.now,
            segment=segment,
            share=share,
        )

    def standing(self) -> dict[str, Alert]:
        return {alert.key: alert for alert in self.alerts.listed(only_standing=True)}


@pytest.fixture
def market(database: Database, tmp_path: Path) -> Market:
    return Market(database, tmp_path)


def inhibited_by(key: str) -> tuple[str, ...]:
    """Patterns of what an alert of Tokyo or its source keeps quiet."""
    filled = {"<universe>": "jp", "<source>": "yahoo"}
    for kind in ALERTS:
        patterns = (kind.key, *kind.inhibits)
        for label, value in filled.items():
            patterns = tuple(pattern.replace(label, value) for pattern in patterns)
        if patterns[0] == key:
            return patterns[1:]
    raise AssertionError(key)


def test_an_empty_database_is_nothing_to_talk_about(market: Market) -> None:
    assert market.watch() == AlertChanges()


@pytest.mark.parametrize(
    ("failing", "keys"),
    [
        ("", {}),
        ("7", {"collection/jp/failed": "WARNING"}),
        ("1-20", {"collection/jp/failed": "WARNING", "collection/jp/success_rate": "WARNING"}),
        ("1-100", {"collection/jp/failed": "CRITICAL"}),
    ],
)
def test_a_collection_with_failures_is_told_by_how_many(
    market: Market, failing: str, keys: dict[str, str]
) -> None:
    market.collected(100, failing)
    market.watch()
    assert {key: alert.severity.value for key, alert in market.standing().items()} == keys


def test_what_the_source_does_not_have_is_no_failure(market: Market) -> None:
    market.collected(100, "1-30", verdict="not_on_source")
    assert market.watch() == AlertChanges()


def test_symbols_that_are_collected_again_end_it(market: Market) -> None:
    market.collected(100, "1-3")
    market.watch()
    message = market.standing()["collection/jp/failed"].message
    assert "成功: 100銘柄中97銘柄(97.0%)" in message
    assert "原因: timeout 3" in message
    assert "例: 0001、0002、0003" in message
    market.collected(3, "2", kind="partial")
    assert market.watch().resolved == frozenset()
    market.collected(2, kind="partial")
    assert market.watch().resolved == {"collection/jp/failed"}


def test_a_collection_that_was_broken_off_failed_and_one_that_was_stopped_did_not(market: Market) -> None:
    market.collected(50, "1", status="failed", error_class="cancelled", processed=3)
    assert market.watch() == AlertChanges()
    market.collected(50, status="failed", error_class="system", processed=0)
    market.watch()
    assert market.standing()["collection/jp/failed"].details["causes"] == {"not_reached": 50}


def test_an_outage_of_the_source_is_one_alert_that_keeps_4400_failures_quiet(market: Market) -> None:
    market.collected(4400, "1-4400", verdict="unreachable")
    market.bar(date(2026, 11, 16))
    market.due(NOW - timedelta(hours=1))
    failed = [EndedRuns(job, NOW, ("r",), "x", "jp") for job in ("jp_daily_job", "jp_cycle_job")]
    market.orchestrator.state = replace(market.orchestrator.state, runs=failed)
    PostgresRateLimiter(market.database, "yahoo", 5.0, 20).pause("HTTP 503")

    market.watch()

    standing = market.standing()
    outage = standing.pop("source/yahoo/unreachable")
    assert outage.severity.value == "WARNING"
    assert "最後の応答: HTTP 503" in outage.message
    assert standing.keys() >= {"collection/jp/failed", "collection/jp/no_data", "run/jp_daily_job/failed"}
    patterns = inhibited_by(outage.key)
    loud = [key for key in standing if not any(fnmatchcase(key, pattern) for pattern in patterns)]
    assert loud == []
    assert market.orchestrator.linked["run/jp_daily_job/failed"] == ("r",)

    PostgresRateLimiter(market.database, "yahoo", 5.0, 20).resume()
    assert "source/yahoo/unreachable" in market.watch().resolved


def test_a_collection_that_was_due_and_has_not_begun_is_critical(market: Market) -> None:
    market.due(market.now)
    market.now += timedelta(minutes=30)
    assert market.watch() == AlertChanges()
    market.now += timedelta(minutes=1)
    assert market.watch().raised == {"collection/jp/not_started"}
    market.collected(1)  # began twenty minutes ago
    assert market.watch().resolved == {"collection/jp/not_started"}
    market.due(market.now - timedelta(minutes=10))
    market.now += timedelta(minutes=40)
    assert market.watch().raised == {"collection/jp/not_started"}
    market.due(None, is_on=False)
    assert market.watch().resolved == {"collection/jp/not_started"}


@pytest.mark.parametrize(
    ("newest", "moment", "is_missing"),
    [
        (date(2026, 11, 20), datetime(2026, 11, 23, 23, 0, tzinfo=UTC), False),  # a weekend and a holiday
        (
            date(2026, 11, 20),
            datetime(2026, 11, 25, 17, 0, tzinfo=UTC),
            False,
        ),  # one session, one not due yet
        (date(2026, 11, 20), datetime(2026, 11, 25, 19, 0, tzinfo=UTC), True),  # Tuesday's and Wednesday's
        (date(2026, 12, 30), datetime(2027, 1, 5, 5, 0, tzinfo=UTC), False),  # over the new year
    ],
)
def test_days_without_bars_are_counted_in_sessions(
    market: Market,
    newest: date,
    moment: datetime,
    is_missing: bool,  # noqa: FBT001
) -> None:
    market.bar(newest)
    market.due(None)
    market.now = moment
    market.watch()
    assert ("collection/jp/no_data" in market.standing()) is is_missing


def test_a_schedule_that_was_just_turned_on_is_not_blamed_for_what_was_before(market: Market) -> None:
    market.bar(date(2026, 8, 3))
    market.due(None)
    turned_on = DueCollection("jp", "jp_daily", market.now - timedelta(hours=2), None)
    market.orchestrator.state = replace(market.orchestrator.state, collections=[turned_on])
    assert market.watch() == AlertChanges()
    market.due(None)
    assert market.watch().raised == {"collection/jp/no_data"}
    market.bar(date(2026, 11, 19))
    assert market.watch().resolved == {"collection/jp/no_data"}


def test_lists_are_held_against_their_floors_and_funds_of_both_together(market: Market) -> None:
    market.floors = Floors({"jp": 5, "us": 4}, 4)
    market.listed("jp", stock=4, etf=1)
    assert market.watch() == AlertChanges()  # of the funds nothing can be said yet
    market.listed("us", stock=1, etf=2)
    assert market.watch().raised == {"master/us/floor", "master/etf/floor"}
    assert market.standing()["master/etf/floor"].details == {"issues": 3, "at_least": 4}
    market.listed("us", adr=1)
    market.run("UPDATE miraikakaku.stock_master SET security_type = 'etf' WHERE security_type = 'adr'")
    assert market.watch().resolved == {"master/us/floor", "master/etf/floor"}


def test_coverage_is_judged_by_segment_and_by_its_age(market: Market) -> None:
    market.due(None)
    market.covered(0.99)
    market.covered(0.94, "プライム(内国株式)")
    assert market.watch().raised == {"coverage/jp/プライム(内国株式)/below"}
    market.now += timedelta(hours=13)
    assert market.watch().raised == frozenset()
    market.now += timedelta(minutes=1)
    assert market.watch().raised == {"coverage/jp/stale"}
    market.covered(0.99)
    market.covered(0.95, "プライム(内国株式)")
    assert market.watch().resolved == {"coverage/jp/stale", "coverage/jp/プライム(内国株式)/below"}


def test_a_session_that_was_not_forecast_is_told_four_hours_after_its_collection(market: Market) -> None:
    market.due(None)
    market.bar(date(2026, 11, 20))
    market.collected(1)
    market.now += timedelta(hours=5)
    assert market.watch() == AlertChanges()  # nothing was ever forecast here
    market.run(
        """INSERT INTO miraikakaku.forecast_models (
               universe, model, version, seed, trained_until, trained_at, data_version, code_version, seconds, file,
               sha256)
           VALUES ('jp', 'drift', '1', 1, '2026-11-13', now(), 'x', 'x', 1, 'f', 'x')"""
    )
    assert market.watch().raised == {"forecast/jp/missing"}
    assert "最新の日足: 2026-11-20" in market.standing()["forecast/jp/missing"].message
    market.run(
        """INSERT INTO miraikakaku.daily_predictions (
               instrument_id, as_of, target, horizon, model, version, made_at, reason)
           SELECT id, '2026-11-20', '2026-11-24', 1, 'drift', '1', now(), 'too few bars'
           FROM miraikakaku.instruments"""
    )
    assert market.watch().resolved == {"forecast/jp/missing"}
