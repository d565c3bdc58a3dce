"""What the session tells the rate limit, what it takes note of, and that it stops when it is told to."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy, YahooSession
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.application.ports import Calls
from miraikakaku_assets.application.ports.rate_limit import LimitRules, Outcome
from miraikakaku_assets.domain.errors import PermanentSymbolError, SourcePausedError, SymbolError
from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
from miraikakaku_assets_tests.fakes.scripted_yahoo import (
    NEVER,
    Answer,
    ScriptedYahoo,
    answered,
    chart,
    scripted_yahoo,
)
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS
from miraikakaku_assets_tests.support.patience import until

SYMBOL = "7203.T"
URL = f"https://query2.finance.yahoo.com/v8/finance/chart/{SYMBOL}"
CHART = chart(SYMBOL, list(SESSIONS[:3]))
NO_RETRY = RetryPolicy(60, 0, 0.01, 2.0)


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        yield server


@pytest.fixture
def limit() -> Unlimited:
    return Unlimited()


@pytest.fixture
def session(yahoo: ScriptedYahoo, limit: Unlimited) -> Iterator[YahooSession]:
    made = YahooSession(yahoo.base_url, limit, NO_RETRY, threading.Event())
    yield made
    made.close()


def kind_of(session: YahooSession) -> str:
    try:
        session.get(URL)
    except SymbolError as error:
        return error.kind
    return "ok"


JSON_ERROR = {"chart": {"result": None, "error": {"code": "Not Found"}}}
TOLD = {
    "bars": (CHART, Outcome.SERVED, None),
    "nothing there": (answered({"chart": {"result": None, "error": None}}), Outcome.SERVED, None),
    "unknown symbol": (Answer(404, b"{}"), Outcome.SERVED, None),
    "unknown, with status 200": (answered(JSON_ERROR), Outcome.SERVED, None),
    "window": (Answer(422, b"{}"), Outcome.SERVED, None),
    "401": (Answer(401, b"{}"), Outcome.REFUSED, None),
    "403": (Answer(403, b"{}"), Outcome.REFUSED, None),
    "429": (Answer(429, b"x"), Outcome.RATE_LIMITED, None),
    "429 with time": (Answer(429, b"x", {"Retry-After": "7"}), Outcome.RATE_LIMITED, 7.0),
    "429 with a long time": (Answer(429, b"x", {"Retry-After": "7200"}), Outcome.RATE_LIMITED, 7200.0),
    "503 with time": (Answer(503, b"x", {"Retry-After": "3"}), Outcome.REFUSED, 3.0),
    "500": (Answer(500, b"x"), Outcome.REFUSED, None),
    "HTML": (Answer(200, b"<html></html>"), Outcome.REFUSED, None),
    "cut short": (Answer(200, CHART.body, cut=50), Outcome.REFUSED, None),
    "another symbol": (chart("9984.T", list(SESSIONS[:3])), Outcome.REFUSED, None),
}


@pytest.mark.parametrize("case", TOLD)
def test_every_answer_is_told_to_the_limit(
    session: YahooSession, yahoo: ScriptedYahoo, limit: Unlimited, case: str
) -> None:
    answer, outcome, retry_after = TOLD[case]
    yahoo.script(SYMBOL, answer)
    kind_of(session)
    assert limit.told == [(outcome, retry_after)]


def test_no_connection_and_no_answer_are_told_too(yahoo: ScriptedYahoo, limit: Unlimited) -> None:
    yahoo.script(SYMBOL, Answer(delay=NEVER))
    slow = YahooSession(yahoo.base_url, limit, RetryPolicy(0.2, 0, 0.01, 2.0), threading.Event())
    gone = YahooSession("http://127.0.0.1:9", limit, NO_RETRY, threading.Event())
    assert (kind_of(slow), kind_of(gone)) == ("timeout", "unreachable")
    assert limit.told == [(Outcome.REFUSED, None)] * 2
    slow.close()
    gone.close()


def test_bars_without_a_time_zone_are_unreadable_and_nothing_without_one_is_nothing(
    session: YahooSession, yahoo: ScriptedYahoo
) -> None:
    yahoo.script(SYMBOL, Answer(200, CHART.body.replace(b'"exchangeTimezoneName": "Asia/Tokyo", ', b"")))
    assert kind_of(session) == "unreadable_answer"
    yahoo.script(SYMBOL, Answer(200, CHART.body.replace(b'"Asia/Tokyo"', b"null")))
    assert kind_of(session) == "unreadable_answer"
    empty = {"meta": {"symbol": SYMBOL}, "indicators": {"quote": [{}]}}
    yahoo.script(SYMBOL, answered({"chart": {"result": [empty], "error": None}}))
    assert kind_of(session) == "ok"


def test_every_symbol_has_its_own_account(session: YahooSession, yahoo: ScriptedYahoo) -> None:
    patient = YahooSession(yahoo.base_url, Unlimited(), RetryPolicy(60, 2, 0.3, 1.0), threading.Event())
    yahoo.script(SYMBOL, Answer(500, b"x", delay=0.1), Answer(500, b"x", delay=0.1), CHART)
    yahoo.script("USDJPY=X", chart("USDJPY=X", list(SESSIONS[:1])))
    began = time.monotonic()
    patient.get(URL)
    whole = time.monotonic() - began
    patient.get(URL.replace(SYMBOL, "USDJPY%3DX"))
    toyota = patient.account(SYMBOL)
    assert toyota.requests == 3
    assert 0.2 <= toyota.seconds < whole - 0.3  # the two pauses between the attempts are ours, not Yahoo's
    assert patient.account("usdjpy=x").requests == 1
    assert patient.account(SYMBOL) == Calls()  # it has been asked about
    assert patient.requests_sent == 4
    patient.close()


@pytest.mark.parametrize(
    ("ahead", "age", "noted"),
    [(0, None, None), (200, None, None), (-100, None, None), (3600, None, 3600), (-3600, None, -3600),
     (-3600, "3600", None), (0, "nonsense", None)],
)  # fmt: skip
def test_a_clock_that_is_minutes_off_is_noted_once_and_nothing_is_refused(
    session: YahooSession,
    yahoo: ScriptedYahoo,
    caplog: pytest.LogCaptureFixture,
    ahead: int,
    age: str | None,
    noted: float | None,
) -> None:
    headers = {"Date": format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)}
    headers |= {"Age": age} if age else {}
    yahoo.dated = True
    yahoo.script(SYMBOL, Answer(200, CHART.body, headers))
    with caplog.at_level(logging.WARNING):
        assert [kind_of(session) for _ in range(3)] == ["ok"] * 3
    assert session.clock_skew_seconds == (None if noted is None else pytest.approx(noted, abs=100))
    assert len(caplog.records) == (noted is not None)


@pytest.mark.parametrize("header", ["", "yesterday", "Wed, 99 Oct 2015 07:28:00 GMT"])
def test_a_date_that_is_none_is_no_clock(session: YahooSession, yahoo: ScriptedYahoo, header: str) -> None:
    yahoo.dated = True
    yahoo.script(SYMBOL, Answer(200, CHART.body, {"Date": header}))
    assert kind_of(session) == "ok"
    assert session.clock_skew_seconds is None


def polite(yahoo: ScriptedYahoo, limit: PostgresRateLimiter, stopping: threading.Event) -> YahooSession:
    return YahooSession(yahoo.base_url, limit, RetryPolicy(60, 3, 3600.0, 2.0), stopping)


class Counted(threading.Event):
    """An event that knows which threads wait for it, and whether they were told or have waited to the end."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = set[int]()
        self.ended_by_event: list[bool] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waiting.add(threading.get_ident())
        self.ended_by_event.append(super().wait(timeout))
        return self.ended_by_event[-1]


