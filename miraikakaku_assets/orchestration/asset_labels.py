"""Labels every asset of a universe carries: owners and tags; and what the launchpads of its jobs open with."""

from typing import Any

from miraikakaku_assets.domain.market.instruments import universe as universe_named
from miraikakaku_assets.orchestration.universes import RECORDS

LABELS = RECORDS
"""Universe → the record with its labels."""


def example_config(universe: str, op: str) -> dict[str, Any]:
    """What the launchpad of a job of a list of symbols opens with, so that it can be launched and edited.

    Args:
        universe: Name of a universe.
        op: Name of the job's only op.
    """
    return {"ops": {op: {"config": {"symbols": [universe_named(universe).example]}}}}
