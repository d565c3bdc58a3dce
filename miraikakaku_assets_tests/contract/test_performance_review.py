"""The hourly review on a real PostgreSQL: what it sees, what it does, and what it leaves alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.metrics import PostgresSystemMetrics
from miraikakaku_assets.adapters.storage.operations.review_books import PostgresReviewBooks
from miraikakaku_assets.adapters.storage.operations.server_review import PostgresServerReview
from miraikakaku_assets.application.monitoring import review as reviewing
from miraikakaku_assets.application.monitoring.review import (
    PerformanceReview,
    review_performance,
    sizes_in_force,
    stale_tables,
)
from miraikakaku_assets.application.ports.operations.performance import TableStatistics
from miraikakaku_assets.application.ports.operations.system import Sample
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.operations.thresholds import MEMORY
from miraikakaku_assets_tests.support.patience import until

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
PROBES = "miraikakaku.source_probes"
KEEP = timedelta(days=90)
CONFIGURED = {"BATCH_SIZE": 50, "MAX_WORKERS": 8}


class Books:
    """A database with the review over it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.server = PostgresServerReview(database)
        self.books = PostgresReviewBooks(database)

    def review(self, at: datetime = NOW) -> PerformanceReview:
        return review_performance(
            self.server, self.books, PostgresSystemMetrics(self.database), lambda: at, KEEP, CONFIGURED
        )

    def run(self, statement: str) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(text(statement))

    def rows(self, query: str) -> list[Any]:
        with self.database.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def fill(self, rows: int = 3_000) -> None:
        """Rows whose statistics were never taken; counters arrive when the session reports them."""
        self.run(
            f"INSERT INTO {PROBES} (probed_at, source, symbol, verdict, rate)"
            f" SELECT now(), 'yahoo', number::text, 'ok', 5 FROM generate_series(1, {rows}) AS number"
        )
        self.database.engine.dispose()
        until(lambda: self.server.table(PROBES).live_rows >= rows)


@pytest.fixture
def books(database: Database) -> Books:
    made = Books(database)
    made.run(f"ALTER TABLE {PROBES} SET (autovacuum_enabled = off)")
    return made


def test_stale_statistics_are_taken_anew_and_the_account_has_before_and_after(books: Books) -> None:
    books.fill()

    review = books.review()

    (remedy,) = [remedy for remedy in review.remedies if remedy.target == PROBES]
    assert (remedy.kind, remedy.state, remedy.before["modified_rows"]) == ("analyze", "applied", 3_000)
    assert remedy.before["analyzed_at"] is None
    assert remedy.after is not None
    assert (remedy.after["modified_rows"], remedy.after["live_rows"]) == (0, 3_000)
    assert books.rows("SELECT reltuples::int FROM pg_class WHERE relname = 'source_probes'") == [(3_000,)]
    kept = "SELECT kind, state, before->>'modified_rows', after->>'modified_rows' FROM miraikakaku.performance_remedies"
    assert books.rows(kept) == [("analyze", "applied", "3000", "0")]
    assert [row for row in books.review(NOW + timedelta(hours=1)).remedies if row.target == PROBES] == []


