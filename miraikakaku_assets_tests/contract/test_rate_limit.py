"""The request rate: a burst at once, then the sustained rate, over everybody who takes part."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import upgrade
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets_tests.support.patience import PATIENCE
from miraikakaku_assets_tests.support.rate_row import time_passes

TAKE = """
import sys, time
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
limit = PostgresRateLimiter(Database(sys.argv[1]), "test", 0.01, 10)
for _ in range(10):
    waits = []
    limit.take(waits.append)  # nobody sleeps: the slots are handed out ahead
    print(time.time() + sum(waits))
"""


@pytest.fixture
def database(database_url: str) -> Database:
    database = Database(database_url)
    upgrade(database)
    return database


def test_the_burst_goes_at_once_and_every_further_slot_is_one_interval_later(database: Database):
    limit = PostgresRateLimiter(database, "test", per_second=0.01, burst=3)
    waits: list[float] = []
    for _ in range(3):
        limit.take(waits.append)
    assert waits == []
    for _ in range(3):
        limit.take(waits.append)  # nobody sleeps: the slots are handed out ahead
    assert waits == [pytest.approx(100 * n - 15, abs=15) for n in (1, 2, 3)]


def test_names_do_not_share_a_rate(database: Database):
    waits: list[float] = []
    for name in ("yahoo", "jpx"):
        PostgresRateLimiter(database, name, per_second=1, burst=1).take(waits.append)
    assert waits == []


def test_a_pause_earns_the_burst_back_and_no_more(database: Database):
    limit = PostgresRateLimiter(database, "test", per_second=0.01, burst=4)
    for _ in range(8):
        limit.take(lambda _: None)
    time_passes(database, 1000)  # ten intervals
    waits: list[float] = []
    for _ in range(5):
        limit.take(waits.append)
    assert len(waits) == 1


def test_threads_share_one_rate(database: Database):
    limit = PostgresRateLimiter(database, "test", per_second=40, burst=5)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: limit.take(time.sleep), range(45)))
    assert time.monotonic() - began >= 40 / 40 * 0.95


def test_processes_share_one_rate(database: Database, database_url: str):
    command = [sys.executable, "-c", TAKE, database_url]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    lines = [process.communicate(timeout=PATIENCE)[0].split() for process in started]
    moments = sorted(float(line) for each in lines for line in each)
    assert len(moments) == 30
    # A burst of ten, then one slot each hundred seconds, however they are spread over the processes.
    assert [round((later - moments[0]) / 100) for later in moments] == [0] * 10 + list(range(1, 21))
