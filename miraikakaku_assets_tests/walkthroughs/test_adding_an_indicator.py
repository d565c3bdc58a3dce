"""An indicator that is added by its walk-through has its column, its values and its words everywhere."""

import json
from datetime import date

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import FX, Timeframe
from miraikakaku_assets_tests.support.markets.analysed_market import currencies, opens, utc, walk
from miraikakaku_assets_tests.walkthroughs.follow import Checkout, follow

NOW = utc(2025, 6, 29)
BARS = walk("USDJPY=X", opens(FX, date(2025, 1, 2), date(2025, 6, 27)), FX, 1, 0.01)

# Upgrades, compares tables and code, stores the same bars, computes all of them anew, and says what is stored.
PROGRAM = """
import json, sys
from datetime import date
from alembic import command
from miraikakaku_assets.adapters.storage import migrate
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import FX, Timeframe
from miraikakaku_assets.orchestration.analysis.assets import derived_specs
from miraikakaku_assets_tests.support.indicator_page import indicator_table
from miraikakaku_assets_tests.support.markets.analysed_market import currencies, opens, utc, walk
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

database = Database(sys.argv[1])
migrate.upgrade(database)
with database.engine.connect() as connection:
    command.check(migrate.alembic_config(connection))
market = currencies(database, "USDJPY=X", now=utc(2025, 6, 29))
market.deliver(Timeframe.D1, walk("USDJPY=X", opens(FX, date(2025, 1, 2), date(2025, 6, 27)), FX, 1, 0.01))
market.analyze(Timeframe.D1, full_refresh=True)
schema = derived_specs(FX, Timeframe.D1)[-1].metadata["dagster/column_schema"]
descriptions = {column.name: column.description for column in schema.columns}
print(json.dumps({
    "stored": rows_of(database, "technical_indicators WHERE timeframe = '1d'", "roc_10, sma_5", "ts"),
    "description": descriptions["roc_10"],
    "page": indicator_table(),
}))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return follow("Adding an indicator", tmp_path_factory.mktemp("indicator"))


def analysed_before(url: str) -> None:
    """Leaves a database whose bars were analysed when there was no such indicator."""
    database = Database(url)
    market = currencies(database, "USDJPY=X", now=NOW)
    market.deliver(Timeframe.D1, BARS)
    assert market.analyze(Timeframe.D1).indicators
    database.close()


def check(checkout: Checkout, url: str) -> None:
    """Of a database, after the program."""
    report = json.loads(checkout.python("-c", PROGRAM, url).splitlines()[-1])
    closes = [bar["close"] for bar in BARS]
    golden = [(now / then - 1) * 100 for then, now in zip(closes, closes[10:], strict=False)]
    values = [value for value, _ in report["stored"]]
    assert values[:10] == [None] * 10
    assert values[10:] == pytest.approx(golden, rel=1e-9)
    assert [value is None for _, value in report["stored"]] == [True] * 4 + [False] * (len(BARS) - 4)
    assert report["description"] == "Change over 10 bars in per cent; null until warmed up"
    assert "| `roc_10` | change over 10 bars in per cent | 11 |" in report["page"]


def test_a_new_database_has_it(checkout: Checkout, database_url: str) -> None:
    check(checkout, database_url)


def test_a_database_that_was_analysed_without_it_has_it(checkout: Checkout, installed_url: str) -> None:
    analysed_before(installed_url)
    check(checkout, installed_url)
