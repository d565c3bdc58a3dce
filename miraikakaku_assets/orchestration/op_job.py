"""Jobs of one op: runs without partitions and without assets of their own."""

from collections.abc import Mapping
from typing import Any

import dagster as dg


def op_job(
    op: dg.OpDefinition,
    name: str,
    description: str,
    tags: Mapping[str, str] | None = None,
    config: dict[str, Any] | None = None,
) -> dg.JobDefinition:
    """A job whose only step is an op.

    Args:
        op: What it does.
        name: Of the job.
        description: What people read of it.
        tags: Of its runs.
        config: What its launchpad opens with.
    """
    graph = dg.GraphDefinition(name, node_defs=[op], description=description)
    return graph.to_job(name, description=description, tags=tags, config=config)
