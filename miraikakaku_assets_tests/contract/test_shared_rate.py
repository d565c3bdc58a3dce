"""Several processes, one rate, a real HTTP server: what one is told holds for all of them."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.application.ports.rate_limit import Breaker
from miraikakaku_assets_tests.fakes.scripted_yahoo import Answer, ScriptedYahoo, chart, scripted_yahoo
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS
from miraikakaku_assets_tests.support.patience import PATIENCE, until

ASK = """
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy, YahooSession
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.application.ports.rate_limit import LimitRules
from miraikakaku_assets.domain.errors import MiraikakakuError

url, base, symbols, told = sys.argv[1], sys.argv[2], sys.argv[3].split(","), json.loads(sys.argv[4])
limit = PostgresRateLimiter(url, "yahoo", told["rate"], told["burst"], LimitRules(**told["rules"]))
session = YahooSession(base, limit, RetryPolicy(60, told["retries"], 0.02, 2.0), threading.Event())

def ask(symbol):
    try:
        session.get(f"https://query2.finance.yahoo.com/v8/finance/chart/{symbol}")
    except MiraikakakuError as error:
        return getattr(error, "kind", type(error).__name__)
    return "ok"

limit.state()
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(4) as pool:
    print(json.dumps(dict(zip(symbols, pool.map(ask, symbols)))))
"""


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        yield server


@contextmanager
def asking(
    url: str,
    yahoo: ScriptedYahoo,
    *lists: list[str],
    rate: float,
    burst: int = 1,
    retries: int = 5,
    **rules: float,
) -> Iterator[list["subprocess.Popen[str]"]]:
    """One process per list of symbols, all of them begun at the same moment."""
    options = json.dumps({"rate": rate, "burst": burst, "retries": retries, "rules": rules})
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, url, yahoo.base_url, ",".join(symbols), options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for symbols in lists
    ]  # fmt: skip
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def answers(process: "subprocess.Popen[str]") -> dict[str, str]:
    verdicts: dict[str, str] = json.loads(process.communicate(timeout=PATIENCE)[0])
    return verdicts


def codes(first: int, count: int, yahoo: ScriptedYahoo) -> list[str]:
    symbols = [f"{first + number}.T" for number in range(count)]
    for symbol in symbols:
        yahoo.script(symbol, chart(symbol, list(SESSIONS[:1])))
    return symbols


def test_retry_after_told_to_one_process_is_obeyed_by_all(database: Database, yahoo: ScriptedYahoo) -> None:
    lists = [codes(1301, 12, yahoo), codes(2301, 12, yahoo)]
    refused, known = lists[0][0], threading.Event()
    yahoo.script(refused, Answer(429, b"slow down", {"Retry-After": "2"}), *yahoo.answers[refused])
    # Nobody else is answered before all can know, so that at most one request of each of the eight threads is out.

    def hold(symbol: str, _port: int) -> None:
        assert symbol == refused or known.wait(PATIENCE)

    yahoo.heard = hold
    limit, epoch = PostgresRateLimiter(database, "yahoo", 20.0, 1), time.time() - time.monotonic()
    with asking(database.url, yahoo, *lists, rate=20.0, recovery_seconds=5.0) as started:
        over = until(lambda: limit.state().blocked_until, "nobody was told")
        known.set()
        verdicts = [answers(process) for process in started]
    assert [set(each.values()) for each in verdicts] == [{"ok"}, {"ok"}]
    assert len(yahoo.at) == 25
    assert over is not None
    assert len([at for at in yahoo.at if at + epoch < over.timestamp()]) <= 8


def test_a_storm_of_429_is_calmed_to_what_the_source_bears(database: Database, yahoo: ScriptedYahoo) -> None:
    """Three processes that may send 60/s meet a source that bears 12/s, counted over each half second."""
    lists = [codes(first, 20, yahoo) for first in (1301, 2301, 3301)]
    answer, held = yahoo.answer, threading.Lock()
    served: list[float] = []
    refusals: list[float] = []

    def bearing(path: str, query: dict[str, str]) -> Answer:
        given = answer(path, query)
        now = time.monotonic()
        with held:
            if sum(at > now - 0.5 for at in served) >= 6:
                refusals.append(now)
                return Answer(429, b"Too Many Requests")
            served.append(now)
            return given

    yahoo.answer = bearing  # type: ignore[method-assign]
    rules = {"retry_delay": 0.1, "recovery_seconds": 60.0}
    with asking(database.url, yahoo, *lists, rate=60.0, burst=10, retries=12, **rules) as started:
        verdicts = [answers(process) for process in started]
    assert {verdict for each in verdicts for verdict in each.values()} == {"ok"}
    assert len(served) == 60
    assert len(refusals) < 100  # some 15; without slowing down four of five requests would be refused: 240


def test_an_outage_pauses_every_process(database: Database, yahoo: ScriptedYahoo) -> None:
    lists = [codes(first, 40, yahoo) for first in (1301, 2301)]
    for symbol in lists[0] + lists[1]:
        yahoo.script(symbol, Answer(503, b"down"))
    rules = {"retry_delay": 0.05, "first_pause": 60.0}
    with asking(database.url, yahoo, *lists, rate=200.0, burst=20, retries=1, **rules) as started:
        verdicts = [answers(process) for process in started]
    for each in verdicts:
        assert set(each.values()) == {"server_error", "SourcePausedError"}
        assert list(each.values())[-1] == "SourcePausedError"
    assert len(yahoo.asked) < 40  # of 160 that two attempts each would have been
    state = PostgresRateLimiter(database, "yahoo", 200.0, 20).state()
    assert (state.breaker, state.reason) == (Breaker.OPEN, "Yahoo answers HTTP 503")


def test_a_process_killed_while_it_waits_holds_nothing(database: Database, yahoo: ScriptedYahoo) -> None:
    lists = [codes(1301, 100, yahoo), codes(2301, 100, yahoo)]
    with asking(database.url, yahoo, *lists, rate=10.0) as started:
        until(lambda: yahoo.asked, "nobody has asked")
        for process in started:
            process.kill()
        survivor = PostgresRateLimiter(database, "yahoo", 10.0, 1)
        waited: list[float] = []
        survivor.take(waited.append)
        assert sum(waited) < 1.5  # at most the slots of the eight threads that were killed
        assert survivor.state().breaker is Breaker.CLOSED
