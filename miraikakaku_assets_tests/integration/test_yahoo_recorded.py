"""Answers that Yahoo really gave, replayed over HTTP: dates, prices and events against the raw JSON."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy
from miraikakaku_assets.adapters.sources.yahoo.source import YahooOptions, YahooSource
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
from miraikakaku_assets_tests.fakes.scripted_yahoo import Answer, ScriptedYahoo, scripted_yahoo

TOKYO = "yahoo_http/jp_chart_transcribed"
DAILY = ("chart_1301.T_1mo_1d_2024-12-06.json", "chart_6309.T_1mo_1d_div_and_split_2025-05-19.json")


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        yield server


def delivered(yahoo: ScriptedYahoo, symbol: str, answer: Answer) -> Delivery:
    yahoo.script(symbol, answer)
    source = YahooSource(YahooOptions(yahoo.base_url, RetryPolicy(5.0, 0, 0.0, 1.0), 1, 10), Unlimited())
    (delivery,) = source.deliver(JP, Timeframe.D1, [BarRequest(symbol, date(1970, 1, 2), date.max)])
    return delivery


def local_days(result: dict[str, Any]) -> list[date]:
    offset = timedelta(seconds=result["meta"]["gmtoffset"])
    return [(datetime.fromtimestamp(stamp, UTC) + offset).date() for stamp in result["timestamp"]]


@pytest.mark.parametrize("name", DAILY)
def test_tokyo_chart_is_read_bar_by_bar(yahoo: ScriptedYahoo, real_data: Path, name: str) -> None:
    body = (real_data / TOKYO / name).read_bytes()
    (result,) = json.loads(body)["chart"]["result"]
    (quote,) = result["indicators"]["quote"]
    delivery = delivered(yahoo, result["meta"]["symbol"], Answer(200, body))
    assert delivery.bars["session"].to_list() == local_days(result)
    for column in ("open", "high", "low", "close", "volume"):
        assert delivery.bars[column].to_list() == pytest.approx(quote[column], rel=1e-12), column
    assert len(yahoo.asked) == 1


def test_dividend_and_split_of_one_day_are_read(yahoo: ScriptedYahoo, real_data: Path) -> None:
    body = (real_data / TOKYO / DAILY[1]).read_bytes()
    delivery = delivered(yahoo, "6309.T", Answer(200, body))
    assert sorted(delivery.actions.rows()) == [
        ("6309.T", date(2025, 4, 28), "dividend", 73.0),
        ("6309.T", date(2025, 4, 28), "split", 3.0),
    ]


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("error_404_chart.json", 404, "not_on_source"),
        ("error_404_chart.json", 200, "not_on_source"),
        ("error_422_chart_5m_range.json", 422, "out_of_range"),
        ("error_401_quote_no_crumb.json", 401, "refused"),
        ("error_429_body.txt", 429, "rate_limited"),
        ("error_429_body.txt", 200, "unreadable_answer"),
    ],
)
def test_recorded_errors_are_told_apart(
    yahoo: ScriptedYahoo, real_data: Path, name: str, status: int, kind: str
) -> None:
    delivery = delivered(yahoo, "7203.T", Answer(status, (real_data / TOKYO / name).read_bytes()))
    assert delivery.failures["7203.T"].kind == kind
    assert len(yahoo.asked) == 1


def recorded_charts(real_data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((real_data / "yahoo_http/node-yahoo-finance2").glob("chart*/*.json")):
        response = json.loads(path.read_text(encoding="utf-8"))["response"]
        body = response.get("bodyJson") or json.loads(response["body"])
        if response["status"] == 200 and body["chart"]["result"]:
            yield path.name, body


def test_charts_of_other_exchanges_keep_their_own_dates(yahoo: ScriptedYahoo, real_data: Path) -> None:
    compared = 0
    for name, body in recorded_charts(real_data):
        (result,) = body["chart"]["result"]
        symbol = result["meta"]["symbol"]
        delivery = delivered(yahoo, symbol, Answer(200, json.dumps(body).encode()))
        assert not delivery.failures, name
        if "timestamp" not in result:
            assert delivery.bars.is_empty(), name
            continue
        if result["meta"]["dataGranularity"] != "1d" or "dividends" in result.get("events", {}):
            continue
        closes = dict(zip(local_days(result), result["indicators"]["quote"][0]["close"], strict=True))
        collected = dict(delivery.bars.select("session", "close").iter_rows())
        # A fund's or a currency's stamp may lie on the eve of its local day; the prices tell.
        assert list(collected.values()) == pytest.approx(list(closes.values()), nan_ok=True), name
        compared += 1
    assert compared >= 30
