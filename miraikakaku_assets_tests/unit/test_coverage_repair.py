"""What a repair asks for, and what it makes of the answers."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.coverage.causes import CAUSES, PERMANENT
from miraikakaku_assets.domain.coverage.frames import GAPS
from miraikakaku_assets.domain.coverage.repair import RepairPlan, judge_repair, plan_repair
from miraikakaku_assets.domain.coverage.repair_selection import RepairSelection
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.sessions import sessions_between

DAYS = sessions_between("XTKS", date(2025, 1, 1), date(2025, 3, 31))
NOTHING = pl.DataFrame(schema={"instrument_id": pl.Int32, "first_session": pl.Date, "last_session": pl.Date})


def gap(number: int, first: int, last: int, cause: str = "source_hole") -> tuple[Any, ...]:
    count = last - first + 1
    return (number, f"{number}.T", DAYS[first], DAYS[last], count, count, cause)


def frame(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=GAPS, orient="row")


def plan(gaps: pl.DataFrame, given_up: pl.DataFrame = NOTHING, **options: Any) -> RepairPlan:
    return plan_repair(gaps, RepairSelection(**options), given_up, DAYS)


def test_every_window_is_asked_for_and_a_symbol_has_one_a_round() -> None:
    made = plan(frame(gap(1, 0, 2), gap(1, 9, 9), gap(2, 4, 5)))
    assert made.passes == [
        {"1.T": (DAYS[0], DAYS[2]), "2.T": (DAYS[4], DAYS[5])},
        {"1.T": (DAYS[9], DAYS[9])},
    ]
    assert made.requests == 3


def test_of_many_windows_of_a_symbol_the_nearest_are_asked_for_together() -> None:
    made = plan(frame(*(gap(1, place, place) for place in (0, 10, 20, 22, 30, 40))))
    assert [windows["1.T"] for windows in made.passes] == [
        (DAYS[0], DAYS[0]), (DAYS[10], DAYS[10]), (DAYS[20], DAYS[22]), (DAYS[30], DAYS[30]), (DAYS[40], DAYS[40])
    ]  # fmt: skip


@pytest.mark.parametrize("cause", PERMANENT)
def test_what_no_request_fills_is_left_alone_unless_it_is_forced(cause: str) -> None:
    gaps = frame(gap(1, 0, 1, cause), gap(2, 0, 1))
    made = plan(gaps)
    assert (made.gaps["symbol"].to_list(), made.skipped) == (["2.T"], {cause: 1})
    assert plan(gaps, force=True).gaps.height == 2
    with pytest.raises(ConfigurationError, match="not asked for again"):
        RepairSelection(causes=[cause])


def test_what_was_given_up_is_left_alone_and_what_lies_beside_it_is_not() -> None:
    given_up = NOTHING.vstack(pl.DataFrame([(1, DAYS[3], DAYS[5])], schema=NOTHING.schema, orient="row"))
    gaps = frame(gap(1, 4, 5), gap(1, 7, 7), gap(2, 4, 5))
    made = plan(gaps, given_up)
    assert made.skipped == {"given_up": 1}
    assert sorted(made.gaps["symbol"].to_list()) == ["1.T", "2.T"]


def test_limit_takes_the_newest() -> None:
    made = plan(frame(gap(1, 0, 1), gap(2, 5, 6), gap(3, 3, 4)), limit=2)
    assert made.gaps["symbol"].to_list() == ["2.T", "3.T"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40), st.integers(0, 9)), max_size=8),
    st.integers(-1, 50),
    st.integers(-1, 50),
)
def test_windows_hold_every_chosen_session_and_nothing_outside_of_the_selection(
    starts: list[tuple[int, int, int]], low: int, high: int
) -> None:
    gaps = frame(*(gap(number, first, first + length) for number, first, length in starts))
    since, until = (DAYS[low] if low >= 0 else None), (DAYS[high] if high >= 0 else None)
    made = plan(gaps, since=since, until=until)
    wanted = {
        (f"{number}.T", day)
        for number, first, length in starts
        for day in DAYS[first : first + length + 1]
        if (since is None or day >= since) and (until is None or day <= until)
    }
    asked = {
        (symbol, day)
        for windows in made.passes
        for symbol, (first, last) in windows.items()
        for day in DAYS
        if first <= day <= last
    }
    assert wanted <= asked
    assert all((since is None or day >= since) and (until is None or day <= until) for _, day in asked)


@pytest.mark.parametrize(
    ("after", "cause", "attempts", "outcome"),
    [
        (0, None, 0, "filled"),
        (1, "source_hole", 0, "partly_filled"),
        (2, "source_hole", 0, "still_missing"),
        (2, "source_hole", 1, "still_missing"),
        (2, "source_hole", 2, "given_up"),
        (2, "listed_later", 0, "given_up"),
        (2, "fetch_failed", 9, "still_missing"),
        (2, "rate_limited", 9, "still_missing"),
        (2, "after_last_bar", 9, "still_missing"),
    ],
)
def test_outcome_of_a_repair(after: int, cause: str | None, attempts: int, outcome: str) -> None:
    assert cause is None or cause in CAUSES
    left = frame(*([gap(1, 3, 2 + after, cause)] if cause else []))
    results = judge_repair(frame(gap(1, 3, 4)), left, [after], {(1, DAYS[3]): attempts})
    assert results.select("missing_after", "cause_after", "outcome").rows() == [(after, cause, outcome)]
