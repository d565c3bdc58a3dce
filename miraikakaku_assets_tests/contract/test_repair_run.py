"""A repair that another process launches is one that the orchestrator's job takes as it is."""

from datetime import date

import dagster as dg

from miraikakaku_assets.application.coverage.repair_run import REPAIR_JOB, REPAIR_OP, RepairRun
from miraikakaku_assets.orchestration.coverage.repair import coverage_repair_job


def test_its_config_is_the_job_s() -> None:
    whole = RepairRun(
        ["7203.T"], ["rate_limited"], date(2026, 11, 2), date(2026, 11, 6), 5,
        force=True, universe="jp", timeframe="1d",
    )  # fmt: skip

    for wanted in (whole, RepairRun(universe="fx", timeframe="5m")):
        assert dg.validate_run_config(coverage_repair_job, dict(wanted.run_config))

    assert coverage_repair_job.name == REPAIR_JOB
    config = whole.run_config["ops"][REPAIR_OP]["config"]  # type: ignore[index]
    assert (config["since"], config["until"], config["limit"], config["force"]) == (
        "2026-11-02",
        "2026-11-06",
        5,
        True,
    )
