"""What Dagster's web server shows: runs at work and schedules, in one question."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from miraikakaku_assets.adapters.dagster_graphql.launcher import LOCATION, post
from miraikakaku_assets.application.ports.operations.console import ConsoleState, ShownRun, ShownSchedule
from miraikakaku_assets.domain.errors import OrchestratorUnavailableError

_SECONDS = 15.0
_QUERY = """
query ($repository: RepositorySelector!) {
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
        """Runs and schedules now.

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
            [
                ShownRun(run["runId"], run["jobName"], run["status"], _moment(run["startTime"]))
                for run in runs
            ],
            sorted(listed, key=lambda schedule: (schedule.next_at or far, schedule.name)),
        )


def _schedule(schedule: Mapping[str, Any]) -> ShownSchedule:
    is_on = schedule["scheduleState"]["status"] == "RUNNING"
    ticks = schedule["futureTicks"]["results"]
    next_at = _moment(ticks[0]["timestamp"]) if is_on and ticks else None
    return ShownSchedule(schedule["name"], schedule["pipelineName"], is_on, next_at)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
