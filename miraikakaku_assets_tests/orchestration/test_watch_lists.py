"""Watch lists: what the settings name is collected, no more and no less, also after the list has changed."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from miraikakaku_assets import bootstrap
from miraikakaku_assets.application.commands import CollectCommand
from miraikakaku_assets.application.stage_reports import PriceTotals
from miraikakaku_assets.application.stage_runs import StageRun
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe
from miraikakaku_assets.orchestration.launch import Launcher
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets_tests.support.installations.installation import Installation, listed

TOKYO_NOON = datetime(2025, 11, 25, 1, 0, tzinfo=UTC)  # Tuesday 10:00 in Tokyo
SUNDAY = datetime(2025, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def market(installation: Installation) -> Installation:
    assert installation.update_master(listed(["7203", "1301", "9984"])).success
    return installation


def collected(market: Installation, watched: str) -> StageRun[PriceTotals]:
    with market.told(jp_watch_list=watched):
        return Launcher(bootstrap.ports()).run(JP, str(uuid4()), CollectCommand(timeframe=Timeframe.M5))


def keys(market: Installation) -> list[str]:
    return list(market.instance.get_dynamic_partitions("jp_intraday"))


def requested(market: Installation) -> list[str]:
    newest = "(SELECT max(id) FROM miraikakaku.batch_executions)"
    query = (
        f"SELECT symbol FROM miraikakaku.data_collection_log WHERE batch_execution_id = {newest} ORDER BY 1"
    )
    return [symbol for (symbol,) in market.rows(query)]


def test_a_list_that_has_shrunk_is_asked_for_less(market: Installation) -> None:
    assert collected(market, "7203.T,9984.T").succeeded
    assert requested(market) == ["7203.T", "9984.T"]

    assert collected(market, "1301.T").succeeded

    assert requested(market) == ["1301.T"]
    assert keys(market) == ["7203.T", "9984.T", "1301.T"]  # a key stays with its history


def test_a_symbol_that_no_master_knows_fails_by_name_and_leaves_no_key(market: Installation) -> None:
    outcome = collected(market, "7203.T,4321.T")

    assert not outcome.succeeded
    assert outcome.report is not None
    assert outcome.report.verdicts["not_in_master"] == 1
    assert keys(market) == ["7203.T"]
    assert collected(market, "7203.T").succeeded


def test_an_empty_list_collects_nothing_and_says_so(market: Installation) -> None:
    outcome = collected(market, "")

    assert (outcome.succeeded, outcome.exit_code) == (False, 1)
    assert (outcome.error or "").startswith("No symbol of jp was asked for")


def tick(market: Installation, schedule: str, at: datetime) -> Any:
    repository = market.definitions.get_repository_def()
    with dg.build_schedule_context(
        instance=market.instance,
        scheduled_execution_time=at,
        repository_def=repository,
        resources={"ports": PortsResource()},
    ) as context:
        return repository.get_schedule_def(schedule).evaluate_tick(context)


def test_while_an_exchange_trades_its_list_is_asked_for_every_five_minutes(market: Installation) -> None:
    at_the_exchange = TOKYO_NOON.astimezone(ZoneInfo(JP.time_zone))  # as Dagster hands it over
    with market.told(jp_watch_list="7203.T"):
        (request,) = tick(market, "jp_intraday", at_the_exchange).run_requests
        closed = tick(market, "jp_intraday", SUNDAY)

    assert request.run_config["ops"]["jp_cycle_op"]["config"] == {"symbols": ["7203.T"]}
    assert closed.skip_message == "The market of jp is closed."
    assert (
        tick(market, "jp_intraday", TOKYO_NOON).skip_message
        == "The watch list JP_WATCH_LIST names no symbol."
    )


def test_currency_pairs_are_asked_for_while_currencies_trade(market: Installation) -> None:
    (request,) = tick(market, "fx_cycle", TOKYO_NOON).run_requests

    pairs = request.run_config["ops"]["fx_cycle_op"]["config"]["symbols"]
    assert pairs == list(market.ports.settings.named_symbols("fx"))
    assert set(pairs) <= set(market.instance.get_dynamic_partitions(FX.partitions))
    assert tick(market, "fx_cycle", SUNDAY).skip_message == "The market of fx is closed."
