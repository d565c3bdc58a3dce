"""Bulk jobs as runs: accepted over HTTP, launched by the sensor, held between symbols, gone on with by another run."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
from websockets.sync.client import connect

from miraikakaku_assets.adapters.sources.yahoo import fetcher
from miraikakaku_assets.adapters.sources.yahoo import source as yahoo
from miraikakaku_assets.application.ports.jobs import JobState
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets_tests.support.api import Api, served
from miraikakaku_assets_tests.support.installations.installation import SYMBOLS, Installation
from miraikakaku_assets_tests.support.patience import until

pytestmark = pytest.mark.slow


@pytest.fixture
def api(listed_market: Installation) -> Iterator[Api]:
    with served(listed_market.ports) as running:  # its Dagster does not answer
        yield running


def due(site: Installation) -> list[dg.RunRequest]:
    """What the sensor launches at this moment."""
    repository = site.definitions.get_repository_def()
    with dg.build_sensor_context(
        instance=site.instance, repository_def=repository, resources={"ports": PortsResource()}
    ) as context:
        return list(repository.get_sensor_def("bulk_jobs_due").evaluate_tick(context).run_requests or ())


def launched(site: Installation) -> dg.RunRequest:
    """The one launch of the sensor, once the API has given up its own."""
    (launch,) = until(lambda: due(site))
    return launch


def do(site: Installation, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """A run that was asked for, as the daemon would do it."""
    return site.run("bulk_job", config=dict(request.run_config), tags=dict(request.tags))


def started(api: Api, *symbols: str, **options: str) -> str:
    answer = api.post("/api/bulk/start", json={"symbols": list(symbols), **options})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def shown(api: Api, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = api.get(f"/api/bulk/status/{job_id}").json()["job"]
    return job


def after(
    deliveries: int, ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch, site: Installation
) -> None:
    """Asks for something while a run is at work, after so many of its deliveries."""
    entered, add = 0, site.ports.stores.ledger.add

    def adding(*args: Any, **options: Any) -> None:
        nonlocal entered
        add(*args, **options)
        entered += 1
        if entered == deliveries:
            ask()

    monkeypatch.setattr(site.ports.stores.ledger, "add", adding)


def one_by_one(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries of one symbol each."""
    slow = site.ports.settings.model_copy(update={"batch_size": 1, "max_workers": 1})
    monkeypatch.setattr(type(site.ports), "settings", property(lambda _ports: slow), raising=False)
    monkeypatch.setattr(yahoo, "_LARGEST_DELIVERY", 1)
    monkeypatch.setattr(fetcher, "_TOGETHER", 1)


def test_an_accepted_job_is_launched_by_the_sensor_and_completed(
    api: Api, listed_market: Installation
) -> None:
    job_id = started(api, *SYMBOLS, "9999.T", period="1mo")
    launch = launched(listed_market)

    run = do(listed_market, launch)

    assert not run.success  # one symbol failed, and the run says so
    job = shown(api, job_id)
    assert job["status"] == "completed"
    assert job["progress"] == {
        "total": 8, "processed": 8, "successful": 7, "failed": 1, "progress_percentage": 100.0,
    }  # fmt: skip
    assert job["summary"] == {
        "total_symbols": 8,
        "successful": 7,
        "failed": 1,
        "duration_seconds": job["summary"]["duration_seconds"],
    }
    assert job["unknown_symbols"] == ["9999.T"]
    assert len(listed_market.materialized(run.run_id)) == 7
    manifest = api.get(f"/api/bulk/manifest/{job_id}").json()
    verdicts = {row["symbol"]: row["verdict"] for row in manifest["results"]}
    assert verdicts == dict.fromkeys(SYMBOLS, "ok") | {"9999.T": "not_in_master"}
    assert due(listed_market) == []


def test_two_runs_of_one_job_do_it_once(api: Api, listed_market: Installation) -> None:
    job_id = started(api, SYMBOLS[0])
    launch = launched(listed_market)
    assert due(listed_market) == []  # the launch is taken

    assert do(listed_market, launch).success
    second = do(listed_market, launch)

    assert second.success
    assert listed_market.materialized(second.run_id) == []
    assert shown(api, job_id)["progress"]["processed"] == 1


