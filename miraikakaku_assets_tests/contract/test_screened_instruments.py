"""All instruments as one row each, of a small analysed market in a real database."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from sqlalchemy import event

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts
from miraikakaku_assets.adapters.storage.screening.store import PostgresScreener
from miraikakaku_assets.application.ports.forecasts import PREDICTIONS
from miraikakaku_assets.application.ports.reading.screening import Range, Screen, ScreenedPage
from miraikakaku_assets.application.reading.screener import screen_instruments
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.support.markets.analysed_market import opens, tokyo, utc, walk
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

NOW = utc(2025, 12, 26, 12)
LAST, TARGET = date(2025, 12, 26), date(2025, 12, 29)
CODES = ("1301", "1332", "7203", "9984", "9999")
SCRIPTED = "<img src=x onerror=alert(1)>"


@pytest.fixture
def screener(database: Database) -> PostgresScreener:
    """Five issues: four with a year of bars, one of them with HTML in its name, and one that has a single bar."""
    market = tokyo(database, JP, *CODES, now=NOW)
    stamps = opens(JP, date(2024, 12, 2), LAST)
    for seed, code in enumerate(CODES):
        rows = walk(f"{code}.T", stamps if code != "9999" else stamps[-1:], JP, seed, 0.01)
        market.deliver(Timeframe.D1, rows)
    assert not market.analyze(Timeframe.D1).failures
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE miraikakaku.stock_master SET sector = '電気機器', size_category = 'TOPIX Core30', stock_name ="
            f" CASE stock_code WHEN '7203' THEN 'トヨタ自動車' ELSE '{SCRIPTED}' END"
            " WHERE stock_code IN ('7203', '9984')"
        )
    return PostgresScreener(database, lambda: NOW)


def forecast(database: Database, points: dict[str, float]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "symbol": symbol, "model": "ensemble", "as_of": LAST, "horizon": 1, "target": TARGET, "version": "1",
            "point": point, "sd": 0.01, "lo80": point - 0.01, "hi80": point + 0.01, "lo95": point - 0.02,
            "hi95": point + 0.02, "reason": None, "close": 100.0, "calibration": "none", "calibration_scores": 0,
            "model_id": None,
        }
        for symbol, point in points.items()
    ]  # fmt: skip
    PostgresForecasts(database).save_predictions(JP, pl.DataFrame(rows, schema=PREDICTIONS), NOW)


def found(screener: PostgresScreener, **asked: Any) -> ScreenedPage:
    return screen_instruments(Screen(**asked), "v2", screener)


def symbols(page: ScreenedPage) -> list[str]:
    return page.rows["symbol"].to_list()


def test_every_instrument_has_the_newest_of_its_indicators(
    screener: PostgresScreener, database: Database
) -> None:
    page = found(screener, sort="symbol", is_descending=False)

    assert symbols(page) == [f"{code}.T" for code in CODES]
    assert page.rows["session"].unique().to_list() == [LAST]
    newest = dict(
        rows_of(
            database,
            "technical_indicators t JOIN miraikakaku.instruments i ON i.id = t.instrument_id"
            " WHERE timeframe = '1d' AND ts = (SELECT max(ts) FROM miraikakaku.technical_indicators"
            " WHERE timeframe = '1d')",
            "symbol, rsi_14",
        )
    )
    assert dict(page.rows.select("symbol", "rsi_14").iter_rows()) == newest
    closes = [row[0] for row in rows_of(
        database,
        "price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id"
        " WHERE symbol = '7203.T' AND timeframe = '1d'", "close", "b.ts DESC",
    )]  # fmt: skip
    toyota = page.rows.row(by_predicate=pl.col("symbol") == "7203.T", named=True)
    assert toyota["change_1"] == pytest.approx(closes[0] / closes[1] - 1)
    assert toyota["change_250"] == pytest.approx(closes[0] / closes[250] - 1)
    single = page.rows.row(by_predicate=pl.col("symbol") == "9999.T", named=True)
    assert single["close"] > 0
    assert (single["change_1"], single["rsi_14"], single["forecast_rank"]) == (None, None, None)


def test_filters_order_and_pages_are_made_in_the_database(
    screener: PostgresScreener, database: Database
) -> None:
    every = found(screener).rows
    median = float(every.select(pl.col("rsi_14").median()).item())
    lower = found(screener, ranges={"rsi_14": Range(None, median)}, sort="rsi_14", is_descending=False)
    assert lower.rows["rsi_14"].to_list() == sorted(every.filter(pl.col("rsi_14") <= median)["rsi_14"])
    assert symbols(found(screener, search="ﾄﾖﾀ")) == ["7203.T"]
    assert symbols(found(screener, search="99")) != []
    assert found(screener, search="<img").rows["name"].to_list() == [SCRIPTED]
    assert set(symbols(found(screener, sectors=("電気機器",), sizes=("TOPIX Core30",)))) == {
        "7203.T",
        "9984.T",
    }
    assert found(screener, sectors=("'; DROP TABLE x; --",)).total == 0
    pages = [found(screener, sort="symbol", is_descending=False, limit=2, offset=at) for at in (0, 2, 4, 6)]
    assert [len(symbols(page)) for page in pages] == [2, 2, 1, 0]
    assert [page.total for page in pages] == [5, 5, 5, 5]
    assert symbols(found(screener, sort="rsi_14", limit=None))[-1] == "9999.T"  # without the figure: last

    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert found(screener, limit=2).rows.height == 2
    assert statements == []  # the page is one statement of the other driver, and no history is read
    assert screener.choices(("jp",), "v2").sectors == ("電気機器",)


def test_a_rank_is_among_the_whole_market_and_absent_where_all_are_forecast_alike(
    screener: PostgresScreener, database: Database
) -> None:
    assert found(screener, ranges={"forecast_rank": Range(1)}).total == 0
    forecast(database, {"1301.T": 0.02, "1332.T": -0.01, "7203.T": 0.01})
    first = found(screener, ranges={"forecast_rank": Range(1)}, sort="forecast_rank", is_descending=False)
    assert symbols(first) == ["1301.T", "7203.T", "1332.T"]
    assert first.rows["ranked"].to_list() == [3, 3, 3]
    assert first.rows["forecast"][0] == pytest.approx(0.0202, abs=1e-4)
    assert found(screener, search="7203").rows["forecast_rank"].to_list() == [2]
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE miraikakaku.daily_predictions SET point = 0, lo80 = -0.1, lo95 = -0.2"
        )
    assert found(screener, ranges={"forecast_rank": Range(1)}).total == 0
    assert found(screener, search="7203").rows["forecast"].to_list() == [0.0]


def test_a_database_that_is_away_is_said_so() -> None:
    away = PostgresScreener(Database("postgresql://nobody@127.0.0.1:1/none"), lambda: NOW)
    with pytest.raises(DependencyUnavailableError, match="cannot be reached"):
        found(away)
    with pytest.raises(DependencyUnavailableError, match="cannot be reached"):
        away.choices(("jp",), "v2")
