"""Forecasts from the command line: all models on real tables, a past origin made again, and what is refused."""

from collections.abc import Iterator
from datetime import date

import pytest

from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back
from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.moments import last_evening

pytestmark = pytest.mark.slow
MODELS = {
    "arima",
    "drift",
    "lead_beta",
    "lstm",
    "prophet",
    "random_forest",
    "random_walk",
    "theta",
    "xgboost",
}


@pytest.fixture(scope="module")
def quiet_exchange() -> Iterator[Simulated]:
    with simulated(symbols=1, us_symbols=0, now=last_evening("CMX")) as running:
        yield running


def a_week_ago() -> date:
    newest = last_completed_session("CMX", last_evening("CMX"))
    return sessions_back("CMX", newest, 6)


def test_every_model_forecasts_copper_and_what_came_is_scored(command: Command) -> None:
    long = command.with_(HISTORY_START=sessions_back("CMX", a_week_ago(), 150).isoformat())
    assert long("collect", "--universe", "copper").code == 0
    week_ago = a_week_ago().isoformat()

    first = long("predict", "--universe", "copper", "--symbols", "HG=F", "--as-of", week_ago, "--json")

    assert first.code == 0, first.err
    predictions, scores = first.document["stages"]
    assert predictions["made"] == dict.fromkeys([*MODELS, "ensemble"], 1)
    assert (predictions["missing"], predictions["failures"], predictions["as_of"]) == ({}, {}, week_ago)
    assert (scores["stage"], scores["new_outcomes"]) == ("scores", 5)
    assert [prediction["horizon"] for prediction in predictions["forecasts"]] == [1, 2, 3, 4, 5]
    for prediction in predictions["forecasts"]:
        assert (
            prediction["lo95"]
            < prediction["lo80"]
            < prediction["median"]
            < prediction["hi80"]
            < prediction["hi95"]
        )
        assert prediction["edge"] == "優位性なし"  # of one origin nobody can say more
    everything = "SELECT * FROM miraikakaku.daily_predictions ORDER BY 1, 2, 3, 4"
    before = command.rows(everything)

    shown = long("predict", "--universe", "copper", "--symbols", "HG=F", "--as-of", week_ago)

    assert shown.code == 0, shown.err
    assert f"made again from {week_ago}: 50 of 50 forecasts as before" in shown.out
    assert "優位性なし" in shown.out
    assert "copper so far: one session ahead, over 1 day until" in shown.out
    assert command.rows(everything) == before

    trained = long("train", "--universe", "copper", "--models", "drift,theta", "--json").document["stages"][0]
    assert (trained["models"], trained["failed_models"]) == (2, 0)
    again = long("train", "--universe", "copper", "--models", "drift,theta")
    assert "copper: 0 models trained" in again.out
    assert "2 as they were: same bars, same code" in again.out

    stands = long("status", "--universe", "copper", "--json").document["forecasts"]
    assert (stands["as_of"], stands["symbols"], stands["days"]) == (week_ago, 1, 1)
    assert (
        f"forecasts 1 symbol from {week_ago}; one session ahead" in long("status", "--universe", "copper").out
    )


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["predict", "--universe", "copper"], 2, "There are no daily bars of copper"),
        (["predict", "--universe", "copper", "--as-of", "soon"], 2, "--as-of 'soon' is not a date like"),
        (["predict", "--universe", "us", "--morning"], 2, "us is forecast in the evening only"),
        (["train", "--universe", "copper", "--until", "soon"], 2, "--until 'soon' is not a date like"),
        (["train", "--models", " , "], 2, "names no model"),
        (["train", "--universe", "tin"], 2, "tin"),
    ],
)
def test_what_cannot_be_forecast_is_said(
    command: Command, arguments: list[str], code: int, problem: str
) -> None:
    ended = command(*arguments)

    assert ended.code == code
    assert problem in ended.errors[0]


def test_a_model_that_nobody_knows_is_refused(command: Command) -> None:
    assert command("collect", "--universe", "copper").code == 0
    ended = command("train", "--universe", "copper", "--models", "oracle")

    assert ended.code == 2
    assert ended.errors[0].startswith("There is no model oracle; available: random_walk, drift, theta")


def test_symbols_that_nobody_knows_are_named_before_any_model_is_at_work(command: Command) -> None:
    ended = command("predict", "--symbols", "NOPE.T")

    sentence = (
        "Nothing was forecast of symbols that are in no stock master of jp: NOPE.T; "
        "correct them or update the master"
    )
    assert (ended.code, ended.errors) == (1, [sentence])
    assert ended.out == "jp predictions: 1 symbol in no master: NOPE.T\n"
