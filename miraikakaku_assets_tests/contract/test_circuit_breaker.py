"""The circuit breaker: when it opens, for whom, and how it finds out that the source answers again."""

import pickle
import queue
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitRules, Outcome, Slot
from miraikakaku_assets.domain.errors import MiraikakakuError, SourcePausedError
from miraikakaku_assets_tests.support.patience import PATIENCE
from miraikakaku_assets_tests.support.rate_row import at_once, time_passes

RULES = LimitRules(retry_delay=0.0, first_pause=400.0, longest_pause=1000.0, trial_seconds=600.0)
"""Pauses that no test waits for: time passes where a test says so."""


def limit(database: Database | str, rules: LimitRules = RULES, burst: int = 1000) -> PostgresRateLimiter:
    return PostgresRateLimiter(database, "yahoo", 1000.0, burst, rules)


def refuse(shared: PostgresRateLimiter, count: int, together: int = 1, reason: str = "HTTP 500") -> None:
    """So many refusals, some of them in flight together."""
    for _ in range(count // together):
        slots = [shared.take(at_once) for _ in range(together)]
        for slot in slots:
            shared.report(slot, Outcome.REFUSED, reason=reason)


def opened(database: Database, rules: LimitRules = RULES) -> PostgresRateLimiter:
    shared = limit(database, rules)
    refuse(shared, 20)
    assert shared.state().breaker is Breaker.OPEN
    return shared


def ends_after(pause: timedelta, error: SourcePausedError, began: datetime) -> bool:
    """Whether a pause of that length began between a moment and now."""
    return began + pause <= error.resume_at <= datetime.now(UTC) + pause


def paused(shared: PostgresRateLimiter) -> SourcePausedError:
    with pytest.raises(SourcePausedError) as caught:
        shared.take(at_once)
    return caught.value


def test_twenty_refusals_in_a_row_open_it_for_everybody(database: Database) -> None:
    mine, yours = limit(database), limit(database.url)
    began = datetime.now(UTC)
    refuse(mine, 10)
    refuse(yours, 9)
    assert mine.state().breaker is Breaker.CLOSED
    refuse(yours, 1, reason="Yahoo answers HTTP 503")
    for shared in (mine, yours):
        error = paused(shared)
        assert (error.source, error.reason) == ("yahoo", "Yahoo answers HTTP 503")
        assert error.resume_at.tzinfo is UTC
        assert ends_after(timedelta(seconds=400), error, began)
        assert shared.state().resume_at == error.resume_at
        assert "Yahoo answers HTTP 503" in str(error)


def test_the_error_travels_between_processes_and_ends_a_command_with_3(database: Database) -> None:
    error = paused(opened(database))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (again.source, again.resume_at, again.reason, str(again)) == (
        error.source, error.resume_at, error.reason, str(error),
    )  # fmt: skip
    assert isinstance(error, MiraikakakuError)
    assert error.exit_code == 3


def test_one_bad_second_is_not_enough(database: Database) -> None:
    """Fifty requests in flight that fail together are one trouble."""
    shared = limit(database)
    refuse(shared, 50, together=50)
    assert (shared.state().breaker, shared.state().refusals) == (Breaker.CLOSED, 50)
    refuse(shared, 50, together=50)
    assert shared.state().breaker is Breaker.CLOSED
    refuse(shared, 1)
    assert shared.state().breaker is Breaker.OPEN


def test_a_served_request_in_between_keeps_it_closed(database: Database) -> None:
    shared = limit(database)
    for _ in range(3):
        refuse(shared, 19)
        shared.report(shared.take(at_once), Outcome.SERVED)
        assert (shared.state().breaker, shared.state().refusals) == (Breaker.CLOSED, 0)


def test_a_success_of_another_process_counts_with_its_next_slot(database: Database) -> None:
    mine, yours = limit(database), limit(database)
    for _ in range(4):
        refuse(mine, 10)
        yours.report(yours.take(at_once), Outcome.SERVED)
    assert mine.state().breaker is Breaker.CLOSED


def test_a_retry_after_longer_than_anybody_waits_opens_it_until_then(database: Database) -> None:
    shared, began = limit(database), datetime.now(UTC)
    shared.report(shared.take(at_once), Outcome.RATE_LIMITED, retry_after=3600, reason="HTTP 429")
    assert ends_after(timedelta(hours=1), paused(shared), began)


def test_a_retry_after_of_a_year_is_not_believed(database: Database) -> None:
    shared = limit(database)
    shared.report(shared.take(at_once), Outcome.RATE_LIMITED, retry_after=3e7, reason="HTTP 429")
    assert paused(shared).resume_at - datetime.now(UTC) < timedelta(hours=25)


def test_after_the_pause_one_request_finds_out_and_success_closes(database: Database) -> None:
    shared = opened(database)
    time_passes(database, 401)
    assert shared.state().breaker is Breaker.HALF_OPEN
    trial = shared.take(at_once)
    assert trial.is_trial
    shared.report(trial, Outcome.SERVED)
    state = shared.state()
    assert (state.breaker, state.refusals, state.reason) == (Breaker.CLOSED, 0, None)
    assert 250.0 <= state.rate < 500.0  # it begins again at a quarter
    assert not shared.take(at_once).is_trial


def test_the_others_wait_for_the_trial_and_go_on_after_it(database: Database) -> None:
    shared = opened(database)
    time_passes(database, 401)
    trial = shared.take(at_once)
    waiting, over = queue.SimpleQueue[int](), threading.Event()

    def wait(user: int, _seconds: float) -> None:
        waiting.put(user)
        assert over.wait(PATIENCE)

    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(limit(database).take, partial(wait, user)) for user in range(4)]
        users = set[int]()
        while len(users) < 4:
            users.add(waiting.get(timeout=PATIENCE))
        assert not any(other.done() for other in others)
        shared.report(trial, Outcome.SERVED)
        over.set()
        assert [other.result(timeout=PATIENCE).is_trial for other in others] == [False] * 4


