"""Every fault of the simulator, as a client over HTTP meets it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import xlrd
from curl_cffi.requests.exceptions import RequestException, Timeout

from miraikakaku_assets_tests.fakes.simulated import EVENING, Simulated, simulated


@pytest.fixture
def yahoo() -> Iterator[Simulated]:
    with simulated() as simulator:
        yield simulator


@pytest.mark.parametrize("kind", ["429", "429-retry-after", "401", "404", "422", "500", "502", "503", "504"])
def test_status_faults_hit_the_named_symbol_as_often_as_asked(yahoo: Simulated, kind: str) -> None:
    yahoo.set_faults(f"{kind}*2@7203.T")
    hit = yahoo.chart("7203.T")
    assert hit.status_code == int(kind[:3])
    assert ("Retry-After" in hit.headers) == (kind == "429-retry-after")
    assert ("Too Many Requests" in hit.text) == kind.startswith("429")
    assert [yahoo.chart("7203.T").status_code, yahoo.chart("7203.T").status_code] == [int(kind[:3]), 200]
    assert yahoo.chart("AAPL").status_code == 200
    assert yahoo.state()["fault_hits"] == {kind: 2}


def test_faults_of_the_transport(yahoo: Simulated) -> None:
    whole = yahoo.chart("7203.T", range="1y").content
    yahoo.set_faults("cut-json")
    assert yahoo.chart("7203.T", range="1y").content == whole[: len(whole) // 2]
    yahoo.set_faults("html")
    assert "Will be right back" in yahoo.chart("7203.T").text
    yahoo.set_faults("truncated")
    with pytest.raises(RequestException):
        yahoo.chart("7203.T", range="1y")
    yahoo.set_faults("timeout@AAPL")
    with pytest.raises(Timeout):
        yahoo.get("/v8/finance/chart/AAPL", timeout=0.3)
    assert yahoo.chart("1301.T").status_code == 200  # one that waits holds nobody up
    yahoo.set_faults("latency=200ms")
    began = time.monotonic()
    assert yahoo.chart("7203.T", range="1y").content == whole
    assert time.monotonic() - began >= 0.2


def test_faults_inside_an_answer(yahoo: Simulated) -> None:
    def close(symbol: str) -> list[float | None]:
        return yahoo.closes(symbol, range="1mo")

    clean = close("7203.T")
    yahoo.set_faults("nan-bars")
    assert close("7203.T").count(None) in {2, 3}
    assert close("7203.T") == close("7203.T")
    volumes = yahoo.result("7203.T", range="1mo")["indicators"]["quote"][0]["volume"]
    assert {type(volume) for volume in volumes} == {int, type(None)}
    yahoo.set_faults("garbage-tick")
    spoiled = [a / b for a, b in zip(close("7203.T"), clean, strict=True) if a is not None and b]
    assert sorted(round(ratio) for ratio in spoiled)[-2:] in ([1, 10_000_000], [10_000_000, 10_000_000])
    yahoo.set_faults("wrong-symbol@7203.T")
    assert yahoo.result("7203.T")["meta"]["symbol"] != "7203.T"
    yahoo.set_faults("empty@7203.T,AAPL")
    assert "timestamp" not in yahoo.result("AAPL", range="1mo")
    assert "timestamp" in yahoo.result("1301.T", range="1mo")
    yahoo.set_faults()
    assert close("7203.T") == clean


def test_a_late_split_rescales_history_once_it_is_published() -> None:
    with simulated(faults=("late-split@7203.T",)) as late, simulated() as plain:

        def ratio() -> list[float]:
            shown, traded = (np.array(server.closes("7203.T", range="3mo")) for server in (late, plain))
            return (traded / shown).round(3).tolist()  # type: ignore[no-any-return]

        assert ratio()[-5:] == [1, 1, 5, 5, 5]  # the price has dropped, nobody says why
        assert "splits" not in late.result("7203.T", range="3mo", events="div,splits").get("events", {})
        late.set_faults()
        assert set(ratio()) == {5}
        history = late.result("7203.T", range="3mo", events="div,splits")
        (split,) = history["events"]["splits"].values()
        assert (split["splitRatio"], split["date"]) == ("5:1", history["timestamp"][-3])


def test_a_late_split_installed_later_waits_for_the_next_session(yahoo: Simulated) -> None:
    def window() -> tuple[list[float | None], dict[str, Any]]:
        shown = yahoo.result(
            "1301.T", period1=int((EVENING - timedelta(days=9)).timestamp()), events="splits"
        )
        return shown["indicators"]["quote"][0]["close"], shown.get("events", {})

    before, _ = window()
    yahoo.set_faults("late-split@1301.T")
    assert window() == (before, {})
    yahoo.set_clock(EVENING + timedelta(days=4))  # Tuesday: Monday was a holiday in Japan
    dropped, events = window()
    assert dropped[: len(before)] == before
    assert 4 < float(before[-1] or 0) / float(dropped[-1] or 1) < 6
    assert not events
    yahoo.set_clock(EVENING + timedelta(days=10))
    rescaled, events = window()
    assert np.allclose(np.array(before, float) / np.array(rescaled[: len(before)], float), 5, rtol=1e-6)
    assert [event["splitRatio"] for event in events["splits"].values()] == ["5:1"]


def test_a_rate_lets_retries_through_and_the_state_counts_everything(yahoo: Simulated) -> None:
    yahoo.set_faults("429=0.3", "503=0.2@AAPL", "500*1@data_j.xls", "429@getcrumb")
    statuses = [yahoo.chart("7203.T").status_code for _ in range(60)]
    assert 8 <= statuses.count(429) <= 28
    assert set(statuses) == {200, 429}
    workbook = [yahoo.get("/jpx/data_j.xls") for _ in range(2)]
    assert [answer.status_code for answer in workbook] == [500, 200]
    assert xlrd.open_workbook(file_contents=workbook[1].content).sheet_by_index(0).nrows == 61
    assert yahoo.get("/v1/test/getcrumb").status_code == 429
    state = yahoo.state()
    assert state["requests"] == {"chart_1d": 60, "jpx_list": 2, "crumb": 1}
    assert state["fault_hits"]["429"] == statuses.count(429) + 1
    assert state["clock"] == EVENING.isoformat()
    assert state["seed"] == 7
    cookie = yahoo.get("/")
    assert cookie.status_code == 404
    assert cookie.cookies["A3"]
