"""A forecaster that is added by its walk-through keeps the contract, is trained, forecasts and is drawn."""

import json
from pathlib import Path

import pytest

from miraikakaku_assets_tests.walkthroughs.follow import Checkout, follow

CONTRACT = """
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.rebound import Rebound
from miraikakaku_assets_tests.support.forecasts.forecaster_contract import ForecasterContract


class TestRebound(ForecasterContract):
    many = 200

    def make(self) -> Forecaster:
        return Rebound()
"""

PROGRAM = """
import json, sys
from pathlib import Path
from miraikakaku_assets.adapters.charts import forecast_canvas
from miraikakaku_assets.adapters.charts.forecasts import fan_chart
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.settings import load_settings
from miraikakaku_assets_tests.support.forecasts.forecast_days import ORIGIN, Days

ports = Ports(load_settings())
models = [model for model in ports.forecasting.forecasters if model.name in ("random_walk", "rebound")]
days = Days(Database(sys.argv[1]), Path(sys.argv[2]))
days.deliver_history()
days.train(models)
report = days.predict(models)
stored = days.ports(models).prediction.store.predictions(JP, ORIGIN, ORIGIN, ["7203.T"])
seen = []
entries = forecast_canvas.legend
forecast_canvas.legend = lambda axes, row: (seen.extend(row), entries(axes, row))
history = stored.select(session="as_of", close="close").unique()
picture = fan_chart(history, stored, "7203.T", "JPY", looks=ports.forecasting.looks)
print(json.dumps({
    "made": report.made,
    "points": stored.filter(model="rebound").sort("horizon")["point"].to_list(),
    "legend": seen,
    "png": len(picture),
}))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return follow("Adding a forecaster", tmp_path_factory.mktemp("forecaster"))


@pytest.mark.slow
def test_it_keeps_the_contract(checkout: Checkout) -> None:
    test = "miraikakaku_assets_tests/unit/test_rebound.py"
    (checkout.folder / test).write_text(CONTRACT)
    checkout.pytest(test)


def test_it_is_trained_forecasts_and_is_drawn(checkout: Checkout, installed_url: str, tmp_path: Path) -> None:
    report = json.loads(checkout.python("-c", PROGRAM, installed_url, str(tmp_path)))
    assert report["made"]["rebound"] == report["made"]["random_walk"] > 0
    assert report["points"] == pytest.approx(
        [0.1 * -1 * -0.01005033585350145] * 5
    )  # each close is 0.99 of the last
    assert ["⬣ Rebound", "#0891b2"] in report["legend"]
    assert report["png"] > 1_000
