"""A small simulated day: faults, a killed fetching process, a killed command, a killed PostgreSQL."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from benchmarks import day_checks
from benchmarks.day_checks import Verdict, differences
from benchmarks.day_kills import COMMAND, FETCHER, SERVER
from benchmarks.fetch_site import Site
from benchmarks.simulated_day import REFUSALS, Day, Plan, simulate
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import upgrade

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def day() -> Day:
    return simulate(Plan(jp=30, us=270, faults=0.05, kills=3, batch_size=10))


@pytest.mark.slow
def test_the_books_add_up_after_faults_and_kills(day: Day) -> None:
    assert day.problems == []
    assert [killed.partition(" at ")[0] for killed in day.killed] == [FETCHER, COMMAND, SERVER]
    assert day.attempts["us"] >= 3, "the command and the server were killed, so it was given again"
    assert len(day.verdicts) == 300
    assert sum(not final.ended for final in day.verdicts) >= len(REFUSALS)


@pytest.mark.slow
def test_what_was_collected_before_a_kill_was_kept_and_compared(day: Day) -> None:
    assert day.kept["us"] > 50
    assert day.requests > day.accounted > 0
    assert sum(day.hits.values()) > 20
    assert day.comparison is not None
    assert day.comparison.compared > 250 * 15
    assert day.comparison.quarantined > 0


def verdict(symbol: str, outcome: str | None = "ok", *, completed: int = 1, ended: bool = True) -> Verdict:
    return Verdict(symbol, outcome, completed, completed, ended)


def test_a_verdict_that_is_missing_double_or_wrong_is_found() -> None:
    assert (
        day_checks.final_verdicts([verdict("A"), verdict("B", "refused", completed=0, ended=False)], {}) == []
    )
    for wrong, sentence in (
        (verdict("A", None, completed=0, ended=False), "without a verdict"),
        (verdict("A", completed=2), "collected more than once"),
        (verdict("A", "timeout", ended=False), "failed after they had been collected"),
    ):
        (problem,) = day_checks.final_verdicts([wrong], {})
        assert sentence in problem
    (problem,) = day_checks.final_verdicts([verdict("A")], {"A": "refused"})
    assert "never served" in problem


def test_a_collected_symbol_that_is_asked_for_again_is_found() -> None:
    before, after = {"A": 1, "B": 2}, {"A": 1, "B": 3, "C": 1}
    assert day_checks.requested_again({"A"}, before, after) == []
    (problem,) = day_checks.requested_again({"A", "B", "C"}, before, after)
    assert problem.endswith("asked for again: B, C")


def test_a_bar_that_is_strange_changed_or_lost_is_found() -> None:
    theirs = {("A", MONDAY): (1.0,), ("A", TUESDAY): (2.0,), ("B", MONDAY): (3.0,)}
    both = {"A", "B"}
    assert differences(theirs, theirs, set(), both, 0).problems == ()
    strange = differences({**theirs, ("C", MONDAY): (4.0,)}, theirs, set(), both, 0)
    assert strange.problems == ("1 bars that nobody served: C 2026-11-16",)
    changed = differences({**theirs, ("A", TUESDAY): (9.0,)}, theirs, set(), both, 0)
    assert changed.problems == ("1 bars with other values: A 2026-11-17",)
    some = {key: value for key, value in theirs.items() if key != ("A", TUESDAY)}
    assert differences(some, theirs, set(), both, 0).problems == (
        "1 bars that are neither stored nor in quarantine: A 2026-11-17",
    )
    assert differences(some, theirs, {("A", TUESDAY)}, both, 0).problems == ()
    assert differences(some, theirs, set(), {"B"}, 0).problems == ()
    without = {key: value for key, value in theirs.items() if key[0] == "A"}
    assert differences(without, theirs, set(), both, 1).problems == ()
    assert differences(without, theirs, set(), both, 0).problems == (
        "1 symbols without bars beyond the empty answers: B",
    )


def test_books_that_do_not_add_up_are_found(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = Database(database_url)
    upgrade(database)
    site = Site(tmp_path_factory.mktemp("books"), {"DATABASE_URL": database_url})
    batch = """
        INSERT INTO miraikakaku.batch_executions
            (batch_type, status, universe, timeframe, source, total_stocks, processed_stocks, successful_stocks,
             failed_stocks, rows_read, rows_inserted, end_time)
        VALUES ('all_stocks', '{}', 'us', '1d', 'yahoo', {}, {}, {}, {}, {}, {}, now())"""
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE dagster.runs (run_id text, status text)"))
        connection.execute(text("INSERT INTO dagster.runs VALUES ('good', 'SUCCESS')"))
        connection.execute(text(batch.format("completed", 0, 0, 0, 0, 0, 0)))
    assert day_checks.books(site) == []
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO dagster.runs VALUES ('left', 'STARTED')"))
        connection.execute(text(batch.format("failed", 5, 3, 2, 0, 10, 9)))
        connection.execute(text(batch.format("running", 0, 0, 0, 0, 0, 0)))
    database.close()
    assert [problem.partition(" ")[2].partition(":")[0] for problem in day_checks.books(site)] == [
        "batches whose rows do not add up",
        "batches whose symbols do not add up",
        "batches that are open or closed wrongly",
        "runs that are still open",
    ]
