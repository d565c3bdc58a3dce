"""The health of assets in one word each: the worst of materialization, freshness and checks, with the reason."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from miraikakaku_assets.application.ports.operations.assets import (
    AssetFacts,
    AssetHealth,
    AssetState,
    CheckResult,
    Partitions,
)
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted, lasting

FEW_FAILED = 0.01
"""Share of an asset's partitions up to which failed ones are a warning: a delisted symbol is no outage."""
_NAMED = 3


class Aspect(NamedTuple):
    """What one side of an asset says.

    Attributes:
        state: How it is.
        reason: Why, a few words; empty where it is healthy.
    """

    state: AssetState
    reason: str = ""


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
