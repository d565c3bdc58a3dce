"""Forecasts and what came in a real database: the first stands, nothing is known before its time."""

from datetime import date, timedelta
from hashlib import md5
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.ports.forecasts import PREDICTIONS
from miraikakaku_assets.domain.errors import PermanentSymbolError
from miraikakaku_assets.domain.market.instruments import FX, JP
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import (
    DAYS,
    KEY,
    LATER,
    MADE,
    forecasts,
    outcomes,
    store,
    stored,
)
from miraikakaku_assets_tests.support.markets.stored_market import FETCHED, listed

CODES = ("9984", "1301", "130A", "7203")
SYMBOLS = ("1301.T", "130A.T", "7203.T", "9984.T")
TARGET = ["symbol", "as_of", "horizon", "target"]


def test_forecasts_come_back_as_they_went_in(database: Database) -> None:
    listed(database, *CODES)
    made = forecasts(SYMBOLS, ("theta", "xgboost"), DAYS[:3], missing=["7203.T"]).with_columns(
        sd=pl.when(pl.col("model") == "theta").then("sd"),
        close=pl.when(pl.col("reason").is_null()).then("close"),
        model_id=pl.when(pl.col("model") == "theta").then(pl.lit(2**31 - 1, pl.Int64)),
    )
    assert (
        store(database).save_predictions(JP, made.sample(fraction=1, shuffle=True, seed=3), MADE)
        == made.height
    )
    predictions = store(database).predictions(JP, DAYS[0], DAYS[2])
    assert predictions.drop("made_at").equals(made.sort(KEY))
    assert dict(predictions.schema) == PREDICTIONS | {"made_at": pl.Datetime("us", "UTC")}
    assert set(predictions["made_at"]) == {MADE}
    assert store(database).predicted(JP, DAYS[1]) == {"theta": 4, "xgboost": 4}
    assert store(database).predicted(JP, DAYS[3]) == {}


def test_what_is_asked_for_is_read_and_nothing_else(database: Database) -> None:
    listed(database, *CODES)
    PostgresMasters(database).ensure_named(FX, ["USDJPY=X"], FETCHED)
    made = forecasts(SYMBOLS, ("lstm", "theta"), DAYS[:6])
    currency = forecasts(["USDJPY=X"], ("theta",), DAYS[:6], seed=1)
    store(database).save_predictions(JP, made, MADE)
    store(database).save_predictions(FX, currency, MADE)

    def read(first: date, last: date, **chosen: Any) -> pl.DataFrame:
        return store(database).predictions(JP, first, last, **chosen).drop("made_at")

    assert read(DAYS[2], DAYS[4]).equals(made.filter(pl.col("as_of").is_in(DAYS[2:5])))
    some = read(DAYS[0], DAYS[5], symbols=["130A.T", "none.T"], models=["lstm", "it's\\{none}"])
    assert some.equals(made.filter(pl.col("symbol") == "130A.T", pl.col("model") == "lstm"))
    assert read(DAYS[0], DAYS[5], symbols=[]).is_empty()
    assert read(DAYS[0], DAYS[5], models=[]).is_empty()
    empty = store(database).scored(JP, DAYS[20], DAYS[30], sample=3)
    assert dict(empty.schema) == PREDICTIONS | {"actual": pl.Float64(), "naive": pl.Float64()}
    assert empty.is_empty()
    assert store(database).predictions(FX, DAYS[0], DAYS[5]).drop("made_at").equals(currency)
    assert store(database).predicted(FX, DAYS[1]) == {"theta": 1}
    assert store(database).unscored(FX, DAYS[-1]).equals(currency.select(TARGET))


def test_first_forecast_stands_and_a_reason_gives_way_once(database: Database) -> None:
    listed(database, *CODES)
    missing = forecasts(SYMBOLS, missing=["7203.T", "9984.T"])
    assert store(database).save_predictions(JP, missing, MADE) == 20
    first = stored(database)
    assert store(database).save_predictions(JP, missing, LATER) == 0
    worse = forecasts(SYMBOLS, seed=1, missing=SYMBOLS).with_columns(
        reason=pl.when(pl.col("reason").is_not_null()).then(pl.lit("failed"))
    )
    assert store(database).save_predictions(JP, worse, LATER) == 0
    assert stored(database) == first
    better = forecasts(SYMBOLS, seed=2, missing=["9984.T"])
    assert store(database).save_predictions(JP, better, LATER) == 5
    assert store(database).save_predictions(JP, forecasts(SYMBOLS, seed=3, missing=["9984.T"]), LATER) == 0
    predictions = store(database).predictions(JP, DAYS[0], DAYS[0])
    late = pl.col("symbol") == "7203.T"
    kept = pl.concat([missing.filter(~late), better.filter(late)]).sort(KEY)
    assert predictions.drop("made_at").equals(kept)
    assert set(predictions.filter(late)["made_at"]) == {LATER}
    assert set(predictions.filter(~late)["made_at"]) == {MADE}


