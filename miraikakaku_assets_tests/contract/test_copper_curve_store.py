"""The curve in PostgreSQL, its collection from a page that fails at times, and the alerts about it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.official_prices import OfficialPrices
from miraikakaku_assets.adapters.sources.westmetall.source import PageOptions, WestmetallQuotes
from miraikakaku_assets.adapters.storage.copper.store import PostgresCurve
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
from miraikakaku_assets.application.alerting.conditions.curve_alerts import curve_evaluations
from miraikakaku_assets.application.copper.collect_curve import CurvePorts, collect_curve
from miraikakaku_assets.application.copper.curve_view import curve_view
from miraikakaku_assets.application.ports import BarRequest
from miraikakaku_assets.application.ports.copper import QuoteCounts
from miraikakaku_assets.domain.copper.quotes import RAW_QUOTES, judge_quotes
from miraikakaku_assets.domain.errors import DependencyUnavailableError, InputFileError
from miraikakaku_assets.domain.market.instruments import COPPER, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated

NOW = datetime(2026, 8, 21, 14, tzinfo=UTC)  # a Friday, an hour after London's official prices
STOCKS = pl.DataFrame(schema={"session": pl.Date, "tonnes": pl.Float64, "known_at": pl.Datetime("us", "UTC")})


@pytest.fixture(scope="module")
def exchange() -> Iterator[Simulated]:
    with simulated(symbols=1, us_symbols=0, now=NOW) as running:
        yield running


def westmetall(exchange: Simulated, database: Database, retries: int = 0) -> WestmetallQuotes:
    url = f"{exchange.base}/de/markdaten.php?action=table&field=LME_Cu_cash"
    limit = PostgresRateLimiter(database, "westmetall", 1_000.0, 100)
    return WestmetallQuotes(PageOptions(url, 5.0, retries, 0.01, 1.0), limit)


def test_the_page_is_collected_once_and_again_without_a_change(
    exchange: Simulated, database: Database
) -> None:
    exchange.set_faults("503@westmetall*1")
    store, source = PostgresCurve(database), westmetall(exchange, database, retries=2)
    ports = CurvePorts([source], store, lambda: NOW)

    (first,), (again,) = collect_curve(ports).sources, collect_curve(ports).sources

    assert first.counts is not None
    assert again.counts is not None
    assert (first.requests, first.counts.restated, first.counts.unchanged) == (2, 0, 0)
    assert (again.counts.inserted, again.counts.restated, again.counts.stocks) == (0, 0, 0)
    assert again.counts.unchanged == first.counts.inserted > 1_000
    assert first.rules.keys() == {
        "not_a_session"
    }  # the page shows the stock on bank holidays, with - for prices
    view = curve_view(store)
    assert (view.as_of, len(view.points)) == (date(2026, 8, 21), 2)
    assert view.spread is not None
    assert view.spread.sessions == first.counts.inserted // 2


@pytest.mark.parametrize(
    ("fault", "kind", "error"),
    [
        ("503@westmetall", "unreachable", DependencyUnavailableError),
        ("html@westmetall", "unreadable_answer", InputFileError),
        ("truncated@westmetall", "unreachable", DependencyUnavailableError),
    ],
)
def test_a_page_that_cannot_be_had_is_an_error_of_each_symbol(
    exchange: Simulated, database: Database, fault: str, kind: str, error: type[Exception]
) -> None:
    exchange.set_faults(fault)
    source = westmetall(exchange, database)
    requests = [BarRequest(symbol, date(2026, 8, 1), date.max) for symbol in ("LME-CU-3M", "LME-CU-CASH")]

    (delivery,) = OfficialPrices(source).deliver(COPPER, Timeframe.D1, requests)

    assert {symbol: failure.kind for symbol, failure in delivery.failures.items()} == dict.fromkeys(
        ("LME-CU-3M", "LME-CU-CASH"), kind
    )
    with pytest.raises(error):
        collect_curve(CurvePorts([source], PostgresCurve(database), lambda: NOW))
    exchange.set_faults()


def prices(days: list[date], spread: float) -> pl.DataFrame:
    """Cash and three months of some days, so many dollars apart."""
    rows = [
        (contract, tenor, day, 10_000.0 + more, "USD/t", None, None, row)
        for row, day in enumerate(days, start=1)
        for contract, tenor, more in (("LME-CU-CASH", "cash", spread), ("LME-CU-3M", "3M", 0.0))
    ]
    return pl.DataFrame(rows, schema=RAW_QUOTES, orient="row")


def standing(store: PostgresCurve, now: datetime) -> set[str]:
    """Keys of the alerts that stand, with the schedule on since June."""
    judged = curve_evaluations(store, datetime(2026, 6, 1, tzinfo=UTC), now)
    return {evaluation.key for evaluation in judged if evaluation.alert is not None}


def test_alerts_tell_of_another_shape_and_of_silence(database: Database) -> None:
    store, days = PostgresCurve(database), sessions_between("LME", date(2026, 7, 1), date(2026, 8, 21))
    before = prices(days[:-3], -40.0)

    def write(quotes: pl.DataFrame) -> QuoteCounts:
        return store.write("westmetall", judge_quotes(quotes, NOW), STOCKS, NOW)

    assert standing(store, NOW) == set()
    assert write(before) == QuoteCounts(2 * (len(days) - 3), 0, 0, 0, 0)
    morning = datetime.combine(days[-4] + timedelta(days=1), datetime.min.time(), UTC)
    assert standing(store, morning) == set()
    write(prices(days[-3:], 25.0))
    assert standing(store, NOW) == {"curve/copper/regime_changed"}

    assert standing(store, NOW + timedelta(days=2)) == {
        "curve/copper/regime_changed"
    }  # a weekend is no silence
    silent = NOW + timedelta(days=5)  # Wednesday: Monday's and Tuesday's prices are a day old
    assert "curve/copper/LME/no_data" in standing(store, silent)

    restated = write(before.with_columns(price=pl.col("price") + 1.0))
    assert (restated.inserted, restated.restated) == (0, 2 * (len(days) - 3))


def test_a_price_that_was_refused_and_is_good_now_is_refused_no_more(database: Database) -> None:
    store, day = PostgresCurve(database), date(2026, 8, 20)
    held = "SELECT place, contract, rule FROM miraikakaku.quarantined_copper_quotes ORDER BY 1, 2"

    def write(price: float) -> None:
        quotes = prices([day], 5.0).with_columns(price=pl.lit(price))
        store.write("westmetall", judge_quotes(quotes, NOW), STOCKS, NOW)

    write(0.0)
    write(0.0)
    with database.engine.connect() as connection:
        assert [tuple(row) for row in connection.exec_driver_sql(held)] == [
            ("2026-08-20", "LME-CU-3M", "not_positive"), ("2026-08-20", "LME-CU-CASH", "not_positive"),
        ]  # fmt: skip
    write(9_900.0)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql(held).all() == []
