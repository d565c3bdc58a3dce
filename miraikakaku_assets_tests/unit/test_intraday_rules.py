"""Rules of 5-minute bars: what lies where in a session, and which bar is one."""

from datetime import UTC, date, datetime, timedelta
from math import inf, nan
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.bars.rules import RULES, SCALE_JUMP, UNIT_CHANGE
from miraikakaku_assets.domain.market.instruments import FX, JP, US
from miraikakaku_assets_tests.support.bars.raw_bars import stored
from miraikakaku_assets_tests.support.bars.raw_intraday import LATER, marks, raw, tick, tokyo

MORNING = [tokyo(9, minute) for minute in range(0, 60, 5)]


def new_york(*clock: int) -> datetime:
    year, month, day, hour, minute = clock
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo("America/New_York"))


def walk(*closes: float, **fields: Any) -> list[dict[str, Any]]:
    """Bars of consecutive slots from 9:00 on."""
    return [tick(stamp, close, **fields) for stamp, close in zip(MORNING, closes, strict=False)]


EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "not_in_master": [tick(tokyo(9, 0), symbol="9998.T")],
    "other_file_preferred": [tick(tokyo(9, 0), refusal="other_file_preferred")],
    "lunch_break": [tick(tokyo(11, 30), None), tick(tokyo(11, 35), nan), tick(tokyo(12, 25), None)],
    "closing_call": [tick(tokyo(15, 25), None)],
    "closing_print": [tick(tokyo(15, 30), volume=0.0), tick(tokyo(15, 45, 3, day=7), volume=0.0)],
    "no_price": [tick(tokyo(9, 0), None), tick(tokyo(12, 30), nan)],
    "not_finite": [tick(tokyo(9, 0), high=inf), tick(tokyo(9, 5), low=None)],
    "not_positive": [tick(tokyo(9, 0), low=0.0)],
    "inconsistent_range": [tick(tokyo(9, 0), high=999.0)],
    "bad_volume": [tick(tokyo(9, 0), volume=-1.0), tick(tokyo(9, 5), volume=None)],
    "future_bar": [tick(datetime(2025, 10, 1, 0, 5, tzinfo=UTC))],
    "not_a_session": [tick(tokyo(9, 0, day=11)), tick(tokyo(9, 0, day=13)), tick(tokyo(9, 0, day=1))],
    "outside_hours": [tick(tokyo(8, 55)), tick(tokyo(11, 35)), tick(tokyo(15, 30)), tick(tokyo(18, 0))],
    "off_grid": [tick(tokyo(9, 1)), tick(tokyo(10, 0, 27))],
    "price_out_of_range": [tick(tokyo(9, 0), 5.9e10)],
}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_refuses_its_examples(rule: str) -> None:
    rows = EXAMPLES[rule]
    validated = validate_intraday(raw(rows), BarContext(JP, LATER, frozenset({"7203.T"})))
    assert validated.accepted.is_empty()
    assert set(validated.refused["rule"]) == {rule}
    assert validated.refused["detail"].to_list() == [RULES[rule]] * len(rows)
    assert validated.refused["session"].null_count() == 0
    assert sorted(validated.refused["ts"]) == sorted(row["stamp"] for row in rows)


def test_bars_of_every_slot_are_stored_with_the_price_that_closes_the_morning() -> None:
    stamps = [tokyo(9, 0), tokyo(11, 25), tokyo(11, 30), tokyo(12, 30), tokyo(15, 20), tokyo(15, 25)]
    validated = validate_intraday(raw(tick(stamp) for stamp in stamps), BarContext(JP, LATER))
    assert validated.accepted["ts"].to_list() == stamps
    assert set(validated.accepted["session"]) == {date(2025, 1, 6)}
    assert set(validated.accepted["status"]) == {"final"}