def test_a_failed_trial_doubles_the_pause_up_to_the_cap(database: Database) -> None:
    shared = opened(database)
    for pause, doubled in ((400, 800), (800, 1000), (1000, 1000)):
        time_passes(database, pause + 1)
        trial, began = shared.take(at_once), datetime.now(UTC)
        assert trial.is_trial
        shared.report(trial, Outcome.REFUSED, reason="HTTP 500")
        assert ends_after(timedelta(seconds=doubled), paused(shared), began)


def test_whoever_waits_for_a_trial_that_fails_is_told_of_the_pause(database: Database) -> None:
    shared = opened(database)
    time_passes(database, 401)
    trial = shared.take(at_once)
    waits, failed = threading.Event(), threading.Event()

    def wait(_seconds: float) -> None:
        waits.set()
        assert failed.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(limit(database).take, wait)
        assert waits.wait(PATIENCE)
        shared.report(trial, Outcome.RATE_LIMITED, retry_after=30, reason="HTTP 429")
        failed.set()
        with pytest.raises(SourcePausedError):
            other.result(timeout=PATIENCE)


def test_stragglers_neither_close_nor_lengthen(database: Database) -> None:
    shared = limit(database)
    late = [shared.take(at_once) for _ in range(3)]
    refuse(shared, 20)
    before = shared.state()
    shared.report(late[0], Outcome.SERVED)
    shared.report(late[1], Outcome.REFUSED, reason="HTTP 500")
    after = shared.state()
    assert (after.breaker, after.resume_at) == (Breaker.OPEN, before.resume_at)
    time_passes(database, 401)
    trial = shared.take(at_once)
    shared.report(late[2], Outcome.REFUSED, reason="HTTP 500")  # while the trial is on its way
    assert shared.state().breaker is Breaker.HALF_OPEN
    shared.report(trial, Outcome.SERVED)
    assert shared.state().breaker is Breaker.CLOSED


def test_a_trial_that_never_left_is_given_back(database: Database) -> None:
    shared = opened(database)
    time_passes(database, 401)
    shared.report(shared.take(at_once), Outcome.UNSENT)
    assert shared.take(at_once).is_trial


TRIAL_AND_HANG = """
import signal, sys
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
print(PostgresRateLimiter(sys.argv[1], "yahoo", 1000.0, 1000).take(lambda _: None).is_trial, flush=True)
signal.pause()
"""


def test_a_killed_trial_is_lost_after_its_time_and_another_takes_its_place(
    database: Database, database_url: str
) -> None:
    shared = opened(database)
    time_passes(database, 401)
    command = TRIAL_AND_HANG.replace("1000.0, 1000)", f"1000.0, 1000, {_source(RULES)})")
    with subprocess.Popen(
        [sys.executable, "-c", command, database_url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        process.kill()
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        if waited:  # it has been waited for, and time passes all at once
            time_passes(database, 601)
        waited.append(seconds)
        return False

    assert shared.take(wait).is_trial
    assert len(waited) == 2


def _source(rules: LimitRules) -> str:
    return f"__import__('miraikakaku_assets.application.ports.rate_limit', fromlist=['x']).{rules!r}"


def test_it_can_be_opened_and_closed_from_outside(database: Database) -> None:
    shared = limit(database)
    shared.take(at_once)
    shared.pause("every symbol was turned away")
    first = paused(shared)
    assert first.reason == "every symbol was turned away"
    shared.pause("again")
    assert paused(shared).resume_at == first.resume_at  # an open breaker stays as it is
    shared.resume()
    assert shared.take(at_once) == Slot(epoch=2)
    assert shared.state().breaker is Breaker.CLOSED
