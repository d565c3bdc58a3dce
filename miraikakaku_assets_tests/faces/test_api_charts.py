"""The feed of charts and the widgets of OpenBB Workspace: what the tables hold, drawn by a chart in a browser."""

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets.application.reading.chart import charted_bars, usual_hours
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import COPPER, FX, JP, US, Timeframe, Universe
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.api import NOWHERE, Api, served, serving
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.moments import NOW
from miraikakaku_assets_tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow
CHART = Path(__file__).resolve().parents[1] / "vendor" / "lightweight-charts"
WORKSPACE = "https://pro.openbb.co"
KEY = "a-key-of-this-test"


@pytest.fixture(scope="module")
def api(filled_once: Command) -> Iterator[Api]:
    """Of an installation after `pipeline`."""
    options = {name.lower(): value for name, value in filled_once.variables.items()}
    limits = {"dagster_url": NOWHERE, "rate_limit_per_minute": 1_000_000}
    settings = Settings(_env_file=None, **(options | limits))  # type: ignore[arg-type]
    with served(Ports(settings, lambda: NOW)) as running:
        yield running


def stored(api: Api) -> pl.DataFrame:
    return api.ports.stores.bars.read(JP, Timeframe.D1, ["7203.T"])


def midnight(day: Any) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def history(api: Api, **query: object) -> Any:
    return api.get("/udf/history", params={"symbol": "7203.T", "resolution": "1D", **query}).json()


def test_bars_are_those_of_the_table(api: Api) -> None:
    bars = stored(api)
    days = [midnight(day) for day in bars["session"]]

    # `from` is in the window, `to` is behind it.
    window = history(api, **{"from": days[-6], "to": days[-1]})
    assert window["s"] == "ok"
    assert window["t"] == days[-6:-1]
    for letter, column in zip("ohlcv", ("open", "high", "low", "close", "volume"), strict=True):
        assert window[letter] == bars[column][-6:-1].to_list()
    # A number of bars goes before `from`.
    assert history(api, **{"from": days[-2], "to": days[-1], "countback": 10})["t"] == days[-11:-1]
    # A window without bars says where older ones are, and that there are none.
    hole = history(api, **{"from": days[-1] + 1, "to": days[-1] + 2})
    assert hole == {"s": "no_data", "nextTime": days[-1]}
    assert history(api, to=days[0]) == {"s": "no_data"}
    assert history(api, resolution="7")["s"] == "error"
    assert history(api, symbol="NOBODY") == {"s": "error", "errmsg": "unknown_symbol"}
    assert history(api, symbol="TSE:7203.T", countback=1)["t"] == days[-1:]


def test_symbols_are_found_and_described(api: Api) -> None:
    (toyota,) = api.rows("SELECT stock_name FROM miraikakaku.stock_master WHERE yahoo_symbol = '7203.T'")
    for query in ("7203", "TSE:7203", toyota[0]):
        found = api.get("/udf/search", params={"query": query, "limit": 1}).json()
        assert found == [
            {"symbol": "7203.T", "full_name": "TSE:7203.T", "ticker": "7203.T", "description": toyota[0],
             "exchange": "TSE", "type": "stock"}
        ], query  # fmt: skip
    assert api.get("/udf/search", params={"query": "7203", "exchange": "US"}).json() == []
    assert api.get("/udf/search", params={"query": "7203", "type": "forex"}).json() == []

    symbol = api.get("/udf/symbols", params={"symbol": "TSE:7203.T"}).json()
    wanted = {
        "name": "7203.T", "ticker": "7203.T", "description": toyota[0], "type": "stock", "exchange": "TSE",
        "session": "0900-1130,1230-1530", "timezone": "Asia/Tokyo", "minmov": 1, "pricescale": 10,
        "currency_code": "JPY", "has_intraday": False, "supported_resolutions": ["1D", "1W", "1M"],
    }  # fmt: skip
    assert {name: symbol[name] for name in wanted} == wanted
    assert api.get("/udf/symbols", params={"symbol": "NOBODY"}).json()["errmsg"] == "unknown_symbol"
    assert api.get("/udf/time").text == str(int(NOW.timestamp()))


