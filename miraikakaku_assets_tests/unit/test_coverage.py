"""Coverage: a named denominator, and gaps that add up to it, each with one cause."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.coverage.report import (
    CAUSES,
    WHOLE,
    CoverageFindings,
    Holdings,
    SegmentCoverage,
    find_coverage,
)
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS

CHECKED = datetime(2025, 2, 1, tzinfo=UTC)
FIRST, LAST = SESSIONS[0], SESSIONS[-1]  # nine sessions, a holiday and a weekend between them
PRIME, ETF = "プライム（内国株式）", "ETF・ETN"
ISSUES = {
    "instrument_id": pl.Int32, "symbol": pl.String, "segment": pl.String, "listed_on": pl.Date,
    "delisted_on": pl.Date, "fetch_failed": pl.Boolean, "not_on_source": pl.Boolean,
}  # fmt: skip
SESSION_ROWS = {"instrument_id": pl.Int32, "session": pl.Date}


def issue(number: int, **fields: Any) -> dict[str, Any]:
    defaults = {"symbol": f"{1300 + number}.T", "segment": PRIME, "listed_on": None, "delisted_on": None}
    return {"instrument_id": number, "fetch_failed": False, "not_on_source": False, **defaults, **fields}


def held(
    issues: list[dict[str, Any]],
    present: dict[int, tuple[date, ...]] | None = None,
    quarantined: dict[int, tuple[date, ...]] | None = None,
) -> Holdings:
    def rows(each: dict[int, tuple[date, ...]] | None) -> pl.DataFrame:
        pairs = [(number, day) for number, days in (each or {}).items() for day in days]
        return pl.DataFrame(pairs, schema=SESSION_ROWS, orient="row")

    return Holdings(date(2024, 12, 31), pl.DataFrame(issues, schema=ISSUES), rows(present), rows(quarantined))


def covered(
    holdings: Holdings, first: date = FIRST, last: date = LAST, threshold: float = 0.95
) -> CoverageFindings:
    return find_coverage(JP, Timeframe.D1, first, last, holdings, checked_at=CHECKED, threshold=threshold)


def test_complete_issue_has_no_gap() -> None:
    findings = covered(held([issue(1)], {1: SESSIONS}))
    assert findings.whole == SegmentCoverage(WHOLE, 1, 1, 0, 9, 9, {})
    assert findings.whole.coverage == 1.0
    assert findings.gaps.is_empty()


GAPS: dict[str, tuple[Holdings, tuple[date, ...]]] = {
    "quarantined": (held([issue(1)], {1: SESSIONS[1:]}, {1: SESSIONS[:1]}), SESSIONS[:1]),
    "never_delivered": (held([issue(1)]), SESSIONS),
    "not_on_source": (held([issue(1, not_on_source=True)]), SESSIONS),
    "before_first_bar": (held([issue(1)], {1: SESSIONS[2:]}), SESSIONS[:2]),
    "after_last_bar": (held([issue(1)], {1: SESSIONS[:6]}), SESSIONS[6:]),
    "source_hole": (held([issue(1)], {1: SESSIONS[:3] + SESSIONS[5:]}), SESSIONS[3:5]),
    "fetch_failed": (held([issue(1, fetch_failed=True)], {1: SESSIONS[:6]}), SESSIONS[6:]),
}


def test_every_cause_has_an_example() -> None:
    assert set(GAPS) == set(CAUSES)


@pytest.mark.parametrize("cause", CAUSES)
def test_gap_is_explained(cause: str) -> None:
    holdings, missing = GAPS[cause]
    findings = covered(holdings)
    assert findings.gaps.rows() == [(1, "1301.T", day, cause) for day in missing]
    assert findings.whole.causes == {cause: len(missing)}
    assert findings.whole.stored == findings.whole.expected - len(missing)


def test_failed_collection_explains_what_is_newer_than_the_last_bar_and_nothing_older() -> None:
    holdings = held(
        [issue(1, fetch_failed=True), issue(2, fetch_failed=True)], {1: SESSIONS[1:3] + SESSIONS[4:8]}
    )
    assert covered(holdings).whole.causes == {"before_first_bar": 1, "source_hole": 1, "fetch_failed": 10}


@pytest.mark.parametrize("failed", [False, True])  # not where the list says that the source may not know it
def test_symbol_that_the_source_has_forgotten_is_no_symbol_without_bars(*, failed: bool) -> None:
    forgotten = issue(1, fetch_failed=failed, not_on_source=True)
    cause = "fetch_failed" if failed else "after_last_bar"
    assert covered(held([forgotten], {1: SESSIONS[:6]})).whole.causes == {cause: 3}
    assert covered(held([forgotten])).whole.causes == {"not_on_source": len(SESSIONS)}


def test_refused_bar_beside_a_stored_one_is_no_gap() -> None:
    assert covered(held([issue(1)], {1: SESSIONS}, {1: SESSIONS})).gaps.is_empty()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"listed_on": None}, 9),  # nothing is known: the whole window
        ({"listed_on": SESSIONS[4]}, 5),
        ({"listed_on": date(2025, 1, 12)}, 4),  # a Sunday: from the next session on
        ({"listed_on": date(2025, 2, 1)}, 0),
        ({"delisted_on": SESSIONS[4]}, 4),  # the list of that day no longer shows it
    ],
)
def test_issue_is_expected_from_its_listing_to_its_delisting(fields: dict[str, Any], expected: int) -> None:
    assert covered(held([issue(1, **fields)])).whole.expected == expected


def test_bar_before_the_listing_date_moves_the_beginning() -> None:
    # The list is dated weeks after the first trade.
    findings = covered(held([issue(1, listed_on=SESSIONS[4])], {1: SESSIONS[2:]}))
    assert (findings.whole.expected, findings.whole.stored) == (7, 7)


@pytest.mark.parametrize(
    ("stored", "threshold", "short"),
    [(9, 0.95, 0), (8, 0.95, 1), (0, 0.95, 9), (8, 0.5, 0), (2, 1 / 3, 1), (3, 1 / 3, 0), (0, 0.0, 0)],
)
def test_segment_knows_how_many_bars_it_is_short(stored: int, threshold: float, short: int) -> None:
    findings = covered(held([issue(1)], {1: SESSIONS[:stored]}), threshold=threshold)
    assert findings.whole.short_of(threshold) == short
    assert (findings.whole in findings.below_threshold()) == (short > 0)


def test_nothing_expected_has_no_coverage_and_is_not_below_the_threshold() -> None:
    findings = covered(held([issue(1, listed_on=date(2025, 2, 1))]))
    assert findings.whole.coverage is None
    assert findings.below_threshold() == []


def test_window_without_a_session_expects_nothing() -> None:
    findings = covered(held([issue(1)]), date(2025, 1, 11), date(2025, 1, 13))
    assert (findings.whole.instruments, findings.whole.expected) == (1, 0)


def test_denominator_says_what_a_hundred_percent_would_be() -> None:
    assert covered(held([issue(1), issue(2)])).denominator == (
        "2 active issues of the list dated 2024-12-31 × their XTKS sessions from 2025-01-06 to 2025-01-17 (9), "
        "each from its listing on where that day is known"
    )


def test_segments_are_counted_apart_and_the_low_ones_are_named() -> None:
    issues = [issue(1), issue(2), issue(3, segment=ETF)]
    findings = covered(held(issues, {1: SESSIONS, 2: SESSIONS, 3: SESSIONS[:3]}))
    assert findings.whole.instruments == 3
    assert [(each.segment, each.expected, each.stored) for each in findings.segments] == [
        (WHOLE, 27, 21),
        (PRIME, 18, 18),
        (ETF, 9, 3),
    ]
    assert [each.segment for each in findings.below_threshold()] == [WHOLE, ETF]
    assert (
        covered(held(issues, {1: SESSIONS, 2: SESSIONS}), threshold=0.5).below_threshold()[0].segment == ETF
    )


@st.composite
def holdings(draw: st.DrawFn) -> tuple[Holdings, date, date]:
    days = sessions_between(JP.calendar, date(2025, 1, 1), date(2025, 1, 31))
    some_day = st.dates(date(2024, 12, 25), date(2025, 2, 5))
    issues = [
        issue(
            number,
            segment=draw(st.sampled_from([PRIME, ETF])),
            listed_on=draw(st.none() | some_day),
            fetch_failed=draw(st.booleans()),
            not_on_source=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 5)))
    ]
    first, last = sorted((draw(some_day), draw(some_day)))
    window = [day for day in days if first <= day <= last]
    some = st.sets(st.sampled_from(window)).map(lambda each: tuple(sorted(each))) if window else st.just(())
    present = {each["instrument_id"]: draw(some) for each in issues}
    refused = {each["instrument_id"]: draw(some) for each in issues}
    return held(issues, present, refused), first, last


@settings(max_examples=80, deadline=None)
@given(holdings())
def test_gaps_and_stored_bars_add_up_to_what_was_expected(given_: tuple[Holdings, date, date]) -> None:
    findings = covered(*given_)
    for segment in findings.segments:
        assert sum(segment.causes.values()) == segment.expected - segment.stored
        assert segment.complete + segment.empty <= segment.instruments
    assert findings.gaps.height == findings.whole.expected - findings.whole.stored
    assert findings.gaps.select("instrument_id", "session").is_unique().all()
    assert set(findings.gaps["cause"]) <= set(CAUSES)
    for name in ("instruments", "complete", "empty", "expected", "stored"):
        assert sum(getattr(each, name) for each in findings.segments[1:]) == getattr(findings.whole, name)


@settings(max_examples=80, deadline=None)
@given(holdings())
def test_every_stored_bar_of_the_window_counts_and_no_gap_has_a_bar(
    given_: tuple[Holdings, date, date],
) -> None:
    findings = covered(*given_)
    assert findings.whole.stored == given_[0].present.height
    assert findings.gaps.join(given_[0].present, on=["instrument_id", "session"], how="semi").is_empty()
