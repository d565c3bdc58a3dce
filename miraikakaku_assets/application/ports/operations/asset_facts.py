"""What an orchestrator knows of an asset."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


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