def test_a_paused_job_stays_so_and_goes_on_in_another_run_with_what_is_left(
    api: Api, listed_market: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = started(api, *SYMBOLS)
    launch = launched(listed_market)
    with connect(f"{api.web_socket}/ws/bulk/{job_id}") as socket, monkeypatch.context() as patch:
        one_by_one(listed_market, patch)
        after(2, lambda: api.post(f"/api/bulk/pause/{job_id}"), patch, listed_market)

        assert do(listed_market, launch).success

        messages = [json.loads(socket.recv())]
        while messages[-1]["status"] != "paused":
            messages.append(json.loads(socket.recv()))
    paused = shown(api, job_id)
    assert (paused["status"], paused["progress"]["processed"]) == ("paused", 2)
    assert [message["batch_id"] for message in messages] == [job_id] * len(messages)
    assert messages[-1]["progress"] | {"percentage": 28.57} == {
        "total": 7, "processed": 2, "successful": 2, "failed": 0, "percentage": 28.57,
    }  # fmt: skip
    assert due(listed_market) == []
    assert listed_market.ports.stores.ledger.paused() == []  # `resume_paused` leaves it alone

    assert api.post(f"/api/bulk/resume/{job_id}").json()["message"] == "再開を受け付けました"
    launch = launched(listed_market)
    run = do(listed_market, launch)

    assert run.success
    assert len(listed_market.materialized(run.run_id)) == 5
    job = shown(api, job_id)
    assert (job["status"], job["progress"]["processed"], job["summary"]["successful"]) == ("completed", 7, 7)
    with connect(f"{api.web_socket}/ws/bulk/{job_id}") as socket:  # a late client hears of the end at once
        assert json.loads(socket.recv())["status"] == "completed"


def test_a_stopped_job_ends_between_symbols(
    api: Api, listed_market: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = started(api, *SYMBOLS)
    launch = launched(listed_market)
    one_by_one(listed_market, monkeypatch)
    after(3, lambda: api.post(f"/api/bulk/stop/{job_id}"), monkeypatch, listed_market)

    assert do(listed_market, launch).success

    job = shown(api, job_id)
    assert (job["status"], job["progress"]["processed"]) == ("cancelled", 3)
    assert due(listed_market) == []


def test_a_job_that_no_run_has_is_closed_when_it_is_stopped(api: Api, listed_market: Installation) -> None:
    job_id = started(api, *SYMBOLS)
    launch = launched(listed_market)
    api.post(f"/api/bulk/stop/{job_id}")

    assert due(listed_market) == []
    assert shown(api, job_id)["status"] == "cancelled"
    assert do(listed_market, launch).success  # it was in the queue; it has nothing to do
    assert shown(api, job_id)["progress"]["processed"] == 0


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_job_whose_run_died_is_taken_back(api: Api, listed_market: Installation, state: str) -> None:
    job_id = started(api, *SYMBOLS)
    launch = launched(listed_market)
    queue = listed_market.ports.stores.job_queue
    assert queue.take(job_id, "killed") is not None  # the run took it, and was killed
    if state == "paused":
        api.post(f"/api/bulk/pause/{job_id}")

    assert due(listed_market) == []
    assert shown(api, job_id)["status"] == state
    assert api.rows("SELECT run_id FROM miraikakaku.bulk_jobs") == [(None,)]
    if state == "paused":
        api.post(f"/api/bulk/resume/{job_id}")
    else:
        api.execute("UPDATE miraikakaku.bulk_jobs SET launch_due_at = now()")  # its pause is over
    launch = launched(listed_market)
    assert do(listed_market, launch).success
    assert shown(api, job_id)["status"] == "completed"


def test_who_cancels_the_run_cancels_the_job(api: Api, listed_market: Installation) -> None:
    job_id = started(api, *SYMBOLS)
    launched(listed_market)
    run = dg.DagsterRun("bulk_job", run_id="cancelled-in-the-web-ui", status=dg.DagsterRunStatus.CANCELED)
    listed_market.instance.add_run(run)
    assert listed_market.ports.stores.job_queue.take(job_id, run.run_id) is not None

    assert due(listed_market) == []
    assert shown(api, job_id)["status"] == "cancelled"


def test_a_job_that_never_comes_forward_is_given_up(api: Api, listed_market: Installation) -> None:
    job_id = started(api, *SYMBOLS)
    launched(listed_market)
    api.execute("UPDATE miraikakaku.bulk_jobs SET attempts = 8, launch_due_at = now()")

    assert due(listed_market) == []

    job = shown(api, job_id)
    assert (job["status"], job["progress"]["processed"]) == ("failed", 0)
    assert "8 times" in job["error_message"]
    assert listed_market.ports.stores.job_queue.finish(job_id, JobState.COMPLETED) is None  # it has ended
