"""Adding a source by CONTRIBUTING.md, and its effects for users."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets_tests.support.markets.stored_market import listed
from miraikakaku_assets_tests.walkthroughs.follow import Checkout, follow

pytestmark = pytest.mark.slow
_COMMAND = "from miraikakaku_assets.main import run; run()"
_ASSETS = """
import json
from miraikakaku_assets.orchestration.build import build_defs
repository = build_defs().get_repository_def()
prices = {key.to_user_string(): repository.asset_graph.get(key) for key in repository.asset_graph.get_all_asset_keys()}
daily = prices["jp/prices_1d"]
print(json.dumps([sorted(daily.pools), sorted(daily.kinds), daily.description]))
"""
_REFUSAL = """
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.settings import load_settings
try:
    load_settings()
except ConfigurationError as error:
    print(error)
"""
_BARS = {
    "7203.T": "2025-09-29,2860,2875,2840,2850,1000\n2025-09-30,2850,2860,2830,2849.5,1200\n",
    "6758.T": "2025-09-30,4200,4260,4190,4259,900\n",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return follow("Adding a source", tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def chosen(tmp_path: Path) -> dict[str, str]:
    """Variables that name the source, and a folder with bars of two symbols."""
    for symbol, lines in _BARS.items():
        (tmp_path / f"{symbol}.csv").write_text(f"date,open,high,low,close,volume\n{lines}", encoding="utf-8")
    return {
        "MIRAIKAKAKU_PRICE_SOURCE": "csv_folder",
        "MIRAIKAKAKU_ARCHIVE_DIR": str(tmp_path),
        "MIRAIKAKAKU_HOME": str(tmp_path / "home"),
        "MIRAIKAKAKU_NOW": "2025-10-01T00:00:00+00:00",
        "HISTORY_START": "2025-09-01",
    }


def test_its_bars_are_stored_under_its_name(
    checkout: Checkout, chosen: dict[str, str], installed_url: str
) -> None:
    listed(Database(installed_url), "7203", "6758")

    collect = ("collect", "--universe", "jp", "--symbols", "7203.T,6758.T", "--json")
    done = json.loads(checkout.python("-c", _COMMAND, *collect, **chosen, DATABASE_URL=installed_url))

    assert (done["succeeded"], done["stages"][0]["rows_read"]) == (True, 3)
    query = """SELECT i.symbol, b.source, b.close FROM miraikakaku.price_bars b
               JOIN miraikakaku.instruments i ON i.id = b.instrument_id ORDER BY i.symbol, b.ts"""
    with create_engine(installed_url).connect() as connection:
        bars = [tuple(row) for row in connection.execute(text(query))]
    assert bars == [
        ("6758.T", "csv_folder", 4259.0),
        ("7203.T", "csv_folder", 2850.0),
        ("7203.T", "csv_folder", 2849.5),
    ]


def test_its_pool_and_kinds_are_on_the_assets_that_it_fills(
    checkout: Checkout, chosen: dict[str, str]
) -> None:
    pools, kinds, description = json.loads(checkout.python("-c", _ASSETS, **chosen))

    assert (pools, kinds) == (["csv_folder"], ["csv", "postgres"])
    assert "a folder of CSV files" in description


def test_a_source_that_is_not_registered_is_refused_with_those_that_are(checkout: Checkout) -> None:
    refused = checkout.python("-c", _REFUSAL, MIRAIKAKAKU_PRICE_SOURCE="nowhere")

    assert refused.startswith("MIRAIKAKAKU_PRICE_SOURCE: ")
    assert all(f"'{name}'" in refused for name in ("yahoo", "archive", "csv_folder"))
