"""How an asset is, from what is known of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.application.monitoring.asset_health import judge_asset, judge_groups
from miraikakaku_assets.application.ports.operations.assets import (
    AssetFacts,
    AssetState,
    CheckResult,
    Partitions,
)

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
MADE = AssetFacts(("jp", "coverage"), NOW - timedelta(hours=1))
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("facts", "state", "reason"),
    [
        (MADE, "Healthy", ""),
        (replace(MADE, materialized_at=None), "Unknown", "never materialized"),
        (replace(MADE, last_run_failed=True), "Degraded", "its newest run failed"),
        (
            replace(MADE, last_run_failed=True, is_retried=True),
            "Warning",
            "its newest run failed; it is tried again by itself",
        ),
        (replace(MADE, fail_after=2 * HOUR), "Healthy", ""),
        (replace(MADE, fail_after=2 * HOUR, warn_after=HOUR / 2), "Warning", "60 min old, 2 h 00 min are allowed"),
        (replace(MADE, fail_after=HOUR / 2), "Degraded", "60 min old, 30 min are allowed"),
        (replace(MADE, checks=[CheckResult("a", passed=True)]), "Healthy", ""),
        (replace(MADE, checks=[CheckResult("a", passed=False, is_error=False)]), "Warning", "check a warns"),
        (
            replace(MADE, checks=[CheckResult("a", passed=False), CheckResult("b", passed=False)]),
            "Degraded",
            "checks a, b failed",
        ),
        (replace(MADE, checks=[CheckResult("a", None, broke_off=True)]), "Degraded", "check a failed"),
        (replace(MADE, checks=[CheckResult("a", None)]), "Healthy", "no check was evaluated yet"),
        (replace(MADE, materialized_at=None, checks=[CheckResult("a", passed=True)]), "Unknown", "never materialized"),
        (replace(MADE, partitions=Partitions(0, 0, 0)), "Unknown", "it has no partitions yet"),
        (replace(MADE, partitions=Partitions(16_000, 0, 0)), "Unknown", "none of 16,000 partitions is materialized"),
        (replace(MADE, partitions=Partitions(4_000, 3_960, 0)), "Healthy", ""),
        (
            replace(MADE, partitions=Partitions(4_000, 3_900, 40)),
            "Warning",
            "40 of 4,000 partitions failed (1.0 %), 60 missing",
        ),
        (
            replace(MADE, partitions=Partitions(4_000, 3_959, 41)),
            "Degraded",
            "41 of 4,000 partitions failed (1.0 %)",
        ),
        (
            replace(MADE, partitions=Partitions(10, 5, 5), is_retried=True),
            "Warning",
            "5 of 10 partitions failed (50.0 %); it is tried again by itself",
        ),
    ],
)  # fmt: skip
def test_an_asset_is_as_its_worst_side(facts: AssetFacts, state: str, reason: str) -> None:
    health = judge_asset(facts, NOW)

    assert (health.state.word, "; ".join(health.reasons)) == (state, reason)


def test_the_worst_reason_comes_first_and_names_its_page() -> None:
    health = judge_asset(
        replace(MADE, fail_after=HOUR / 2, checks=[CheckResult("few", passed=False, is_error=False)]), NOW
    )

    assert health.document == {
        "asset": "jp/coverage",
        "state": "Degraded",
        "reasons": ["60 min old, 30 min are allowed", "check few warns"],
        "path": "/assets/jp/coverage",
    }


@given(total=st.integers(1, 20_000), data=st.data())
def test_partitions_add_up_and_a_failure_is_never_healthy(total: int, data: st.DataObject) -> None:
    failed = data.draw(st.integers(0, total))
    counts = Partitions(total, data.draw(st.integers(0, total - failed)), failed)

    assert counts.materialized + counts.failed + counts.missing == total
    healthy = judge_asset(replace(MADE, partitions=counts), NOW).state is AssetState.HEALTHY
    assert healthy == (failed == 0 and counts.materialized > 0)


def test_a_universe_is_as_good_as_its_worst_asset() -> None:
    assets = [
        judge_asset(MADE, NOW),
        judge_asset(replace(MADE, key=("jp", "prices_1d"), last_run_failed=True), NOW),
        judge_asset(replace(MADE, key=("us", "coverage")), NOW),
    ]

    assert judge_groups(assets) == {"jp": AssetState.DEGRADED, "us": AssetState.HEALTHY}
