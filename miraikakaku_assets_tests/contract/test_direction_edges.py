"""Whose direction is said to be worth something, of forecasts and outcomes in a real database."""

import polars as pl

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.forecasting.view import direction_edges
from miraikakaku_assets.domain.forecasting.edges import NO_EDGE, directions, with_edges
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import (
    DAYS,
    LATER,
    MADE,
    forecasts,
    outcomes,
    store,
)
from miraikakaku_assets_tests.support.markets.stored_market import listed

SYMBOLS = ("1301.T", "130A.T", "7203.T", "9984.T")


def test_directions_of_a_market_are_signs_of_what_was_forecast_and_has_come(database: Database) -> None:
    listed(database, *(symbol.removesuffix(".T") for symbol in SYMBOLS))
    made = forecasts(SYMBOLS, ("ensemble", "theta"), DAYS[:12], missing=["7203.T"])
    still = (pl.col("symbol") == "1301.T") & (pl.col("horizon") == 2)
    came = outcomes(SYMBOLS, DAYS[:12]).with_columns(
        actual=pl.when(pl.col("symbol") == "130A.T").then(None).when(still).then(0.0).otherwise("actual")
    )
    store(database).save_predictions(JP, made, MADE)
    store(database).save_outcomes(JP, came, LATER)

    of_market = store(database).directions(JP, DAYS[1], DAYS[11], "ensemble")

    whole = store(database).scored(JP, DAYS[1], DAYS[11], models=["ensemble"])
    known = whole.drop_nulls(["point", "actual"])
    signs = known.select(
        *("symbol", "model", "horizon", "as_of"), pl.col("point", "actual").sign().cast(pl.Int8)
    )
    assert of_market.sort("symbol", "as_of", "horizon").equals(signs.sort("symbol", "as_of", "horizon"))
    assert set(of_market["symbol"]) == {"1301.T", "9984.T"}
    of_symbol = store(database).directions(JP, DAYS[1], DAYS[11], "ensemble", ["9984.T"])
    assert set(of_symbol["symbol"]) == {"9984.T"}
    assert of_symbol.height * 2 == of_market.height
    assert store(database).directions(JP, DAYS[1], DAYS[11], "lstm").is_empty()


def test_a_lucky_instrument_has_no_edge_among_many(database: Database) -> None:
    """Of its own 95 % interval it had one; the view of one symbol counts the whole universe."""
    codes = [f"{number}" for number in range(2001, 2061)]
    symbols = [f"{code}.T" for code in codes]
    listed(database, *codes)
    origins = DAYS[:40]
    made = forecasts(symbols, ("ensemble",), origins).filter(pl.col("horizon") == 1)
    # Every other call is right; one has six right calls more, which happens to one of forty, one is right throughout.
    place = pl.col("as_of").rank("dense").over("symbol").cast(pl.Int64)
    right = (
        (place % 2 == 0) | ((pl.col("symbol") == "2001.T") & (place <= 14)) | (pl.col("symbol") == "2002.T")
    )
    came = made.select(
        *("symbol", "as_of", "horizon", "target"),
        actual=pl.when(right).then("point").otherwise(-pl.col("point")),
        naive=pl.lit(0.01),
    )
    store(database).save_predictions(JP, made, MADE)
    store(database).save_outcomes(JP, came, LATER)

    edges = direction_edges(JP, store(database), DAYS[40], ["2001.T", "2002.T", "2003.T"])

    assert edges == {("2001.T", 1): NO_EDGE, ("2002.T", 1): None, ("2003.T", 1): NO_EDGE}
    alone = with_edges(directions(store(database).directions(JP, DAYS[0], DAYS[40], "ensemble", ["2001.T"])))
    assert alone["edge"].to_list() == [True]
