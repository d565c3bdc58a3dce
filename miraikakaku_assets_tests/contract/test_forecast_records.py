"""Trainings, scores and decisions in a real database: recorded once, and nothing from behind the session asked for."""

from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.forecasts import PERFORMANCE, Decision, ModelRecord
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import JP, US
from miraikakaku_assets_tests.support.at_once import together
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import LATER, MADE, store
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

WEEKS = [date(2025, 1, 10) + timedelta(weeks=week) for week in range(6)]


def training(model: str = "xgboost", until: date = WEEKS[0], **changed: Any) -> ModelRecord:
    record = ModelRecord(
        "jp", model, "1-abc", 2**40, until, MADE, "d1", "0.1.0", 12.5, f"jp/{model}_0123.bin", "ab" * 32,
        {"rows": 1_006_943, "loss": 0.1 + 0.2, "features": ["ret_1", "日経"], "gpu": None},
    )  # fmt: skip
    return replace(record, **changed)


def failed(record: ModelRecord, reason: str = "out of memory") -> ModelRecord:
    return replace(record, file=None, sha256=None, reason=reason, metrics={})


def test_training_comes_back_with_its_number(database: Database) -> None:
    recorded = store(database).record_model(training())
    assert recorded.id is not None
    assert replace(recorded, id=None) == training()
    assert recorded.trained_at.tzinfo is UTC
    broken = store(database).record_model(failed(training("lstm")))
    assert replace(broken, id=None) == failed(training("lstm"))
    assert store(database).models(JP, WEEKS[0]) == [recorded]
    assert store(database).trainings(JP, 3) == [broken, recorded]
    assert store(database).trainings(US, 3) == store(database).models(US, WEEKS[0]) == []


def test_training_is_recorded_once_and_failure_gives_way_to_success(database: Database) -> None:
    first = store(database).record_model(failed(training()))
    assert store(database).record_model(failed(training(trained_at=LATER), "again")) == first
    second = store(database).record_model(training(trained_at=LATER, seconds=1.0))
    assert second == training(id=first.id, trained_at=LATER, seconds=1.0)
    assert store(database).record_model(failed(training())) == second
    assert store(database).record_model(training(file="jp/other.bin", seconds=3.0)) == second
    others: dict[str, Any] = {
        "universe": "us", "model": "lstm", "version": "2", "seed": 1, "trained_until": WEEKS[1],
        "data_version": "d2", "code_version": "0.2.0",
    }  # fmt: skip
    different = [training(**{name: value}) for name, value in others.items()]
    ids = {store(database).record_model(model).id for model in different}
    assert len(ids | {first.id}) == 8


def test_same_training_recorded_by_many_at_once_has_one_number(database: Database) -> None:
    records: list[ModelRecord] = []
    tries = [training(trained_at=MADE + timedelta(seconds=at)) for at in range(4)]
    together(
        *(
            lambda attempt=attempt: records.append(store(database).record_model(attempt))
            for attempt in [*tries, failed(tries[0])]
        )
    )
    assert len(records) == 5
    assert {record.id for record in records} == {records[0].id}
    assert store(database).models(JP, WEEKS[0])[0].reason is None


