"""Materializations of single partitions, logged many at a time from inside a step.

``context.log_event`` writes each one in a round trip of its own; a chunk of a range run has hundreds.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import dagster as dg

from miraikakaku_assets.orchestration.instance.connections import warn_once

_EVENTS = "dagster._core.events"


def log_materializations(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, records: Sequence[dg.AssetMaterialization]
) -> None:
    """Logs materializations in their order; when it returns they are committed and visible.

    They are batched where ``DAGSTER_EVENT_BATCH_SIZE`` is set (our storage sets it) and single otherwise.
    An error in between (lost database, cancelled run) leaves some of them unwritten: log before the next
    piece of work starts, not at the end of the step.

    Args:
        context: The step's context, of an asset or of an op job.
        records: Materializations with their ``partition``; the same partition may occur for many assets.
    """
    batch_of = _batch_api()
    step = _step_context(context)
    if batch_of is None or step is None:
        for record in records:
            context.log_event(record)
        return
    mixed = getattr(context.instance.event_log_storage, "batches_may_mix_assets", False)
    last = {_batch_name(record, mixed=mixed): position for position, record in enumerate(records)}
    ids = {name: batch_of.generate_event_batch_id() for name in last}
    for position, record in enumerate(records):
        name = _batch_name(record, mixed=mixed)
        batch = batch_of.DagsterEventBatchMetadata(ids[name], is_end=position == last[name])
        dg.DagsterEvent.asset_materialization(step, record, batch)


def _batch_name(record: dg.AssetMaterialization, *, mixed: bool) -> dg.AssetKey | None:
    """Which batch a record goes into: the stock storage can only take one asset per batch."""
    return None if mixed else record.asset_key


def _batch_api() -> Any:
    events = importlib.import_module(_EVENTS)
    for name in ("DagsterEventBatchMetadata", "generate_event_batch_id"):
        if not hasattr(events, name):
            warn_once(f"{_EVENTS}.{name}", "materializations are written one by one")
            return None
    return events


def _step_context(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> Any:
    """The context inside the context; a step called directly (``build_op_context``) has none."""
    try:
        return context.get_step_execution_context()
    except dg.DagsterError:
        return None
    except AttributeError:
        warn_once("OpExecutionContext.get_step_execution_context", "materializations are written one by one")
        return None
