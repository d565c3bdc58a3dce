"""Moves of the close against the daily limits, on moves that were really seen."""

from datetime import date
from typing import Any

import pytest

from miraikakaku_assets.domain.bars.rules import BEYOND_LIMIT, SPLIT_UNADJUSTED, UNIT_CHANGE
from miraikakaku_assets.domain.bars.validation import validate_daily
from miraikakaku_assets_tests.support.bars.raw_bars import (
    SESSIONS,
    actions,
    bar,
    closes,
    context,
    raw,
    stored,
)

BEFORE = date(2024, 12, 30)
"""The session before the first of `SESSIONS`."""


def verdicts(rows: list[dict[str, object]], **known: Any) -> list[str | None]:
    """Per row: the rule that refused it, the flag, or None."""
    validated = validate_daily(raw(rows), context(**known))
    marks = validated.accepted.select("row", mark="flag").vstack(validated.refused.select("row", mark="rule"))
    return marks.sort("row")["mark"].to_list()


def test_limit_price_is_rounded_up_to_the_next_tick() -> None:
    # Limit of 2,791 yen is +500 = 3,291, quoted in steps of 5 yen above 3,000: 3,295.
    assert verdicts(closes(2_791.0, 3_295.0)) == [None, None]
    assert verdicts(closes(2_791.0, 3_297.0)) == [None, BEYOND_LIMIT]


def test_price_no_share_ever_had_is_refused_and_is_no_base_for_the_next() -> None:
    assert verdicts(closes(596.0, 2.985e10, 600.0)) == [None, "price_out_of_range", None]


def test_spike_that_is_taken_back_is_refused_alone() -> None:
    assert verdicts(closes(17_320.0, 113.6, 17_390.0)) == [None, "limit_undone", None]


def test_move_of_the_expanded_limit_is_only_flagged() -> None:
    assert verdicts(closes(642.0, 1_042.0, 1_100.0)) == [None, BEYOND_LIMIT, None]
    assert verdicts(closes(642.0, 1_042.0)) == [None, BEYOND_LIMIT]


def test_new_level_that_lasts_is_flagged_not_refused() -> None:
    assert verdicts(closes(6_050.0, 1_210.0, 1_215.0, 1_198.0)) == [None, BEYOND_LIMIT, None, None]


def test_move_beyond_the_expanded_limit_waits_for_the_next_session_to_confirm_it() -> None:
    assert verdicts(closes(6_050.0, 1_210.0)) == [None, "limit_absurd"]
    assert verdicts(closes(6_050.0, 1_210.0, 1_215.0)) == [None, BEYOND_LIMIT, None]


@pytest.mark.parametrize("ex_date", [SESSIONS[1], SESSIONS[0]])
def test_split_that_the_source_did_not_apply_to_the_bars_before_it_is_marked(ex_date: object) -> None:
    split = actions(("7203.T", ex_date, "split", 5.0))  # type: ignore[arg-type]
    assert verdicts(closes(6_050.0, 1_210.0), actions=split) == [None, SPLIT_UNADJUSTED]


@pytest.mark.parametrize("ex_date", [SESSIONS[0], SESSIONS[3]])
def test_stored_bars_on_the_old_scale_of_a_split_are_marked_where_the_scale_changes(ex_date: object) -> None:
    split = actions(("7203.T", ex_date, "split", 5.0))  # type: ignore[arg-type]
    rows = closes(1_210.0, 1_215.0, 1_220.0, 1_230.0)
    before = stored("7203.T", BEFORE, 6_050.0)
    assert verdicts(rows, actions=split, stored=before) == [SPLIT_UNADJUSTED, None, None, None]


def test_stretch_in_another_unit_is_refused_as_a_whole_when_it_ends_within_eight_sessions() -> None:
    rows = closes(1_000.0, 10.0, 10.1, 9.9, 1_010.0)
    assert verdicts(rows) == [None, "unit_error", "unit_error", "unit_error", None]
    assert verdicts(closes(1_000.0, 10.0, 10.1, 10.0, 9.9)) == [None, UNIT_CHANGE, None, None, None]


def test_stretch_off_by_a_split_of_the_issue_is_refused_as_a_whole() -> None:
    split = actions(("7203.T", SESSIONS[7], "split", 5.0))
    rows = closes(6_050.0, 1_210.0, 1_215.0, 6_060.0)
    assert verdicts(rows, actions=split) == [None, "split_error", "split_error", None]


def test_split_of_another_issue_and_a_dividend_explain_nothing() -> None:
    others = actions(("9984.T", SESSIONS[1], "split", 5.0), ("7203.T", SESSIONS[1], "dividend", 50.0))
    assert verdicts(closes(6_050.0, 1_210.0, 1_210.0), actions=others) == [None, BEYOND_LIMIT, None]


def test_split_explains_nothing_a_week_later() -> None:
    split = actions(("7203.T", SESSIONS[0], "split", 5.0))
    rows = closes(6_050.0, 6_050.0, 6_050.0, 6_050.0, 6_050.0, 1_210.0)
    assert verdicts(rows, actions=split) == [None, None, None, None, None, "limit_absurd"]


