"""Leases of runs that are done by workers: ``run_leases``."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True)
class RunLease:
    """Who does a run.

    Attributes:
        run_id: Of the run.
        worker: Name of the worker, e.g. ``worker@host``.
        holder: Unique to one reception of the run by one worker.
        silent_seconds: Since the lease was renewed, by the database's clock.
    """

    run_id: str
    worker: str
    holder: str
    silent_seconds: float


class RunLeases(Protocol):
    """Keeps who does which run; all times are the database's."""

    def read(self, run_id: str) -> RunLease | None:
        """The lease of a run; None while nobody has taken one."""

    def take(self, run_id: str, worker: str, holder: str, lost_after: float) -> bool:
        """Takes a run that nobody holds; one of several that try at once gets it.

        Args:
            run_id: Of the run.
            worker: Name of the worker.
            holder: Unique to this reception.
            lost_after: Seconds of silence after which another's lease is nobody's.

        Returns:
            Whether it was taken.
        """

    def renew(self, run_id: str, holder: str) -> bool:
        """Renews a lease; False when somebody else holds it."""

    def forget(self, silent: timedelta) -> int:
        """Removes leases that were not renewed for longer; says how many."""
