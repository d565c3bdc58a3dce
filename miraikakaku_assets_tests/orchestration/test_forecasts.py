"""Trainings, forecasts and scores as runs on a real instance: what is stored, what is shown, how they end."""

from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest

from miraikakaku_assets.application.alerting.conditions.forecast_alerts import watch_forecasts
from miraikakaku_assets.application.forecasting.weights import champions, review_champion
from miraikakaku_assets.application.ports.forecasts import PERFORMANCE
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets.orchestration.schedules import default_schedules
from miraikakaku_assets.orchestration.sensors import default_sensors
from miraikakaku_assets_tests.fakes.broken_models import Broken, Wild
from miraikakaku_assets_tests.support.installations.forecast_runs import (
    MODELS,
    PREDICTIONS,
    ROWS,
    SCORES,
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
from miraikakaku_assets_tests.support.moments import last_evening

pytestmark = pytest.mark.slow


@pytest.fixture
def market(collected: Installation) -> Installation:
    return market_of(collected)


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


@pytest.mark.parametrize("content", [None, b"cut off"])
def test_a_model_whose_file_is_lost_is_named_and_made_again(
    market: Installation, content: bytes | None
) -> None:
    assert market.run("jp_training_job").success
    ((name,),) = market.rows("SELECT file FROM miraikakaku.forecast_models WHERE model = 'drift'")
    file = market.ports.settings.home / "models" / name
    whole = file.read_bytes()
    file.unlink() if content is None else file.write_bytes(content)
    result = predict(market)
    assert not result.success
    assert str(file) in str(failure_of(result).description)
    assert "train it again" in str(failure_of(result).description)
    assert market.run("jp_training_job").success
    assert file.read_bytes() == whole
    assert predict(market).success
    assert market.rows("SELECT count(*) FROM miraikakaku.daily_predictions WHERE reason IS NOT NULL") == [
        (0,)
    ]


def test_a_range_is_forecast_symbol_by_symbol_and_only_once(market: Installation) -> None:
    result = predict(market)
    assert result.success
    materialized = market.materialized(result.run_id)
    assert [symbol for asset, symbol in materialized if asset == "jp/predictions"] == SYMBOLS
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


def test_symbols_that_nobody_knows_or_without_bars_are_named_and_the_others_forecast(
    market: Installation,
) -> None:
    assert market.update_master(listed([*CODES, "25935"], "20251031"), accept=True).success
    config = {"ops": {"predict_jp_symbols": {"config": {"symbols": ["7203.T", "0000.T", "25935.T"]}}}}

    result = market.run("jp_predict_symbols", config=config)

    assert failure_of(result).description == (
        "Nothing was forecast of symbols that are in no stock master of jp: 0000.T; "
        "correct them or update the master; no daily bar is stored of 1 symbol: 25935.T"
    )
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
    forecast = predict(market)
    assert not forecast.success  # what it could not make is stored as missing, and the run says so
    assert failure_of(forecast).description == "broken: it has forecast nothing (7 not_trained)"
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
    scores = market.ports.forecasting.forecasts.performance(JP, 1)
    assert set(scores["model"]) == {"drift", "ensemble", "random_walk"}
    assert scores.filter(pl.col("model") == "random_walk")["mae_to_no_change"].to_list() == [1.0] * 5
    before = market.rows("SELECT * FROM miraikakaku.prediction_outcomes ORDER BY 1, 2, 3")
    assert market.run("jp_performance_job").success
    assert market.metadata(SCORES)["new_outcomes"] == 0
    assert market.rows("SELECT * FROM miraikakaku.prediction_outcomes ORDER BY 1, 2, 3") == before


def test_a_scoring_that_broke_off_between_outcomes_and_scores_is_made_up_for(market: Installation) -> None:
    origin = sessions_back(JP.calendar, newest(), 6)
    assert predict(market, as_of=str(origin)).success
    assert market.run("jp_performance_job").success
    scores = """SELECT segment_kind, segment, model, horizon, window_origins, until, n, days, calls,
        round(mae::numeric, 12), round(hit_low::numeric, 12)
        FROM miraikakaku.prediction_performance ORDER BY 1, 2, 3, 4, 5, 6"""
    whole = market.rows(scores)
    with market.ports.database.engine.begin() as connection:  # as killed after the outcomes were committed
        connection.exec_driver_sql("DELETE FROM miraikakaku.prediction_performance")
        connection.exec_driver_sql(
            "INSERT INTO miraikakaku.days_to_score (universe, target) "
            "SELECT DISTINCT 'jp', target FROM miraikakaku.prediction_outcomes"
        )
    assert market.run("jp_performance_job").success
    assert market.rows(scores) == whole


def test_a_forecast_that_is_no_number_is_missing_and_the_others_stay(market: Installation) -> None:
    use(market, RandomWalk(), Wild(symbol=SYMBOLS[0]))
    result = predict(market)
    assert not result.success
    assert failure_of(result).description == "wild: 5 of its 35 forecasts are missing, or no numbers in order"
    each = len(SYMBOLS) * 5
    assert market.rows(ROWS) == [
        ("ensemble", each, each),
        ("random_walk", each, each),
        ("wild", each, each - 5),
    ]


def test_champions_are_reviewed_once_a_month(market: Installation) -> None:
    store = market.ports.forecasting.forecasts
    days = [sessions_back(JP.calendar, newest(), back) for back in (6, 5)]
    for day in days:
        assert predict(market, as_of=str(day)).success
    assert market.run("jp_performance_job").success
    reviewed = [
        bool(review_champion(JP, day, ["drift", "ensemble", "random_walk"], store)) for day in (newest(),) * 2
    ]
    assert reviewed == [True, False]
    assert champions(JP, newest(), store) == dict.fromkeys(range(1, 6), "random_walk")


def test_lost_skill_is_told_until_it_is_back(market: Installation) -> None:
    store, alerting = market.ports.forecasting.forecasts, market.ports.notices.alerting

    def scores(ratio: float, until: date) -> pl.DataFrame:
        numbers = {"mae_to_no_change": ratio, "coverage_80": 0.8, "mape": 0.01, "mape_no_change": 0.01}
        counts = {"horizon": 1, "window": 20, "n": 140, "days": 20, "missing": 0, "calls": 0}
        row = (
            {"segment_kind": "universe", "segment": "jp", "model": "ensemble", "until": until}
            | counts
            | numbers
        )
        return pl.DataFrame([{name: row.get(name) for name in PERFORMANCE}], schema=PERFORMANCE)

    key = "forecast/jp/ensemble/skill"
    store.save_performance(JP, scores(1.2, sessions_back(JP.calendar, newest(), 1)))
    assert watch_forecasts(JP, store, alerting).raised == {key}
    assert watch_forecasts(JP, store, alerting).raised == frozenset()  # it stands
    store.save_performance(JP, scores(1.0, newest()))
    assert watch_forecasts(JP, store, alerting).resolved == {key}


def test_forecasts_follow_a_daily_collection_however_it_ended(market: Installation) -> None:
    (sensor,) = [
        default_sensor for default_sensor in default_sensors() if default_sensor.name == "forecasts_due"
    ]

    def look() -> list[dg.RunRequest]:
        with dg.build_sensor_context(instance=market.instance, definitions=market.definitions) as context:
            return list(sensor.evaluate_tick(context).run_requests or ())

    assert look() == []
    keys = market.partition_keys()
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    ended = market.run("jp_daily_job", tags=tags)
    requests = look()
    assert [request.job_name for request in requests] == ["jp_prediction_job", "jp_performance_job"]
    assert {request.run_key for request in requests} == {f"predict_{ended.run_id}", f"score_{ended.run_id}"}
    assert requests[0].tags.items() >= tags.items()


def test_models_are_trained_weekly_once_something_is_collected(installation: Installation) -> None:
    (schedule,) = [
        default_schedule for default_schedule in default_schedules() if default_schedule.name == "jp_training"
    ]

    def tick() -> Any:
        with dg.build_schedule_context(
            instance=installation.instance, scheduled_execution_time=last_evening()
        ) as context:
            return schedule.evaluate_tick(context)

    assert "Nothing of jp" in str(tick().skip_message)
    installation.instance.add_dynamic_partitions("jp_symbols", ["7203.T"])
    assert len(tick().run_requests or ()) == 1
