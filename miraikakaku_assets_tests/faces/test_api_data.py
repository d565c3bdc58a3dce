"""What is stored, over HTTP: the same numbers as the tables hold, in every format."""

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.api import NOWHERE, Api, served, serving
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.moments import NOW

pytestmark = pytest.mark.slow
TOYOTA = "/api/prices/7203.T"


@pytest.fixture(scope="module")
def api(filled_once: Command) -> Iterator[Api]:
    """Of an installation after `pipeline`."""
    options = {name.lower(): value for name, value in filled_once.variables.items()}
    limits = {"dagster_url": NOWHERE, "rate_limit_per_minute": 1_000_000}
    settings = Settings(_env_file=None, **(options | limits))  # type: ignore[arg-type]
    with served(Ports(settings, lambda: NOW)) as running:
        yield running


def stored(api: Api, since: date | None = None, until: date | None = None) -> pl.DataFrame:
    return api.ports.stores.bars.read(JP, Timeframe.D1, ["7203.T"], since, until)


def test_prices_are_those_of_the_table_in_every_format(api: Api) -> None:
    bars = stored(api)
    since, until = bars["session"][-21], bars["session"][-2]
    window = {"from": str(since), "to": str(until)}
    wanted = stored(api, since, until)

    document = api.get(TOYOTA, params=window).json()
    assert {name: document[name] for name in ("symbol", "universe", "timeframe", "basis", "currency", "unit")} == {
        "symbol": "7203.T", "universe": "jp", "timeframe": "1d", "basis": "split_adjusted", "currency": "JPY",
        "unit": "JPY per share",
    }  # fmt: skip
    assert document["count"] == wanted.height == 20
    assert [bar["close"] for bar in document["bars"]] == wanted["close"].to_list()
    assert document["bars"][0]["session"] == str(since)
    assert document["bars"][0]["ts"] == f"{since}T00:00:00Z"

    csv = api.get(TOYOTA, params=window, headers={"Accept": "text/csv"})
    assert csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert pl.read_csv(io.BytesIO(csv.content))["close"].to_list() == wanted["close"].to_list()
    parquet = api.get(TOYOTA, params=window, headers={"Accept": "application/vnd.apache.parquet"})
    assert pl.read_parquet(io.BytesIO(parquet.content)).equals(wanted)
    arrow = api.get(TOYOTA, params=window | {"format": "arrow"})
    assert pl.read_ipc_stream(io.BytesIO(arrow.content)).equals(wanted)


def test_a_code_is_a_symbol_and_nobody_else_is(api: Api) -> None:
    assert api.get("/api/prices/7203").json()["symbol"] == "7203.T"
    assert api.get("/api/prices/NOBODY").json()["error"] == "NOT_FOUND"


def test_adjusted_prices_end_on_the_price_and_keep_their_returns(api: Api) -> None:
    raw = api.get(TOYOTA, params={"basis": "raw"}).json()["bars"]
    adjusted = api.get(TOYOTA, params={"basis": "adjusted"}).json()["bars"]

    assert adjusted[-1]["close"] == raw[-1]["close"]
    assert len(adjusted) == len(raw)
    assert adjusted[0]["close"] <= raw[0]["close"]
    refused = api.get(TOYOTA, params={"timeframe": "1w", "basis": "adjusted"})
    assert (refused.status_code, refused.json()["error"]) == (400, "VALIDATION_ERROR")


def test_a_whole_market_by_date(api: Api) -> None:
    session = stored(api)["session"][-2]

    answer = api.get(f"/api/prices/by-date/{session}", params={"format": "parquet"})

    table = pl.read_parquet(io.BytesIO(answer.content))
    query = f"SELECT count(*) FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id WHERE i.universe = 'jp' AND b.timeframe = '1d' AND (b.ts AT TIME ZONE 'Asia/Tokyo')::date = '{session}'"  # noqa: E501
    assert [(table.height,)] == api.rows(query)
    assert table["symbol"].is_sorted()
    assert table.filter(pl.col("symbol") == "7203.T")["close"][0] == stored(api, session, session)["close"][0]
    assert api.get("/api/prices/by-date/2025-01-01").json()["bars"] == []


def test_what_has_not_changed_is_not_sent_again(api: Api) -> None:
    for path in (TOYOTA, "/api/stock-master/list", "/api/coverage"):
        first = api.get(path)
        again = api.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), path


def test_what_is_derived_is_served(api: Api) -> None:
    indicators = api.get("/api/indicators/7203.T").json()["indicators"]
    assert len(indicators) == stored(api).height
    assert indicators[-1]["rsi_14"] == pytest.approx(
        api.ports.stores.analysis.indicators(JP, Timeframe.D1, ["7203.T"])["rsi_14"][-1]
    )
    forecasts = api.get("/api/predictions/7203.T").json()
    assert [forecast["horizon"] for forecast in forecasts["predictions"]] == [1, 2, 3, 4, 5]
    for forecast in forecasts["predictions"]:
        assert (
            forecast["lo95"] <= forecast["lo80"] <= forecast["median"] <= forecast["hi80"] <= forecast["hi95"]
        )
    for day in ("2001-01-05", "0298-02-27"):
        assert api.get(f"/api/predictions/7203.T?as_of={day}").status_code == 404
    segments = api.get("/api/coverage").json()["segments"]
    assert segments[0]["denominator"]
    gaps = api.get("/api/coverage/gaps").json()
    assert api.rows("SELECT count(*) FROM miraikakaku.coverage_gaps") == [(gaps["total"],)]
    for path in (
        "/api/patterns",
        "/api/performance",
        "/api/alerts?standing=false",
        "/api/stock-master/updates",
    ):
        assert api.get(path).json()["success"] is True, path


def test_the_master_is_listed_as_the_specification_has_it(tmp_path: Path, installed_url: str) -> None:
    with serving(tmp_path, installed_url) as api:
        api.list_issues(
            ("jp", "7203", "7203.T", "トヨタ自動車"),
            ("jp", "9202", "9202.T", "ＡＮＡホールディングス"),
            ("us", "AAPL", "AAPL", "Apple Inc."),
        )
        toyota = {
            "stock_code": "7203",
            "stock_name": "トヨタ自動車",
            "market_category": "プライム（内国株式）",
            "sector": "輸送用機器",
            "is_active": True,
        }

        def codes(**query: object) -> list[str]:
            found = api.get("/api/stock-master/list", params=query).json()
            assert found["total"] == len(found["stocks"])
            return [stock["stock_code"] for stock in found["stocks"]]

        first = api.get("/api/stock-master/list", params={"limit": 1})
        assert first.json() == {"success": True, "total": 2, "stocks": [toyota]}
        assert codes(q="ana") == codes(q="ＡＮＡ") == codes(q="92") == ["9202"]
        assert codes(q="apple", universe="us") == ["AAPL"]
        assert codes(market_category="プライム") == ["7203", "9202"]
        assert codes(is_active="false") == codes(sector="銀行業") == []
        assert api.get("/api/stock-master/list?offset=1&limit=1").json()["stocks"][0]["stock_code"] == "9202"
        assert api.get("/api/stock-master/list?universe=mars").status_code == 400
        assert api.get("/api/stock-master/list?q=%00'%25").json()["stocks"] == []
