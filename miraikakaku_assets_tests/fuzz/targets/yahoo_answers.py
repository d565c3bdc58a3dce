"""Yahoo's chart answers, on the way that they take: our session, yfinance, the frames of a delivery."""

import threading
from datetime import date
from typing import Any

from curl_cffi import requests

from miraikakaku_assets.adapters.sources.yahoo.fetcher import FetchOptions, _answer, _batch
from miraikakaku_assets.adapters.sources.yahoo.probe import newest_session
from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy, YahooSession
from miraikakaku_assets.application.ports import BarRequest
from miraikakaku_assets.domain.bars.frame import ACTIONS, empty
from miraikakaku_assets.domain.errors import SymbolError
from miraikakaku_assets.domain.market.instruments import JP, US, Timeframe, Universe
from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
from miraikakaku_assets_tests.fuzz.accepted_bars import check_daily, check_intraday
from miraikakaku_assets_tests.fuzz.target import Form, Target, ready
from miraikakaku_assets_tests.support.moments import NOW

_ONCE = RetryPolicy(timeout=1.0, retries=0, delay=0.0, multiplier=1.0)
_ADDRESS = "http://127.0.0.1:9"


class _Answering(YahooSession):
    """Our session, with one body in place of the network."""

    def __init__(self, body: bytes) -> None:
        super().__init__(_ADDRESS, Unlimited(), _ONCE, threading.Event())
        self._body = body

    def _send(self, method: str, url: str, *_: Any) -> requests.Response:  # noqa: ARG002
        answer = requests.Response()
        answer.url, answer.status_code, answer.content = url, 200, self._body
        return answer


def _daily(content: bytes) -> None:
    _read(content, JP, Timeframe.D1, "7203.T")


def _five_minutes(content: bytes) -> None:
    _read(content, US, Timeframe.M5, "AAPL")


def _probe(content: bytes) -> None:
    """The answer that a canary gets."""
    newest = newest_session(content, "7203.T")
    assert newest is None or isinstance(newest, date)


def _read(content: bytes, universe: Universe, timeframe: Timeframe, symbol: str) -> None:
    options = FetchOptions(_ADDRESS, _ONCE, 1, universe, timeframe)
    with _Answering(content) as session:
        answer = _answer(session, options, BarRequest(symbol, date(2024, 1, 1), date.max))
    batch = _batch([answer], options, None)
    for error in batch.failures.values():
        raise error
    if batch.bars is not None and timeframe is Timeframe.D1:
        check_daily(batch.bars, empty(ACTIONS) if batch.actions is None else batch.actions, universe, NOW)
    elif batch.bars is not None:
        check_intraday(batch.bars, universe, NOW)


TARGETS = (
    Target("yahoo_daily", ready(_daily), (SymbolError,), Form.JSON),
    Target("yahoo_probe", ready(_probe), (SymbolError,), Form.JSON),
    Target("yahoo_5m", ready(_five_minutes), (SymbolError,), Form.JSON),
)
