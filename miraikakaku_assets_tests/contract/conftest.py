"""A database with today's tables, fresh for each test, and the figures that are drawn."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from miraikakaku_assets.adapters.charts import calibration, leaderboard
from miraikakaku_assets.adapters.charts import forecasts as forecast_charts
from miraikakaku_assets.adapters.storage.engine import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)  # the tables are there, see `database_url`
    yield opened
    opened.close()


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every figure that is turned into a PNG, which it still is."""
    seen: list[Any] = []
    for module in (forecast_charts, calibration, leaderboard):
        draw = module.as_png

        def keep(figure: Any, draw: Callable[[Any], bytes] = draw) -> bytes:
            seen.append(figure)
            return draw(figure)

        monkeypatch.setattr(module, "as_png", keep)
    return seen
