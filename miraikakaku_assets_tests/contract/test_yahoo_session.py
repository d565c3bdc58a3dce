"""Yahoo's answers, one symbol at a time: bars when there are bars, one typed error for every trouble."""

import threading
import time
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy, YahooSession
from miraikakaku_assets.adapters.sources.yahoo.source import YahooOptions, YahooSource
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.domain.bars.frame import RAW_DAILY
from miraikakaku_assets.domain.errors import PermanentSymbolError, SymbolError, TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
from miraikakaku_assets_tests.fakes.scripted_yahoo import (
    ODD,
    Answer,
    ScriptedYahoo,
    answered,
    chart,
    scripted_yahoo,
)
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS, january

SYMBOL = "7203.T"
DAYS = list(SESSIONS[:3])


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        yield server


def deliver(
    yahoo: ScriptedYahoo, *symbols: str, retries: int = 2, timeout: float = 60.0, delay: float = 0.01
) -> Delivery:
    options = YahooOptions(
        yahoo.base_url, RetryPolicy(timeout, retries, delay, 2.0), workers=2, symbols_per_delivery=50
    )
    requests = [BarRequest(symbol, january(1), date.max) for symbol in symbols]
    (delivery,) = YahooSource(options, Unlimited()).deliver(JP, Timeframe.D1, requests)
    return delivery


def failure(yahoo: ScriptedYahoo, *answers: Answer, **options: float) -> SymbolError:
    yahoo.script(SYMBOL, *answers)
    delivery = deliver(yahoo, SYMBOL, **options)  # type: ignore[arg-type]
    assert delivery.symbols == ()
    assert delivery.bars.is_empty()
    return delivery.failures[SYMBOL]


def test_bars_are_delivered_as_yahoo_quotes_them(yahoo: ScriptedYahoo) -> None:
    yahoo.script(SYMBOL, chart(SYMBOL, DAYS, lambda number: number + 0.25))
    delivery = deliver(yahoo, SYMBOL)
    assert delivery.symbols == (SYMBOL,)
    assert dict(delivery.bars.schema) == RAW_DAILY
    assert delivery.bars.select("symbol", "session", "open", "close", "volume", "row", "stamp").rows() == [
        (SYMBOL, day, number + 0.25, number + 0.25, 100.0, number, None)
        for number, day in enumerate(DAYS, start=1)
    ]


def test_first_pass_is_one_request_per_symbol(yahoo: ScriptedYahoo) -> None:
    # yfinance would ask for a cookie, a crumb and the time zone first.
    symbols = [f"{code}.T" for code in (1301, 1332, 1333, 1375, 1376)]
    for symbol in symbols:
        yahoo.script(symbol, chart(symbol, DAYS))
    delivery = deliver(yahoo, *symbols)
    assert sorted(yahoo.symbols()) == symbols
    assert delivery.requests == 5
    assert sorted(delivery.symbols) == symbols


def test_request_asks_for_the_window_and_the_events(yahoo: ScriptedYahoo) -> None:
    yahoo.script(SYMBOL, chart(SYMBOL, DAYS))
    began = int(time.time())
    deliver(yahoo, SYMBOL)
    ((_, query),) = yahoo.asked
    assert query["interval"] == "1d"
    assert set(query["events"].split(",")) >= {"div", "splits"}
    assert int(query["period1"]) == 1_735_657_200  # 2025-01-01 00:00 in Tokyo
    assert began <= int(query["period2"]) <= time.time()
    assert "crumb" not in query


def test_last_session_wanted_belongs_to_the_window(yahoo: ScriptedYahoo) -> None:
    yahoo.script(SYMBOL, chart(SYMBOL, DAYS))
    options = YahooOptions(yahoo.base_url, RetryPolicy(5, 0, 0, 1), 1, 1)
    request = BarRequest(SYMBOL, january(6), january(8))
    (delivery,) = YahooSource(options, Unlimited()).deliver(JP, Timeframe.D1, [request])
    assert delivery.bars["session"].to_list() == DAYS
    assert int(yahoo.asked[0][1]["period2"]) == 1_736_348_400  # the end of the 8th in Tokyo


