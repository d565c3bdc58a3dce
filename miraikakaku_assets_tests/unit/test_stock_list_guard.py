"""Which lists the guard holds back, at the exact edges of its limits."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.market.master import (
    GuardLimits,
    KnownIssue,
    ListedIssue,
    StockList,
    objections,
)
from miraikakaku_assets.domain.market.tokyo import tokyo_issue

PRIME, STANDARD = "プライム（内国株式）", "スタンダード（内国株式）"
LAST = date(2025, 9, 30)


def listed(count: int, moved: int = 0) -> tuple[ListedIssue, ...]:
    """Issues 10000, 10001, …; the first `moved` of them in another market."""
    return tuple(tokyo_issue(str(10_000 + n), "銘柄", STANDARD if n < moved else PRIME) for n in range(count))


def master(count: int, inactive: int = 0) -> dict[str, KnownIssue]:
    gone = tuple(replace(issue, code=f"9{issue.code[1:]}") for issue in listed(inactive))
    return {issue.code: KnownIssue(issue, is_active=True) for issue in listed(count)} | {
        issue.code: KnownIssue(issue, is_active=False) for issue in gone
    }


def rules(
    before: int, after: tuple[ListedIssue, ...], day: date = date(2025, 10, 31), **more: int
) -> list[str]:
    new = StockList(day, after, "0" * 64)
    return [objection.rule for objection in objections(master(before, **more), LAST, new)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (990, []), (989, ["fewer_issues"]),  # 1.0 % fewer is allowed, 1.1 % is not
        (1_030, []), (1_031, ["more_issues"]),  # 3.0 % more is allowed, 3.1 % is not
        (1_000, []),
    ],
)  # fmt: skip
def test_size_may_fall_by_one_percent_and_grow_by_three(after: int, expected: list[str]) -> None:
    assert rules(1_000, listed(after)) == expected


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 400), st.integers(1, 450))
@example(100, 99)
@example(100, 103)
@example(300, 309)
@example(1, 2)
def test_size_limits_hold_exactly_for_every_size(before: int, after: int) -> None:
    broken = rules(before, listed(after))
    assert ("fewer_issues" in broken) == (100 * after < 99 * before)
    assert ("more_issues" in broken) == (100 * after > 103 * before)


@pytest.mark.parametrize(("moved", "expected"), [(250, []), (251, ["markets_changed"])])
def test_a_quarter_of_the_issues_may_change_their_market(moved: int, expected: list[str]) -> None:
    assert rules(1_000, listed(1_000, moved)) == expected


def test_market_printed_in_other_letters_is_the_same_market() -> None:
    narrow = tuple(replace(issue, market="プライム(内国株式) ") for issue in listed(100))
    assert rules(100, narrow) == []


@pytest.mark.parametrize(
    ("day", "expected"), [(date(2025, 9, 29), ["older_list"]), (LAST, []), (date(2025, 10, 1), [])]
)
def test_list_must_not_be_older_than_the_one_in_force(day: date, expected: list[str]) -> None:
    assert rules(10, listed(10), day) == expected


def test_inactive_issues_are_not_counted() -> None:
    assert rules(1_000, listed(1_000), inactive=500) == []


def test_first_list_meets_no_objection() -> None:
    first = StockList(date(2020, 1, 31), listed(3), "0" * 64)
    assert objections({}, None, first) == []


def test_all_objections_are_named_together_with_what_was_seen_and_allowed() -> None:
    new = StockList(date(2025, 8, 31), listed(50, 20), "0" * 64)
    explanations = {each.rule: each.explanation for each in objections(master(100), LAST, new)}
    assert explanations == {
        "older_list": "its date 2025-08-31 is before 2025-09-30, the list in force",
        "fewer_issues": "it holds 50 issues against 100 in force (-50.0%, at most 1% fewer allowed)",
        "markets_changed": "20 of 50 issues change their market (25% allowed)",
    }


def test_limits_can_be_set() -> None:
    new = StockList(date(2025, 10, 31), listed(50, 20), "0" * 64)
    assert objections(master(100), LAST, new, GuardLimits(fewer=0.5, market_changed=0.4, removed=0.5)) == []


def test_a_list_of_the_same_length_with_other_codes_is_refused() -> None:
    others = tuple(
        tokyo_issue(str(5000 + number), f"Other {number}", "プライム（内国株式）") for number in range(100)
    )
    raised = objections(master(100), LAST, StockList(date(2025, 10, 31), others, "0" * 64))
    assert [objection.rule for objection in raised] == ["issues_replaced"]
