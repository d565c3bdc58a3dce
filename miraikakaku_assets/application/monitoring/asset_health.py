"""The health of assets in one word each: the worst of materialization, freshness and checks, with the reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

from miraikakaku_assets.application.ports.operations.asset_facts import (
    AssetFacts,
    CheckResult,
    Partitions,
)
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted, lasting

__all__ = [
    "AssetFacts",
    "AssetHealth",
    "AssetState",
    "CheckResult",
    "Partitions",
    "judge_asset",
    "judge_groups",
]

FEW_FAILED = 0.01
"""Share of an asset's partitions up to which failed ones are a warning: a delisted symbol is no outage."""
_NAMED = 3


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


class Aspect(NamedTuple):
    """What one side of an asset says.

    Attributes:
        state: How it is.
        reason: Why, a few words; empty where it is healthy.
    """

    state: AssetState
    reason: str = ""


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


def judge_asset(facts: AssetFacts, now: datetime) -> AssetHealth:
    """The health of an asset at a moment (UTC)."""
    made = _materialization(facts)
    aspects = sorted(
        (made, _freshness(facts, now), _checks(facts.checks)), key=lambda aspect: aspect.state, reverse=True
    )
    state = aspects[0].state
    if made.state is AssetState.UNKNOWN and state is AssetState.HEALTHY:
        state = AssetState.UNKNOWN  # good checks of what is not there say nothing
    reasons = tuple(dict.fromkeys(aspect.reason for aspect in aspects if aspect.reason))
    return AssetHealth("/".join(facts.key), state, reasons, facts.partitions)


def judge_groups(assets: Iterable[AssetHealth]) -> dict[str, AssetState]:
    """Universe (or group) → the worst state of its assets."""
    states: dict[str, AssetState] = {}
    for asset in assets:
        states[asset.group] = max(asset.state, states.get(asset.group, AssetState.UNKNOWN))
    return states


def _materialization(facts: AssetFacts) -> Aspect:
    if facts.partitions is not None:
        return _of_partitions(facts.partitions, is_retried=facts.is_retried)
    if facts.last_run_failed:
        return _failed("its newest run failed", is_retried=facts.is_retried)
    if facts.materialized_at is None:
        return Aspect(AssetState.UNKNOWN, "never materialized")
    return Aspect(AssetState.HEALTHY)


def _of_partitions(counts: Partitions, *, is_retried: bool) -> Aspect:
    if not counts.total:
        return Aspect(AssetState.UNKNOWN, "it has no partitions yet")
    missing = f", {counts.missing:,} missing" if counts.missing else ""
    if counts.failed:
        share = counts.failed / counts.total
        reason = (
            f"{counts.failed:,} of {counted(counts.total, 'partition')} failed ({percent(share, 1)}){missing}"
        )
        return (
            Aspect(AssetState.WARNING, reason)
            if share <= FEW_FAILED
            else _failed(reason, is_retried=is_retried)
        )
    if not counts.materialized:
        return Aspect(AssetState.UNKNOWN, f"none of {counted(counts.total, 'partition')} is materialized")
    return Aspect(AssetState.HEALTHY)


def _failed(reason: str, *, is_retried: bool) -> Aspect:
    """A failure is degraded, unless it will be tried again without anybody doing anything."""
    if is_retried:
        return Aspect(AssetState.WARNING, f"{reason}; it is tried again by itself")
    return Aspect(AssetState.DEGRADED, reason)


def _freshness(facts: AssetFacts, now: datetime) -> Aspect:
    if facts.fail_after is None:
        return Aspect(AssetState.UNKNOWN)
    if facts.materialized_at is None:
        return Aspect(AssetState.UNKNOWN, "never materialized")
    age = now - facts.materialized_at
    says = f"{lasting(age.total_seconds())} old, {lasting(facts.fail_after.total_seconds())} are allowed"
    if age > facts.fail_after:
        return Aspect(AssetState.DEGRADED, says)
    if facts.warn_after is not None and age > facts.warn_after:
        return Aspect(AssetState.WARNING, says)
    return Aspect(AssetState.HEALTHY)


def _checks(checks: Sequence[CheckResult]) -> Aspect:
    failed = [check for check in checks if check.passed is False or check.broke_off]
    severe = [check for check in failed if check.is_error or check.broke_off]
    if failed:
        shown = severe or failed
        named = ", ".join(check.name for check in shown[:_NAMED])
        more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
        verb = "failed" if severe else "warns" if len(shown) == 1 else "warn"
        return Aspect(
            AssetState.DEGRADED if severe else AssetState.WARNING,
            f"{'check' if len(shown) == 1 else 'checks'} {named}{more} {verb}",
        )
    if any(check.passed for check in checks):
        return Aspect(AssetState.HEALTHY)
    return Aspect(AssetState.UNKNOWN, "no check was evaluated yet" if checks else "")