def test_before_the_longer_session_of_tokyo_the_close_was_at_three() -> None:
    day = datetime(2024, 11, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    rows = [tick(day.replace(hour=14, minute=55)), tick(day.replace(hour=15), volume=0.0)]
    assert marks(rows) == [None, "closing_print"]


@pytest.mark.parametrize(
    ("now", "verdicts"),
    [
        (tokyo(9, 58, 40), [None, None]),  # the running bar, of which no other row tells
        (tokyo(10, 29, 59), [None, None]),
        (tokyo(10, 30), [None, "off_grid"]),  # its slot is long over: nobody knows what it was
    ],
)
def test_running_bar_stands_for_its_slot_while_it_is_the_newest(now: datetime, verdicts: list[Any]) -> None:
    rows = [tick(tokyo(9, 50)), tick(tokyo(9, 58, 27))]
    assert marks(rows, now) == verdicts
    if verdicts[1] is None:
        kept = validate_intraday(raw(rows), BarContext(JP, now)).accepted
        assert kept.select("ts", "status").row(1) == (tokyo(9, 55), "provisional")
        assert kept["stamp"][1] == tokyo(9, 58, 27)


def test_running_bar_gives_way_to_the_bar_of_its_slot() -> None:
    rows = [tick(tokyo(9, 58, 27), volume=0.0), tick(tokyo(9, 55), 1_001.0)]
    assert marks(rows, tokyo(9, 59)) == ["provisional_duplicate", None]


def test_running_bar_that_is_not_the_newest_is_none() -> None:
    assert marks([tick(tokyo(9, 58, 27)), tick(tokyo(10, 0))], tokyo(10, 1)) == ["off_grid", None]


def test_bar_is_final_half_an_hour_after_its_slot() -> None:
    for now, status in ((tokyo(9, 34, 59), "provisional"), (tokyo(9, 35), "final")):
        validated = validate_intraday(raw([tick(tokyo(9, 0))]), BarContext(JP, now))
        assert validated.accepted["status"].to_list() == [status]


def test_currency_bar_is_final_a_minute_after_its_slot() -> None:
    for now, status in ((tokyo(9, 5, 59), "provisional"), (tokyo(9, 6), "final")):
        validated = validate_intraday(raw([tick(tokyo(9, 0), symbol="USDJPY=X")]), BarContext(FX, now))
        assert validated.accepted["status"].to_list() == [status]


def test_bars_that_come_twice_are_stored_once_and_contradictions_not_at_all() -> None:
    assert marks([tick(MORNING[0]), tick(MORNING[0])]) == [None, "duplicate_bar"]
    assert marks([tick(MORNING[0]), tick(MORNING[0], 1_001.0)]) == ["conflicting_duplicate"] * 2


def test_garbage_tick_that_is_taken_back_is_refused() -> None:
    assert marks(walk(1_000.0, 499.0, 1_000.0)) == [None, "move_undone", None]
    assert marks(walk(1_000.0, 2_010.0, 1_000.0)) == [None, "move_undone", None]
    assert marks(walk(1_000.0, 600.0, 1_000.0)) == [None, None, None]  # 2010-05-06
    assert marks(walk(1_000.0, 600.0, 1_000.0, volume=0.0)) == [None, "move_undone", None]
    assert marks(walk(1_000.0, 499.0, 510.0, 505.0)) == [None, None, None, None]


def test_other_garbage_is_refused_or_marked_as_in_daily_bars() -> None:
    assert marks(walk(1_000.0, 10.0, 10.0, 1_000.0)) == [None, "unit_error", "unit_error", None]
    assert marks(walk(1_000.0, 10.0, 10.0, 10.0)) == [None, UNIT_CHANGE, None, None]
    assert marks(walk(1_000.0, 200.0, 210.0, 205.0)) == [None, SCALE_JUMP, None, None]
    assert marks(walk(1_000.0, 20.0)) == [None, "move_absurd"]
    stray = walk(1_000.0, 1_000.0, 1_000.0)
    stray[1]["low"] = 10.0
    assert marks(stray) == [None, "stray_price", None]


def test_stored_close_is_the_base_of_the_first_bar() -> None:
    before = stored("7203.T", date(2024, 12, 30), 1_000.0)
    assert marks(walk(20.0, 1_001.0), stored=before) == ["move_undone", None]


@pytest.mark.parametrize(
    ("stamp", "verdict", "session"),
    [
        (new_york(2025, 3, 7, 9, 30), None, date(2025, 3, 7)),
        (new_york(2025, 3, 10, 9, 30), None, date(2025, 3, 10)),  # clocks have changed over the weekend
        (new_york(2025, 3, 10, 8, 30), "outside_hours", date(2025, 3, 10)),
        (new_york(2025, 3, 10, 16, 0), "outside_hours", date(2025, 3, 10)),  # traded after the close
        (new_york(2025, 11, 28, 12, 55), None, date(2025, 11, 28)),
        (new_york(2025, 11, 28, 13, 0), "outside_hours", date(2025, 11, 28)),  # half a day
        (new_york(2025, 11, 27, 10, 0), "not_a_session", date(2025, 11, 27)),  # Thanksgiving
    ],
)
def test_new_york_has_its_own_clock_and_half_days(
    stamp: datetime, verdict: str | None, session: date
) -> None:
    rows = [tick(stamp, symbol="AAPL")]
    validated = validate_intraday(raw(rows), BarContext(US, LATER + timedelta(days=90)))
    assert validated.refused["rule"].to_list() == ([verdict] if verdict else [])
    assert [*validated.accepted["session"], *validated.refused["session"]] == [session]


@pytest.mark.parametrize(
    ("stamp", "verdict", "session"),
    [
        (new_york(2025, 1, 5, 16, 55), "not_a_session", date(2025, 1, 5)),
        (new_york(2025, 1, 5, 17, 0), None, date(2025, 1, 6)),  # Sunday evening is Monday's
        (new_york(2025, 1, 6, 18, 55), None, date(2025, 1, 6)),
        (new_york(2025, 1, 6, 19, 0), None, date(2025, 1, 7)),  # London midnight
        (new_york(2025, 1, 10, 16, 55), None, date(2025, 1, 10)),
        (new_york(2025, 1, 10, 17, 0), "closing_print", date(2025, 1, 10)),
        (new_york(2025, 1, 11, 12, 0), "not_a_session", date(2025, 1, 11)),
    ],
)
def test_currencies_trade_from_sunday_to_friday_at_17_in_new_york(
    stamp: datetime, verdict: str | None, session: date
) -> None:
    rows = [tick(stamp, 150.0, symbol="JPY=X", volume=None)]
    validated = validate_intraday(raw(rows), BarContext(FX, LATER))
    assert validated.refused["rule"].to_list() == ([verdict] if verdict else [])
    assert [*validated.accepted["session"], *validated.refused["session"]] == [session]
    assert validated.accepted["volume"].to_list() == [0.0] * validated.accepted.height


def test_currency_that_moves_by_a_tenth_and_back_within_minutes_is_refused() -> None:
    flash = [150.0, 135.0, 149.0]
    rows = [
        tick(datetime(2025, 1, 8, 12, 5 * n, tzinfo=UTC), price, symbol="JPY=X", volume=0.0)
        for n, price in enumerate(flash)
    ]
    assert marks(rows, universe=FX) == [None, "move_undone", None]


def test_empty_delivery_has_the_columns_of_a_full_one() -> None:
    nothing = validate_intraday(raw([]), BarContext(JP, LATER))
    something = validate_intraday(raw([tick(tokyo(9, 0)), tick(tokyo(8, 0))]), BarContext(JP, LATER))
    assert nothing.accepted.schema == something.accepted.schema
    assert nothing.refused.schema == something.refused.schema
    assert nothing.accepted.is_empty()