DELIVERY = st.tuples(
    st.lists(st.sampled_from(SYMBOLS[:3]), unique=True, min_size=1),
    st.lists(st.sampled_from(["arima", "theta"]), unique=True, min_size=1),
    st.lists(st.sampled_from(DAYS[:2]), unique=True, min_size=1),
    st.sets(st.sampled_from(SYMBOLS[:3])),
    st.booleans(),
)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(deliveries=st.lists(DELIVERY, min_size=1, max_size=5))
def test_any_deliveries_leave_the_first_numbers_of_each_key(
    database: Database, deliveries: list[tuple[list[str], list[str], list[date], set[str], bool]]
) -> None:
    # Beside them, outcomes of all that is awaited come at times: each target is awaited until then, and never again.
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE miraikakaku.daily_predictions, miraikakaku.prediction_outcomes,"
                " miraikakaku.awaited_outcomes"
            )
        )
    listed(database, *CODES)
    expected: dict[tuple[object, ...], tuple[object, ...]] = {}
    awaited: set[tuple[object, ...]] = set()
    known: set[tuple[object, ...]] = set()
    for seed, (symbols, models, origins, missing, scored) in enumerate(deliveries):
        made = forecasts(symbols, models, origins, seed, missing)
        changed = 0
        for row in made.iter_rows(named=True):
            key = tuple(row[name] for name in KEY)
            before = expected.get(key)
            if before is None or (before[-1] is not None and row["reason"] is None):
                expected[key] = (row["point"], row["reason"])
                changed += 1
            if row["reason"] is None:
                awaited.add(tuple(row[name] for name in TARGET))
        awaited -= known
        assert store(database).save_predictions(JP, made, MADE) == changed
        due = store(database).unscored(JP, DAYS[-1])
        assert due.rows() == sorted(awaited)
        if scored:
            came = due.with_columns(actual=pl.lit(0.01), naive=pl.lit(0.02))
            assert store(database).save_outcomes(JP, came, LATER) == due.height
            known |= awaited
            awaited = set()
    predictions = store(database).predictions(JP, DAYS[0], DAYS[1]).select(*KEY, "point", "reason").rows()
    assert predictions == sorted((*key, *value) for key, value in expected.items())


def broken(column: str, value: object) -> pl.DataFrame:
    """Forecasts of which one cannot be stored."""
    made = forecasts(["1301.T", "7203.T"])
    wrong = (pl.col("symbol") == "7203.T") & (pl.col("horizon") == 3)
    kind = PREDICTIONS[column]
    return made.with_columns(pl.when(wrong).then(pl.lit(value, kind)).otherwise(column).alias(column))


WRONG = {
    **{f"{name} NaN": (name, float("nan")) for name in ("point", "sd", "lo80", "hi80", "lo95", "hi95", "close")},
    "point infinite": ("point", float("inf")),
    "lo95 infinite": ("lo95", float("-inf")),
    "half of the numbers": ("hi80", None),
    "a reason and numbers": ("reason", "failed"),
    "no close": ("close", None),
    "a close that is no price": ("close", 0.0),
    "not nested": ("hi80", 3.0),
    "point outside of its bands": ("point", -0.9),
    "spread below zero": ("sd", -0.1),
    "target at the origin": ("target", DAYS[0]),
    "unknown symbol": ("symbol", "0000.T"),
    "eight quantiles": ("quantiles", [0.01 * nth for nth in range(8)]),
    "falling quantiles": ("quantiles", [-0.01 * nth for nth in range(9)]),
    "a quantile NaN": ("quantiles", [float("nan")] * 9),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_forecast_is_refused_with_its_delivery(database: Database, what: str) -> None:
    listed(database, *CODES)
    with pytest.raises(PermanentSymbolError, match=r"\(model theta, as_of 2025-01-06, horizon 3\)") as caught:
        store(database).save_predictions(JP, broken(*WRONG[what]), MADE)
    assert caught.value.symbol == ("0000.T" if what == "unknown symbol" else "7203.T")
    assert stored(database) == {"predictions": [], "outcomes": [], "awaited": []}


@pytest.mark.parametrize(
    "change",
    [
        *(f"{name} = 'NaN'" for name in ("point", "sd", "lo80", "hi80", "lo95", "hi95", "close")),
        *("hi95 = 'Infinity'", "lo95 = '-Infinity'", "point = NULL", "reason = 'failed'", "close = NULL"),
        *("hi80 = lo80 - 1", "target = as_of", "close = 0", "sd = -1"),
    ],
)  # fmt: skip
def test_the_table_itself_refuses_it_too(database: Database, change: str) -> None:
    listed(database, *CODES)
    store(database).save_predictions(JP, forecasts(["7203.T"]), MADE)
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text(f"UPDATE miraikakaku.daily_predictions SET {change}"))