def test_models_saw_nothing_behind_the_session(database: Database) -> None:
    keep = store(database).record_model
    for week, until in enumerate(WEEKS[:4]):
        keep(training(until=until, trained_at=MADE + timedelta(weeks=week)))
    keep(training("arima", WEEKS[1]))
    keep(failed(training(until=WEEKS[4])))
    keep(training("theta", WEEKS[5]))
    for session in (day + timedelta(days=step) for day in WEEKS for step in (-1, 0, 1)):
        known = {model.model: model.trained_until for model in store(database).models(JP, session)}
        expected = {"xgboost": [*WEEKS[:4]], "arima": [WEEKS[1]], "theta": [WEEKS[5]]}
        newest = {model: [day for day in days if day <= session] for model, days in expected.items()}
        assert known == {model: max(days) for model, days in sorted(newest.items()) if days}
    # Trained anew on the same sessions: the newer training counts, though it was recorded of an older day before.
    anew = keep(training(until=WEEKS[3], data_version="d2", trained_at=MADE + timedelta(weeks=9)))
    keep(training(until=WEEKS[2], data_version="d2", trained_at=MADE + timedelta(weeks=10)))
    assert store(database).models(JP, WEEKS[4])[-1] == anew
    trainings = store(database).trainings(JP, 2)
    assert [(record.model, record.trained_until, record.reason) for record in trainings] == [
        ("theta", WEEKS[5], None),
        ("xgboost", WEEKS[4], "out of memory"),
        ("xgboost", WEEKS[3], None),
        ("arima", WEEKS[1], None),
    ]
    assert len(store(database).trainings(JP, None)) == 9
    assert store(database).trainings(JP, None)[:2] == trainings[:2]


@pytest.mark.parametrize(
    "changed",
    [
        {"metrics": {"loss": float("nan")}}, {"metrics": {"at": MADE}}, {"seconds": float("inf")}, {"file": None},
        {"sha256": None}, {"reason": "failed"}, {"file": None, "sha256": None},
    ],
)  # fmt: skip
def test_training_that_says_nothing_usable_is_refused(database: Database, changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="xgboost of jp, trained until 2025-01-10"):
        store(database).record_model(training(**changed))
    assert rows_of(database, "forecast_models") == []


def scores(until: date, mae: float = 0.011, window: int = 250, **named: str) -> pl.DataFrame:
    keys: list[dict[str, Any]] = [
        {"segment_kind": "universe", "segment": "jp", "model": model, "horizon": horizon} | named
        for model in ("lstm", "theta")
        for horizon in range(1, 6)
    ]
    counts = {"n": 1_000_000, "days": 250, "missing": 3, "calls": 900_000}
    figures = {name: None for name, kind in PERFORMANCE.items() if kind == pl.Float64()} | {
        "mae": mae,
        "rmse": 0.02,
    }
    rows = [{**key, "window": window, "until": until, **counts, **figures} for key in keys]
    return pl.DataFrame(rows, schema=PERFORMANCE)


def test_scores_come_back_and_are_replaced(database: Database) -> None:
    days = WEEKS[:3]
    for day in days:
        assert store(database).save_performance(JP, scores(day)) == 10
    others = [
        scores(days[0], window=1),
        scores(days[0], segment_kind="sector", segment="銀行業"),
        scores(days[0], segment_kind="symbol", segment="7203.T"),
    ]
    store(database).save_performance(JP, pl.concat(others))
    store(database).save_performance(US, scores(days[0], segment="us"))
    by = ["segment", "model", "horizon", "until"]
    everything = pl.concat([scores(day) for day in days])
    assert store(database).performance(JP, 250).equals(everything.sort(by))
    assert (
        store(database)
        .performance(JP, 250, days[1])
        .equals(everything.filter(pl.col("until") >= days[1]).sort(by))
    )
    assert store(database).performance(JP, 1).equals(others[0])
    assert store(database).performance(JP, 250, segment_kind="sector").equals(others[1])
    assert store(database).performance(JP, 250, segment_kind="symbol").equals(others[2])
    assert store(database).performance(JP, 20).schema == PERFORMANCE

    anew = scores(days[1], mae=0.5).with_columns(
        n=pl.lit(7, pl.Int64), rmse=pl.lit(None, pl.Float64), skill=pl.lit(-0.25)
    )
    assert store(database).save_performance(JP, anew) == 10
    replaced = pl.concat([scores(days[0]), anew, scores(days[2])])
    assert store(database).performance(JP, 250).equals(replaced.sort(by))
    assert store(database).performance(JP, 1).equals(others[0])
    assert store(database).save_performance(JP, scores(days[0]).clear()) == 0


