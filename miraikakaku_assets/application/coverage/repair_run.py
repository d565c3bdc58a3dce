"""A repair of gaps as a run of the orchestrator, for faces that launch one from another process. Loads no Polars."""

from collections.abc import Mapping
from dataclasses import dataclass

from miraikakaku_assets.domain.coverage.repair_selection import RepairSelection

REPAIR_JOB, REPAIR_OP = "coverage_repair_job", "repair_coverage"
"""Job of the orchestrator that repairs gaps, and its only step."""


@dataclass(frozen=True, kw_only=True)
class RepairRun(RepairSelection):
    """A selection of gaps, and of which bars.

    Attributes:
        universe: Name of whose gaps.
        timeframe: Of the bars.
    """

    universe: str
    timeframe: str

    @property
    def run_config(self) -> Mapping[str, object]:
        """Config of its run."""
        config = {
            "universe": self.universe,
            "timeframe": self.timeframe,
            "symbols": None if self.symbols is None else list(self.symbols),
            "causes": None if self.causes is None else list(self.causes),
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "limit": self.limit,
            "force": self.force,
        }
        return {
            "ops": {
                REPAIR_OP: {"config": {name: value for name, value in config.items() if value is not None}}
            }
        }