def test_dividends_and_splits_are_taken_out(yahoo: ScriptedYahoo) -> None:
    at = 1_736_208_000  # 2025-01-07 09:00 in Tokyo
    events = {
        "dividends": {str(at): {"amount": 73, "date": at}},
        "splits": {str(at): {"date": at, "numerator": 3, "denominator": 2, "splitRatio": "3:2"}},
    }
    yahoo.script(SYMBOL, chart(SYMBOL, DAYS, events=events))
    assert sorted(deliver(yahoo, SYMBOL).actions.rows()) == [
        (SYMBOL, january(7), "dividend", 73.0), (SYMBOL, january(7), "split", 1.5)
    ]  # fmt: skip


def test_holes_in_the_answer_stay_holes(yahoo: ScriptedYahoo) -> None:
    yahoo.script(SYMBOL, chart(SYMBOL, DAYS, lambda number: None if number == 2 else 10.0))
    bars = deliver(yahoo, SYMBOL).bars
    assert bars["session"].to_list() == DAYS
    assert bars["close"].is_finite().to_list() == [True, False, True]


EMPTY = {"meta": {"symbol": SYMBOL, "currency": "JPY"}, "indicators": {"quote": [{}], "adjclose": [{}]}}


@pytest.mark.parametrize("result", [[EMPTY], []])
def test_empty_window_is_no_error(yahoo: ScriptedYahoo, result: list[object]) -> None:
    yahoo.script(SYMBOL, answered({"chart": {"result": result, "error": None}}))
    delivery = deliver(yahoo, SYMBOL)
    assert delivery.symbols == (SYMBOL,)
    assert delivery.bars.is_empty()
    assert len(yahoo.asked) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "refused"),
        (403, "refused"),
        (404, "not_on_source"),
        (422, "out_of_range"),
        (418, "bad_request"),
    ],
)
def test_refusal_is_permanent_and_not_asked_again(yahoo: ScriptedYahoo, status: int, kind: str) -> None:
    error = failure(yahoo, answered({"chart": {"result": None, "error": {"code": "x"}}}, status))
    assert isinstance(error, PermanentSymbolError)
    assert error.kind == kind
    assert f"HTTP {status}" in str(error)
    assert len(yahoo.asked) == 1


TOO_MANY = Answer(429, b"Edge: Too Many Requests")
BODY = chart(SYMBOL, DAYS).body
TEMPORARY = {
    "429": (TOO_MANY, "rate_limited"),
    "500": (Answer(500, b"oops"), "server_error"),
    "503": (Answer(503, b""), "server_error"),
    "HTML": (Answer(200, b"<!DOCTYPE html><html>Will be right back</html>"), "unreadable_answer"),
    "nothing": (Answer(200, b""), "unreadable_answer"),
    "cut short": (Answer(200, BODY, cut=100), "unreadable_answer"),
    "cut short without notice": (Answer(200, BODY[:200]), "unreadable_answer"),
    "another symbol": (chart("9984.T", DAYS), "wrong_symbol"),
    "no answer": (Answer(delay=30.0), "timeout"),
}


def patience(case: str) -> float:
    """Seconds before a request is given up."""
    return 1.0 if case == "no answer" else 60.0


@pytest.mark.parametrize("case", TEMPORARY)
def test_trouble_that_passes_is_asked_again(yahoo: ScriptedYahoo, case: str) -> None:
    trouble, _ = TEMPORARY[case]
    yahoo.script(SYMBOL, trouble, chart(SYMBOL, DAYS))
    delivery = deliver(yahoo, SYMBOL, timeout=patience(case))
    assert delivery.symbols == (SYMBOL,)
    assert delivery.bars.height == 3
    assert (len(yahoo.asked), delivery.requests) == (2, 2)


