"""Every rule of the validation, each with a bar that breaks it and nothing else."""

import re
from datetime import UTC, date, datetime
from math import inf, nan
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.domain.bars.rules import (
    ACTION_FLAGS,
    ACTION_RULES,
    EXPECTED_RULES,
    FLAGS,
    RULES,
    SUPERSEDING_RULES,
)
from miraikakaku_assets.domain.bars.validation import validate_daily
from miraikakaku_assets_tests.support.bars.raw_bars import (
    JST,
    NOW,
    SESSIONS,
    bar,
    closes,
    context,
    january,
    raw,
)

OPEN = datetime(2025, 1, 6, 9, 0, tzinfo=JST)
CLOSE = datetime(2025, 1, 6, 15, 30, tzinfo=JST)
DAY = january(6)

# rule → rows of one delivery, and the row numbers that break the rule
EXAMPLES = {
    "not_in_master": ([bar(DAY, symbol="9998.T")], [1]),
    "other_scale": ([bar(DAY, refusal="other_scale")], [1]),
    "other_file_preferred": ([bar(DAY, refusal="other_file_preferred")], [1]),
    "no_price": ([bar(DAY, None), bar(january(7), nan)], [1, 2]),
    "not_finite": ([bar(DAY, high=inf), bar(january(7), low=nan), bar(january(8), open=None)], [1, 2, 3]),
    "not_positive": ([bar(DAY, low=0.0), bar(january(7), -5.0)], [1, 2]),
    "inconsistent_range": ([bar(DAY, high=999.0), bar(january(7), low=1_001.0)], [1, 2]),
    "bad_volume": (
        [
            bar(day, volume=volume)
            for day, volume in zip(SESSIONS, (-1.0, nan, None, inf, 1e19), strict=False)
        ],
        [1, 2, 3, 4, 5],
    ),
    "future_bar": ([bar(date(2025, 10, 2))], [1]),
    "not_a_session": ([bar(january(1), volume=0.0), bar(january(11)), bar(january(13))], [1, 2, 3]),
    "wrong_time_zone": ([bar(DAY, stamp=datetime(2025, 1, 6, 3, 0, tzinfo=JST))], [1]),
    "duplicate_bar": ([bar(DAY), bar(DAY), bar(DAY)], [2, 3]),
    "provisional_duplicate": ([bar(DAY, 990.0, stamp=CLOSE), bar(DAY, stamp=OPEN)], [1]),
    "conflicting_duplicate": ([bar(DAY), bar(DAY, 1_001.0)], [1, 2]),
    "price_out_of_range": ([bar(DAY, 2.985e10)], [1]),
    "stray_price": ([bar(DAY, low=99.0), bar(january(7), open=10_001.0, high=10_001.0)], [1, 2]),
    "unit_error": (closes(1_000.0, 10.0, 10.1, 1_000.0), [2, 3]),
    "limit_absurd": (closes(6_050.0, 6_060.0, 1_210.0), [3]),
    "limit_undone": (closes(17_320.0, 113.6, 17_390.0), [2]),
}


OF_SLOTS = {*EXPECTED_RULES, "outside_hours", "off_grid"}
# Rules of 5-minute bars, of exchanges without price limits, and one that needs a corporate action.
ELSEWHERE = {
    *OF_SLOTS, "move_undone", "move_absurd", "split_error", "restated_away", "wrong_unit"
}  # fmt: skip


def test_every_rule_has_an_example_and_a_sentence() -> None:
    assert set(EXAMPLES) == set(RULES) - ELSEWHERE
    assert all(sentence and not sentence.endswith(".") for sentence in (*RULES.values(), *FLAGS.values()))
    assert set(SUPERSEDING_RULES) <= set(RULES)
    assert not set(RULES) & set(FLAGS)


def test_the_page_has_every_rule_and_every_flag() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "validation.md"
    of_deliveries = page.read_text(encoding="utf-8").partition("\n## What is stored")[0]
    names = re.findall(r"^\| `(\w+)` \|", of_deliveries, re.MULTILINE)
    assert set(names) == {*RULES, *FLAGS, *ACTION_RULES, *ACTION_FLAGS}
    assert [name for name in dict.fromkeys(names) if name in RULES and name not in OF_SLOTS] == [
        name for name in RULES if name not in OF_SLOTS
    ]


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_refuses_its_example_and_accepts_the_rest(rule: str) -> None:
    rows, broken = EXAMPLES[rule]
    validated = validate_daily(raw(rows), context(known_symbols=frozenset({"7203.T"})))

    assert validated.refused.select("row", "rule").sort("row").rows() == [(row, rule) for row in broken]
    assert validated.refused["detail"].to_list() == [RULES[rule]] * len(broken)
    assert sorted(validated.accepted["row"]) == sorted(set(range(1, len(rows) + 1)) - set(broken))


