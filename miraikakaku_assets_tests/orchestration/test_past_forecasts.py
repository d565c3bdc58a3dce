"""Forecasts from past sessions, by runs on a real instance: which models make them, whether they come out again."""

import pytest

from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets_tests.support.installations.forecast_runs import (
    MODELS,
    PREDICTIONS,
    market_of,
    newest,
    predict,
    use,
)
from miraikakaku_assets_tests.support.installations.installation import (
    CODES,
    SYMBOLS,
    Installation,
    failure_of,
    listed,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def market(collected: Installation) -> Installation:
    return market_of(collected)


def test_the_models_of_the_past_are_those_that_were_trained_by_then(market: Installation) -> None:
    origin = sessions_back(JP.calendar, newest(), 6)
    assert predict(market, as_of=str(origin)).success
    assert market.run("jp_training_job").success  # later, on more
    trainings = market.rows("SELECT count(*) FROM miraikakaku.forecast_models")
    again = predict(market, as_of=str(origin))
    assert again.success
    assert market.rows("SELECT count(*) FROM miraikakaku.forecast_models") == trainings
    observed = market.instance.fetch_observations(PREDICTIONS, limit=1).records[0].asset_observation
    assert observed is not None
    assert observed.metadata["different"].value == {}


def test_an_origin_of_the_past_is_made_again_as_it_was(market: Installation) -> None:
    origin = sessions_back(JP.calendar, newest(), 6)
    assert predict(market, as_of=str(origin)).success
    again = predict(market, as_of=str(origin))
    assert again.success
    observed = market.instance.fetch_observations(PREDICTIONS, limit=1).records[0].asset_observation
    assert observed is not None
    shown = {name: value.value for name, value in observed.metadata.items()}
    each = len(SYMBOLS) * 5
    assert shown["same"] == {"drift": each, "ensemble": each, "random_walk": each}
    assert shown["different"] == shown["gone"] == {}


def test_a_past_that_was_restated_does_not_come_out_as_it_was(market: Installation) -> None:
    origin = sessions_back(JP.calendar, newest(), 6)
    assert predict(market, as_of=str(origin)).success
    before = market.rows("SELECT * FROM miraikakaku.daily_predictions ORDER BY 1, 2, 3, 4")
    with market.ports.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE miraikakaku.price_bars SET close = close * 1.01, high = high * 1.01 WHERE timeframe = '1d' "
            "AND instrument_id = (SELECT id FROM miraikakaku.instruments WHERE symbol = '7203.T') "
            f"AND ts::date = '{sessions_back(JP.calendar, origin, 1)}'"
        )
    again = predict(market, as_of=str(origin))
    assert not again.success
    failure = str(failure_of(again).description)
    assert failure.startswith(f"The forecasts from {origin} could not be made again as they are stored")
    assert "random_walk: 5 forecasts differ" in failure
    assert market.rows("SELECT * FROM miraikakaku.daily_predictions ORDER BY 1, 2, 3, 4") == before


def test_models_of_half_a_market_are_trained_anew_when_the_rest_has_come(installation: Installation) -> None:
    use(installation, RandomWalk(), Drift())
    assert installation.update_master(listed(CODES), accept=True).success
    assert installation.collect_symbols(*SYMBOLS[:3]).success
    trained = "SELECT model, metrics ->> 'symbols' FROM miraikakaku.forecast_models ORDER BY id"
    assert predict(installation).success
    assert installation.rows(trained) == [("random_walk", "3"), ("drift", "3")]
    assert installation.collect_range().success
    assert predict(installation).success
    assert predict(installation).success
    assert installation.rows(trained)[2:] == [("random_walk", "7"), ("drift", "7")]


def test_a_session_keeps_the_models_that_forecast_it_first(market: Installation) -> None:
    origin = sessions_back(JP.calendar, newest(), 2)
    window = {"as_of": str(origin), "symbols": ["7203.T"]}
    config = {"ops": {"predict_jp_symbols": {"config": window}}}
    assert market.run("jp_predict_symbols", config=config).success
    used = "SELECT DISTINCT model, model_id FROM miraikakaku.daily_predictions WHERE model_id IS NOT NULL ORDER BY 1"
    before = market.rows(used)
    until = {"ops": {"jp__forecast_models": {"config": {"until": str(origin)}}}}
    with (
        market.ports.database.engine.begin() as connection
    ):  # other bars, so that the training is another one
        connection.exec_driver_sql("UPDATE miraikakaku.price_bars SET volume = volume + 1")
    assert market.run("jp_training_job", config=until).success
    assert len(market.rows("SELECT 1 FROM miraikakaku.forecast_models")) == 4
    assert (
        market.rows("SELECT 1 FROM miraikakaku.forecast_decisions") == []
    )  # of the past nothing is decided now
    assert predict(market, as_of=str(origin)).success
    assert market.rows(used) == before


def test_trainings_of_long_ago_are_not_used(market: Installation) -> None:
    first = {
        "ops": {"jp__forecast_models": {"config": {"until": str(sessions_back(JP.calendar, newest(), 15))}}}
    }
    assert market.run("jp_training_job", config=first).success
    assert predict(market, as_of=str(sessions_back(JP.calendar, newest(), 3))).success
    assert len(market.rows("SELECT 1 FROM miraikakaku.forecast_models")) == 2
    with market.ports.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE miraikakaku.forecast_models SET trained_until = trained_until - 30"
        )
    assert predict(market).success
    assert len(market.rows("SELECT 1 FROM miraikakaku.forecast_models")) == 4
    assert market.metadata(MODELS)["models"] == 2  # a training inside a forecast is shown, too


def test_a_forecast_from_the_first_days_leaves_no_mark_on_later_ones(market: Installation) -> None:
    early = sessions_back(JP.calendar, newest(), 38)
    assert predict(market, as_of=str(early)).success  # too short a history: rows with that reason
    reasons = "SELECT DISTINCT as_of, reason FROM miraikakaku.daily_predictions ORDER BY 1"
    assert market.rows(reasons) == [(early, "too_short")]
    later = sessions_back(JP.calendar, newest(), 23)
    assert predict(market, as_of=str(later)).success
    trained = "SELECT model, trained_until FROM miraikakaku.forecast_models ORDER BY id"
    assert market.rows(trained)[2:] == [("random_walk", later), ("drift", later)]


@pytest.mark.parametrize(
    ("as_of", "why"),
    [("2025-01-01", "was no session"), ("tomorrow", "is not a date like"), ("2099-01-05", "not final")],
)
def test_origins_that_cannot_be_are_refused(market: Installation, as_of: str, why: str) -> None:
    result = predict(market, as_of=as_of)
    assert not result.success
    assert why in failure_of(result).description