def test_scores_that_are_no_numbers_are_refused(database: Database) -> None:
    good = scores(WEEKS[0])
    first = pl.int_range(pl.len()) == 0
    for value in (float("nan"), float("inf")):
        wrong = good.with_columns(mase=pl.when(first).then(value).otherwise("mase"))
        with pytest.raises(
            ConfigurationError, match=r"lstm for jp, 1 sessions ahead.*\(mase\) that is no number"
        ):
            store(database).save_performance(JP, wrong)
    with pytest.raises(ConfigurationError, match="are there twice"):
        store(database).save_performance(JP, pl.concat([good, good]))
    assert rows_of(database, "prediction_performance") == []


def test_writers_of_the_same_scores_leave_one_of_them(database: Database) -> None:
    given = [scores(WEEKS[0], mae=mae) for mae in (0.01, 0.02, 0.03)]
    for _ in range(3):
        together(*(lambda table=table, seed=seed: store(database).save_performance(
            JP, table.sample(fraction=1, shuffle=True, seed=seed)) for seed, table in enumerate(given)))  # fmt: skip
        stored = store(database).performance(JP, 250)
        assert any(stored.equals(table.sort("segment", "model", "horizon")) for table in given)


def decision(as_of: date, horizon: int, kind: str = "champion", **outcome: object) -> Decision:
    evidence = {"trials": [{"challenger": "lstm", "p_holm": 0.1 + 0.2, "wins": False}], "before": None}
    return Decision("jp", kind, as_of, horizon, outcome or {"champion": "random_walk"}, evidence)


def test_first_decision_stands_and_the_newest_that_held_is_read(database: Database) -> None:
    made = [decision(day, horizon) for day in WEEKS[:3] for horizon in (2, 1)]
    weights = decision(WEEKS[0], 1, "weights", lstm=0.25, theta=0.75)
    store(database).record_decisions([*made, weights])
    first = rows_of(database, "forecast_decisions", order="kind, as_of, horizon")
    store(database).record_decisions([decision(WEEKS[1], 1, champion="lstm"), weights])
    assert rows_of(database, "forecast_decisions", order="kind, as_of, horizon") == first
    assert store(database).decisions(JP, "champion", WEEKS[1]) == [
        decision(WEEKS[1], 1),
        decision(WEEKS[1], 2),
    ]
    assert store(database).decisions(JP, "champion", WEEKS[5]) == [
        decision(WEEKS[2], 1),
        decision(WEEKS[2], 2),
    ]
    assert store(database).decisions(JP, "champion", WEEKS[0] - timedelta(days=1)) == []
    assert store(database).decisions(JP, "weights", WEEKS[2]) == [weights]
    assert store(database).decisions(US, "champion", WEEKS[5]) == []


def test_decision_without_a_number_is_refused_with_its_companions(database: Database) -> None:
    wrong = decision(WEEKS[0], 2, weight=float("nan"))
    with pytest.raises(ConfigurationError, match="the champion from 2025-01-10 on cannot be written as JSON"):
        store(database).record_decisions([decision(WEEKS[0], 1), wrong])
    assert rows_of(database, "forecast_decisions") == []
    store(database).record_decisions([])


def test_writers_of_the_same_decisions_leave_one_of_each(database: Database) -> None:
    def champions(champion: str) -> list[Decision]:
        return [decision(day, horizon, champion=champion) for day in WEEKS for horizon in range(1, 6)]

    given = [champions("lstm"), champions("theta")[::-1], champions("arima")[::2]]
    together(
        *(lambda decisions=decisions: store(database).record_decisions(decisions) for decisions in given)
    )
    stored = rows_of(
        database, "forecast_decisions", "as_of, horizon, outcome ->> 'champion'", "as_of, horizon"
    )
    assert [row[:2] for row in stored] == [(day, horizon) for day in WEEKS for horizon in range(1, 6)]
    assert {row[2] for row in stored} <= {"lstm", "theta", "arima"}
