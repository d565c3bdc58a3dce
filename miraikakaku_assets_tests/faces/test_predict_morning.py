"""Tokyo's morning from the command line: collected by its own commands, forecast at eight, beside the evening."""

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


@pytest.fixture(scope="module")
def quiet_exchange() -> Iterator[Simulated]:
    with simulated(symbols=30, us_symbols=30, now=EIGHT) as running:
        yield running


def test_a_morning_is_forecast_after_its_night_and_beside_the_evening(command: Command) -> None:
    long = command.with_(HISTORY_START=sessions_back("XTKS", ORIGIN, 150).isoformat())
    for universe in ("jp", "us", "copper"):
        if universe != "copper":
            assert long("master", "update", "--universe", universe).code == 0
        collected = long("collect", "--universe", universe)
        print(universe, collected.code, collected.out[-300:], collected.err[-300:])

    morning = long("predict", "--universe", "jp", "--morning", "--json")
    print(morning)
    shown = long("predict", "--universe", "jp", "--morning")
    print(shown.out, shown.err)
    evening = long("predict", "--universe", "jp", "--limit", "3")
    print(evening.out, evening.err)
    print(command.rows("SELECT clock, model, inputs, count(*), count(point), min(as_of) FROM miraikakaku.daily_predictions GROUP BY 1,2,3 ORDER BY 1,2,3"))
    assert False