@pytest.mark.parametrize("retry_after", ["200", None])
def test_stopping_ends_a_long_wait_of_every_thread_at_once(
    database: Database, yahoo: ScriptedYahoo, retry_after: str | None
) -> None:
    headers = {"Retry-After": retry_after} if retry_after else {}
    yahoo.script(SYMBOL, Answer(429, b"slow down", headers))
    rules = LimitRules(retry_delay=290.0)
    stopping = Counted()
    limit = PostgresRateLimiter(database, "yahoo", 1000.0, 10, rules)
    session = polite(yahoo, limit, stopping)
    kinds: list[str] = []
    threads = [threading.Thread(target=lambda: kinds.append(kind_of(session))) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(stopping.waiting) == len(threads), "not every thread waits")
    requests = len(yahoo.asked)
    stopping.set()
    for thread in threads:
        thread.join()
    assert set(stopping.ended_by_event) == {True}  # nobody has waited to the end
    assert set(kinds) <= {"stopped", "rate_limited"}
    assert len(kinds) == 4
    assert len(yahoo.asked) == requests
    session.close()
    limit.close()


def test_a_retry_after_of_an_hour_is_not_slept_through(database: Database, yahoo: ScriptedYahoo) -> None:
    yahoo.script(SYMBOL, Answer(429, b"slow down", {"Retry-After": "3600"}))
    limit = PostgresRateLimiter(database, "yahoo", 1000.0, 10)
    session = YahooSession(yahoo.base_url, limit, RetryPolicy(60, 3, 0.01, 2.0), threading.Event())
    with pytest.raises(SourcePausedError) as caught:
        session.get(URL)
    left = caught.value.resume_at - datetime.now(UTC)
    assert left == pytest.approx(timedelta(hours=1), abs=timedelta(minutes=5))
    assert caught.value.reason == "Yahoo limits our requests (HTTP 429)"
    assert len(yahoo.asked) == 1
    session.close()
    limit.close()


def test_401_on_everything_is_a_refusal_of_us(database: Database, yahoo: ScriptedYahoo) -> None:
    limit = PostgresRateLimiter(database, "yahoo", 1000.0, 100, LimitRules(first_pause=60.0))
    session = YahooSession(yahoo.base_url, limit, NO_RETRY, threading.Event())
    for number in range(20):
        yahoo.script(f"{1300 + number}.T", Answer(401, b"{}"))
        with pytest.raises(PermanentSymbolError):
            session.get(URL.replace(SYMBOL, f"{1300 + number}.T"))
    with pytest.raises(SourcePausedError, match="401"):
        session.get(URL)
    session.close()
    limit.close()
