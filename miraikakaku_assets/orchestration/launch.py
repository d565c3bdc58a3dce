"""Runs started from outside the web UI: in this process, on the same instance, with the same history.

The command line drives these; each call is one Dagster run. Runs that an earlier process left unfinished are
closed first.
"""

import logging
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg
from dagster._core.events import RunFailureReason

from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CollectCommand,
    PredictCommand,
    TrainCommand,
)
from miraikakaku_assets.application.ports import CANCELLED
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.orchestration.analysis.jobs import analysis_job_name, analysis_op_name
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.orchestration.console import settle_console
from miraikakaku_assets.orchestration.failures import reason_of
from miraikakaku_assets.orchestration.forecasting.jobs import (
    performance_jobs,
    predict_job_name,
    predict_op_name,
    training_jobs,
)
from miraikakaku_assets.orchestration.instance.connections import renew_connections
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.instance.orphaned_runs import close_abandoned, process_tags
from miraikakaku_assets.orchestration.partitions import partitions_name, register_keys
from miraikakaku_assets.orchestration.prices.assets import step_name
from miraikakaku_assets.orchestration.prices.jobs import prices_job_name, symbols_job_name, symbols_op_name
from miraikakaku_assets.orchestration.prices.watched import named_keys, watched_symbols
from miraikakaku_assets.orchestration.range_tags import range_tags


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        run_id: Dagster run.
        succeeded: Whether everything it was asked for was done.
        reason: Why not, in one sentence.
        exit_code: What a command should exit with.
        metadata: Numbers and texts of the run's newest observation or materialization without partition.
    """

    run_id: str
    succeeded: bool
    reason: str = ""
    exit_code: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)


class Launcher:
    """Starts runs of this code location in this process.

    Args:
        ports: The installation.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        _ = ports.database  # the schema must be there before Dagster creates its tables in it
        settle_console(ports.settings.log_level)
        logging.getLogger("dagster").setLevel(logging.ERROR)
        logging.getLogger().addFilter(_no_retries)
        self._instance = open_instance(ports.settings)
        self._definitions = build_defs()
        close_abandoned(self._instance, ports)

    def update_master(self, universe: Universe, run_id: str, file: str | None, *, accept: bool) -> RunOutcome:
        """Materializes the stock master."""
        config = {"config": {"file": file, "accept_mass_change": accept}}
        name = f"{universe.name}__stock_master"
        return self._run(f"{universe.name}_master_job", run_id, {"ops": {name: config}}, {})

    def collect(self, universe: Universe, run_id: str, wanted: CollectCommand) -> RunOutcome:
        """Collects bars of the named symbols, or of the whole market, as one run."""
        config: dict[str, Any] = {"since": wanted.since, "until": wanted.until, "again": wanted.again}
        if wanted.symbols is not None:
            named = {"symbols": list(wanted.symbols), "timeframe": wanted.timeframe.value, **config}
            ops = {symbols_op_name(universe): {"config": named}}
            return self._run(symbols_job_name(universe), run_id, {"ops": ops}, {})
        if wanted.timeframe is not Timeframe.D1:
            watched, _ = watched_symbols(self._instance, self._ports, universe)
            return self.collect(universe, run_id, replace(wanted, symbols=watched))
        named_keys(self._instance, self._ports, universe)
        listed = [instrument.symbol for instrument in self._ports.masters.instruments(universe)]
        register_keys(self._instance, universe.partitions, listed)
        keys = self._instance.get_dynamic_partitions(partitions_name(universe, wanted.timeframe))
        if not keys:  # no range to run over: the job without partitions says what is missing
            return self.collect(universe, run_id, replace(wanted, symbols=()))
        ops = {step_name(universe, wanted.timeframe): {"config": config}}
        job = prices_job_name(universe, wanted.timeframe)
        return self._run(job, run_id, {"ops": ops}, range_tags(keys[0], keys[-1]))

    def analyze(self, universe: Universe, run_id: str, wanted: AnalyzeCommand) -> RunOutcome:
        """Derives timeframes, indicators and patterns of stored bars, as one run."""
        options = {"timeframe": wanted.timeframe.value, "since": wanted.since, "again": wanted.again}
        config = {**options, "symbols": None if wanted.symbols is None else list(wanted.symbols)}
        ops = {analysis_op_name(universe): {"config": config}}
        return self._run(analysis_job_name(universe), run_id, {"ops": ops}, {})

    def train(self, universe: Universe, run_id: str, wanted: TrainCommand) -> RunOutcome:
        """Trains forecast models, as one run."""
        models = None if wanted.models is None else list(wanted.models)
        config = {"config": {"until": wanted.until, "models": models}}
        ops = {f"{universe.name}__forecast_models": config}
        return self._run(training_jobs[universe].name, run_id, {"ops": ops}, {})

    def predict(self, universe: Universe, run_id: str, wanted: PredictCommand) -> RunOutcome:
        """Forecasts from stored bars, as one run."""
        symbols = None if wanted.symbols is None else list(wanted.symbols)
        ops = {predict_op_name(universe): {"config": {"symbols": symbols, "as_of": wanted.as_of}}}
        return self._run(predict_job_name(universe), run_id, {"ops": ops}, {})

    def score(self, universe: Universe, run_id: str) -> RunOutcome:
        """Scores the forecasts whose target has ended, as one run."""
        return self._run(performance_jobs[universe].name, run_id, {}, {})

    def report_coverage(
        self, universe: Universe, run_id: str, since: str | None, until: str | None
    ) -> RunOutcome:
        """Materializes the coverage report."""
        config = {f"{universe.name}__coverage": {"config": {"since": since, "until": until}}}
        return self._run(f"{universe.name}_coverage_job", run_id, {"ops": config}, {})

    def _run(self, job: str, run_id: str, run_config: dict[str, Any], tags: dict[str, str]) -> RunOutcome:
        try:
            result = self._definitions.resolve_job_def(job).execute_in_process(
                run_config={**run_config, **self._console()},
                instance=self._instance,
                tags={**tags, **process_tags(run_id)},
                run_id=run_id,
                raise_on_error=False,
            )
        except KeyboardInterrupt:
            self._close_interrupted(run_id)
            raise
        if _was_interrupted(result):  # Dagster keeps Ctrl-C for itself and only marks the run as failed
            self._close_interrupted(run_id)
            raise KeyboardInterrupt
        metadata = _metadata(self._instance, run_id)
        if result.success:
            return RunOutcome(run_id, succeeded=True, metadata=metadata)
        reason, code = reason_of(result)
        return RunOutcome(run_id, succeeded=False, reason=reason, exit_code=code, metadata=metadata)

    def _close_interrupted(self, run_id: str) -> None:
        """Marks the run as cancelled, also where Dagster took Ctrl-C for a failure; ends a batch that was left open."""
        renew_connections()  # on one that was interrupted, the end of the run may never be committed
        run = self._instance.get_run_by_id(run_id)
        if run is not None and run.status is not dg.DagsterRunStatus.CANCELED:
            self._instance.report_run_canceled(run, "interrupted from outside")
        self._ports.ledger.abandon(run_id, CANCELLED)

    def _console(self) -> dict[str, Any]:
        """Run config of the console log: silent beside the progress bar, unless LOG_LEVEL is set."""
        said = self._ports.settings
        level = said.log_level if "log_level" in said.model_fields_set else "CRITICAL"
        return {"loggers": {"console": {"config": {"log_level": level}}}}


def _no_retries(record: logging.LogRecord) -> bool:
    """Keeps Dagster's tries to reach a lost database off the console: the run ends with one sentence about it."""
    return not record.getMessage().startswith("Retrying failed database connection")


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    return any(
        event.event_type is dg.DagsterEventType.RUN_CANCELED
        or (
            event.event_type is dg.DagsterEventType.RUN_FAILURE
            and event.job_failure_data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION
        )
        for event in result.all_events
    )


def _metadata(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """Metadata of the run's newest event about a whole asset: its materialization, or its totals.

    Read from the instance, because a failed run's result leaves out what the step logged before it failed.
    """
    for kind in (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION):
        for record in instance.get_records_for_run(run_id, of_type=kind, limit=1, ascending=False).records:
            event = record.event_log_entry.asset_materialization or record.event_log_entry.asset_observation
            if event is not None and event.partition is None:
                return {key: value.value for key, value in event.metadata.items()}
    return {}
