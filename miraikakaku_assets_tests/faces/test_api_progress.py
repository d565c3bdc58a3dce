"""Live progress over WebSocket and server-sent events, on what the database itself tells."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from miraikakaku_assets.faces.api import progress
from miraikakaku_assets.faces.api.progress import Progress, Watcher
from miraikakaku_assets_tests.support.api import Api, serving
from miraikakaku_assets_tests.support.patience import PATIENCE

TOYOTA, SONY = ("jp", "7203", "7203.T", "トヨタ自動車"), ("jp", "6758", "6758.T", "ソニーグループ")
MANY = 100
TRY_AGAIN_LATER = 1013


@pytest.fixture
def api(tmp_path: Path, installed_url: str) -> Iterator[Api]:
    with serving(tmp_path, installed_url) as running:
        running.list_issues(TOYOTA, SONY)
        yield running


def at_work(api: Api) -> str:
    """A job that a run has taken, with a collection in the ledger."""
    job_id: str = api.post("/api/bulk/start", json={"symbols": ["7203.T", "6758.T"]}).json()["job_id"]
    assert api.ports.stores.job_queue.take(job_id, "run") is not None
    api.execute(
        "INSERT INTO miraikakaku.batch_executions"
        " (id, batch_type, status, universe, timeframe, source, run_id, total_stocks)"
        " VALUES (1, 'partial', 'running', 'jp', '1d', 'yahoo', 'run', 2)"
    )
    api.execute(
        "INSERT INTO miraikakaku.run_progress (batch_execution_id, run_id, status, total)"
        " VALUES (1, 'run', 'running', 2)"
    )
    return job_id


def move(api: Api, **figures: object) -> None:
    """The ledger moves the progress."""
    values = ", ".join(f"{name} = {value}" for name, value in figures.items())
    api.execute(f"UPDATE miraikakaku.run_progress SET {values}, updated_at = clock_timestamp()")


def watching(api: Api, job_id: str) -> ClientConnection:
    return connect(f"{api.web_socket}/ws/bulk/{job_id}", open_timeout=PATIENCE)


def test_the_message_is_that_of_the_specification(api: Api) -> None:
    job_id = at_work(api)
    move(
        api, processed=1, successful=1, records=50, symbols_per_minute=45.2, records_per_minute=2250.4,
        current_symbols="'{6758.T}'",
    )  # fmt: skip

    with watching(api, job_id) as socket:
        message = json.loads(socket.recv())

    assert message == {
        "batch_id": job_id,
        "status": "running",
        "progress": {"total": 2, "processed": 1, "successful": 1, "failed": 0, "percentage": 50.0},
        "current_processing": ["6758"],
        "estimated_completion": message["estimated_completion"],
        "throughput": {"stocks_per_minute": 45, "records_per_minute": 2250},
    }
    assert message["estimated_completion"].endswith("Z")


def test_a_hundred_moves_are_a_few_messages_and_a_change_of_state_is_one_at_once(api: Api) -> None:
    job_id = at_work(api)
    with watching(api, job_id) as socket:
        assert json.loads(socket.recv())["progress"]["processed"] == 0
        for records in range(MANY):
            move(api, processed=1, records=records, symbols_per_minute=1 + records)
        api.post(f"/api/bulk/pause/{job_id}")
        messages = [json.loads(socket.recv())]
        while messages[-1]["status"] != "paused":
            messages.append(json.loads(socket.recv()))
        api.ports.stores.job_queue.finish(job_id, None)
        messages += [json.loads(text) for text in socket]  # until the server closes it

    assert len(messages) < MANY / 2
    assert messages[-1]["status"] == "failed"  # not one symbol was successful


def test_a_lost_connection_of_the_database_is_made_again(api: Api) -> None:
    job_id = at_work(api)
    with watching(api, job_id) as socket:
        assert json.loads(socket.recv())["progress"]["processed"] == 0
        api.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        move(api, processed=1, successful=1)
        while json.loads(socket.recv(PATIENCE))["progress"]["processed"] != 1:
            pass
    assert api.get(f"/api/bulk/status/{job_id}").status_code == 200


def test_many_watch_and_each_hears_of_the_end(api: Api) -> None:
    job_id = at_work(api)
    with ExitStack() as stack, ThreadPoolExecutor(20) as pool:
        sockets = list(pool.map(lambda _: stack.enter_context(watching(api, job_id)), range(MANY)))
        assert {json.loads(text)["status"] for text in pool.map(ClientConnection.recv, sockets)} == {
            "running"
        }
        assert f"miraikakaku_api_watchers {MANY}" in api.get("/metrics").text
        move(api, processed=2, successful=2)
        api.ports.stores.job_queue.finish(job_id, None)
        last = list(pool.map(lambda socket: json.loads(list(socket)[-1]), sockets))

    assert {message["status"] for message in last} == {"completed"}
    assert "miraikakaku_api_watchers 0" in api.get("/metrics").text


def test_server_sent_events_are_the_same_and_spare_what_a_client_has(api: Api) -> None:
    job_id = at_work(api)
    move(api, processed=2, successful=2)
    api.ports.stores.job_queue.finish(job_id, None)

    first = api.get(f"/api/bulk/events/{job_id}")
    (number,) = [text.removeprefix("id: ") for text in first.text.splitlines() if text.startswith("id: ")]
    (data,) = [text.removeprefix("data: ") for text in first.text.splitlines() if text.startswith("data: ")]
    again = api.get(f"/api/bulk/events/{job_id}", headers={"Last-Event-ID": number})

    assert first.headers["Content-Type"].startswith("text/event-stream")
    with watching(api, job_id) as socket:
        assert json.loads(socket.recv()) == json.loads(data)
    assert json.loads(data)["status"] == "completed"
    assert again.text == "retry: 2000\n\n"
    assert api.get("/api/bulk/events/job-1").status_code == 404


@pytest.mark.slow
def test_a_client_that_takes_nothing_is_dropped_and_nobody_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_BEHIND", 2)
    job_id = at_work(api)
    move(api, current_symbols="array_fill(repeat('7', 30), ARRAY[60000])")  # two megabytes a message
    address = f"{api.web_socket}/ws/bulk/{job_id}"
    with (
        connect(address, open_timeout=PATIENCE, max_queue=1, max_size=None, compression=None) as slow,
        connect(address, open_timeout=PATIENCE, max_size=None, compression=None) as quick,
    ):
        assert json.loads(quick.recv(PATIENCE))["status"] == "running"
        state, verb = "paused", "pause"
        while "miraikakaku_api_watchers 2" in api.get("/metrics").text:
            api.post(f"/api/bulk/{verb}/{job_id}")
            while json.loads(quick.recv(PATIENCE))["status"] != state:
                pass
            state, verb = ("running", "resume") if verb == "pause" else ("paused", "pause")
        with pytest.raises(ConnectionClosedError):
            list(slow)  # it takes them now, as far as they were kept for it
        assert slow.close_code == TRY_AGAIN_LATER
        api.ports.stores.job_queue.finish(job_id, None)
        assert json.loads(list(quick)[-1])["status"] == "failed"


async def _offered(watcher: Watcher) -> list[bool]:
    return [watcher.offer(Progress(number, "{}", is_last=False)) for number in range(9)]


def test_who_does_not_take_his_messages_is_dropped() -> None:
    import asyncio

    watcher = Watcher()
    assert asyncio.run(_offered(watcher)) == [True] * 8 + [False]