@pytest.mark.parametrize(
    ("universe", "hours"),
    [(JP, "0900-1130,1230-1530"), (US, "0930-1600"), (FX, "0000-0000"), (COPPER, "1800-1700")],
)
def test_hours_are_those_of_a_usual_day(universe: Universe, hours: str) -> None:
    assert usual_hours(universe, NOW) == hours


def test_bars_within_the_day_have_their_time() -> None:
    starts = [datetime(2025, 1, 6, 0, minute, tzinfo=UTC) for minute in (0, 5, 10)]
    prices = {name: [1.0, 2.0, 3.0] for name in ("open", "high", "low", "close")}
    session = [datetime(2025, 1, 6, tzinfo=UTC).date()] * 3
    frame = pl.DataFrame({"session": session, "ts": starts, **prices, "volume": [1.0, None, 3.0]})

    class Bars:
        def read(self, *_: object) -> pl.DataFrame:
            return frame

    charted = charted_bars(JP, Timeframe.M5, "7203.T", starts[0], starts[2], None, Bars())  # type: ignore[arg-type]

    assert charted.bars["time"].to_list() == starts[:2]
    assert charted.bars["volume"].to_list() == [1.0, 0.0]


def test_a_chart_draws_every_bar(api: Api, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed")
    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(CHART)))
    threading.Thread(target=files.serve_forever, daemon=True).start()
    try:
        page = f"http://127.0.0.1:{files.server_port}/chart.html?search=7203&feed=http://127.0.0.1:{api.port}/udf"
        options = (
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *(f"--user-data-dir={tmp_path}", "--virtual-time-budget=60000", "--dump-dom"),
        )
        seen = subprocess.run(
            [browser, *options, page], capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    finally:
        files.shutdown()
        files.server_close()

    written = re.search(r'<pre id="result">(.*?)</pre>', seen.stdout, re.DOTALL)
    assert written is not None, seen.stdout[:2000]
    result = json.loads(html.unescape(written[1]))
    assert "error" not in result, result
    bars = stored(api)
    assert [(bar["time"], bar["close"]) for bar in result["drawn"]] == [
        (midnight(row["session"]), row["close"]) for row in bars.iter_rows(named=True)
    ]
    assert result["requests"] == -(-bars.height // 60) + 1
    assert result["colours"] > 10


def test_workspace_gets_flat_rows(api: Api) -> None:
    widgets = api.get("/widgets.json").json()
    tables = {name: widget for name, widget in widgets.items() if widget["type"] == "table"}
    for name, widget in tables.items():
        query = {param["paramName"]: param["value"] for param in widget["params"]}
        rows = api.get(f"/{widget['endpoint']}", params=query).json()
        assert isinstance(rows, list), name
        assert not [value for row in rows for value in row.values() if isinstance(value, dict | list)], name
        assert rows or name in {"miraikakaku_signals", "miraikakaku_alerts"}, name
    assert widgets["miraikakaku_chart"]["endpoint"] == "/udf"
    (app,) = api.get("/apps.json").json()
    placed = {item["i"] for tab in app["tabs"].values() for item in tab["layout"]}
    assert placed <= set(widgets)
    newest = api.get("/widgets/prices", params={"symbol": "7203"}).json()[0]
    assert (newest["session"], newest["close"]) == (str(stored(api)["session"][-1]), stored(api)["close"][-1])
    assert api.get("/widgets/prices", params={"basis": "other"}).status_code == 400
    for symbol, status in (("NOBODY", 404), ("7203", 200), ("7203\0", 200)):  # a query does without NUL
        assert api.get("/widgets/forecasts", params={"symbol": symbol}).status_code == status, symbol


def test_only_named_sites_may_ask_from_a_browser(tmp_path: Path, installed_url: str) -> None:
    wanted = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
    with serving(tmp_path, installed_url, api_key=KEY) as api:
        asked = api.client.options("/widgets.json", headers={"Origin": WORKSPACE, **wanted})
        assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (200, WORKSPACE)
        elsewhere = api.client.options(
            "/widgets.json", headers={"Origin": "https://elsewhere.example", **wanted}
        )
        assert "Access-Control-Allow-Origin" not in elsewhere.headers
        answer = api.get("/widgets.json", headers={"Origin": WORKSPACE, "X-API-KEY": KEY})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, WORKSPACE)
        assert api.get("/widgets.json", headers={"Origin": WORKSPACE}).status_code == 401


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""
