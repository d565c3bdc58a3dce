"""The request rate after refusals: one halving per trouble, growth with time, a Retry-After for everybody."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitRules, Outcome, Slot
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets_tests.support.rate_row import at_once, time_passes

SLOW_GROWTH = LimitRules(retry_delay=0.0, recovery_seconds=1e9, refusals_to_open=10**6)


def limit(
    database: Database | str, per_second: float = 8.0, burst: int = 5, rules: LimitRules = SLOW_GROWTH
) -> PostgresRateLimiter:
    return PostgresRateLimiter(database, "yahoo", per_second, burst, rules)


TARDY = 20.0
"""Seconds that the slowest machine may lose on the way."""


def nearly(seconds: float) -> object:
    """So many seconds, less what was lost on the way."""
    return pytest.approx(seconds - TARDY / 2, abs=TARDY / 2 + 1)


def waits(of: PostgresRateLimiter, count: int) -> list[float]:
    """Seconds the next slots are away; nobody sleeps."""
    seconds = []
    for _ in range(count):
        waited: list[float] = []
        of.take(waited.append)
        seconds.append(waited[0] if waited else 0.0)
    return seconds


def epoch(database: Database) -> int:
    with database.engine.connect() as connection:
        return int(connection.scalar(text("SELECT epoch FROM miraikakaku.rate_limits")) or 0)


def test_before_the_first_request_the_rate_is_the_maximum(database: Database) -> None:
    state = limit(database).state()
    assert (state.name, state.rate, state.maximum, state.breaker) == ("yahoo", 8.0, 8.0, Breaker.CLOSED)
    assert (state.blocked_until, state.resume_at, state.refusals, state.reason) == (None, None, 0, None)


def test_a_429_halves_the_rate_and_takes_the_burst_away(database: Database) -> None:
    shared = limit(database, per_second=0.02)
    slot = shared.take(at_once)
    shared.report(slot, Outcome.RATE_LIMITED, reason="HTTP 429")
    assert shared.state().rate == pytest.approx(0.01)
    assert (shared.state().refusals, shared.state().reason) == (1, "HTTP 429")
    assert waits(shared, 3) == [nearly(100 * n) for n in (1, 2, 3)]


def test_ten_requests_in_flight_are_one_trouble(database: Database) -> None:
    shared = limit(database, burst=20)
    slots = [shared.take(at_once) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda slot: shared.report(slot, Outcome.RATE_LIMITED, reason="HTTP 429"), slots))
    state = shared.state()
    assert state.rate == pytest.approx(4.0)
    assert state.refusals == 10
    assert epoch(database) == 1


def test_requests_sent_after_the_slowing_down_are_another_trouble(database: Database) -> None:
    shared = limit(database)
    for _ in range(3):
        shared.report(shared.take(lambda _: None), Outcome.RATE_LIMITED, reason="HTTP 429")
    assert shared.state().rate == pytest.approx(1.0)


def test_rate_never_falls_below_a_twentieth(database: Database) -> None:
    shared = limit(database, per_second=10.0)
    for _ in range(12):
        shared.report(shared.take(lambda _: None), Outcome.RATE_LIMITED, reason="HTTP 429")
    assert shared.state().rate == pytest.approx(0.5)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.SERVED, Outcome.UNSENT])
def test_nothing_but_a_429_slows_down(database: Database, outcome: Outcome) -> None:
    shared = limit(database)
    shared.report(shared.take(at_once), outcome, reason="HTTP 500")
    assert shared.state().rate == 8.0
    assert waits(shared, 4) == [0.0] * 4  # the rest of the burst


def test_rate_grows_with_time_up_to_the_maximum(database: Database) -> None:
    shared = limit(database, per_second=100.0, rules=LimitRules(retry_delay=0.0, recovery_seconds=1e4))
    shared.report(shared.take(at_once), Outcome.RATE_LIMITED, reason="HTTP 429")
    assert shared.state().rate == pytest.approx(50.0, abs=1.0)
    time_passes(database, 2500)
    assert shared.state().rate == pytest.approx(75.0, abs=1.0)
    time_passes(database, 2500)
    assert shared.state().rate == 100.0


def test_each_installation_keeps_its_own_maximum(database: Database) -> None:
    slow, fast = limit(database, per_second=2.0, burst=1), limit(database, per_second=20.0, burst=1)
    slow.take(at_once)
    assert (slow.state().rate, fast.state().rate) == (2.0, 20.0)
    fast.report(fast.take(lambda _: None), Outcome.RATE_LIMITED, reason="HTTP 429")
    assert fast.state().rate == pytest.approx(10.0)
    assert slow.state().rate == 2.0  # the source bears more than it asks for
    slow.report(slow.take(lambda _: None), Outcome.RATE_LIMITED, reason="HTTP 429")
    assert slow.state().rate == pytest.approx(1.0)
    assert fast.state().rate == pytest.approx(1.0)  # it does not bear even that


def test_retry_after_holds_for_everybody(database: Database) -> None:
    mine, yours = limit(database, per_second=1000.0), limit(database.url, per_second=1000.0)
    slot = mine.take(at_once)
    mine.report(slot, Outcome.RATE_LIMITED, retry_after=100, reason="HTTP 429")
    known = yours.state().blocked_until
    assert known is not None
    assert timedelta(seconds=100 - TARDY) < known - datetime.now(UTC) <= timedelta(seconds=100)
    assert waits(yours, 1) == [nearly(100)]
    time_passes(database, 101)
    assert yours.state().blocked_until is None
    assert waits(yours, 1) == [0.0]


def test_a_shorter_retry_after_does_not_shorten_a_longer_one(database: Database) -> None:
    shared = limit(database, per_second=1000.0)
    slots = [shared.take(at_once) for _ in range(2)]
    shared.report(slots[0], Outcome.RATE_LIMITED, retry_after=100, reason="HTTP 429")
    shared.report(slots[1], Outcome.REFUSED, retry_after=1, reason="HTTP 503")
    assert waits(shared, 1) == [nearly(100)]


def test_a_429_that_says_nothing_stops_everybody_for_the_retry_delay(database: Database) -> None:
    shared = limit(database, per_second=1000.0, rules=LimitRules(retry_delay=100.0))
    shared.report(shared.take(at_once), Outcome.RATE_LIMITED, reason="HTTP 429")
    assert waits(shared, 1) == [nearly(100)]


def test_a_slot_that_was_waited_for_is_void_when_the_source_says_stop(database: Database) -> None:
    """Nobody leaves during a Retry-After, not even who had its slot before."""
    shared = limit(database, per_second=0.02, burst=1)
    first = shared.take(at_once)
    slept: list[float] = []

    def wait(seconds: float) -> None:
        if not slept:  # while it sleeps, the request before is refused
            shared.report(first, Outcome.RATE_LIMITED, retry_after=100, reason="HTTP 429")
        slept.append(seconds)
        time_passes(database, 50)

    shared.take(wait)
    # The rest of its slot; the rest of the Retry-After, and the first slot behind it at half the rate.
    assert slept == [nearly(50), nearly(50 + 100)]


def test_wait_that_was_broken_off_ends_at_once(database: Database) -> None:
    shared = limit(database)
    shared.report(shared.take(at_once), Outcome.RATE_LIMITED, retry_after=200, reason="HTTP 429")
    slept: list[float] = []

    def broken_off(seconds: float) -> bool:
        slept.append(seconds)
        return True  # as `Event.wait` answers when the event is set

    shared.take(broken_off)
    assert slept == [nearly(200)]  # it has not waited again


def test_a_rate_kept_down_grows_when_it_is_let(database: Database) -> None:
    shared = limit(database, rules=LimitRules(recovery_seconds=500.0))
    shared.take(at_once)
    shared.slow_down(hold=6000.0)
    shared.slow_down(hold=6000.0)
    assert shared.state().rate == pytest.approx(2.0)
    time_passes(database, 200)
    assert shared.state().rate == pytest.approx(2.0)
    shared.let_grow()
    time_passes(database, 500)
    assert shared.state().rate == 8.0


def test_it_travels_to_another_process_and_has_a_connection_of_its_own(database: Database) -> None:
    shared = limit(database)
    shared.report(shared.take(at_once), Outcome.RATE_LIMITED, reason="HTTP 429")
    other = pickle.loads(pickle.dumps(shared))  # noqa: S301 - our own bytes
    assert other.state().rate == pytest.approx(4.0)
    assert other.state().refusals == 1
    other.close()
    assert shared.state().rate == pytest.approx(4.0)


def test_a_restarted_server_is_no_trouble(database: Database) -> None:
    shared = limit(database)
    shared.take(at_once)
    with database.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert shared.take(at_once) == Slot()


def test_a_crashed_server_forgives_the_past(database: Database) -> None:
    """An unlogged table is empty after a crash."""
    shared = limit(database)
    slot = shared.take(at_once)
    shared.report(slot, Outcome.RATE_LIMITED, reason="HTTP 429")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE miraikakaku.rate_limits")
    shared.report(slot, Outcome.RATE_LIMITED, reason="HTTP 429")
    assert shared.state().rate == 8.0
    assert shared.take(at_once) == Slot()


def test_a_database_that_is_gone_is_said_in_one_sentence() -> None:
    gone = limit("postgresql://user:s3cret@127.0.0.1:9/none")
    with pytest.raises(DependencyUnavailableError, match=r"user:\*\*\*@127") as caught:
        gone.take(at_once)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("seed", range(4))
def test_any_course_of_events_goes_as_a_few_lines_of_python_say(database: Database, seed: int) -> None:
    """Three users of one row, slots reported in any order, against a model of what they should find."""
    chance = Random(seed)  # noqa: S311 - no secret
    users = [limit(database, per_second=4096.0, burst=10**6) for _ in range(3)]
    given: list[tuple[PostgresRateLimiter, Slot]] = []
    rate, troubles, refusals = 4096.0, 0, 0
    for _ in range(150):
        if not given or chance.random() < 0.5:
            user = chance.choice(users)
            given.append((user, user.take(lambda _: None)))
            assert given[-1][1].epoch == troubles
            continue
        user, slot = given.pop(chance.randrange(len(given)))
        outcome = chance.choice([Outcome.RATE_LIMITED, Outcome.REFUSED, Outcome.REFUSED])
        user.report(slot, outcome, reason="refused")
        refusals += 1
        if slot.epoch == troubles:
            troubles += 1
            rate = max(rate / 2, 204.8) if outcome is Outcome.RATE_LIMITED else rate
        state = chance.choice(users).state()
        assert state.rate == pytest.approx(rate)
        assert state.refusals == refusals
    assert troubles > 5
    for user in users:
        user.report(user.take(lambda _: None), Outcome.SERVED)
        assert user.state().refusals == 0


def test_served_requests_cost_one_statement_each(database: Database) -> None:
    shared = limit(database, per_second=10_000.0, burst=100)
    ran: list[str] = []
    run = shared._line.run
    shared._line.run = lambda name, values: (ran.append(name), run(name, values))[1]  # type: ignore[method-assign, func-returns-value]
    for _ in range(20):
        shared.report(shared.take(at_once), Outcome.SERVED)
    assert ran == ["take"] * 20


def test_news_of_served_requests_travels_with_the_next_slot(database: Database) -> None:
    mine, yours = limit(database, burst=50), limit(database, burst=50)
    served = mine.take(at_once)
    for _ in range(3):
        yours.report(yours.take(at_once), Outcome.REFUSED, reason="HTTP 500")
    mine.report(served, Outcome.SERVED)
    assert mine.state().refusals == 3  # it does not know of them
    mine.take(at_once)
    assert mine.state().refusals == 0