def test_stored_close_is_the_base_of_the_first_bar() -> None:
    before = stored("7203.T", BEFORE, 17_320.0)
    assert verdicts(closes(113.6, 17_390.0), stored=before) == ["limit_undone", None]
    assert verdicts(closes(113.6, 17_390.0, 17_400.0)) == [None, BEYOND_LIMIT, None]


def test_stored_close_of_another_issue_is_no_base() -> None:
    before = stored("9984.T", BEFORE, 17_320.0)
    assert verdicts(closes(113.6, 113.6), stored=before) == [None, None]


def test_first_bar_of_one_issue_is_not_compared_with_the_last_of_another() -> None:
    assert (
        verdicts([*closes(100.0, 100.0, symbol="1301.T"), *closes(90_000.0, symbol="9983.T")]) == [None] * 3
    )


def test_untraded_spike_inside_the_expanded_limit_is_refused() -> None:
    # Width at 1,000 is 300: 500 is inside the expanded limit of 1,200, but nobody traded there.
    rows = closes(1_000.0, 500.0, 1_000.0)
    assert verdicts(rows) == [None, "limit_undone", None]  # 50 %: more than any width
    smaller = closes(1_900.0, 1_400.0, 1_900.0)  # width 400, move 500 = 26 %
    assert verdicts(smaller) == [None, BEYOND_LIMIT, BEYOND_LIMIT]
    smaller[1]["volume"] = 0.0
    assert verdicts(smaller) == [None, "limit_undone", None]


def test_newest_bar_after_a_spike_is_accepted_although_no_later_session_confirms_it() -> None:
    assert verdicts(closes(17_320.0, 17_300.0, 113.6, 17_390.0))[-1] is None
    assert verdicts(closes(1_000.0, 9e6, 2e6, 1_000.0)) == [None, "limit_undone", "limit_undone", None]


def test_move_is_taken_back_when_a_quarter_of_it_is_left_at_most() -> None:
    assert verdicts(closes(1_900.0, 1_300.0, 1_750.0)) == [None, "limit_undone", None]
    assert verdicts(closes(1_900.0, 1_300.0, 1_749.0)) == [None, BEYOND_LIMIT, BEYOND_LIMIT]


def test_two_spikes_in_one_history_leave_the_rest_untouched() -> None:
    rows = closes(1_000.0, 9e6, 1_001.0, 1_002.0, 1.0, 1_003.0)
    assert verdicts(rows) == [None, "limit_undone", None, None, "limit_undone", None]


def test_refused_row_is_no_base_price() -> None:
    rows = closes(1_000.0, 1_000.0, 1_010.0)
    rows[1] |= {"close": 5_000.0, "high": 1_000.0}  # inconsistent: it never was a price
    assert verdicts(rows) == [None, "inconsistent_range", None]


def test_flagged_bar_is_stored_with_its_price() -> None:
    validated = validate_daily(raw(closes(642.0, 1_042.0, 1_100.0)), context())
    assert validated.accepted.select("close", "flag").rows() == [
        (642.0, None), (1_042.0, BEYOND_LIMIT), (1_100.0, None)
    ]  # fmt: skip
    assert bar(SESSIONS[0])["close"] == 1_000.0


def test_limits_are_those_of_quoted_prices_not_of_prices_that_later_splits_have_divided() -> None:
    # 8202.T on 2014-08-25 rose from 99 to 129 yen, its limit, on 20 million shares; ten became one in 2016.
    rows = closes(990.0, 1_290.0, 1_050.0)
    assert verdicts(rows) == [None, "limit_undone", None]
    ten_to_one = actions(("7203.T", date(2025, 6, 28), "split", 0.1))
    assert verdicts(rows, actions=ten_to_one) == [None, None, None]
    # 6647.T on 2014-01-15: 204 → 284 yen, its limit; ten became one in 2017.
    assert verdicts(closes(2_040.0, 2_840.0, 2_130.0), actions=ten_to_one) == [None, None, None]
    # 1:5 after it: 198 was quoted at 990, whose limit is 150 yen, and 247 at 1,235.
    assert verdicts(closes(198.0, 247.0, 250.0)) == [None, None, None]
    one_to_five = actions(("7203.T", date(2025, 6, 28), "split", 5.0))
    assert verdicts(closes(198.0, 247.0, 250.0), actions=one_to_five) == [None, BEYOND_LIMIT, None]


def test_a_split_before_the_bar_still_to_come_or_dated_twice_changes_no_limit() -> None:
    rows = closes(990.0, 1_290.0, 1_050.0)
    for day in (date(2024, 10, 1), date(2025, 12, 1)):
        known = actions(("7203.T", day, "split", 0.1))
        assert verdicts(rows, actions=known) == [None, "limit_undone", None]
    twice = actions(("7203.T", date(2025, 6, 26), "split", 0.1), ("7203.T", date(2025, 6, 28), "split", 0.1))
    assert verdicts(rows, actions=twice) == [None, None, None]
    both = actions(("7203.T", date(2025, 2, 28), "split", 0.1), ("7203.T", date(2025, 6, 28), "split", 10.0))
    assert verdicts(rows, actions=both) == [None, "limit_undone", None]
