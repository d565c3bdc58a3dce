"""Tokyo's morning from the command line: what the night was, forecast at eight, beside the evening."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.support.command import Command

pytestmark = pytest.mark.slow

ORIGIN = date(2026, 11, 19)
EIGHT = datetime(2026, 11, 19, 23, 0, tzinfo=UTC)
"""08:00 in Tokyo on the Friday after the origin; New York has closed two hours ago."""

MORNING = {"ensemble", "night_beta", "night_market", "random_walk", "reversal"}
INPUTS = "us,us_night,hg_night"
SYMBOLS = 12
STORED = """SELECT clock, model, inputs, count(*), count(*) FILTER (WHERE point <> 0), min(made_at)
            FROM miraikakaku.daily_predictions GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


@pytest.fixture(scope="module")
def quiet_exchange() -> Iterator[Simulated]:
    with simulated(symbols=SYMBOLS, us_symbols=30, now=EIGHT) as running:
        yield running


def test_a_morning_knows_its_night_and_stands_beside_the_evening(
    command: Command, exchange: Simulated
) -> None:
    installed = command.with_(
        HISTORY_START=sessions_back("XTKS", ORIGIN, 100).isoformat(),
        NASDAQ_LISTED_URL=f"{exchange.base}/symdir/nasdaqlisted.txt",
        OTHER_LISTED_URL=f"{exchange.base}/symdir/otherlisted.txt",
    )
    early = installed("predict", "--morning")
    assert (early.code, early.errors[0].startswith("There are no daily bars of jp")) == (2, True)
    assert installed("master", "update", "--universe", "jp,us").code == 0
    assert installed("collect", "--universe", "jp,us,copper").code == 0

    morning = installed("predict", "--morning", "--json")

    assert morning.code == 0, morning.err
    predictions, scores = morning.document["stages"]
    assert predictions["as_of"] == ORIGIN.isoformat()
    assert set(predictions["made"]) == MORNING
    assert set(predictions["made"].values()) == {predictions["symbols"]}
    assert (predictions["failures"], predictions.get("absent_inputs")) == ({}, None)
    assert scores["ensemble"] == "morning: none of them has been scored"
    stored = command.rows(STORED)
    assert {row[:3] for row in stored} == {("morning", model, INPUTS) for model in MORNING}
    moved = {row[1] for row in stored if row[4]}
    assert {"night_beta", "night_market"} <= moved  # the night said something

    again = installed("predict", "--morning")

    assert (again.code, command.rows(STORED)) == (0, stored)
    evening = installed("predict", "--symbols", "1301.T")
    assert evening.code == 0, evening.err
    assert [row for row in command.rows(STORED) if row[0] == "morning"] == stored
    assert "evening: none of them has been scored; morning: none of them has been scored" in evening.out
