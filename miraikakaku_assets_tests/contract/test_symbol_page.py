"""What the page of one symbol is drawn from, in a real database."""

from datetime import date, timedelta

import polars as pl
import pytest

from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.symbols.store import PostgresSymbols
from miraikakaku_assets.application.reading.symbol_page import (
    CHART_INDICATORS,
    ChartQuestion,
    SymbolChart,
    bases_of,
    symbol_chart,
)
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.support.markets.analysed_market import opens, tokyo, utc, walk

NOW = utc(2025, 12, 26, 12)
LAST = date(2025, 12, 26)
EX_DATE = date(2025, 9, 29)


@pytest.fixture
def market(database: Database) -> Database:
    """A share with a year of bars that paid a dividend, one with a single bar, and a refused bar."""
    site = tokyo(database, JP, "7203", "9999", now=NOW)
    stamps = opens(JP, date(2024, 12, 2), LAST)
    paid = pl.DataFrame(
        {"symbol": ["7203.T"], "ex_date": [EX_DATE], "kind": ["dividend"], "value": [5.0]},
        schema_overrides={"ex_date": pl.Date},
    )
    rows = walk("7203.T", stamps, JP, 1, 0.01)
    site.deliver(Timeframe.D1, rows, actions=paid)
    site.deliver(Timeframe.D1, walk("9999.T", stamps[-1:], JP, 2))
    refused = {**rows[-1], "ts": rows[-1]["ts"] - timedelta(days=2), "close": 9.0}
    site.deliver(Timeframe.D1, [], withdrawn=[refused])
    assert not site.analyze(Timeframe.D1).failures
    return database


def drawn(
    database: Database, timeframe: Timeframe, basis: PriceBasis, symbol: str = "7203.T", count: int = 60
) -> SymbolChart:
    question = ChartQuestion(JP, symbol, timeframe, basis, count, PriceBasis.SPLIT_ADJUSTED, "v2")
    analysis = PostgresAnalysis(database)
    return symbol_chart(question, PostgresBars(database), analysis, analysis, NOW)


def test_bands_lie_where_the_bars_are_on_every_basis(market: Database) -> None:
    raw = drawn(market, Timeframe.D1, PriceBasis.RAW, count=300)
    adjusted = drawn(market, Timeframe.D1, PriceBasis.ADJUSTED, count=300)

    assert raw.bars.equals(drawn(market, Timeframe.D1, PriceBasis.SPLIT_ADJUSTED, count=300).bars)
    assert raw.actions.select("ex_date", "value").rows() == [(EX_DATE, 5.0)]
    assert raw.total == raw.bars.height
    before = pl.col("session") < EX_DATE
    assert (adjusted.bars.filter(before)["close"] < raw.bars.filter(before)["close"]).all()
    assert adjusted.bars.filter(~before)["close"].equals(raw.bars.filter(~before)["close"])
    for chart in (raw, adjusted):
        known = chart.bars.drop_nulls("bb_middle")
        mean = known["close"].rolling_mean(20).drop_nulls()
        assert known["bb_middle"][19:].to_list() == pytest.approx(mean.to_list())
    assert raw.bars["rsi_14"][-1] is not None


def test_weeks_and_months_are_built_from_adjusted_days(market: Database) -> None:
    weeks = {basis: drawn(market, Timeframe.W1, basis) for basis in bases_of(Timeframe.W1)}
    assert {chart.bars.height for chart in weeks.values()} == {len(weeks[PriceBasis.RAW].bars)}
    days = drawn(market, Timeframe.D1, PriceBasis.ADJUSTED, count=300).bars
    week = weeks[PriceBasis.ADJUSTED].bars.row(5, named=True)
    within = days.filter(pl.col("session").is_between(week["session"], week["session"] + timedelta(days=6)))
    assert (week["high"], week["low"], week["close"]) == (
        within["high"].max(),
        within["low"].min(),
        within["close"][-1],
    )
    assert week["high"] < weeks[PriceBasis.RAW].bars["high"][5]
    with pytest.raises(ConfigurationError, match="choose basis raw"):
        drawn(market, Timeframe.H1, PriceBasis.ADJUSTED)


def test_a_single_bar_is_drawn_and_a_symbol_without_one_is_empty(market: Database) -> None:
    single = drawn(market, Timeframe.D1, PriceBasis.ADJUSTED, "9999.T")
    assert single.bars.height == single.total == 1
    assert single.bars.select(pl.col(CHART_INDICATORS).null_count()).row(0) == (1,) * len(CHART_INDICATORS)
    assert drawn(market, Timeframe.M5, PriceBasis.RAW).bars.is_empty()


def test_facts_are_found_by_symbol_and_code_and_news_name_their_rule(market: Database) -> None:
    symbols = PostgresSymbols(market)
    facts = symbols.facts("7203")
    assert facts is not None
    assert facts == symbols.facts("7203.T")
    assert (facts.symbol, facts.universe, facts.price_unit, facts.is_listed) == (
        *("7203.T", "jp", "JPY per share"),
        True,
    )
    for unknown in ("0000", "'; --", "a\0b", "<script>"):
        assert symbols.facts(unknown) is None
    news = symbols.news("7203.T", 10)
    assert news.quarantined.select("rule", "close").rows() == [("unit_error", 9.0)]
    assert news.restatements.is_empty()
    assert symbols.news("9999.T", 10).quarantined.is_empty()
    with pytest.raises(DependencyUnavailableError, match="cannot be reached"):
        PostgresSymbols(Database("postgresql://nobody@127.0.0.1:1/none")).facts("7203")
