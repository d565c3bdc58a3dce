"""A collection without a single row: right when everything had been collected before, wrong otherwise."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from miraikakaku_assets.application.commands import CollectCommand
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.faces.cli.stage_runs import Stages


@pytest.mark.parametrize(
    ("verdicts", "succeeded"),
    [
        ({"reused": 300}, True),
        ({"reused": 299, "never_delivered": 1}, True),  # asked again, and it has none this time either
        ({"never_delivered": 1}, False),
        ({"none_in_window": 300}, False),
    ],
    ids=json.dumps,
)
def test_a_window_without_a_row_is_doubted_unless_rows_were_collected_before(
    verdicts: Mapping[str, int], *, succeeded: bool
) -> None:
    metadata = {"symbols": sum(verdicts.values()), "verdicts": dict(verdicts), "rows_read": 0}
    ended = SimpleNamespace(run_id="a", succeeded=True, reason="", exit_code=0, metadata=metadata)
    runner: Any = SimpleNamespace(collect=lambda *_: ended)
    ports: Any = SimpleNamespace(ledger=None)
    log = list[dict[str, Any]]()

    Stages(ports, runner, JP, log, show=False).prices(CollectCommand())

    assert log[0]["succeeded"] is succeeded
    assert ("is the window right?" in str(log[0]["error"])) is not succeeded
