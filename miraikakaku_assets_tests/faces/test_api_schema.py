"""The OpenAPI document, against a tester that knows nothing else: no answer is a bug, and none is undocumented."""

import subprocess
import sys
from pathlib import Path

import pytest

from miraikakaku_assets_tests.support.api import serving
from miraikakaku_assets_tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXCLUDED = ("bulk_events", "stock_master_update")
"""One goes on for as long as its job does, the other needs Dagster."""


def test_nothing_that_may_be_asked_has_an_undocumented_answer(tmp_path: Path, installed_url: str) -> None:
    with serving(tmp_path, installed_url) as api:
        api.list_issues(("jp", "7203", "7203.T", "トヨタ自動車"))
        command = [
            *(
                str(Path(sys.executable).with_name("schemathesis")),
                "run",
                f"{api.client.base_url}/openapi.json",
            ),
            *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "4"),
            *("--seed", "7", "--generation-deterministic", "--no-color", "--max-time", "120"),
            *(part for name in EXCLUDED for part in ("--exclude-operation-id", name)),
        ]
        tested = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    assert tested.returncode == 0, tested.stdout[-6000:] + tested.stderr[-2000:]
