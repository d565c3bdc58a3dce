"""A repair of gaps as a run of the orchestrator, for faces that launch one from another process. Loads no Polars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

REPAIR_JOB, REPAIR_OP = "coverage_repair_job", "repair_coverage"
"""Job of the orchestrator that repairs gaps, and its only step."""


@dataclass(frozen=True)
class RepairRun:
    """What a repair is asked for; see `domain.coverage.repair.RepairSelection`.

    Attributes:
        universe: Name of whose gaps.
        timeframe: Of the bars.
        symbols: None stands for all.
        causes: None stands for all that a request may fill.
        since: Sessions before it are left alone.
        until: Sessions after it are left alone.
        limit: At most so many gaps, the newest first; 0 for all.
        force: Also ask for what no request is expected to fill.
    """

    universe: str
    timeframe: str
    symbols: Sequence[str] | None = None
    causes: Sequence[str] | None = None
    since: date | None = None
    until: date | None = None
    limit: int = 0
    force: bool = False

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
