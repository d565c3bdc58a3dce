"""Fetching in processes of their own: the same answers as in this one, whatever happens to the processes."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import upgrade
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.application.ports import Delivery
from miraikakaku_assets.application.ports.rate_limit import LimitRules
from miraikakaku_assets.domain.errors import DependencyUnavailableError, SourcePausedError
from miraikakaku_assets_tests.fakes.rate_limits import Broken, Unlimited
from miraikakaku_assets_tests.fakes.scripted_yahoo import Answer, ScriptedYahoo, chart, scripted_yahoo
from miraikakaku_assets_tests.support.databases import fresh_database
from miraikakaku_assets_tests.support.fetching import (
    DAYS,
    SYMBOLS,
    all_together,
    deliveries,
    expected,
    fetching_processes,
    process_at,
    script,
    source,
)
from miraikakaku_assets_tests.support.patience import until

pytestmark = pytest.mark.slow

FAST = 5_000.0  # requests a second: the limit is real and nobody waits for it


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        script(server)
        yield server
    assert fetching_processes() == []  # whatever a test did, no process is left


def limit(database: Database, per_second: float = FAST, burst: int = 5_000) -> PostgresRateLimiter:
    return PostgresRateLimiter(database, "yahoo", per_second, burst, LimitRules(retry_delay=0.0))


def rows(delivery: Delivery) -> list[tuple[object, ...]]:
    return delivery.bars.select("symbol", "session", "close").rows()


def test_processes_bring_what_threads_bring(yahoo: ScriptedYahoo, database: Database) -> None:
    split = {"splits": {"1": {"date": 0, "numerator": 5, "denominator": 1, "splitRatio": "5:1"}}}
    stamp = int(datetime(DAYS[9].year, DAYS[9].month, DAYS[9].day, tzinfo=UTC).timestamp())
    split["splits"]["1"]["date"] = stamp
    troubles = {
        SYMBOLS[3]: Answer(404, b"{}"),
        SYMBOLS[50]: Answer(200, b"<html></html>"),
        SYMBOLS[120]: Answer(503, b"{}"),
        SYMBOLS[200]: chart("1301.T", DAYS),
        SYMBOLS[240]: chart(SYMBOLS[240], []),
        SYMBOLS[249]: chart(SYMBOLS[249], DAYS, events=split),
    }
    for symbol, answer in troubles.items():
        yahoo.script(symbol, answer)
    here = all_together(list(deliveries(source(yahoo.base_url, limit(database), 1))))
    seen: set[int] = set()

    def note(_: str, port: int) -> None:
        process = process_at(port) if len(seen) < 3 else None
        seen.update({process.pid} if process else ())

    yahoo.heard = note
    there = all_together(list(deliveries(source(yahoo.base_url, limit(database), 3))))
    assert len(seen) == 3
    assert there.symbols == here.symbols
    assert there.bars.equals(here.bars)
    assert there.actions.rows() == here.actions.rows() == [(SYMBOLS[249], DAYS[9], "split", 5.0)]
    assert {symbol: str(error) for symbol, error in there.failures.items()} == {
        symbol: str(error) for symbol, error in here.failures.items()
    }
    assert {symbol: error.kind for symbol, error in there.failures.items()} == {
        SYMBOLS[3]: "not_on_source",
        SYMBOLS[50]: "unreadable_answer",
        SYMBOLS[120]: "server_error",
        SYMBOLS[200]: "wrong_symbol",
    }
    assert {symbol: type(error) for symbol, error in there.failures.items()} == {
        symbol: type(error) for symbol, error in here.failures.items()
    }
    assert {symbol: calls.requests for symbol, calls in there.calls.items()} == {
        symbol: calls.requests for symbol, calls in here.calls.items()
    }
    assert all(call.seconds > 0 and call.began is not None for call in there.calls.values())


def test_few_symbols_are_fetched_without_processes(yahoo: ScriptedYahoo) -> None:
    running: list[int] = []
    yahoo.heard = lambda *_: running.append(len(fetching_processes()))
    delivery = all_together(list(deliveries(source(yahoo.base_url, Unlimited()), SYMBOLS[:199])))
    assert rows(delivery) == expected(SYMBOLS[:199])
    assert set(running) == {0}


def test_symbols_of_a_killed_process_are_asked_again(yahoo: ScriptedYahoo, database: Database) -> None:
    killed: list[int] = []
    held = threading.Lock()

    def kill(_: str, port: int) -> None:
        with held:
            if len(yahoo.asked) < 60 or killed:
                return
            process = process_at(port)
            assert process is not None
            killed.append(process.pid)
            process.kill()

    yahoo.heard = kill
    delivery = all_together(list(deliveries(source(yahoo.base_url, limit(database)))))
    assert len(killed) == 1
    assert not delivery.failures
    assert rows(delivery) == expected()
    again = [symbol for symbol, count in Counter(yahoo.symbols()).items() if count > 1]
    assert 1 <= len(again) <= 8  # what that process had been asked for


def test_symbol_that_always_kills_its_process_is_given_up_alone(
    yahoo: ScriptedYahoo, database: Database
) -> None:
    deadly = SYMBOLS[100]

    def kill(symbol: str, port: int) -> None:
        process = process_at(port) if symbol == deadly else None
        if process is not None:
            process.kill()

    yahoo.heard = kill
    delivery = all_together(list(deliveries(source(yahoo.base_url, limit(database)))))
    assert {symbol: error.kind for symbol, error in delivery.failures.items()} == {deadly: "fetcher_died"}
    assert delivery.failures[deadly].error_class == "temporary"
    assert Counter(yahoo.symbols())[deadly] == 3
    assert rows(delivery) == expected([symbol for symbol in SYMBOLS if symbol != deadly])


def test_pause_of_the_source_comes_through_after_what_was_served(
    yahoo: ScriptedYahoo, database: Database
) -> None:
    rules = LimitRules(retry_delay=0.0, first_pause=3600.0, longest_pause=3600.0)
    shared = PostgresRateLimiter(database, "yahoo", FAST, 5_000, rules)
    other = PostgresRateLimiter(database, "yahoo", FAST, 5_000, rules)
    yahoo.heard = lambda *_: other.pause("Yahoo answers HTTP 503") if len(yahoo.asked) == 100 else None
    arrived: list[Delivery] = []
    with pytest.raises(SourcePausedError) as caught:
        arrived.extend(deliveries(source(yahoo.base_url, shared)))
    assert (caught.value.source, caught.value.reason) == ("yahoo", "Yahoo answers HTTP 503")
    assert timedelta(0) < caught.value.resume_at - datetime.now(UTC) <= timedelta(hours=1)
    served = all_together(arrived)
    assert 50 <= len(served.symbols) < 200
    assert not served.failures
    assert rows(served) == expected(served.symbols)


def test_database_that_goes_away_comes_through(yahoo: ScriptedYahoo, server_url: str) -> None:
    with fresh_database(server_url) as url:
        database = Database(url)
        upgrade(database)
        shared = limit(database)
        database.close()

        def drop(*_: object) -> None:
            if len(yahoo.asked) != 100:
                return
            engine = create_engine(
                make_url(server_url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
            )
            with engine.connect() as connection:
                connection.exec_driver_sql(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')
            engine.dispose()

        yahoo.heard = drop
        with pytest.raises(
            DependencyUnavailableError, match=r"The database postgresql://\S+ cannot be reached"
        ):
            list(deliveries(source(yahoo.base_url, shared)))


def test_error_that_cannot_travel_ends_the_collection_with_its_words(yahoo: ScriptedYahoo) -> None:
    with pytest.raises(RuntimeError, match=r"^HoldsLockError: nobody has thought of this$"):
        list(deliveries(source(yahoo.base_url, Broken())))


def test_processes_share_one_rate(yahoo: ScriptedYahoo, database: Database) -> None:
    rate, burst, began = 80.0, 10, time.monotonic()
    delivery = all_together(list(deliveries(source(yahoo.base_url, limit(database, rate, burst), 3))))
    assert len(delivery.symbols) == len(SYMBOLS)
    assert max(yahoo.at) - began >= (len(SYMBOLS) - burst) / rate


def test_network_that_cannot_be_reached_is_one_error(yahoo: ScriptedYahoo) -> None:
    with pytest.raises(DependencyUnavailableError, match="YAHOO_BASE_URL"):
        list(deliveries(source("http://127.0.0.1:9", Unlimited(), retries=0)))
    assert yahoo.asked == []


def test_time_passes_between_deliveries_without_losing_an_answer(
    yahoo: ScriptedYahoo, database: Database
) -> None:
    """Whoever stores the bars may be slower than the network: answers wait, and are not asked for again."""
    stream = deliveries(source(yahoo.base_url, limit(database), each=5))
    first = next(stream)
    until(
        lambda: len(yahoo.asked) >= len(first.symbols) + 20, "the processes wait for whoever stores the bars"
    )
    assert rows(all_together([first, *stream])) == expected()
    assert len(yahoo.asked) == len(SYMBOLS)
