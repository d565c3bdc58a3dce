"""What Dagster's web server shows: assets, runs at work, schedules, in one question."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from miraikakaku_assets.adapters.dagster_graphql.launcher import LOCATION, post
from miraikakaku_assets.application.ports.operations.assets import AssetFacts, CheckResult, Partitions
from miraikakaku_assets.application.ports.operations.console import ConsoleState, ShownRun, ShownSchedule
from miraikakaku_assets.domain.errors import OrchestratorUnavailableError

_SECONDS = 15.0
_QUERY = """
query ($repository: RepositorySelector!) {
  assetNodes {
    assetKey { path }
    isMaterializable
    isPartitioned
    partitionStats { numMaterialized numPartitions numFailed }
    assetMaterializations(limit: 1) { timestamp }
    internalFreshnessPolicy {
      ... on TimeWindowFreshnessPolicy { failWindowSeconds warnWindowSeconds }
    }
    assetChecksOrError {
      ... on AssetChecks {
        checks { name executionForLatestMaterialization { status evaluation { severity } } }
      }
    }
  }
  runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}, limit: 50) {
    ... on Runs { results { runId jobName status startTime } }
  }
  schedulesOrError(repositorySelector: $repository) {
    __typename
    ... on Schedules {
      results { name pipelineName scheduleState { status } futureTicks(limit: 1) { results { timestamp } } }
    }
  }
}"""


class DagsterConsole:
    """Implements the port `OrchestratorConsole`.

    Args:
        base_url: Address of the web server.
    """

    def __init__(self, base_url: str) -> None:
        self._address = f"{base_url.rstrip('/')}/graphql"

    def state(self) -> ConsoleState:
        """Assets, runs and schedules now.

        Raises:
            OrchestratorUnavailableError: It cannot be reached, or has no code location.
        """
        answer = post(self._address, _QUERY, _SECONDS, {"repository": LOCATION})
        schedules = answer["schedulesOrError"]
        if schedules["__typename"] != "Schedules":
            raise OrchestratorUnavailableError(
                f"Dagster's web server at {self._address} has not loaded its code location; its log says why"
            )
        runs = answer["runsOrError"].get("results", ())
        listed = [_schedule(each) for each in schedules["results"]]
        far = datetime.max.replace(tzinfo=UTC)
        return ConsoleState(
            sorted(
                (_asset(node) for node in answer["assetNodes"] if node["isMaterializable"]),
                key=lambda facts: facts.key,
            ),
            [
                ShownRun(run["runId"], run["jobName"], run["status"], _moment(run["startTime"]))
                for run in runs
            ],
            sorted(listed, key=lambda schedule: (schedule.next_at or far, schedule.name)),
        )


def _asset(node: Mapping[str, Any]) -> AssetFacts:
    made = node["assetMaterializations"]
    counts = node["partitionStats"] if node["isPartitioned"] else None
    policy = node["internalFreshnessPolicy"] or {}
    return AssetFacts(
        tuple(node["assetKey"]["path"]),
        _moment(float(made[0]["timestamp"]) / 1000) if made else None,
        None
        if counts is None
        else Partitions(counts["numPartitions"], counts["numMaterialized"], counts["numFailed"]),
        fail_after=_span(policy.get("failWindowSeconds")),
        warn_after=_span(policy.get("warnWindowSeconds")),
        checks=[_check(check) for check in node["assetChecksOrError"].get("checks", ())],
    )


def _check(check: Mapping[str, Any]) -> CheckResult:
    execution = check["executionForLatestMaterialization"]
    if execution is None or execution["status"] in ("IN_PROGRESS", "SKIPPED"):
        return CheckResult(check["name"], None)
    if execution["status"] == "EXECUTION_FAILED":
        return CheckResult(check["name"], None, broke_off=True)
    evaluation = execution["evaluation"]
    is_error = evaluation is None or evaluation["severity"] == "ERROR"
    return CheckResult(check["name"], execution["status"] == "SUCCEEDED", is_error=is_error)


def _schedule(schedule: Mapping[str, Any]) -> ShownSchedule:
    is_on = schedule["scheduleState"]["status"] == "RUNNING"
    ticks = schedule["futureTicks"]["results"]
    next_at = _moment(ticks[0]["timestamp"]) if is_on and ticks else None
    return ShownSchedule(schedule["name"], schedule["pipelineName"], is_on, next_at)


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