def test_a_locked_table_is_given_up_and_said(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.fill()
    with books.database.engine.connect() as holder:
        holder.execute(text(f"LOCK TABLE {PROBES} IN SHARE UPDATE EXCLUSIVE MODE"))
        review = books.review()
        holder.rollback()

    (remedy,) = review.remedies
    assert remedy.state == "failed"
    assert str(remedy.error).startswith(f"ANALYZE {PROBES} was given up after 60 s, or the table was locked")
    assert books.rows("SELECT state, error IS NOT NULL FROM miraikakaku.performance_remedies") == [
        ("failed", True)
    ]


def test_a_review_that_dies_leaves_a_remedy_begun_and_the_next_does_it(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.fill()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(books.server, "analyze", die)
        with pytest.raises(KeyboardInterrupt):
            books.review()
    assert books.rows("SELECT state FROM miraikakaku.performance_remedies") == [("begun",)]

    books.review(NOW + timedelta(hours=1))

    states = "SELECT state FROM miraikakaku.performance_remedies ORDER BY id"
    assert books.rows(states) == [("begun",), ("applied",)]


def test_an_index_is_proposed_with_its_size_once_and_never_made(books: Books) -> None:
    books.run("CREATE TABLE miraikakaku.refers (alert_id int REFERENCES miraikakaku.alerts (id), more text)")
    books.run("INSERT INTO miraikakaku.refers SELECT NULL, 'x' FROM generate_series(1, 20000)")
    books.run("ANALYZE miraikakaku.refers")

    first, second = books.review(), books.review(NOW + timedelta(hours=1))

    for review in (first, second):
        (proposal,) = [remedy for remedy in review.remedies if remedy.kind == "index"]
        assert (proposal.target, proposal.state) == ("miraikakaku.refers (alert_id)", "proposed")
        assert 300_000 < proposal.before["size_bytes"] < 800_000
    seen = "SELECT count(*)::int, max(last_at - first_at) FROM miraikakaku.performance_remedies"
    assert books.rows(f"{seen} WHERE state = 'proposed'") == [(1, timedelta(hours=1))]
    assert books.rows("SELECT count(*)::int FROM pg_indexes WHERE tablename = 'refers'") == [(0,)]
    books.run("CREATE INDEX ON miraikakaku.refers (alert_id)")
    assert [row for row in books.review().remedies if row.kind == "index"] == []


def test_work_that_took_twice_its_usual_time_is_named(books: Books) -> None:
    for number, seconds in enumerate([20, 22, 18, 20, 20, 50]):
        started = NOW - timedelta(hours=10 - number)
        books.run(
            "INSERT INTO miraikakaku.cycle_log (universe, run_id, started_at, ended_at)"
            f" VALUES ('fx', 'r{number}', '{started}', '{started + timedelta(seconds=seconds)}')"
        )

    review = books.review()

    (stage,) = review.stages
    assert (stage.stage, stage.seconds, stage.usual_seconds, stage.count) == ("cycle fx", 50, 20, 5)
    (slow,) = [remark for remark in review.remarks if remark.about == "slow"]
    assert slow.says == "took 50 s, usually 20 s (median of 5 in 30 days)"


def test_without_the_extension_the_statements_are_not_there_and_the_rest_is(books: Books) -> None:
    review = books.review()

    assert review.server.statements is None  # the embedded server's wheel does not carry it
    assert review.server.max_connections == 200
    assert review.figures["connections"] >= 1
    stored = (
        "SELECT report->'statements', report->'figures'->>'connections' FROM miraikakaku.performance_reviews"
    )
    assert [(row[0], float(row[1]) >= 1) for row in books.rows(stored)] == [(None, True)]


def test_reviews_go_after_their_time(books: Books) -> None:
    books.review()
    books.review(NOW + KEEP + timedelta(minutes=1))

    assert books.rows("SELECT count(*)::int FROM miraikakaku.performance_reviews") == [(1,)]


def test_only_tables_of_ours_are_touched(books: Books) -> None:
    with pytest.raises(ConfigurationError, match="is no table of this installation"):
        books.server.analyze('pg_catalog.pg_class"; DROP TABLE x; --', reviewing.ANALYZE_LIMIT)


def test_the_most_changed_tables_come_first_and_no_more_than_five() -> None:
    tables = [TableStatistics(f"t{number}", 1_000, 0, 1_200 + number, NOW, 0, 0, 0) for number in range(1, 9)]
    fresh = TableStatistics("fresh", 100_000, 0, 20_000, NOW, 0, 0, 0)

    assert [table.table for table in stale_tables([*tables, fresh])] == ["t8", "t7", "t6", "t5", "t4"]


def test_memory_in_danger_lowers_the_batches_of_later_work_and_calm_hours_raise_them_again(
    books: Books,
) -> None:
    metrics = PostgresSystemMetrics(books.database)

    def hour(number: int, memory: float) -> list[tuple[str, str, dict[str, Any], Any]]:
        at = NOW + timedelta(hours=number)
        sample = Sample(at - timedelta(minutes=5), "memory", memory, "share", MEMORY.level(memory), "")
        metrics.add([sample], KEEP)
        return [
            (remedy.target, remedy.state, dict(remedy.before), remedy.after)
            for remedy in books.review(at).remedies
            if remedy.kind == "size"
        ]

    assert hour(0, 0.96) == [("BATCH_SIZE", "applied", {"size": 50, "memory": 0.96}, {"size": 25})]
    assert sizes_in_force(books.books, CONFIGURED) == {"BATCH_SIZE": 25, "MAX_WORKERS": 8}
    assert hour(1, 0.85) == []
    assert hour(2, 0.40) == [("BATCH_SIZE", "applied", {"size": 25, "memory": 0.4}, {"size": 50})]
    assert hour(3, 0.40) == []
    assert sizes_in_force(books.books, {"BATCH_SIZE": 20, "MAX_WORKERS": 8})["BATCH_SIZE"] == 20
