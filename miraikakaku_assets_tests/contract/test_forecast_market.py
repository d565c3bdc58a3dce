"""What models are made from, read from a real database."""

from datetime import UTC, date, datetime

import polars as pl
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.market import PostgresMarketBars
from miraikakaku_assets.domain.bars.frame import ACTIONS
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe
from miraikakaku_assets.domain.market.tokyo import tokyo_issue
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS, actions, closes, january
from miraikakaku_assets_tests.support.markets.analysed_market import currencies, opens, slots, utc, walk
from miraikakaku_assets_tests.support.markets.stored_market import PRIME, listed, put_in_force, write

COLUMNS = {
    "symbol": pl.String(),
    "ts": pl.Datetime("us", "UTC"),
    **dict.fromkeys(("open", "high", "low", "close"), pl.Float64()),
    "volume": pl.Int64(),
}


def test_final_daily_bars_are_read_raw_and_sorted(database: Database) -> None:
    ids = listed(database, "7203", "130A", "1301", "9984")
    rows = [
        *closes(100.0, 101.0, 102.0, symbol="7203.T", volume=7),
        *closes(200.0, 201.0, symbol="130A.T"),
        *closes(*(300.0 + day for day in range(9)), symbol="1301.T"),
    ]
    split = actions(("7203.T", january(8), "split", 2.0), ("1301.T", january(8), "dividend", 5.0))
    running = datetime(2025, 1, 17, 3, tzinfo=UTC)  # the last session is under way
    write(database, ids, rows, now=running, fetched_at=running, actions=split)
    market = PostgresMarketBars(database)
    bars = market.daily(JP, None, None)
    assert dict(bars.schema) == COLUMNS
    assert bars.equals(bars.sort("symbol", "ts"))
    got = {
        key[0]: frame["close"].to_list() for key, frame in bars.partition_by("symbol", as_dict=True).items()
    }
    assert got == {
        "7203.T": [100.0, 101.0, 102.0],
        "130A.T": [200.0, 201.0],
        "1301.T": [300.0 + day for day in range(8)],
    }
    assert bars.row(-1) == ("7203.T", utc(2025, 1, 8), *[102.0] * 4, 7)

    since = market.daily(JP, utc(2025, 1, 8), ["1301.T", "7203.T", "none.T"])
    assert since.equals(bars.filter(pl.col("ts") >= utc(2025, 1, 8), pl.col("symbol") != "130A.T"))
    assert market.daily(JP, utc(2025, 1, 20), None).is_empty()
    assert dict(market.daily(US, None, None).schema) == COLUMNS
    assert market.daily(JP, None, []).is_empty()
    assert market.closes(JP, None, None).equals(bars.select("symbol", "ts", "close"))

    assert market.actions(JP).equals(PostgresAnalysis(database).actions(JP))
    assert market.actions(JP).sort("symbol").rows() == sorted(split.rows())
    assert dict(market.actions(US).schema) == ACTIONS


def test_bars_of_other_timeframes_and_universes_are_left_out(database: Database) -> None:
    now = utc(2025, 6, 12, 23)
    market = currencies(database, "USDJPY=X", "EURJPY=X", now=now)
    days = opens(FX, date(2025, 6, 2), date(2025, 6, 11))
    daily = [row for pair in ("USDJPY=X", "EURJPY=X") for row in walk(pair, days, FX, 1)]
    market.deliver(Timeframe.D1, daily)
    market.deliver(Timeframe.M5, walk("USDJPY=X", slots(FX, date(2025, 6, 2), date(2025, 6, 3)), FX, 2))
    market.analyze(Timeframe.D1)  # builds weeks and months
    write(database, listed(database, "7203"), closes(1.0, 2.0))
    bars = PostgresMarketBars(database).daily(FX, None, None)
    expected = pl.DataFrame(daily, schema_overrides={"ts": COLUMNS["ts"], "volume": pl.Int64}).select(
        *COLUMNS
    )
    assert bars.equals(expected.sort("symbol", "ts"))


def test_every_symbol_has_the_sector_of_the_list_in_force(database: Database) -> None:
    fish = tokyo_issue("1301", "極洋", PRIME, sector33="水産・農林業", sector33_code="50")
    bank = tokyo_issue("8306", "三菱ＵＦＪ", PRIME, sector33="銀行業", sector33_code="7050")
    fund = tokyo_issue("1306", "投信", "ETF・ETN")
    put_in_force(database, SESSIONS[0], fish, bank, fund)
    put_in_force(database, SESSIONS[1], bank, fund)
    market = PostgresMarketBars(database)
    assert market.sectors(JP).rows() == [("1301.T", "水産・農林業"), ("8306.T", "銀行業")]
    with database.engine.begin() as connection:  # the bank under an older code, and of another sector then
        connection.execute(
            text(
                "INSERT INTO miraikakaku.stock_master (instrument_id, universe, exchange, stock_code, stock_name,"
                " security_type, sector, yahoo_symbol, is_active, first_list_date, last_list_date)"
                " SELECT instrument_id, universe, exchange, '8300', stock_name, security_type, '証券', yahoo_symbol,"
                " false, first_list_date, '2030-01-01' FROM miraikakaku.stock_master WHERE stock_code = '8306'"
            )
        )
    assert market.sectors(JP).rows() == [("1301.T", "水産・農林業"), ("8306.T", "銀行業")]
    assert market.sectors(FX).columns == ["symbol", "sector"]
    assert market.sectors(FX).is_empty()