@pytest.mark.parametrize("case", TEMPORARY)
def test_trouble_that_stays_is_a_temporary_error_after_all_retries(yahoo: ScriptedYahoo, case: str) -> None:
    trouble, kind = TEMPORARY[case]
    error = failure(yahoo, trouble, retries=1, timeout=patience(case))
    assert isinstance(error, TemporarySymbolError)
    assert (error.symbol, error.kind, len(yahoo.asked)) == (SYMBOL, kind, 2)
    assert "\n" not in str(error)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(yahoo: ScriptedYahoo, status: int) -> None:
    yahoo.script(SYMBOL, Answer(status, b"slow down", {"Retry-After": "1"}), chart(SYMBOL, DAYS))
    assert deliver(yahoo, SYMBOL).bars.height == 3
    first, second = yahoo.at
    assert second - first >= 1.0  # never earlier than told


@pytest.mark.parametrize("value", ["soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "", "²"])
def test_retry_after_that_is_no_number_counts_as_absent(yahoo: ScriptedYahoo, value: str) -> None:
    yahoo.script(SYMBOL, Answer(429, b"slow down", {"Retry-After": value}), chart(SYMBOL, DAYS))
    assert deliver(yahoo, SYMBOL).bars.height == 3
    assert len(yahoo.asked) == 2


def test_waits_grow_from_attempt_to_attempt(yahoo: ScriptedYahoo) -> None:
    yahoo.script(SYMBOL, TOO_MANY, TOO_MANY, TOO_MANY, chart(SYMBOL, DAYS))
    assert deliver(yahoo, SYMBOL, retries=3, delay=0.1).bars.height == 3
    waits = [later - earlier for earlier, later in zip(yahoo.at, yahoo.at[1:], strict=False)]
    assert [wait >= least for wait, least in zip(waits, (0.08, 0.16, 0.32), strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("code", "kind"), [("Not Found", "not_on_source"), ("Internal", "unreadable_answer")]
)
def test_error_inside_a_good_answer_is_an_error(yahoo: ScriptedYahoo, code: str, kind: str) -> None:
    body = {"chart": {"result": None, "error": {"code": code, "description": "No data found"}}}
    assert failure(yahoo, answered(body), retries=0).kind == kind


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_json_of_another_form_fails_its_symbol_and_no_other(yahoo: ScriptedYahoo, body: object) -> None:
    yahoo.script(SYMBOL, answered(body))
    yahoo.script("1301.T", chart("1301.T", DAYS))
    delivery = deliver(yahoo, SYMBOL, "1301.T", retries=0)
    assert "1301.T" in delivery.symbols
    assert delivery.bars.filter(pl.col("symbol") == SYMBOL).is_empty()
    if SYMBOL in delivery.failures:
        assert delivery.failures[SYMBOL].kind == "unreadable_answer"


def test_columns_of_different_length_fail_their_symbol(yahoo: ScriptedYahoo) -> None:
    broken = chart(SYMBOL, DAYS).body.replace(b'"volume": [100, 100, 100]', b'"volume": [100]')
    assert failure(yahoo, Answer(200, broken), retries=0).kind == "unreadable_answer"


def test_session_that_is_stopped_sends_nothing_more(yahoo: ScriptedYahoo) -> None:
    yahoo.script(SYMBOL, TOO_MANY)
    stopping = threading.Event()
    limit = Unlimited()
    session = YahooSession(yahoo.base_url, limit, RetryPolicy(60, 3, 30.0, 2.0), stopping)
    threading.Timer(0.3, stopping.set).start()
    with pytest.raises(TemporarySymbolError):
        session.get(f"https://query2.finance.yahoo.com/v8/finance/chart/{SYMBOL}")
    assert len(yahoo.asked) == 1  # it was to wait half a minute, and ask again
    session.close()


def test_only_charts_leave_the_machine(yahoo: ScriptedYahoo) -> None:
    session = YahooSession(yahoo.base_url, Unlimited(), RetryPolicy(5, 0, 0, 1), threading.Event())
    for url in ("https://fc.yahoo.com", "https://query1.finance.yahoo.com/v1/test/getcrumb"):
        answer = session.get(url)
        assert (answer.status_code, answer.content) == (200, b"")
    assert yahoo.asked == []
    assert session.requests_sent == 0
    session.close()
