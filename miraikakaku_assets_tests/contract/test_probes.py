"""The smallest question to Yahoo, and the account of the answers."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from miraikakaku_assets.adapters.sources.yahoo.probe import YahooProbe
from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy
from miraikakaku_assets.adapters.storage.collection.probes import PostgresProbes
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.source_health import Probe
from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
from miraikakaku_assets_tests.fakes.scripted_yahoo import (
    NEVER,
    ODD,
    Answer,
    ScriptedYahoo,
    answered,
    chart,
    scripted_yahoo,
)
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS

DAYS = list(SESSIONS[:3])
MOMENT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        yield server


@pytest.fixture
def probe(yahoo: ScriptedYahoo) -> Iterator[YahooProbe]:
    made = YahooProbe(yahoo.base_url, RetryPolicy(0.5, 3, 0.01, 2.0), Unlimited())
    yield made
    made.close()


@pytest.mark.parametrize("symbol", ["7203.T", "USDJPY=X", "HG=F"])
def test_it_is_one_small_request(probe: YahooProbe, yahoo: ScriptedYahoo, symbol: str) -> None:
    yahoo.script(symbol, chart(symbol, DAYS))
    result = probe.probe(symbol)
    assert (result.newest_session, result.requests, result.error) == (DAYS[-1], 1, None)
    assert result.latency is not None
    assert 0 < result.latency < 0.5
    assert yahoo.asked == [(f"/v8/finance/chart/{symbol}", {"range": "5d", "interval": "1d"})]


def test_a_bar_without_a_price_is_none(probe: YahooProbe, yahoo: ScriptedYahoo) -> None:
    yahoo.script("7203.T", chart("7203.T", DAYS, lambda number: None if number == 3 else 10.0))
    assert probe.probe("7203.T").newest_session == DAYS[1]
    yahoo.script("7203.T", chart("7203.T", DAYS, lambda _: None))
    assert probe.probe("7203.T").newest_session is None
    yahoo.script("7203.T", answered({"chart": {"result": None, "error": None}}))
    assert probe.probe("7203.T").newest_session is None


def test_the_session_has_the_date_of_its_exchange(probe: YahooProbe, yahoo: ScriptedYahoo) -> None:
    """09:00 in Tokyo is midnight in London; an answer without an offset is dated there."""
    body = chart("7203.T", DAYS).body.replace(b'"gmtoffset": 32400', b'"gmtoffset": -32400')
    yahoo.script("7203.T", Answer(200, body))
    assert probe.probe("7203.T").newest_session == DAYS[-1] - timedelta(days=1)
    yahoo.script("7203.T", Answer(200, body.replace(b'"gmtoffset": -32400, ', b"")))
    assert probe.probe("7203.T").newest_session == DAYS[-1]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(404, b"{}"), "not_on_source"),
        (Answer(429, b""), "rate_limited"),
        (Answer(503, b""), "server_error"),
        (Answer(delay=NEVER), "timeout"),
        (chart("9984.T", DAYS), "wrong_symbol"),
        (Answer(200, chart("7203.T", DAYS).body.replace(b"[100, 100", b"[")), "unreadable_answer"),
    ],
)
def test_trouble_is_named_and_not_repeated(
    probe: YahooProbe, yahoo: ScriptedYahoo, answer: Answer, kind: str
) -> None:
    yahoo.script("7203.T", answer)
    result = probe.probe("7203.T")
    assert result.error is not None
    assert (result.error.kind, result.newest_session, result.requests) == (kind, None, 1)
    assert result.latency is not None
    assert len(yahoo.asked) == 1


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_json_of_another_form_is_never_a_session(
    probe: YahooProbe, yahoo: ScriptedYahoo, body: object
) -> None:
    yahoo.script("7203.T", answered(body))
    result = probe.probe("7203.T")
    assert result.newest_session is None
    assert result.error is None or result.error.kind == "unreadable_answer"


def test_a_probe_that_was_stopped_says_that_nothing_was_sent(yahoo: ScriptedYahoo) -> None:
    stopping = threading.Event()
    stopping.set()
    stopped = YahooProbe(yahoo.base_url, RetryPolicy(5, 0, 0.01, 2.0), Unlimited(), stopping)
    result = stopped.probe("7203.T")
    assert result.error is not None
    assert (result.error.kind, result.latency, result.requests) == ("stopped", None, 0)
    stopped.close()


def probe_of(symbol: str, at: datetime = MOMENT, source: str = "yahoo") -> Probe:
    return Probe(at, source, symbol, "ok", 0.25, 1, date(2026, 11, 19), 5.0)


def test_probes_come_back_as_they_went_in(database: Database) -> None:
    store = PostgresProbes(database)
    good, bad = (
        probe_of("7203.T"),
        replace(probe_of("AAPL"), verdict="paused", latency=None, newest_session=None),
    )
    store.add([good, bad])
    store.add([probe_of("7203.T", source="another")])
    assert store.since("yahoo", MOMENT) == [good, bad]
    assert store.since("yahoo", MOMENT + timedelta(seconds=1)) == []


def test_probes_are_kept_for_a_quarter_of_a_year(database: Database) -> None:
    store = PostgresProbes(database)
    old, kept = (
        probe_of("7203.T", MOMENT - timedelta(days=91)),
        probe_of("7203.T", MOMENT - timedelta(days=89)),
    )
    other = probe_of("7203.T", MOMENT - timedelta(days=91), "another")
    for probe in (old, kept, other, probe_of("7203.T")):
        store.add([probe])
    begin = MOMENT - timedelta(days=365)
    assert store.since("yahoo", begin) == [kept, probe_of("7203.T")]
    assert store.since("another", begin) == [other]
