"""How the project's errors look in Dagster, and how they come back out of a run."""

from collections.abc import Iterable

import dagster as dg

from miraikakaku_assets.adapters.storage.disk import full_disk_behind, tells_of_full_disk
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import MiraikakakuError

EXIT_CODE = "exit_code"
_WRAPPERS = {"DagsterExecutionStepExecutionError"}  # what Dagster puts around an error that a step raised

_GATE_CLOSED = "DagsterAssetCheckFailedError"


def failure(error: MiraikakakuError) -> dg.Failure:
    """A step failure that says the error's sentence; repeating the step would end the same way."""
    settings = ports().settings
    error = full_disk_behind(error, settings.home, external=settings.database_url is not None) or error
    return dg.Failure(
        str(error), metadata={"error": type(error).__name__, EXIT_CODE: error.exit_code}, allow_retries=False
    )


def reason_of(result: dg.ExecuteInProcessResult) -> tuple[str, int]:
    """Sentence and exit code of a failed run."""
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        raised = data.user_failure_data
        if raised is not None:
            code = raised.metadata.get(EXIT_CODE)
            value = code.value if isinstance(code, dg.IntMetadataValue) else None
            return raised.description or raised.label or "the run failed", value or 1
        error = data.error
        if error is not None and error.cls_name in _WRAPPERS and error.cause is not None:
            error = error.cause
        if error is not None and error.cls_name == _GATE_CLOSED:
            return _held_up(result), 1
        if error is not None and tells_of_full_disk(error.to_string()):
            full = ports().full_disk
            return str(full), full.exit_code
        if error is not None:
            return error.message.strip().splitlines()[0], 1
    return "the run did not start; see its events in the web UI", 1


def _held_up(result: dg.ExecuteInProcessResult) -> str:
    """Which gates have ended a run, and why."""
    gates = [each for each in result.get_asset_check_evaluations() if each.blocking and not each.passed]
    broken = "; ".join(f"{gate.asset_key.to_user_string()}: {gate.description}" for gate in gates)
    why = "What comes next waits, because what is stored breaks its suite"
    return f"{why}: {broken}; `miraikakaku quality` names the rows"


def raise_all(shortfalls: Iterable[dg.Failure | None]) -> None:
    """Ends a step whose parts have all been tried: red if any of them fell short, with every reason.

    Raises:
        dg.Failure: The reasons, one after the other, and the metadata of all of them.
    """
    failed = [shortfall for shortfall in shortfalls if shortfall is not None]
    if not failed:
        return
    raise dg.Failure(
        "; ".join(str(part.description) for part in failed),
        metadata={name: value for part in failed for name, value in part.metadata.items()},
        allow_retries=False,
    )
