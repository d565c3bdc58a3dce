"""A universe that is added by the walk-through has what the others have, from its list to its coverage."""

import json
from pathlib import Path
from typing import Any

import pytest

from miraikakaku_assets_tests.walkthroughs.follow import Checkout, follow

pytestmark = pytest.mark.slow
_LIST = """date,code,name,market,type
2025-09-19,SAP,SAP SE,Prime Standard,stock
2025-09-19,EUNL,iShares Core MSCI World,Fonds,etf
"""
_DAYS = ("2025-09-22", "2025-09-23", "2025-09-24", "2025-09-25", "2025-09-26")
_DEFINITIONS = """
import json
from miraikakaku_assets.application.analysis.signal_message import pattern_message
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.markets.signal_alerts import DETAILS
definitions = build_defs()
print(json.dumps({
    "assets": [spec.key.to_user_string() for asset in definitions.assets for spec in asset.specs],
    "jobs": [job.name for job in definitions.jobs],
    "schedules": [schedule.name for schedule in definitions.schedules],
    "sensors": [sensor.name for sensor in definitions.sensors],
    "watched": Settings().watch_list("eu"),
    "message": pattern_message("eu", DETAILS | {"symbol": "SAP.DE", "close": 231.5})[1],
}))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return follow("Adding a universe", tmp_path_factory.mktemp("checkout"))


def test_what_the_others_have_follows_from_its_two_records(checkout: Checkout) -> None:
    built = json.loads(checkout.python("-c", _DEFINITIONS))

    message, watched = built.pop("message"), built.pop("watched")
    own = {kind: {name for name in built[kind] if name.startswith("eu")} for kind in built}
    tokyo = {
        kind: {name.replace("jp", "eu", 1) for name in built[kind] if name.startswith("jp")} for kind in own
    }
    tokyo["schedules"].remove("eu_morning")  # its record names one: Wall Street trades in Tokyo's night
    assert own == tokyo  # else Tokyo has all that there is
    nouns = ("stock_master", "prices_1d", "prices_5m", "indicators", "patterns", "predictions", "coverage")
    assert {f"eu/{noun}" for noun in nouns} <= own["assets"]
    assert {"eu_daily_job", "eu_cycle_job", "eu_master_job", "eu_coverage_job"} <= own["jobs"]
    assert own["schedules"] == {"eu_daily", "eu_intraday", "eu_master_update", "eu_training"}
    assert "価格: 231.5ユーロ\n" in message
    assert watched == ["SAP.DE"]  # no setting names them


def test_its_list_its_bars_and_their_coverage(checkout: Checkout, installed_url: str, tmp_path: Path) -> None:
    bars, issues = tmp_path / "bars" / "bars.csv", tmp_path / "xetra.csv"
    bars.parent.mkdir()
    issues.write_text(_LIST, encoding="utf-8")
    rows = [f"SAP.DE,{day},230,233,229,231.5,1000" for day in _DAYS]
    rows += [f"EUNL.DE,{day},100,101,99,100.5,500" for day in _DAYS[:-1]]
    bars.write_text("\n".join(["symbol,date,open,high,low,close,volume", *rows, ""]), encoding="utf-8")

    def command(*arguments: str) -> dict[str, Any]:
        printed = checkout.python(
            "-c", "from miraikakaku_assets.main import run; run()", *arguments, "--universe", "eu", "--json",
            DATABASE_URL=installed_url, MIRAIKAKAKU_HOME=str(tmp_path / "home"),
            MIRAIKAKAKU_NOW="2025-09-27T09:00:00+00:00",
            MIRAIKAKAKU_PRICE_SOURCE="archive", MIRAIKAKAKU_ARCHIVE_DIR=str(bars.parent),
        )  # fmt: skip
        return json.loads(printed)  # type: ignore[no-any-return]

    (listed,) = command("master", "update", "--file", str(issues))["stages"]
    stored = command("import", str(bars))
    (coverage,) = command("validate", "--since", _DAYS[0], "--until", _DAYS[-1])["stages"]

    assert (listed["added"], listed["partition_keys_added"], stored["inserted"]) == (2, 2, 9)
    assert (coverage["expected_bars"], coverage["stored_bars"], coverage["coverage"]) == (10, 9, 0.9)
    assert "their XETR sessions" in coverage["denominator"]
