"""Trainings, forecasts and scores as runs on a real instance: what is stored, what is shown, how they end."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest

from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import Forecaster, Needs, TrainedForecaster
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back
from miraikakaku_assets.orchestration.schedules import default_schedules
from miraikakaku_assets.orchestration.sensors import default_sensors
from miraikakaku_assets_tests.orchestration.installation import (
    CODES,
    SYMBOLS,
    Installation,
    failure_of,
    last_evening,
    listed,
)

MODELS, PREDICTIONS, SCORES = (
    dg.AssetKey(["jp", name]) for name in ("forecast_models", "predictions", "prediction_performance")
)
ROWS = "SELECT model, count(*), count(point) FROM miraikakaku.daily_predictions GROUP BY 1 ORDER BY 1"


@dataclass(frozen=True)
class Broken(Drift):
    """A drift that breaks off, in training or in forecasting."""

    word = "broken"
    in_training: bool = True

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedForecaster:
        if self.in_training:
            raise ValueError("no convergence")
        return super().fit(panel, until, seed)

    def forecasts(self, *_: object) -> pl.DataFrame:
        raise FloatingPointError("overflow")

    @property
    def needs(self) -> Needs:
        return Needs(20, None, market=True)


@pytest.fixture
def market(installation: Installation) -> Installation:
    """Seven issues with forty sessions; two baselines stand for all models, which have tests of their own."""
    use(installation, RandomWalk(), Drift())
    assert installation.update_master(listed(CODES), accept=True).success
    assert installation.collect_range().success
    return installation


def use(installation: Installation, *forecasters: Forecaster) -> None:
    vars(installation.ports)["forecasters"] = forecasters


def newest() -> date:
    return last_completed_session(JP.calendar, last_evening())


def predict(market: Installation, **config: Any) -> dg.ExecuteInProcessResult:
    keys = market.partition_keys()
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    return market.run("jp_prediction_job", config={"ops": {"jp_predict": {"config": config}}}, tags=tags)


def test_trained_models_are_kept_and_shown(market: Installation) -> None:
    assert market.run("jp_training_job").success
    shown = market.metadata(MODELS)
    assert (shown["models"], shown["failed_models"], shown["trained_until"]) == (2, 0, str(newest()))
    kept = market.rows(
        "SELECT model, file, trained_until, reason FROM miraikakaku.forecast_models ORDER BY 1"
    )
    assert [row[0] for row in kept] == ["drift", "random_walk"]
    for _, file, until, reason in kept:
        assert (market.ports.settings.home / "models" / file).is_file()
        assert (until, reason) == (newest(), None)
    assert market.run("jp_training_job").success  # the same bars, the same code
    assert len(market.rows("SELECT 1 FROM miraikakaku.forecast_models")) == 2
    decided = market.rows("SELECT DISTINCT kind FROM miraikakaku.forecast_decisions")
    assert ("weights",) in decided


def test_a_range_is_forecast_symbol_by_symbol_and_only_once(market: Installation) -> None:
    result = predict(market)
    assert result.success
    found = market.materialized(result.run_id)
    assert [symbol for asset, symbol in found if asset == "jp/predictions"] == SYMBOLS
    each = len(SYMBOLS) * 5
    assert market.rows(ROWS) == [("drift", each, each), ("ensemble", each, each), ("random_walk", each, each)]
    shown = market.metadata(PREDICTIONS, "7203.T")
    assert (shown["as_of"], shown["status"]) == (str(newest()), "ok")
    assert shown["next_lo80"] < shown["next_median"] < shown["next_hi80"]
    before = market.rows("SELECT * FROM miraikakaku.daily_predictions ORDER BY 1, 2, 3, 4")
    assert predict(market).success
    assert market.rows("SELECT * FROM miraikakaku.daily_predictions ORDER BY 1, 2, 3, 4") == before


def test_few_symbols_carry_a_fan_chart(market: Installation) -> None:
    config = {"ops": {"predict_jp_symbols": {"config": {"symbols": ["7203.T", "1301.T"]}}}}
    assert market.run("jp_predict_symbols", config=config).success
    assert market.rows("SELECT count(DISTINCT instrument_id) FROM miraikakaku.daily_predictions") == [(2,)]
    assert market.metadata(PREDICTIONS, "7203.T")["chart"].startswith("![")


def test_a_symbol_without_bars_is_named(market: Installation) -> None:
    config = {"ops": {"predict_jp_symbols": {"config": {"symbols": ["7203.T", "0000.T"]}}}}
    result = market.run("jp_predict_symbols", config=config)
    assert not result.success
    assert "0000.T" in failure_of(result).description
    assert market.rows("SELECT count(DISTINCT instrument_id) FROM miraikakaku.daily_predictions") == [(1,)]


def test_a_model_that_cannot_be_trained_is_missing_with_its_reason(market: Installation) -> None:
    use(market, RandomWalk(), Broken())
    result = market.run("jp_training_job")
    assert not result.success
    assert "broken: ValueError: no convergence" in failure_of(result).description
    assert market.rows("SELECT model, reason FROM miraikakaku.forecast_models ORDER BY 1") == [
        ("broken", "ValueError: no convergence"),
        ("random_walk", None),
    ]
    alerts = market.rows("SELECT key, severity FROM miraikakaku.alerts WHERE resolved_at IS NULL")
    assert alerts == [("forecast/jp/broken/untrained", "WARNING")]
    assert predict(market).success
    each = len(SYMBOLS) * 5
    assert market.rows(ROWS) == [("broken", each, 0), ("ensemble", each, each), ("random_walk", each, each)]
    why = market.rows("SELECT DISTINCT reason FROM miraikakaku.daily_predictions WHERE model = 'broken'")
    assert why == [("not_trained",)]


def test_a_model_that_breaks_off_is_missing_and_the_run_is_red(market: Installation) -> None:
    use(market, RandomWalk(), Broken(in_training=False))
    result = predict(market)
    assert not result.success
    assert failure_of(result).description == "broken: FloatingPointError: overflow"
    each = len(SYMBOLS) * 5
    assert market.rows(ROWS) == [("broken", each, 0), ("ensemble", each, each), ("random_walk", each, each)]
    use(market, RandomWalk(), Drift())
    assert predict(market).success  # the others were whole all the time


def test_what_came_is_scored_once_and_shown(market: Installation) -> None:
    origin = sessions_back(JP.calendar, newest(), 6)
    assert predict(market, as_of=str(origin)).success
    assert market.run("jp_performance_job").success
    outcomes = "SELECT count(*), count(actual) FROM miraikakaku.prediction_outcomes"
    assert market.rows(outcomes) == [(len(SYMBOLS) * 5, len(SYMBOLS) * 5)]
    shown = market.metadata(SCORES)
    assert (shown["new_outcomes"], shown["scored_days"]) == (len(SYMBOLS) * 5, 5)
    assert shown["calibration"].startswith("![")
    assert shown["leaderboard"].startswith("![")
    scores = market.ports.forecasts.performance(JP, 1)
    assert set(scores["model"]) == {"drift", "ensemble", "random_walk"}
    assert scores.filter(pl.col("model") == "random_walk")["mae_to_no_change"].to_list() == [1.0] * 5
    before = market.rows("SELECT * FROM miraikakaku.prediction_outcomes ORDER BY 1, 2, 3")
    assert market.run("jp_performance_job").success
    assert market.metadata(SCORES)["new_outcomes"] == 0
    assert market.rows("SELECT * FROM miraikakaku.prediction_outcomes ORDER BY 1, 2, 3") == before


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


@pytest.mark.parametrize(
    ("as_of", "why"),
    [("2025-01-01", "was no session"), ("tomorrow", "is not a date like"), ("2099-01-05", "not final")],
)
def test_origins_that_cannot_be_are_refused(market: Installation, as_of: str, why: str) -> None:
    result = predict(market, as_of=as_of)
    assert not result.success
    assert why in failure_of(result).description


def test_forecasts_follow_a_daily_collection_however_it_ended(market: Installation) -> None:
    (sensor,) = [one for one in default_sensors() if one.name == "forecasts_due"]

    def look() -> list[dg.RunRequest]:
        with dg.build_sensor_context(instance=market.instance, definitions=market.definitions) as context:
            return list(sensor.evaluate_tick(context).run_requests or ())

    assert look() == []
    keys = market.partition_keys()
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    ended = market.run("jp_daily_job", tags=tags)
    requests = look()
    assert [one.job_name for one in requests] == ["jp_prediction_job", "jp_performance_job"]
    assert {one.run_key for one in requests} == {f"predict_{ended.run_id}", f"score_{ended.run_id}"}
    assert requests[0].tags.items() >= tags.items()


def test_models_are_trained_weekly_once_something_is_collected(installation: Installation) -> None:
    (schedule,) = [one for one in default_schedules() if one.name == "jp_training"]

    def tick() -> Any:
        with dg.build_schedule_context(
            instance=installation.instance, scheduled_execution_time=last_evening()
        ) as context:
            return schedule.evaluate_tick(context)

    assert "Nothing of jp" in str(tick().skip_message)
    installation.instance.add_dynamic_partitions("jp_symbols", ["7203.T"])
    assert len(tick().run_requests or ()) == 1
