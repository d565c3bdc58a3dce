"""The lists of issues over HTTP, their faults, and the counters of requests."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlrd
from curl_cffi import requests
from curl_cffi.requests.exceptions import RequestException

from miraikakaku_assets.adapters.sources.us_listings.directories import UsAddresses, UsDirectories
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.process import running_process
from miraikakaku_assets_tests.fakes.simulated import EVENING, NOON, Simulated, read, simulated
from miraikakaku_assets_tests.support.patience import PATIENCE, until

STATUS = "/query?function=LISTING_STATUS&apikey="


@pytest.fixture
def exchange() -> Iterator[Simulated]:
    with simulated() as simulator:
        yield simulator


def lines(exchange: Simulated, name: str) -> list[str]:
    answer = exchange.get(f"/symdir/{name}")
    assert answer.status_code == 200
    return answer.text.splitlines()


def listed(exchange: Simulated) -> set[str]:
    both = [lines(exchange, name)[1:-1] for name in ("nasdaqlisted.txt", "otherlisted.txt")]
    nasdaq = {row[0] for row in (line.split("|") for line in both[0]) if row[3] == "N"}
    return nasdaq | {row[0] for row in (line.split("|") for line in both[1]) if row[6] == "N"}


def test_every_listed_issue_has_its_chart_and_no_test_issue_has_one(exchange: Simulated) -> None:
    names = read(exchange.get("/simulator/symbols"))
    assert len(listed(exchange)) == len(names["us"]) == 40
    for symbol in names["us"]:
        result = exchange.result(symbol, range="5d")
        assert result["meta"]["currency"] == "USD"
        assert len(result["timestamp"]) == 5
    assert exchange.chart("ZVZZT").status_code == 404
    assert names["copper"] == ["HG=F"]
    meta = exchange.result("HG=F", range="5d")["meta"]
    assert [meta[key] for key in ("exchangeName", "instrumentType", "currency", "exchangeTimezoneName")] == [
        "CMX",
        "FUTURE",
        "USD",
        "America/New_York",
    ]


def test_the_adapter_of_the_product_reads_the_lists_as_yahoo_spells_them(exchange: Simulated) -> None:
    directory = f"{exchange.base}/symdir"
    addresses = UsAddresses(
        f"{directory}/nasdaqlisted.txt", f"{directory}/otherlisted.txt", exchange.base, "SIMULATED"
    )
    source = UsDirectories(5.0, addresses)
    stocks = source.parse(source.fetch(None))
    served = set(read(exchange.get("/simulator/symbols"))["us"])
    assert {issue.symbol for issue in stocks.issues} <= served
    assert {"AAPL", "BRK-B", "BAC-PB", "SPY", "NA", "NAN", "TRUE"} <= {
        issue.symbol for issue in stocks.issues
    }


def test_alpha_vantage_wants_its_key_and_refuses_with_status_200(exchange: Simulated) -> None:
    good = exchange.get(f"{STATUS}SIMULATED")
    assert good.text.startswith("symbol,name,exchange,assetType")
    assert good.text.count("\r\n") == 40 + 2 + 1
    for path in (f"{STATUS}WRONG", "/query?function=LISTING_STATUS"):
        answer = exchange.get(path)
        assert answer.status_code == 200
        assert "apikey is invalid or missing" in read(answer)["Error Message"]
    assert "Error Message" in read(exchange.get(f"{STATUS}SIMULATED&date=soon"))
    exchange.set_faults("quota@listing_status")
    assert "25 requests per day" in read(exchange.get(f"{STATUS}SIMULATED"))["Information"]


@pytest.mark.parametrize("name", ["nasdaqlisted.txt", "otherlisted.txt"])
def test_faults_of_a_directory(exchange: Simulated, name: str) -> None:
    whole = lines(exchange, name)
    assert whole[-1].startswith("File Creation Time: ")
    exchange.set_faults(f"html@{name}")
    assert "<html>" in exchange.get(f"/symdir/{name}").text
    exchange.set_faults(f"503@{name}")
    assert exchange.get(f"/symdir/{name}").status_code == 503
    exchange.set_faults(f"empty@{name}")
    assert exchange.get(f"/symdir/{name}").content == b""
    exchange.set_faults(f"cut-json@{name}")
    assert "File Creation Time" not in exchange.get(f"/symdir/{name}").text
    exchange.set_faults(f"truncated@{name}")
    with pytest.raises(RequestException):
        exchange.get(f"/symdir/{name}")
    exchange.set_faults(f"short-list@{name}")
    short = lines(exchange, name)
    assert short[-1] == whole[-1]
    assert set(short) < set(whole)
    exchange.set_faults("all=1")  # charts only
    assert lines(exchange, name) == whole


def test_an_issue_can_be_missing_from_the_lists_and_have_a_chart(exchange: Simulated) -> None:
    exchange.set_faults("unlisted@7203.T,AAPL")
    book = xlrd.open_workbook(file_contents=exchange.get("/jpx/data_j.xls").content)
    codes: list[Any] = book.sheet_by_index(0).col_values(1, 1)
    assert len(codes) == 59
    assert 7203.0 not in codes
    assert "AAPL" not in listed(exchange)
    assert "AAPL," not in exchange.get(f"{STATUS}SIMULATED").text
    assert exchange.chart("7203.T").status_code == exchange.chart("AAPL").status_code == 200
    exchange.set_faults("short-list@data_j.xls")
    short = xlrd.open_workbook(file_contents=exchange.get("/jpx/data_j.xls").content)
    assert 10 < short.sheet_by_index(0).nrows < 30


def test_values_that_only_look_like_bars(exchange: Simulated) -> None:
    def quote() -> dict[str, Any]:
        chart: dict[str, Any] = exchange.result("7203.T", range="1mo")
        chart.update(chart["indicators"]["quote"][0])
        return chart

    clean = quote()
    exchange.set_faults("nan-tail")
    assert quote()["close"] == [*clean["close"][:-3], None, None, None]
    exchange.set_faults("squeeze-out")
    squeezed = quote()
    assert squeezed["close"] == [*clean["close"][:-1], float(np.float32(2.985e10))]
    assert squeezed["volume"][-1] == 0
    exchange.set_faults("duplicate-stamps")
    assert quote()["timestamp"] == [*clean["timestamp"], clean["timestamp"][-1]]
    exchange.set_faults("no-timezone")
    assert not {"timezone", "exchangeTimezoneName", "gmtoffset"} & set(quote()["meta"])
    exchange.set_faults("clock-skew")
    ahead = requests.get(f"{exchange.base}/v8/finance/chart/AAPL", timeout=60).headers["date"]
    assert parsedate_to_datetime(str(ahead)).timestamp() - time.time() == pytest.approx(3_600, abs=300)


def test_requests_are_counted_by_path_and_by_symbol(exchange: Simulated) -> None:
    for symbol in ("7203.T", "7203.T", "AAPL", "NOSUCH"):
        exchange.chart(symbol, range="5d")
    exchange.get("/symdir/nasdaqlisted.txt")
    counts = read(exchange.get("/simulator/requests"))
    assert (counts["total"], counts["charts"], counts["symbols"], counts["max_per_symbol"]) == (5, 4, 3, 2)
    assert counts["per_symbol"] == pytest.approx(4 / 3)
    assert counts["by_symbol"] == {"7203.T": 2, "AAPL": 1, "NOSUCH": 1}
    assert counts["paths"] == {"/symdir/nasdaqlisted.txt": 1}
    assert counts["statuses"] == {"200": 4, "404": 1}
    assert read(requests.delete(f"{exchange.base}/simulator/requests", timeout=60)) == counts
    assert read(exchange.get("/simulator/requests?symbols=all"))["total"] == 0


def test_latency_holds_an_answer_back_and_nobody_up() -> None:
    """All requests arrive although the first is not answered yet, nor will be while the test looks."""

    def ask(base: str) -> None:
        with suppress(RequestException):  # the simulator ends first
            requests.get(f"{base}/v8/finance/chart/7203.T?range=5d", timeout=2 * PATIENCE)

    with ThreadPoolExecutor(10) as pool, simulated(latency=2 * PATIENCE) as slow:
        for _ in range(10):
            pool.submit(ask, slow.base)
        until(lambda: read(slow.get("/simulator/requests"))["charts"] == 10, "a request waits for an answer")
        assert read(slow.get("/simulator/requests"))["statuses"] == {}


def test_a_simulator_in_its_own_process_answers_as_one_in_a_thread(
    exchange: Simulated, tmp_path: Path
) -> None:
    config = SimulatorConfig(symbols=60, us_symbols=40, now=EVENING, faults=("404@1301.T",))
    with running_process(config) as url:
        other = Simulated(url)
        for symbol in ("7203.T", "AAPL"):
            assert other.chart(symbol, range="1y").content == exchange.chart(symbol, range="1y").content
        assert other.chart("1301.T").status_code == 404
        port = int(url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=str(port)), running_process(config, port=port):
            pass
    with pytest.raises(RequestException):
        other.chart("7203.T")
    master = tmp_path / "own.xls"
    master.write_bytes(b"no workbook")
    with running_process(replace(config, master_file=master, now=NOON)) as url:
        assert Simulated(url).get("/jpx/data_j.xls").content == b"no workbook"
