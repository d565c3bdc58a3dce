"""The figures that are drawn."""

from collections.abc import Callable
from typing import Any

import pytest

from miraikakaku_assets.adapters.charts import calibration, leaderboard
from miraikakaku_assets.adapters.charts import forecasts as forecast_charts


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
