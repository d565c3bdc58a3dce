"""What Dagster knows of every asset, for the one word that says how it is. Keep out: judging it.

The partitions are counted from the status cache that the web UI keeps, too: of 16,000 partitions only what has happened
since it was last asked is looked at.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.event_log.base import AssetRecord
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG

from miraikakaku_assets.application.monitoring.asset_health import judge_asset
from miraikakaku_assets.application.ports.operations.assets import (
    AssetFacts,
    AssetHealth,
    AssetSnapshot,
    CheckResult,
    Partitions,
)
from miraikakaku_assets.bootstrap import Ports, utc_now
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.orchestration.resources import PortsResource

_SOME_DAY = timedelta(days=36_500)


def asset_health(
    instance: dg.DagsterInstance, ports: Ports, graph: BaseAssetGraph[Any], groups: Collection[str] = ()
) -> list[AssetHealth]:
    """The health of every asset now, by key.

    Args:
        instance: Where runs and events are recorded.
        ports: The installation.
        graph: Of the code location.
        groups: Universes and other groups; empty for all.
    """
    now = utc_now()  # Dagster stamps its events by the machine's clock
    return [judge_asset(facts, now) for facts in _facts(instance, ports, graph, groups)]


def asset_health_look() -> dg.SensorDefinition:
    """Stores how the assets are, for faces that have no Dagster."""

    @dg.sensor(
        name="asset_health_look",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Stores how every asset is, every minute, for the REST API; launches nothing.",
    )
    def look(context: dg.SensorEvaluationContext, ports: PortsResource) -> dg.SkipReason:
        use = ports.use
        begun = use.clock()
        graph = cast("dg.RepositoryDefinition", context.repository_def).asset_graph
        assets = asset_health(context.instance, use, graph)
        use.operations.asset_health_snapshot.replace(AssetSnapshot(begun, assets))
        return dg.SkipReason(f"The state of {counted(len(assets), 'asset')} is stored.")

    return look


def _facts(
    instance: dg.DagsterInstance, ports: Ports, graph: BaseAssetGraph[Any], groups: Collection[str]
) -> list[AssetFacts]:
    keys = sorted(
        key for key in graph.materializable_asset_keys if not groups or graph.get(key).group_name in groups
    )
    records = {record.asset_entry.asset_key: record for record in instance.get_asset_records(keys)}
    check_keys = sorted(
        (check for check in graph.asset_check_keys if check.asset_key in set(keys)),
        key=lambda check: check.name,
    )
    executions = instance.event_log_storage.get_latest_asset_check_execution_by_key(check_keys)
    last_runs = [record.asset_entry.last_run_id for record in records.values()]
    runs = _Runs(instance, ports, [*last_runs, *(execution.run_id for execution in executions.values())])
    dynamic: dict[str, set[str]] = {}
    facts = []
    for key in keys:
        node, record = graph.get(key), records.get(key)
        partitions = node.partitions_def
        counts = _partitions(instance, key, partitions, dynamic) if partitions is not None else None
        mine = [check for check in check_keys if check.asset_key == key]
        facts.append(
            AssetFacts(
                tuple(key.path),
                _materialized_at(record),
                counts,
                last_run_failed=record is not None and runs.failed_to_make(record),
                is_retried=record is not None and runs.goes_on(record.asset_entry.last_run_id),
                **_policy(node.freshness_policy),
                checks=[_check(check.name, executions.get(check), runs) for check in mine],
            )
        )
    return facts


class _Runs:
    """The newest runs of some assets and checks."""

    def __init__(self, instance: dg.DagsterInstance, ports: Ports, run_ids: Sequence[str | None]) -> None:
        self._instance = instance
        wanted = sorted({run_id for run_id in run_ids if run_id})
        self._runs: Mapping[str, dg.DagsterRun] = (
            {run.run_id: run for run in instance.get_runs(dg.RunsFilter(run_ids=wanted))} if wanted else {}
        )
        self._paused = {batch.run_id for batch in ports.stores.ledger.paused(utc_now() + _SOME_DAY)}

    def failed_to_make(self, record: AssetRecord) -> bool:
        """Whether the newest run of an asset failed and left nothing of it."""
        entry = record.asset_entry
        made_by = entry.last_materialization.run_id if entry.last_materialization else None
        return made_by != entry.last_run_id and self.has_failed(entry.last_run_id)

    def has_failed(self, run_id: str | None) -> bool:
        """Whether a run failed; one that was pruned or cancelled did not."""
        run = self._runs.get(run_id or "")
        return run is not None and run.status is dg.DagsterRunStatus.FAILURE

    def goes_on(self, run_id: str | None) -> bool:
        """Whether a run is at work, is repeated by the daemon, or its collection goes on when the source is back."""
        run = self._runs.get(run_id or "")
        if run is None:
            return False
        if not run.is_finished or run.run_id in self._paused:
            return True
        if run.tags.get(WILL_RETRY_TAG) != "true":
            return False
        retry = run.tags.get(AUTO_RETRY_RUN_ID_TAG)
        repeated = self._instance.get_run_by_id(retry) if retry else None
        return repeated is None or not repeated.is_finished


def _materialized_at(record: AssetRecord | None) -> datetime | None:
    newest = record.asset_entry.last_materialization if record else None
    return None if newest is None else datetime.fromtimestamp(newest.timestamp, UTC)


def _partitions(
    instance: dg.DagsterInstance,
    key: dg.AssetKey,
    partitions: dg.PartitionsDefinition,
    dynamic: dict[str, set[str]],
) -> Partitions:
    name = str(getattr(partitions, "name", ""))
    if name not in dynamic:
        dynamic[name] = set(instance.get_dynamic_partitions(name))
    there = dynamic[name]
    status = get_and_update_asset_status_cache_value(instance, key, partitions, instance)
    if status is None:
        return Partitions(len(there), 0, 0)
    failed = set(status.deserialize_failed_partition_subsets(partitions).get_partition_keys()) & there
    made = set(status.deserialize_materialized_partition_subsets(partitions).get_partition_keys()) & there
    return Partitions(len(there), len(made - failed), len(failed))


def _policy(policy: Any) -> dict[str, timedelta | None]:
    if not isinstance(policy, TimeWindowFreshnessPolicy):
        return {"fail_after": None, "warn_after": None}
    warn = policy.warn_window
    return {
        "fail_after": policy.fail_window.to_timedelta(),
        "warn_after": None if warn is None else warn.to_timedelta(),
    }


def _check(name: str, execution: AssetCheckExecutionRecord | None, runs: _Runs) -> CheckResult:
    if execution is None:
        return CheckResult(name, None)
    if execution.status is AssetCheckExecutionRecordStatus.PLANNED:
        return CheckResult(name, None, broke_off=runs.has_failed(execution.run_id))
    passed = execution.status is AssetCheckExecutionRecordStatus.SUCCEEDED
    evaluation = execution.event.asset_check_evaluation if execution.event else None
    is_error = evaluation is None or evaluation.severity is dg.AssetCheckSeverity.ERROR
    return CheckResult(name, passed, is_error=is_error)
