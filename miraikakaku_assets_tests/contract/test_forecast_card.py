"""The distribution that a card tells is the one that is stored; on a real database."""

import pytest
from scipy.stats import norm

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.records import PostgresForecastRecords
from miraikakaku_assets.application.reading.distribution import distribution
from miraikakaku_assets.application.reading.forecast_record import forecast_card
from miraikakaku_assets.domain.forecasting.bands import QUANTILES
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import DAYS, MADE, forecasts, store
from miraikakaku_assets_tests.support.markets.stored_market import listed

CODES = ("1301", "1302")
SYMBOLS = tuple(f"{code}.T" for code in CODES)


def test_a_card_tells_the_distribution_that_is_stored(database: Database) -> None:
    listed(database, *CODES)
    held, records = store(database), PostgresForecastRecords(database)
    assert forecast_card(JP, "1301.T", held, records) is None
    made = forecasts(SYMBOLS, ("ensemble",), DAYS[:30], missing=["1302.T"])
    held.save_predictions(JP, made, MADE)

    card = forecast_card(JP, "1301.T", held, records)

    assert card is not None
    stored = made.filter(symbol="1301.T", as_of=DAYS[29], horizon=1).row(0, named=True)
    shown = card.fan.filter(horizon=1).row(0, named=True)
    assert shown["quantiles"] == pytest.approx(stored["quantiles"], rel=1e-5)
    told = distribution(shown["quantiles"])
    assert told is not None
    assert told.volatility > 0
    assert 0 < told.beyond[0.05] < told.beyond[0.01] < 1

    silent = forecast_card(JP, "1302.T", held, records)
    assert silent is not None
    assert silent.fan["reason"].unique().to_list() == ["too_short"]
    assert distribution(silent.fan["quantiles"][0]) is None


def test_of_a_normal_distribution_it_tells_its_deviation_and_both_tails() -> None:
    told = distribution([norm.ppf(level, scale=0.02) for level in QUANTILES])

    assert told is not None
    assert told.volatility == pytest.approx(0.02)
    assert told.beyond[0.01] == pytest.approx(
        norm.sf(0.00995033, scale=0.02) + norm.cdf(-0.01005034, scale=0.02), abs=0.02
    )


def test_no_quantiles_are_no_distribution() -> None:
    assert distribution(None) is None
    assert distribution([]) is None
