"""How assets are, and the port of the newest look at them: faces without the orchestrator read it there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Protocol

CURRENT_WITHIN = timedelta(minutes=10)
"""Age up to which a snapshot is current: the orchestrator is looked at every minute, and may be busy."""


class AssetState(IntEnum):
    """How an asset is, in ascending order of trouble; what is unknown hides no trouble."""

    UNKNOWN = 0
    HEALTHY = 1
    WARNING = 2
    DEGRADED = 3

    @property
    def word(self) -> str:
        """As it is printed, e.g. ``Degraded``."""
        return self.name.capitalize()


@dataclass(frozen=True)
class Partitions:
    """Partitions of an asset, counted."""

    total: int
    materialized: int
    failed: int

    @property
    def missing(self) -> int:
        """Those that are neither there nor failed."""
        return max(self.total - self.materialized - self.failed, 0)


@dataclass(frozen=True)
class CheckResult:
    """The newest result of a check.

    Attributes:
        name: Of the check.
        passed: None while it has never been evaluated, or where its run ended without a result.
        is_error: Whether a failure is an error, and not a warning.
        broke_off: Whether its newest run failed before it could say anything.
    """

    name: str
    passed: bool | None
    is_error: bool = True
    broke_off: bool = False


@dataclass(frozen=True)
class AssetFacts:
    """What the orchestrator knows of an asset.

    Attributes:
        key: Parts of its key.
        materialized_at: When it, or any partition of it, was made last (UTC); None: never.
        partitions: None of an asset without any.
        last_run_failed: Whether the newest run that was to make it failed, of an asset without partitions.
        is_retried: Whether what failed is repeated by itself: its run, or a collection that a source has paused.
        fail_after: Age at which it is stale; None without a policy.
        warn_after: Age at which that is near; None without.
        checks: Of all its checks.
    """

    key: tuple[str, ...]
    materialized_at: datetime | None
    partitions: Partitions | None = None
    last_run_failed: bool = False
    is_retried: bool = False
    fail_after: timedelta | None = None
    warn_after: timedelta | None = None
    checks: Sequence[CheckResult] = field(default_factory=tuple)


@dataclass(frozen=True)
class AssetHealth:
    """How an asset is.

    Attributes:
        key: E.g. ``jp/prices_1d``.
        state: The worst of its three sides.
        reasons: Those of every side that is not healthy, the worst first.
        partitions: Counted, where it has any.
    """

    key: str
    state: AssetState
    reasons: tuple[str, ...]
    partitions: Partitions | None

    @property
    def group(self) -> str:
        """The universe, or what else its key begins with."""
        return self.key.partition("/")[0]

    @property
    def path(self) -> str:
        """Of its page in the web UI."""
        return f"/assets/{self.key}"

    @property
    def document(self) -> dict[str, Any]:
        """As commands print it."""
        counts = self.partitions
        counted_partitions = (
            {}
            if counts is None
            else {
                "partitions": {
                    "total": counts.total,
                    "materialized": counts.materialized,
                    "failed": counts.failed,
                    "missing": counts.missing,
                }
            }
        )
        return {
            "asset": self.key,
            "state": self.state.word,
            "reasons": list(self.reasons),
            "path": self.path,
            **counted_partitions,
        }


@dataclass(frozen=True)
class AssetSnapshot:
    """How all assets were when the orchestrator was looked at last.

    Attributes:
        as_of: When that was (UTC).
        assets: Of all, by key.
    """

    as_of: datetime
    assets: Sequence[AssetHealth]

    def is_current(self, now: datetime) -> bool:
        """Whether it is young enough to go by."""
        return now - self.as_of <= CURRENT_WITHIN


class AssetHealthStore(Protocol):
    """How the assets were when the orchestrator was looked at last."""

    def replace(self, snapshot: AssetSnapshot) -> None:
        """Stores a snapshot in place of an older one; a younger one stays."""

    def read(self) -> AssetSnapshot | None:
        """The newest; None while there is none."""
