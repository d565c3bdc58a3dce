"""The web UI and the daemon: what an operator starts there is what the command line does."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
import pytest

from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.databases import INSTALLED, fresh_database
from miraikakaku_assets_tests.support.free_port import free_port
from miraikakaku_assets_tests.support.installations.command_line import command_in
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow

LAUNCH = """
mutation ($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
PARTITIONS = """
query {
  assetNodeOrError(assetKey: {path: ["jp", "prices_1d"]}) {
    ... on AssetNode { partitionStats { numMaterialized numPartitions numFailed } }
  }
}"""


class WebUI:
    """Dagster's web UI, asked as the browser asks it."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(self._address, body, {"Content-Type": "application/json"})  # noqa: S310
        with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            document: dict[str, Any] = json.load(answer)
        assert "errors" not in document, document["errors"]
        data: dict[str, Any] = document["data"]
        return data

    def launch(self, job: str, tags: dict[str, str]) -> str:
        selector = {
            "repositoryLocationName": "miraikakaku_assets",
            "repositoryName": "__repository__",
            "jobName": job,
        }
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        parameters = {"selector": selector, "runConfigData": {}, "executionMetadata": metadata}
        launched = self.ask(LAUNCH, parameters=parameters)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run: str) -> str:
        return str(self.ask(STATUS, run=run)["runOrError"]["status"])


def wait_for(what: Callable[[], Any]) -> Any:
    def look() -> Any:
        try:
            return what()
        except URLError:  # it is not listening yet
            return None

    return until(look, pause=0.2)


@pytest.fixture(scope="module")
def command(
    quiet_exchange: Simulated, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Command]:
    """One installation for all of these tests: services take their time to come and go."""
    with fresh_database(server_url, INSTALLED) as url:
        yield command_in(tmp_path_factory.mktemp("services"), url, quiet_exchange)


@pytest.fixture(scope="module")
def ui(command: Command) -> Iterator[WebUI]:
    """`miraikakaku up` over an installation with a master; it has to stop in order."""
    assert command("master", "update").code == 0
    port = free_port()
    api_port = free_port()
    dashboard_port = free_port()
    services = command.start("up", "--port", port, "--api-port", api_port, "--dashboard-port", dashboard_port)
    try:
        page = WebUI(port)
        wait_for(lambda: page.ask("{ version }"))
        started = psutil.Process(services.pid).children(recursive=True)
        yield page
    finally:
        services.send_signal(signal.SIGINT)
        output, errors = services.communicate(timeout=PATIENCE)
    assert services.returncode == 0, output + errors
    assert f"web UI on http://127.0.0.1:{port}" in output
    assert f"REST API on http://127.0.0.1:{api_port}" in output
    assert f"dashboard on http://127.0.0.1:{dashboard_port}" in output
    assert [process for process in started if is_alive(process)] == []


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def ended(ui: WebUI, run: str) -> str | None:
    """How a run ended, None while it goes on."""
    status = ui.status(run)
    return status if status in {"SUCCESS", "FAILURE", "CANCELED"} else None


def partition_keys(command: Command, partitions: str) -> list[str]:
    query = "SELECT partition FROM dagster.dynamic_partitions WHERE partitions_def_name = '{}' ORDER BY id"
    return [key for (key,) in command.rows(query.format(partitions))]


def whole_market(command: Command) -> dict[str, str]:
    """Tags of a run over all keys."""
    keys = partition_keys(command, "jp_symbols")
    return {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}


@pytest.mark.usefixtures("ui")
def test_what_the_settings_name_has_its_keys_before_anything_has_run(command: Command) -> None:
    assert partition_keys(command, "copper_contracts") == ["HG=F", "LME-CU-3M", "LME-CU-CASH"]
    assert "USDJPY=X" in partition_keys(command, "fx_pairs")


def test_what_was_started_beats_and_a_health_check_asks_it(ui: WebUI, command: Command) -> None:
    beats = "SELECT service FROM miraikakaku.service_heartbeats WHERE state = 'running' AND address <> '' ORDER BY 1"
    wait_for(lambda: command.rows(beats) == [("api",), ("dashboard",), ("web_ui",)])

    ended = command("health", "--json")

    figures = {figure["resource"]: figure for figure in ended.document["figures"]}
    assert figures["api_response"]["value"] > 0
    assert figures["services"]["value"] >= 0


def test_a_range_launched_in_the_web_ui_shows_each_symbol_with_its_own_status(
    ui: WebUI, command: Command, exchange: Simulated
) -> None:
    exchange.set_faults("404@7203.T")
    run = ui.launch("jp_prices_job", whole_market(command))

    assert wait_for(lambda: ended(ui, run)) == "FAILURE"
    stats = ui.ask(PARTITIONS)["assetNodeOrError"]["partitionStats"]
    # 25935.T has no bar: in a run that failed its key is red, too.
    assert stats == {"numPartitions": 8, "numMaterialized": 6, "numFailed": 2}
    batch = f"SELECT status, successful_stocks, failed_stocks FROM miraikakaku.batch_executions WHERE run_id = '{run}'"
    assert command.rows(batch) == [("failed", 7, 1)]


def test_a_run_whose_process_is_killed_is_closed_and_done_again_by_the_daemon(
    ui: WebUI, command: Command, exchange: Simulated
) -> None:
    exchange.set_faults("latency=1s")
    killed = ui.launch("jp_prices_job", whole_market(command))
    process = (
        f"SELECT value FROM dagster.run_tags WHERE run_id = '{killed}' AND key LIKE '%%miraikakaku_process'"
    )
    batches = "SELECT run_id, status FROM miraikakaku.batch_executions ORDER BY id"
    wait_for(lambda: (killed, "running") in command.rows(batches))

    os.kill(int(command.rows(process)[0][0].split()[1]), signal.SIGKILL)
    exchange.set_faults()

    retries = (
        f"SELECT run_id FROM dagster.run_tags WHERE key = 'dagster/parent_run_id' AND value = '{killed}'"
    )
    ((retry,),) = wait_for(lambda: command.rows(retries))
    assert wait_for(lambda: ended(ui, retry)) == "SUCCESS"
    assert ui.status(killed) == "FAILURE"
    stats = ui.ask(PARTITIONS)["assetNodeOrError"]["partitionStats"]
    # Once failed, the key of a symbol without bars stays so until there is one.
    assert stats == {"numPartitions": 8, "numMaterialized": 7, "numFailed": 1}
    assert command("master", "update").code == 0  # whatever starts next closes the batch that was left
    assert command.rows(batches)[-2:] == [(killed, "failed"), (retry, "completed")]


def test_a_service_that_dies_is_started_again(command: Command, ui: WebUI) -> None:
    def running(module: str) -> list[psutil.Process]:
        mine = psutil.Process().children(recursive=True)
        return [process for process in mine if is_alive(process) and module in " ".join(process.cmdline())]

    def another(module: str, than: psutil.Process) -> bool:
        return any(process.pid != than.pid for process in running(module))

    seen = time.monotonic()
    for module in ("dagster_webserver", "dagster._daemon", "miraikakaku_assets.faces.api"):
        (before,) = running(module)
        # What dies younger than five seconds is given up, by the clock of the process that watches.
        time.sleep(max(0.0, seen + 5 - time.monotonic()))
        before.kill()
        wait_for(partial(another, module, before))
    wait_for(lambda: ui.ask("{ version }"))

    run = ui.launch("jp_prices_job", whole_market(command))

    assert wait_for(lambda: ended(ui, run)) == "SUCCESS"
