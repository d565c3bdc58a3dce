"""Instruments that no exchange lists: currency pairs and copper futures, as the settings name them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import COPPER, FX
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

MOMENT = datetime(2025, 7, 21, 23, 30, tzinfo=UTC)  # the 22nd in London
DAY, NEXT = date(2025, 7, 22), date(2025, 7, 23)


@pytest.fixture
def masters(database: Database) -> PostgresMasters:
    return PostgresMasters(database)


def test_pairs_are_registered_with_their_units(database: Database, masters: PostgresMasters) -> None:
    update = masters.ensure_named(FX, ["USDJPY=X", "EURUSD=X", "USDJPY=X"], MOMENT)
    assert update is not None
    assert (update.added_stocks, update.list_date, masters.last_list_date(FX)) == (2, DAY, DAY)
    assert rows_of(
        database, "instruments", "symbol, universe, kind, currency, price_unit, calendar", "id"
    ) == [
        ("USDJPY=X", "fx", "currency_pair", "JPY", "JPY per USD", "FX"),
        ("EURUSD=X", "fx", "currency_pair", "USD", "USD per EUR", "FX"),
    ]
    columns = "stock_code, stock_name, exchange, security_type, yahoo_symbol, is_active, listed_on"
    assert rows_of(database, "stock_master", columns, "id") == [
        ("USDJPY", "USD/JPY", "OTC", "currency_pair", "USDJPY=X", True, None),
        ("EURUSD", "EUR/USD", "OTC", "currency_pair", "EURUSD=X", True, None),
    ]
    assert [(each.symbol, each.kind) for each in masters.instruments(FX)] == [
        ("EURUSD=X", "currency_pair"), ("USDJPY=X", "currency_pair"),
    ]  # fmt: skip


def test_naming_the_same_pairs_again_changes_nothing(database: Database, masters: PostgresMasters) -> None:
    masters.ensure_named(FX, ["USDJPY=X", "EURUSD=X"], MOMENT)
    before = [rows_of(database, table) for table in ("stock_master", "instruments", "stock_master_updates")]
    assert masters.ensure_named(FX, ["EURUSD=X", "USDJPY=X"], MOMENT + timedelta(days=1)) is None
    after = [rows_of(database, table) for table in ("stock_master", "instruments", "stock_master_updates")]
    assert after == before


def test_a_pair_no_longer_named_rests_with_its_reason_and_comes_back(
    database: Database, masters: PostgresMasters
) -> None:
    masters.ensure_named(FX, ["USDJPY=X", "EURUSD=X"], MOMENT)
    before = masters.known_symbols(FX)
    masters.ensure_named(FX, ["EURUSD=X", "GBPUSD=X"], MOMENT + timedelta(days=1))
    columns = "stock_code, is_active, status_reason, listed_on, delisted_on"
    assert rows_of(database, "stock_master", columns, "id") == [
        ("USDJPY", False, "no longer named in FX_PAIRS", None, NEXT),
        ("EURUSD", True, None, None, None),
        ("GBPUSD", True, None, None, None),
    ]
    masters.ensure_named(FX, ["EURUSD=X", "GBPUSD=X", "USDJPY=X"], MOMENT + timedelta(days=2))
    assert rows_of(database, "stock_master WHERE stock_code = 'USDJPY'", columns) == [
        ("USDJPY", True, None, None, None)
    ]
    assert {**masters.known_symbols(FX), **before} == masters.known_symbols(FX)


def test_what_is_no_pair_is_refused_before_anything_changes(
    database: Database, masters: PostgresMasters
) -> None:
    with pytest.raises(ConfigurationError, match="'JPY=X' is no currency pair; write it like USDJPY=X"):
        masters.ensure_named(FX, ["USDJPY=X", "JPY=X"], MOMENT)
    assert rows_of(database, "instruments") == []


def test_copper_is_registered_with_its_unit_and_nothing_else_is(
    database: Database, masters: PostgresMasters
) -> None:
    with pytest.raises(ConfigurationError, match="'CL=F' is no COMEX copper future and no LME price"):
        masters.ensure_named(COPPER, ["HG=F", "CL=F"], MOMENT)
    assert rows_of(database, "instruments") == []

    masters.ensure_named(COPPER, ["HG=F", "MHG=F"], MOMENT)
    masters.ensure_named(COPPER, ["HG=F"], MOMENT + timedelta(days=1))

    columns = "symbol, universe, kind, currency, price_unit, calendar"
    assert rows_of(database, "instruments", columns, "id") == [
        ("HG=F", "copper", "future", "USD", "USD per pound", "CMX"),
        ("MHG=F", "copper", "future", "USD", "USD per pound", "CMX"),
    ]
    assert [each.symbol for each in masters.instruments(COPPER)] == ["HG=F"]
    gone = "stock_master WHERE NOT is_active"
    assert rows_of(database, gone, "stock_code, status_reason") == [
        ("MHG", "no longer named in COPPER_SYMBOLS")
    ]