def test_two_forecasts_or_outcomes_of_one_key_are_refused(database: Database) -> None:
    listed(database, *CODES)
    made = forecasts(["7203.T"])
    with pytest.raises(PermanentSymbolError, match="two rows of one symbol, model, as_of, horizon"):
        store(database).save_predictions(JP, pl.concat([made, forecasts(["7203.T"], seed=1)]), MADE)
    came = outcomes(["7203.T"], DAYS[:1])
    with pytest.raises(PermanentSymbolError, match="two rows of one symbol, as_of, horizon"):
        store(database).save_outcomes(JP, pl.concat([came, came]), MADE)
    for name in ("actual", "naive"):
        nan = came.with_columns(pl.when(pl.col("horizon") < 5).then(name).otherwise(float("nan")).alias(name))
        with pytest.raises(PermanentSymbolError, match=f"{name}.* that is no number"):
            store(database).save_outcomes(JP, nan, MADE)
    with pytest.raises(PermanentSymbolError, match="no instrument of this universe"):
        store(database).save_outcomes(JP, came.with_columns(symbol=pl.lit("USDJPY=X")), MADE)
    assert stored(database) == {"predictions": [], "outcomes": [], "awaited": []}


def test_what_came_is_stored_once_and_awaited_until_then(database: Database) -> None:
    listed(database, *CODES)
    origins = DAYS[:4]
    made = forecasts(SYMBOLS, ("lstm", "theta"), origins, missing=["9984.T"])
    store(database).save_predictions(JP, made, MADE)
    due = store(database).unscored(JP, DAYS[4])
    awaited = made.filter(pl.col("model") == "lstm", pl.col("reason").is_null())
    assert due.equals(awaited.filter(pl.col("target") <= DAYS[4]).select(TARGET))
    came = outcomes(SYMBOLS[:3], origins, until=DAYS[4])
    came = came.with_columns(actual=pl.when(pl.col("symbol") != "130A.T").then("actual"))  # it did not trade
    assert store(database).save_outcomes(JP, came, MADE) == came.height == due.height
    first = stored(database)
    assert store(database).save_outcomes(JP, came.with_columns(actual=pl.lit(0.5)), LATER) == 0
    assert stored(database) == first
    assert store(database).unscored(JP, DAYS[4]).is_empty()
    # A model that forecasts late is scored by what is there, a target nobody had forecast is awaited.
    store(database).save_predictions(JP, forecasts(SYMBOLS, ("arima",), origins, seed=4), LATER)
    again = store(database).unscored(JP, DAYS[4])
    assert set(again["symbol"]) == {"9984.T"}
    assert again.height == due.height // 3
    assert store(database).unscored(JP, DAYS[-1]).height == 4 * len(origins) * 5 - came.height


def test_no_outcome_is_handed_out_before_its_session(database: Database) -> None:
    listed(database, *CODES)
    origins = DAYS[:7]
    made = forecasts(SYMBOLS, ("lstm", "theta"), origins)
    came = outcomes(SYMBOLS, origins)
    store(database).save_predictions(JP, made, MADE)
    store(database).save_outcomes(JP, came, LATER)
    everything = made.join(came, on=TARGET, how="left").sort(KEY)
    for until in (DAYS[0] - timedelta(days=1), *DAYS[:13]):
        scored = store(database).scored(JP, DAYS[0], until)
        known = pl.when(pl.col("target") <= until)
        expected = everything.filter(pl.col("as_of") <= until).with_columns(
            actual=known.then("actual"), naive=known.then("naive")
        )
        assert scored.equals(expected)
    assert scored["actual"].null_count() == 0  # twelve sessions after the first all are over
    theta = store(database).scored(JP, DAYS[1], DAYS[3], symbols=["7203.T"], models=["theta"])
    assert set(theta.select("symbol", "model").rows()) == {("7203.T", "theta")}
    assert set(theta["as_of"]) == set(DAYS[1:4])


def test_outcome_of_another_session_than_was_forecast_is_not_taken(database: Database) -> None:
    # The calendar changed after the forecast was made: its session was none.
    listed(database, *CODES)
    made = forecasts(["7203.T"])
    store(database).save_predictions(JP, made, MADE)
    moved = outcomes(["7203.T"], DAYS[:1]).with_columns(
        target=pl.when(pl.col("horizon") == 2).then(pl.lit(DAYS[9])).otherwise("target")
    )
    store(database).save_outcomes(JP, moved, LATER)
    scored = store(database).scored(JP, DAYS[0], DAYS[-1])
    assert scored.filter(pl.col("actual").is_null())["horizon"].to_list() == [2]


def test_sample_is_always_of_the_same_symbols(database: Database) -> None:
    codes = [str(code) for code in range(1301, 1361)]
    listed(database, *reversed(codes))  # numbers of instruments run against the symbols
    made = forecasts([f"{code}.T" for code in codes[:50]], ("lstm", "theta"), DAYS[:3])
    store(database).save_predictions(JP, made, MADE)
    by_digest = sorted(made["symbol"].unique(), key=lambda symbol: md5(symbol.encode()).hexdigest())  # noqa: S324
    for sample in (1, 7, 20, 49, 50, 400):
        scored = store(database).scored(JP, DAYS[0], DAYS[2], sample=sample)
        assert set(scored["symbol"]) == set(by_digest[:sample])
        assert scored.select(made.columns).equals(made.filter(pl.col("symbol").is_in(by_digest[:sample])))
    few = store(database).scored(JP, DAYS[0], DAYS[2], symbols=by_digest[30:], models=["theta"], sample=5)
    assert set(few["symbol"]) == set(by_digest[30:35])
