"""Currencies, copper and the canaries of the simulated market."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.prices.instruments import CURRENCY_SYMBOLS
from miraikakaku_assets.simulator.prices.quotes import Quotes
from miraikakaku_assets.simulator.world.world import World

NOON = datetime(2026, 11, 20, 5, 2, 30, tzinfo=UTC)
EVENING = NOON.replace(hour=14)


def second(moment: datetime) -> int:
    return int(moment.timestamp())


def served(quotes: Quotes | None) -> Quotes:
    assert quotes is not None
    return quotes


@pytest.fixture(scope="module")
def world() -> World:
    return World(SimulatorConfig(), second(NOON))


def test_currencies_have_two_spellings_and_no_christmas_since_2025(world: World) -> None:
    for symbol in CURRENCY_SYMBOLS:
        assert len(served(world.quotes(symbol, second(NOON))).daily) > 700
    old, new = (served(world.quotes(name, second(NOON))).daily for name in ("JPY=X", "USDJPY=X"))
    assert np.array_equal(old.close, new.close)
    london = ZoneInfo("Europe/London")
    days = {f"{datetime.fromtimestamp(stamp, london):%Y-%m-%d}" for stamp in new.stamps.tolist()}
    assert {"2023-12-25", "2024-01-01", "2024-12-25", "2025-12-24", "2026-01-02"} <= days
    assert not {"2025-01-01", "2025-12-25", "2026-01-01"} & days


def test_the_currency_days_are_those_the_product_expects(world: World) -> None:
    stamps = served(world.quotes("USDJPY=X", second(EVENING.replace(day=21)))).daily.stamps.tolist()
    london = ZoneInfo("Europe/London")
    days = [datetime.fromtimestamp(stamp, london).date() for stamp in stamps]
    assert days == sessions_between("FX", days[0], days[-1])


def test_copper_costs_four_to_six_dollars_on_the_days_of_new_york(world: World) -> None:
    bars = served(world.quotes("HG=F", second(EVENING))).daily
    assert 3.5 < bars.close.min() < bars.close.max() < 6.8
    assert np.allclose(bars.close * 2_000, np.round(bars.close * 2_000))
    assert (bars.volume > 0).all()
    zone = ZoneInfo("America/New_York")
    moments = [datetime.fromtimestamp(stamp, zone) for stamp in bars.stamps.tolist()]
    assert {f"{moment:%H:%M}" for moment in moments} == {"00:00"}
    days = [moment.date() for moment in moments]
    assert days == sessions_between("XNYS", days[0], days[-1])


def test_the_canaries_are_known_in_the_smallest_world() -> None:
    tiny = World(SimulatorConfig(symbols=1, us_symbols=0), second(EVENING))
    for symbol in ("7203.T", "285A.T", "AAPL", "USDJPY=X", "HG=F"):
        assert len(served(tiny.quotes(symbol, second(EVENING))).daily) > 200
    assert tiny.symbols()["jp"] == ["7203.T"]
    assert not tiny.symbols()["us"]