def test_without_a_master_no_symbol_is_a_stranger() -> None:
    assert validate_daily(raw([bar(DAY, symbol="ANY")]), context()).refused.is_empty()


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        datetime(2025, 1, 6, 0, 0, tzinfo=JST),
        OPEN,
        CLOSE,
        datetime(2025, 1, 6, 15, 45, 3, tzinfo=JST),  # seen: Yahoo's running bar minutes after the close
    ],
)
def test_stamps_of_the_session_are_accepted(stamp: datetime | None) -> None:
    assert validate_daily(raw([bar(DAY, stamp=stamp)]), context()).refused.is_empty()


@pytest.mark.parametrize("hour", [1, 8, 18, 23])
def test_stamps_outside_the_session_are_refused(hour: int) -> None:
    stamp = datetime(2025, 1, 6, hour, 0, tzinfo=JST)
    assert validate_daily(raw([bar(DAY, stamp=stamp)]), context()).refused["rule"].to_list() == [
        "wrong_time_zone"
    ]


@pytest.mark.parametrize("official", [None, datetime(2025, 1, 6, tzinfo=JST), OPEN])
def test_running_bar_gives_way_to_the_official_one_however_that_is_stamped(official: datetime | None) -> None:
    rows = [bar(DAY, stamp=official), bar(DAY, 990.0, stamp=CLOSE)]
    for delivery in (rows, rows[::-1]):
        validated = validate_daily(raw(delivery), context())
        assert validated.accepted["close"].to_list() == [1_000.0]
        assert validated.refused["rule"].to_list() == ["provisional_duplicate"]


def test_lone_running_bar_stands_for_its_session() -> None:
    assert validate_daily(raw([bar(DAY, stamp=CLOSE)]), context()).accepted["ts"].to_list() == [OPEN]


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (datetime(2025, 1, 6, 15, 59, 59, tzinfo=JST), "provisional"),
        (datetime(2025, 1, 6, 16, 0, tzinfo=JST), "final"),  # 30 minutes after the close of 15:30
        (NOW, "final"),
    ],
)
def test_bar_is_final_half_an_hour_after_the_close(now: datetime, status: str) -> None:
    validated = validate_daily(raw([bar(DAY)]), context(now))
    assert validated.accepted["status"].to_list() == [status]


def test_bar_of_a_session_that_has_not_opened_is_refused_and_one_that_runs_is_provisional() -> None:
    before = validate_daily(raw([bar(DAY)]), context(datetime(2025, 1, 6, 8, 59, tzinfo=JST)))
    after = validate_daily(raw([bar(DAY)]), context(datetime(2025, 1, 6, 9, 0, tzinfo=JST)))
    assert before.refused["rule"].to_list() == ["future_bar"]
    assert after.accepted["status"].to_list() == ["provisional"]


def test_time_of_a_bar_is_the_open_of_its_session_in_utc() -> None:
    validated = validate_daily(raw([bar(DAY), bar(january(11))]), context())
    assert validated.accepted["ts"].to_list() == [datetime(2025, 1, 6, 0, 0, tzinfo=UTC)]
    assert validated.refused["ts"].to_list() == [
        datetime(2025, 1, 11, 0, 0, tzinfo=UTC)
    ]  # a Saturday has no open


def test_refused_rows_keep_the_values_the_source_sent() -> None:
    validated = validate_daily(raw([bar(DAY, high=1.0, volume=-3.0)]), context())
    assert validated.refused.select("open", "high", "low", "close", "volume").rows() == [
        (1_000.0, 1.0, 1_000.0, 1_000.0, -3.0)
    ]


def test_empty_delivery_is_no_trouble() -> None:
    validated = validate_daily(raw([]), context())
    assert validated.accepted.is_empty()
    assert validated.refused.is_empty()
    assert validated.accepted.schema["status"] == validated.refused.schema["rule"] == pl.String


def test_dust_of_adjusted_prices_is_taken_into_the_range() -> None:
    dusty = bar(DAY, high=1_000.0 * (1 - 9e-10), low=1_000.0 * (1 + 9e-10))
    coarse = bar(january(7), high=1_000.0 * (1 - 2e-9))
    validated = validate_daily(raw([dusty, coarse]), context())
    assert validated.accepted.select("row", "high", "low").rows() == [(1, 1_000.0, 1_000.0)]
    assert validated.refused["rule"].to_list() == ["inconsistent_range"]
