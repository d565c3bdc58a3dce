"""Use case: ask the source again for what is missing, and say per gap what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from miraikakaku_assets.application.ports import CoverageStore
from miraikakaku_assets.application.stage_reports import RepairTotals
from miraikakaku_assets.domain.coverage.repair import (
    OUTCOMES,
    RepairPlan,
    Window,
    judge_repair,
    plan_repair,
)
from miraikakaku_assets.domain.coverage.repair_selection import RepairSelection
from miraikakaku_assets.domain.coverage.report import CoverageFindings
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

SHOWN = 100
"""Gaps of which a report says one by one what became of them; table ``coverage_repairs`` has all."""


@dataclass(frozen=True)
class RepairSteps:
    """What a repair drives.

    Attributes:
        check: Checks the coverage and stores its gaps.
        collect: Asks for one window per symbol and stores what comes.
    """

    check: Callable[[], CoverageFindings]
    collect: Callable[[Mapping[str, Window]], None]


def planned(
    store: CoverageStore, universe: Universe, timeframe: Timeframe, selection: RepairSelection
) -> tuple[RepairPlan, datetime | None]:
    """What a repair would ask for by the gaps of the newest check, and when that was (UTC; None: never)."""
    gaps, sessions, checked_at = store.newest_gaps(universe, timeframe)
    return plan_repair(gaps, selection, store.given_up(universe, timeframe), sessions), checked_at


def repair_coverage(
    universe: Universe,
    timeframe: Timeframe,
    selection: RepairSelection,
    store: CoverageStore,
    steps: RepairSteps,
    run_id: str,
) -> RepairTotals:
    """Checks, asks for exactly the windows that are missing, checks again, and keeps what came of each gap.

    Killed at any moment it has stored whole deliveries only; the same repair again asks for what is still missing.

    Args:
        universe: Whose gaps.
        timeframe: Collected timeframe.
        selection: Which of them.
        store: Holds gaps and repairs.
        steps: How to check and to collect.
        run_id: Under which the outcomes are kept.
    """
    before = steps.check()
    plan = plan_repair(before.gaps, selection, store.given_up(universe, timeframe), before.sessions)
    for windows in plan.passes:
        steps.collect(windows)
    if not plan.passes:
        return _totals(timeframe, plan, pl.DataFrame(schema={"outcome": pl.String}))
    after = steps.check()
    spans = plan.gaps.select("instrument_id", "first_session", "last_session").rows()
    missing = [after.missing(*span) for span in spans]
    results = judge_repair(plan.gaps, after.gaps, missing, store.fruitless_repairs(universe, timeframe))
    store.save_repair(run_id, timeframe, results, after.checked_at)
    return _totals(timeframe, plan, results)


def _totals(timeframe: Timeframe, plan: RepairPlan, results: pl.DataFrame) -> RepairTotals:
    counts = dict(results.group_by("outcome").len().iter_rows())
    before = int(results["missing_before"].sum()) if results.height else 0
    after = int(results["missing_after"].sum()) if results.height else 0
    return RepairTotals(
        timeframe=timeframe.value,
        gaps=plan.gaps.height,
        requests=plan.requests,
        outcomes={name: counts.get(name, 0) for name in OUTCOMES},
        missing_before=before,
        missing_after=after,
        skipped=dict(plan.skipped),
        first_gaps=_sentences(results.head(SHOWN)),
    )


def _sentences(results: pl.DataFrame) -> Sequence[str]:
    """What became of each gap, as one line."""
    lines = []
    for row in results.iter_rows(named=True):
        days = f"{row['first_session']}"
        if row["last_session"] != row["first_session"]:
            days += f" to {row['last_session']}"
        now = (
            ""
            if row["cause_after"] is None
            else f", {row['missing_after']:,} bars missing: {row['cause_after']}"
        )
        lines.append(f"{row['symbol']} {days} ({row['cause_before']}): {row['outcome']}{now}")
    return lines
