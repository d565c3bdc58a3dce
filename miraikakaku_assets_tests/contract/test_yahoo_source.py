"""Yahoo as a whole: deliveries of many symbols, and the difference between a bad symbol and a bad network."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy
from miraikakaku_assets.adapters.sources.yahoo.source import YahooOptions, YahooSource
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.domain.bars.frame import RAW_INTRADAY
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
from miraikakaku_assets_tests.fakes.scripted_yahoo import NEVER, Answer, ScriptedYahoo, chart, scripted_yahoo
from miraikakaku_assets_tests.support.bars.raw_bars import JST, SESSIONS, january

DAYS = list(SESSIONS[:2])


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        yield server


def source(
    base_url: str, workers: int = 4, each: int = 50, retries: int = 0, timeout: float = 60.0
) -> YahooSource:
    options = YahooOptions(base_url, RetryPolicy(timeout, retries, 0.01, 2.0), workers, each)
    return YahooSource(options, Unlimited())


def requests(symbols: list[str]) -> list[BarRequest]:
    return [BarRequest(symbol, january(1), date.max) for symbol in symbols]


def deliver(served: YahooSource, symbols: list[str]) -> list[Delivery]:
    return list(served.deliver(JP, Timeframe.D1, requests(symbols)))


def codes(count: int) -> list[str]:
    return [f"{1300 + number}.T" for number in range(count)]


def test_every_symbol_is_in_exactly_one_delivery_with_its_own_bars(yahoo: ScriptedYahoo) -> None:
    symbols = codes(60)
    for number, symbol in enumerate(symbols):
        price = 100.0 * (number + 1)
        yahoo.script(symbol, chart(symbol, DAYS, lambda _, price=price: price))  # type: ignore[misc]
    yahoo.script(symbols[7], Answer(404, b"{}"))
    deliveries = deliver(source(yahoo.base_url, each=5), symbols)
    named = Counter(symbol for each in deliveries for symbol in (*each.symbols, *each.failures))
    assert named == Counter(symbols)
    assert len(deliveries) >= 2  # at least five symbols each, and at most fifty
    assert sum(each.requests for each in deliveries) == 60
    for each in deliveries:
        for symbol, close in each.bars.select("symbol", "close").iter_rows():
            assert close == 100.0 * (symbols.index(symbol) + 1)
    assert [symbol for each in deliveries for symbol in each.failures] == [symbols[7]]


def test_nothing_is_asked_for_when_no_symbol_is(yahoo: ScriptedYahoo) -> None:
    assert [each.symbols for each in deliver(source(yahoo.base_url), [])] in ([], [()])
    assert yahoo.asked == []


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("each", [5, 50])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_yahoo_that_cannot_be_reached_is_one_error_and_not_one_per_symbol(each: int, count: int) -> None:
    gone = source(f"http://127.0.0.1:{free_port()}", each=each)
    with pytest.raises(DependencyUnavailableError, match="YAHOO_BASE_URL"):
        deliver(gone, codes(count))


def test_unknown_host_is_the_same_error() -> None:
    with pytest.raises(DependencyUnavailableError, match=r"no-such-host\.invalid"):
        deliver(source("http://no-such-host.invalid"), codes(2))


def test_network_that_swallows_everything_is_the_same_error(yahoo: ScriptedYahoo) -> None:
    for symbol in codes(30):
        yahoo.script(symbol, Answer(delay=NEVER))
    with pytest.raises(DependencyUnavailableError, match=r"2\d symbols got no answer"):
        deliver(source(yahoo.base_url, workers=20, timeout=0.2), codes(30))


def test_password_of_a_proxy_address_is_not_shown() -> None:
    with pytest.raises(DependencyUnavailableError) as caught:
        deliver(source(f"http://user:s3cret@127.0.0.1:{free_port()}"), codes(1))
    assert "s3cret" not in str(caught.value)


def test_one_answer_is_enough_to_know_that_yahoo_is_there(yahoo: ScriptedYahoo) -> None:
    symbols = codes(30)
    for symbol in symbols:
        yahoo.script(symbol, Answer(hangs_up=True))
    yahoo.script(symbols[0], Answer(404, b"{}"))
    deliveries = deliver(source(yahoo.base_url, workers=15), symbols)
    kinds = Counter(error.kind for each in deliveries for error in each.failures.values())
    assert kinds == {"unreachable": 29, "not_on_source": 1}


def test_stopping_early_ends_the_threads_and_sends_nothing_more(yahoo: ScriptedYahoo) -> None:
    symbols = codes(200)
    for symbol in symbols:
        yahoo.script(symbol, chart(symbol, DAYS))
    stream = source(yahoo.base_url, workers=2, each=5).deliver(JP, Timeframe.D1, requests(symbols))
    next(stream)
    stream.close()  # type: ignore[attr-defined] # it is a generator
    assert len(yahoo.asked) < 50
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("yahoo")]


def test_requests_keep_the_installations_rate(yahoo: ScriptedYahoo, database: Database) -> None:
    symbols = codes(12)
    for symbol in symbols:
        yahoo.script(symbol, chart(symbol, DAYS))
    limit = PostgresRateLimiter(database, "yahoo", per_second=10.0, burst=2)
    options = YahooOptions(yahoo.base_url, RetryPolicy(60.0, 0, 0.0, 1.0), 8, 50)
    began = time.monotonic()
    (delivery,) = YahooSource(options, limit).deliver(JP, Timeframe.D1, requests(symbols))
    assert len(delivery.symbols) == 12
    assert max(yahoo.at) - began >= 1.0  # ten intervals of 0.1 s after a burst of two


def test_five_minute_bars_keep_the_moments_yahoo_gives_them(yahoo: ScriptedYahoo) -> None:
    """The running bar carries the moment of its last trade; what it is worth is for validation to say."""
    stamps = [datetime(2025, 1, 6, 9, minute, tzinfo=JST) for minute in (0, 5, 10)]
    stamps.append(datetime(2025, 1, 6, 9, 17, 31, tzinfo=JST))
    meta = json.loads(chart("1300.T", DAYS).body)["chart"]["result"][0]["meta"]
    period = {"timezone": "JST", "start": 1736121600, "end": 1736145000, "gmtoffset": 32400}
    whole_day = {"pre": period, "regular": period, "post": period}
    intraday = {
        "dataGranularity": "5m",
        "range": "",
        "currentTradingPeriod": whole_day,
        "tradingPeriods": [[period]],
    }
    yahoo.script(
        "1300.T",
        chart(
            "1300.T",
            [january(6)] * 4,
            timestamp=[int(stamp.timestamp()) for stamp in stamps],
            meta=meta | intraday,
            events={"dividends": {"1": {"amount": 40.0, "date": 1736121600}}},
        ),
    )
    requested = [BarRequest("1300.T", january(6), january(6))]
    (delivery,) = source(yahoo.base_url).deliver(JP, Timeframe.M5, requested)
    assert delivery.bars.schema == RAW_INTRADAY
    assert delivery.bars.select("symbol", "stamp", "close", "row").rows() == [
        ("1300.T", stamp.astimezone(UTC), float(number), number)
        for number, stamp in enumerate(stamps, start=1)
    ]
    assert delivery.actions.is_empty()  # they belong to the daily bars
    ((_, query),) = yahoo.asked
    assert query["interval"] == "5m"
    assert int(query["period2"]) - int(query["period1"]) == 86_400


@pytest.mark.parametrize("timeframe", [Timeframe.H1, Timeframe.H4, Timeframe.W1, Timeframe.MO1])
def test_other_timeframes_are_refused(yahoo: ScriptedYahoo, timeframe: Timeframe) -> None:
    with pytest.raises(
        ConfigurationError, match=f"^Yahoo's {timeframe} bars are not collected; choose 1d or 5m$"
    ):
        list(source(yahoo.base_url).deliver(JP, timeframe, requests(codes(1))))
    assert yahoo.asked == []
