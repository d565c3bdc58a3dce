"""Runs started from outside the web UI: in this process, on the same instance, with the same history.

The command line drives these; each call is one Dagster run. Runs that an earlier process left unfinished are
closed first.
"""

import logging
from dataclasses import replace
from typing import Any

import dagster as dg
from dagster._core.events import RunFailureReason

from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CheckQualityCommand,
    CollectCommand,
    CollectCurveCommand,
    MonitorCommand,
    PredictCommand,
    R,
    RepairCoverageCommand,
    ReportCoverageCommand,
    ReviewCommand,
    ScoreCommand,
    StageCommand,
    TrainCommand,
    UpdateMasterCommand,
)
from miraikakaku_assets.application.coverage.repair_run import REPAIR_JOB, REPAIR_OP
from miraikakaku_assets.application.ports import CANCELLED
from miraikakaku_assets.application.stage_runs import StageRun
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.orchestration.console import settle_console
from miraikakaku_assets.orchestration.copper.assets import CURVE
from miraikakaku_assets.orchestration.copper.jobs import curve_job
from miraikakaku_assets.orchestration.coverage.monitor import (
    COVERAGE_REPORT,
    REVIEW,
    coverage_report_job,
    review_job,
)
from miraikakaku_assets.orchestration.failures import reason_of
from miraikakaku_assets.orchestration.instance.connections import renew_connections
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.instance.orphaned_runs import close_abandoned, process_tags
from miraikakaku_assets.orchestration.job_builders import symbols_names
from miraikakaku_assets.orchestration.partitions import partitions_name, range_tags, register_keys
from miraikakaku_assets.orchestration.prices.assets import step_name
from miraikakaku_assets.orchestration.prices.jobs import prices_job_name
from miraikakaku_assets.orchestration.prices.watched import named_keys, watched_symbols
from miraikakaku_assets.orchestration.quality.checks import quality_step
from miraikakaku_assets.orchestration.run_config import config_of

_Job = tuple[str, dict[str, Any], dict[str, str]]
"""Name of a job, the configs of its ops, and tags of the run."""


class Launcher:
    """Starts runs of this code location in this process.

    Args:
        ports: The installation.

    Attributes:
        definitions: The code location.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        _ = ports.database  # the schema must be there before Dagster creates its tables in it
        settle_console(ports.settings.log_level)
        logging.getLogger("dagster").setLevel(logging.ERROR)
        logging.getLogger().addFilter(_no_retries)
        self._instance = open_instance(ports.settings)
        self.definitions = build_defs()
        close_abandoned(self._instance, ports)

    def run(self, universe: Universe, run_id: str, command: StageCommand[R]) -> StageRun[R]:
        """Does what the command asks of a universe, as one run."""
        job, ops, tags = self._job(universe, command)
        run_config = {"ops": {op: {"config": config} for op, config in ops.items()}}
        try:
            result = self.definitions.resolve_job_def(job).execute_in_process(
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
        report = self._ports.stores.stage_reports.read(run_id, universe, command.reports)
        if result.success:
            return StageRun(run_id, report)
        return StageRun(run_id, report, *reason_of(result))

    def _job(self, universe: Universe, command: StageCommand[Any]) -> _Job:
        """The job that does a command."""
        if isinstance(command, CollectCommand):
            return self._collection(universe, command)
        if isinstance(command, RepairCoverageCommand):
            return REPAIR_JOB, {REPAIR_OP: {"universe": universe.name, **config_of(command)}}, {}
        name = universe.name
        job, op = {
            UpdateMasterCommand: (f"{name}_master_job", f"{name}__stock_master"),
            AnalyzeCommand: symbols_names(universe, "analyze"),
            TrainCommand: (f"{name}_training_job", f"{name}__forecast_models"),
            PredictCommand: symbols_names(universe, "predict"),
            ScoreCommand: (f"{name}_performance_job", f"{name}__prediction_performance"),
            CheckQualityCommand: (f"{name}_quality_job", quality_step(universe)),
            CollectCurveCommand: (curve_job.name, CURVE.to_python_identifier()),
            ReportCoverageCommand: (f"{name}_coverage_job", f"{name}__coverage"),
            MonitorCommand: (coverage_report_job.name, COVERAGE_REPORT.to_python_identifier()),
            ReviewCommand: (review_job.name, REVIEW.to_python_identifier()),
        }[type(command)]
        config = config_of(command)
        return job, {op: config} if config else {}, {}

    def _collection(self, universe: Universe, command: CollectCommand) -> _Job:
        """Named symbols are a job of their own; the whole market is a range of partition keys."""
        if command.symbols is None and command.timeframe is not Timeframe.D1:
            watched, _ = watched_symbols(self._instance, self._ports, universe)
            command = replace(command, symbols=watched)
        elif command.symbols is None:
            named_keys(self._instance, self._ports, universe)
            listed = [instrument.symbol for instrument in self._ports.stores.masters.instruments(universe)]
            register_keys(self._instance, universe.partitions, listed)
            keys = self._instance.get_dynamic_partitions(partitions_name(universe, command.timeframe))
            if keys:
                job = prices_job_name(universe, command.timeframe)
                config = config_of(command, "symbols", "timeframe")
                return job, {step_name(universe, command.timeframe): config}, range_tags(keys)
            command = replace(command, symbols=())  # no range to run over: this job says what is missing
        job, op = symbols_names(universe, "collect")
        return job, {op: config_of(command)}, {}

    def _close_interrupted(self, run_id: str) -> None:
        """Marks the run as cancelled, also where Dagster took Ctrl-C for a failure; ends a batch that was left open."""
        renew_connections()  # on one that was interrupted, the end of the run may never be committed
        run = self._instance.get_run_by_id(run_id)
        if run is not None and run.status is not dg.DagsterRunStatus.CANCELED:
            self._instance.report_run_canceled(run, "interrupted from outside")
        self._ports.stores.ledger.abandon(run_id, CANCELLED)

    def _console(self) -> dict[str, Any]:
        """Run config of the console log: silent beside the progress bar, unless LOG_LEVEL is set."""
        settings = self._ports.settings
        level = settings.log_level if "log_level" in settings.model_fields_set else "CRITICAL"
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
