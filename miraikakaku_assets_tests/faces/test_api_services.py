"""A client that knows the specification only, against `miraikakaku up`: start to completion over kills of all of it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import psutil
import pytest
from websockets.sync.client import connect

from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.free_port import free_port
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow
KEY = "a-key-of-a-client"
SYMBOLS = ["7203.T", "6758.T", "9984.T", "1301.T", "1306.T", "8951.T"]


@contextmanager
def everything(command: Command, port: int, *, are_killed: bool = False) -> Iterator[httpx.Client]:
    """All servers of `up`, and a client of the API; stopped by Ctrl-C, or killed with all that they have started."""
    services = command.start("up", "--port", free_port(), "--api-port", port, "--dashboard-port", free_port())
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"X-API-KEY": KEY}, timeout=PATIENCE
        ) as client:
            until(lambda: is_well(client), pause=0.5)
            yield client
    finally:
        if are_killed:
            kill(services)
        else:
            services.send_signal(signal.SIGINT)
        output, errors = services.communicate(timeout=PATIENCE)
    assert services.returncode == (-signal.SIGKILL if are_killed else 0), output + errors
    assert KEY not in output + errors


def kill(services: subprocess.Popen[str]) -> None:
    """Kills API, daemon, web server, their code servers and the runs, none of which can do anything about it."""
    supervisor = psutil.Process(services.pid)
    processes = [supervisor, *supervisor.children(recursive=True)]
    words = list[str]()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            words += process.cmdline()
            process.kill()
    assert {"miraikakaku_assets.faces.api", "dagster._daemon", "dagster_webserver"} <= set(words)
    assert psutil.wait_procs(processes[1:], PATIENCE)[1] == []


def is_well(client: httpx.Client) -> bool:
    try:
        return bool(client.get("/health").json()["status"] == "healthy")
    except httpx.TransportError:
        return False


def status(client: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = client.get(f"/api/bulk/status/{job_id}").json()["job"]
    return job


def test_a_job_from_start_to_completion_over_kills_of_every_server(
    command: Command, exchange: Simulated
) -> None:
    assert command("master", "update").code == 0
    port = free_port()
    slowly = command.with_(
        API_KEY=KEY, RATE_LIMIT_PER_MINUTE=100_000, REQUESTS_PER_SECOND=1, BURST_LIMIT=1, MAX_WORKERS=1
    )
    watching = {"X-API-KEY": KEY}
    exchange.set_faults("latency=2s")
    with everything(slowly, port, are_killed=True) as client:
        started = client.post("/api/bulk/start", json={"symbols": SYMBOLS, "interval": "1d", "period": "1mo"})
        assert started.status_code == 202
        job_id = started.json()["job_id"]
        with connect(f"ws://127.0.0.1:{port}/ws/bulk/{job_id}", additional_headers=watching) as socket:
            message = json.loads(socket.recv(PATIENCE))
            while message["progress"]["processed"] == 0:
                message = json.loads(socket.recv(PATIENCE))
            assert set(message) == {
                "batch_id", "status", "progress", "current_processing", "estimated_completion", "throughput",
            }  # fmt: skip
        assert client.post(f"/api/bulk/pause/{job_id}").json()["job"]["status"] == "paused"
        done = status(client, job_id)["progress"]["processed"]
        assert 0 < done < len(SYMBOLS)
    # Whether the run had noticed the pause or was at its next symbol, it is gone.

    exchange.set_faults()
    with everything(slowly, port) as client:
        paused = status(client, job_id)
        assert paused["status"] == "paused"
        assert done <= paused["progress"]["processed"] < len(SYMBOLS)
        assert client.post(f"/api/bulk/resume/{job_id}").json()["job"]["status"] == "running"
        with connect(f"ws://127.0.0.1:{port}/ws/bulk/{job_id}", additional_headers=watching) as socket:
            messages = [json.loads(text) for text in socket]
        assert messages[-1]["status"] == "completed"
        assert messages[-1]["progress"]["percentage"] == 100.0
        job = status(client, job_id)
        summary = {"total_symbols": 6, "successful": 6, "failed": 0}
        assert job["summary"] | summary == job["summary"]
        assert [listed["id"] for listed in client.get("/api/bulk/jobs").json()["jobs"]] == [job_id]
    runs = """
        SELECT count(*), sum(processed) FROM miraikakaku.bulk_job_runs JOIN miraikakaku.run_progress USING (run_id)"""
    assert [tuple(map(int, row)) for row in command.rows(runs)] == [(2, 6)]
