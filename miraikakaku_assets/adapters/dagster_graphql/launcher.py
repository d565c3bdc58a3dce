"""Starts runs through Dagster's web server."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from miraikakaku_assets.domain.errors import OrchestratorUnavailableError

_SECONDS = 30.0
_LOOK_SECONDS = 2.0
LOCATION = {"repositoryLocationName": "miraikakaku_assets", "repositoryName": "__repository__"}
_LAUNCH = """
mutation ($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on InvalidSubsetError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
_STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"


class DagsterLauncher:
    """Implements the port `RunLauncher`.

    Args:
        base_url: Address of the web server.
    """

    def __init__(self, base_url: str) -> None:
        self._address = f"{base_url.rstrip('/')}/graphql"

    async def launch(self, job: str, config: Mapping[str, object], tags: Mapping[str, str]) -> str:
        """Starts a run of a job with config and tags; returns its id.

        Raises:
            OrchestratorUnavailableError: The web server cannot be reached, or refuses.
        """
        named = [{"key": key, "value": value} for key, value in tags.items()]
        parameters = {
            "selector": {**LOCATION, "jobName": job},
            "runConfigData": config,
            "executionMetadata": {"tags": named},
        }
        answer = (await self._ask(_LAUNCH, _SECONDS, parameters=parameters))["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise OrchestratorUnavailableError(
                f"Dagster at {self._address} does not launch {job} ({answer['__typename']}); see its log"
            )
        return str(answer["run"]["runId"])

    async def status(self, run_id: str) -> str:
        """Status of a run, as Dagster calls it.

        Raises:
            OrchestratorUnavailableError: The web server cannot be reached.
        """
        answer = (await self._ask(_STATUS, _SECONDS, run=run_id))["runOrError"]
        return str(answer.get("status", "NOT_FOUND"))

    async def is_reachable(self) -> bool:
        """Whether the web server answers."""
        try:
            await self._ask("{ version }", _LOOK_SECONDS)
        except OrchestratorUnavailableError:
            return False
        return True

    async def _ask(self, query: str, seconds: float, **variables: object) -> dict[str, Any]:
        return await asyncio.to_thread(post, self._address, query, seconds, variables)


def post(address: str, query: str, seconds: float, variables: Mapping[str, object]) -> dict[str, Any]:
    """What the web server answers to a question.

    Args:
        address: Of its GraphQL.
        query: The question.
        seconds: How long it may take.
        variables: Its variables.

    Raises:
        OrchestratorUnavailableError: It cannot be reached, or refuses the question.
    """
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - of the settings
    try:
        with urlopen(request, timeout=seconds) as answer:  # noqa: S310  # nosec B310 - a setting that is checked to be http or https
            document: dict[str, Any] = json.load(answer)
    except (HTTPError, URLError, OSError, ValueError) as error:
        raise OrchestratorUnavailableError(
            f"Dagster's web server at {address} cannot be reached; start it (`miraikakaku up`) "
            "or correct DAGSTER_URL"
        ) from error
    if "errors" in document:
        raise OrchestratorUnavailableError(f"Dagster's web server at {address} refuses the question")
    data: dict[str, Any] = document["data"]
    return data
