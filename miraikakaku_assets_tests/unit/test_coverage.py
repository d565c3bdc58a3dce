"""Coverage: a named denominator, and gaps that add up to it, each with one cause."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.coverage import gaps
from miraikakaku_assets.domain.coverage.causes import CAUSES
from miraikakaku_assets.domain.coverage.frames import ASKED, REFUSED
from miraikakaku_assets.domain.coverage.gaps import Holdings
from miraikakaku_assets.domain.coverage.grid import SessionGrid
from miraikakaku_assets.domain.coverage.report import WHOLE, CoverageFindings, SegmentCoverage, find_coverage
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import expected_slots, sessions_between
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS

CHECKED = datetime(2025, 2, 1, tzinfo=UTC)
FIRST, LAST = SESSIONS[0], SESSIONS[-1]  # nine sessions, a holiday and a weekend between them
PRIME, ETF = "プライム（内国株式）", "ETF・ETN"
ISSUES = {
    "instrument_id": pl.Int32, "symbol": pl.String, "segment": pl.String, "sector": pl.String, "listed_on": pl.Date,
    "delisted_on": pl.Date, "fetch_failed": pl.Boolean, "rate_limited": pl.Boolean, "not_on_source": pl.Boolean,
}  # fmt: skip
EVERYTHING = (date(2000, 1, 1), None, CHECKED)
Days = dict[int, tuple[date, ...]]


def issue(number: int, **fields: Any) -> dict[str, Any]:
    defaults = {"symbol": f"{1300 + number}.T", "segment": PRIME, "listed_on": None, "delisted_on": None}
    said = {"fetch_failed": False, "rate_limited": False, "not_on_source": False}
    return {"instrument_id": number, "sector": "水産・農林業", **said, **defaults, **fields}


@dataclass(frozen=True)
class Market:
    """What is held of some issues, whatever the window."""

    issues: list[dict[str, Any]]
    present: Days
    quarantined: Days = field(default_factory=dict)
    without_trade: Days = field(default_factory=dict)
    asked: dict[int, list[tuple[date, date | None, datetime]]] | None = None

    def holdings(self, first: date, last: date) -> Holdings:
        issues = pl.DataFrame(self.issues, schema=ISSUES)
        ids = issues["instrument_id"].to_list()
        grid = SessionGrid(JP, Timeframe.D1, first, last, ids)
        for number, days in self.present.items():
            opens = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]  # 09:00 in Tokyo
            stamps = pl.Series(opens, dtype=pl.Datetime("us", "UTC")).dt.epoch("us").to_numpy()
            grid.add(np.full(len(stamps), number), stamps)
        refused = [(n, day, False) for n, days in self.quarantined.items() for day in days]
        refused += [(n, day, True) for n, days in self.without_trade.items() for day in days]
        windows = {n: [EVERYTHING] for n in ids} if self.asked is None else self.asked
        asked = [(n, *window) for n, each in windows.items() for window in each]
        return Holdings(
            date(2024, 12, 31),
            issues,
            grid,
            pl.DataFrame(refused, schema=REFUSED, orient="row"),
            pl.DataFrame(asked, schema=ASKED, orient="row"),
        )


def held(issues: list[dict[str, Any]], present: Days | None = None, **evidence: Any) -> Market:
    return Market(issues, present or {}, **evidence)


def covered(
    market: Market,
    first: date = FIRST,
    last: date = LAST,
    threshold: float = 0.95,
    served_from: date | None = None,
) -> CoverageFindings:
    return find_coverage(
        first,
        last,
        market.holdings(first, last),
        checked_at=CHECKED,
        threshold=threshold,
        served_from=served_from,
    )


def missing(findings: CoverageFindings) -> list[tuple[int, date, str]]:
    """One row per missing session."""
    return [
        (row["instrument_id"], day, row["cause"])
        for row in findings.gaps.iter_rows(named=True)
        for day in sessions_between(JP.calendar, row["first_session"], row["last_session"])
    ]


def test_complete_issue_has_no_gap() -> None:
    findings = covered(held([issue(1)], {1: SESSIONS}))
    assert findings.whole == SegmentCoverage(WHOLE, 1, 1, 0, 9, 9, {})
    assert findings.whole.coverage == 1.0
    assert findings.gaps.is_empty()


AT_NOON = datetime(2025, 1, 14, 3, tzinfo=UTC)
"""12:00 in Tokyo of the session SESSIONS[5], which is not over then."""
CAUSED: dict[str, tuple[Market, tuple[date, ...]]] = {
    "halted": (held([issue(1)], {1: SESSIONS[1:]}, without_trade={1: SESSIONS[:1]}), SESSIONS[:1]),
    "quarantined": (held([issue(1)], {1: SESSIONS[1:]}, quarantined={1: SESSIONS[:1]}), SESSIONS[:1]),
    "not_on_source": (held([issue(1, not_on_source=True)]), SESSIONS),
    "rate_limited": (held([issue(1, fetch_failed=True, rate_limited=True)], {1: SESSIONS[:6]}), SESSIONS[6:]),
    "fetch_failed": (held([issue(1, fetch_failed=True)], {1: SESSIONS[:6]}), SESSIONS[6:]),
    "never_requested": (
        held([issue(1)], {1: SESSIONS[:5]}, asked={1: [(date(2024, 1, 1), None, AT_NOON)]}),
        SESSIONS[5:],
    ),
    "never_delivered": (held([issue(1)]), SESSIONS),
    "listed_later": (held([issue(1)], {1: SESSIONS[2:]}), SESSIONS[:2]),
    "after_last_bar": (held([issue(1)], {1: SESSIONS[:6]}), SESSIONS[6:]),
    "source_hole": (held([issue(1)], {1: SESSIONS[:3] + SESSIONS[5:]}), SESSIONS[3:5]),
}


def test_every_cause_has_an_example() -> None:
    assert {*CAUSED, "out_of_range"} == set(CAUSES)


@pytest.mark.parametrize("cause", CAUSED)
def test_gap_is_explained(cause: str) -> None:
    market, days = CAUSED[cause]
    findings = covered(market)
    assert missing(findings) == [(1, day, cause) for day in days]
    assert findings.whole.causes == {cause: len(days)}
    assert findings.whole.stored == findings.whole.expected - len(days)
    assert findings.gaps.height == 1  # neighbours with one cause are one gap


def test_what_the_source_no_longer_serves_is_out_of_range() -> None:
    findings = covered(held([issue(1)], {1: SESSIONS[5:]}), served_from=SESSIONS[2])
    assert findings.whole.causes == {"out_of_range": 2, "listed_later": 3}


def test_windows_that_leave_a_hole_between_them_have_asked_for_nothing_in_it() -> None:
    windows = [(SESSIONS[0], SESSIONS[1], CHECKED), (SESSIONS[5], None, CHECKED)]
    findings = covered(held([issue(1)], {1: SESSIONS[:1] + SESSIONS[6:]}, asked={1: windows}))
    assert findings.gaps.select("first_session", "last_session", "sessions", "cause").rows() == [
        (SESSIONS[1], SESSIONS[1], 1, "source_hole"),
        (SESSIONS[2], SESSIONS[4], 3, "never_requested"),
        (SESSIONS[5], SESSIONS[5], 1, "source_hole"),
    ]


def test_failed_collection_explains_what_is_newer_than_the_last_bar_and_nothing_older() -> None:
    market = held(
        [issue(1, fetch_failed=True), issue(2, fetch_failed=True)], {1: SESSIONS[1:3] + SESSIONS[4:8]}
    )
    assert covered(market).whole.causes == {"listed_later": 1, "source_hole": 1, "fetch_failed": 10}


@pytest.mark.parametrize("failed", [False, True])  # not where the list says that the source may not know it
def test_symbol_that_the_source_has_forgotten_is_no_symbol_without_bars(*, failed: bool) -> None:
    forgotten = issue(1, fetch_failed=failed, not_on_source=True)
    cause = "fetch_failed" if failed else "after_last_bar"
    assert covered(held([forgotten], {1: SESSIONS[:6]})).whole.causes == {cause: 3}
    assert covered(held([forgotten])).whole.causes == {"not_on_source": len(SESSIONS)}


def test_freshness_is_counted_in_sessions() -> None:
    issues = [
        issue(1),
        issue(2),
        issue(3),
        issue(4, listed_on=date(2025, 2, 1)),
        issue(5, delisted_on=SESSIONS[4]),
    ]
    fresh = covered(held(issues, {1: SESSIONS, 2: SESSIONS[:7], 5: SESSIONS[:4]})).issues
    assert fresh.select("newest_session", "due_session", "sessions_behind").rows() == [
        (SESSIONS[-1], SESSIONS[-1], 0),
        (SESSIONS[6], SESSIONS[-1], 2),
        (None, SESSIONS[-1], 9),
        (None, None, 0),
        (SESSIONS[3], SESSIONS[3], 0),
    ]


def test_days_are_counted_per_sector() -> None:
    market = held([issue(1), issue(2), issue(3, sector="鉱業")], {1: SESSIONS, 2: SESSIONS[1:]})
    days = covered(market).days.filter(pl.col("session") == FIRST)
    assert sorted(days.rows()) == [("水産・農林業", FIRST, 2, 1), ("鉱業", FIRST, 1, 0)]


def test_partial_session_of_five_minute_bars_misses_its_share() -> None:
    day = date(2025, 1, 6)
    slots = expected_slots(JP.calendar, day)
    grid = SessionGrid(JP, Timeframe.M5, day, date(2025, 1, 7), [7])
    stamps = pl.concat(
        [slots[:-10], slots[:1] - timedelta(minutes=5)]
    )  # and one before the open, which counts nothing
    grid.add(np.full(len(stamps), 7), stamps.dt.epoch("us").to_numpy())
    asked = pl.DataFrame([(7, *EVERYTHING)], schema=ASKED, orient="row")
    issues = pl.DataFrame([issue(7)], schema=ISSUES)
    market = Holdings(date(2024, 12, 31), issues, grid, pl.DataFrame(schema=REFUSED), asked)
    findings = find_coverage(day, date(2025, 1, 7), market, checked_at=CHECKED, threshold=0.95)
    assert (findings.whole.expected, findings.whole.stored) == (2 * len(slots), len(slots) - 10)
    assert findings.gaps.select("first_session", "missing_bars", "cause").rows() == [
        (day, 10, "source_hole"),
        (date(2025, 1, 7), len(slots), "after_last_bar"),
    ]


def test_refused_bar_beside_a_stored_one_is_no_gap() -> None:
    assert covered(held([issue(1)], {1: SESSIONS}, quarantined={1: SESSIONS})).gaps.is_empty()


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
def markets(draw: st.DrawFn) -> tuple[Market, date, date]:
    days = sessions_between(JP.calendar, date(2025, 1, 1), date(2025, 1, 31))
    some_day = st.dates(date(2024, 12, 25), date(2025, 2, 5))
    issues = [
        issue(
            number,
            segment=draw(st.sampled_from([PRIME, ETF])),
            listed_on=draw(st.none() | some_day),
            fetch_failed=draw(st.booleans()),
            rate_limited=draw(st.booleans()),
            not_on_source=draw(st.booleans()),
            sector=draw(st.sampled_from(["鉱業", "建設業"])),
        )
        for number in range(draw(st.integers(0, 5)))
    ]
    first, last = sorted((draw(some_day), draw(some_day)))
    window = [day for day in days if first <= day <= last]
    some = st.sets(st.sampled_from(window)).map(lambda each: tuple(sorted(each))) if window else st.just(())
    present = {each["instrument_id"]: draw(some) for each in issues}
    refused = {each["instrument_id"]: draw(some) for each in issues}
    window_asked = st.tuples(
        some_day,
        st.none() | some_day,
        st.integers(0, 24 * 40).map(
            lambda hours: datetime(2024, 12, 25, tzinfo=UTC) + timedelta(hours=hours)
        ),
    )
    asked = {each["instrument_id"]: draw(st.lists(window_asked, max_size=3)) for each in issues}
    return held(issues, present, quarantined=refused, asked=asked), first, last


@settings(max_examples=80, deadline=None)
@given(markets())
def test_gaps_and_stored_bars_add_up_to_what_was_expected(given_: tuple[Market, date, date]) -> None:
    findings = covered(*given_)
    for segment in findings.segments:
        assert sum(segment.causes.values()) == segment.expected - segment.stored
        assert segment.complete + segment.empty <= segment.instruments
    assert findings.gaps["missing_bars"].sum() == findings.whole.expected - findings.whole.stored
    assert (findings.gaps["missing_bars"] == findings.gaps["sessions"]).all()
    sessions = missing(findings)
    assert (
        len({(number, day) for number, day, _ in sessions})
        == len(sessions)
        == findings.gaps["sessions"].sum()
    )
    assert set(findings.gaps["cause"]) <= set(CAUSES)
    for name in ("instruments", "complete", "empty", "expected", "stored"):
        assert sum(getattr(each, name) for each in findings.segments[1:]) == getattr(findings.whole, name)
    for name, whole in (("expected_bars", findings.whole.expected), ("stored_bars", findings.whole.stored)):
        assert findings.issues[name].sum() == findings.days[name].sum() == whole


@settings(max_examples=80, deadline=None)
@given(markets())
def test_every_stored_bar_of_the_window_counts_and_no_gap_has_a_bar(
    given_: tuple[Market, date, date],
) -> None:
    market, first, last = given_
    findings = covered(market, first, last)
    stored = {(number, day) for number, days in market.present.items() for day in days}
    assert findings.whole.stored == len(stored)
    assert stored.isdisjoint({(number, day) for number, day, _ in missing(findings)})


@settings(max_examples=40, deadline=None)
@given(markets(), st.integers(1, 60))
def test_the_size_of_a_chunk_changes_nothing(given_: tuple[Market, date, date], cells: int) -> None:
    whole = covered(*given_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaps, "_CELLS", cells)
        parts = covered(*given_)
    assert parts.segments == whole.segments
    assert parts.gaps.equals(whole.gaps)
    assert parts.days.equals(whole.days)
