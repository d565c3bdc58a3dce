"""The OpenAPI document, against a tester that knows nothing else: no answer is a bug, and none is undocumented."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from miraikakaku_assets.application.ports.notices import NewAlert, Severity
from miraikakaku_assets_tests.fakes.dagster_web import dagster_web
from miraikakaku_assets_tests.support.api import Api, serving
from miraikakaku_assets_tests.support.moments import NOW
from miraikakaku_assets_tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
END_JOBS = """
UPDATE miraikakaku.bulk_jobs SET state = 'completed', ended_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE ended_at IS NULL"""


@contextmanager
def every_job_ends_soon(api: Api) -> Iterator[None]:
    """What runs do: without them the stream of a job's events would have no end."""
    over = threading.Event()

    def end_jobs() -> None:
        while not over.wait(0.1):
            api.execute(END_JOBS)

    ending = threading.Thread(target=end_jobs)
    ending.start()
    try:
        yield
    finally:
        over.set()
        ending.join(PATIENCE)


def test_nothing_that_may_be_asked_has_an_undocumented_answer(
    tmp_path: Path, installed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miraikakaku_assets.faces.api.stock_master._UPDATE_SECONDS", 0.0)
    with (
        dagster_web() as (address, launched),
        serving(tmp_path, installed_url, dagster_url=address) as api,
        every_job_ends_soon(api),
    ):
        api.list_issues(("jp", "7203", "7203.T", "トヨタ自動車"))
        api.ports.notices.alerts.raise_conditions(
            [NewAlert("cycle/fx/late", Severity.CRITICAL, "cycle", "late", "late", "fx")], NOW
        )
        command = [
            *(
                str(Path(sys.executable).with_name("schemathesis")),
                "run",
                f"{api.client.base_url}/openapi.json",
            ),
            *("--checks", CHECKS, "--phases", "examples,coverage,stateful", "--max-examples", "3"),
            *("--seed", "7", "--generation-deterministic", "--no-color", "--max-time", "60"),
        ]
        tested = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    assert tested.returncode == 0, tested.stdout[-6000:] + tested.stderr[-2000:]
    assert {parameters["selector"]["jobName"] for parameters in launched.values()} >= {
        "bulk_job",
        "coverage_repair_job",
        "jp_master_job",
    }
