"""Moves of the close where no exchange limits them: shares elsewhere, and currencies."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets.domain.bars.frame import RAW_DAILY
from miraikakaku_assets.domain.bars.rules import (
    MOVE_FLAGS,
    OUTSIDE_RANGE,
    SCALE_JUMP,
    SPLIT_UNADJUSTED,
    SUPERSEDING_RULES,
    UNIT_CHANGE,
)
from miraikakaku_assets.domain.bars.validation import DailyContext, ValidatedBars, validate_daily
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Universe
from miraikakaku_assets_tests.support.bars.raw_bars import NOW, actions, bar, raw, stored
from miraikakaku_assets_tests.support.bars.repair_pairs import ANYWHERE

FIRST = date(2025, 1, 1)


def series(*values: float, volume: float = 100.0, symbol: str = "X") -> list[dict[str, Any]]:
    return [
        bar(FIRST + timedelta(days=n), value, symbol=symbol, volume=volume) for n, value in enumerate(values)
    ]


def marks(rows: list[dict[str, Any]], universe: Universe = ANYWHERE, **known: Any) -> list[str | None]:
    """Per row: the rule that refused it, the flag, or None."""
    validated = validate_daily(raw(rows), DailyContext(universe, NOW, **known))
    both = validated.accepted.select("row", mark="flag").vstack(validated.refused.select("row", mark="rule"))
    return both.sort("row")["mark"].to_list()


def test_spike_of_five_times_that_is_taken_back_is_refused_and_smaller_ones_are_stored() -> None:
    assert marks(series(10.0, 50.0, 11.0)) == [None, "move_undone", None]
    assert marks(series(10.0, 2.0, 9.0)) == [None, "move_undone", None]
    assert marks(series(10.0, 39.0, 11.0)) == [None, None, None]
    assert marks(series(10.0, 50.0, 20.0)) == [None, SCALE_JUMP, None]


def test_spike_of_twice_that_nobody_traded_is_refused() -> None:
    assert marks(series(10.0, 20.0, 10.0, volume=0.0)) == [None, "move_undone", None]
    assert marks(series(10.0, 19.0, 10.0, volume=0.0)) == [None, None, None]


def test_tenfold_move_of_the_newest_bar_waits_for_the_next_to_confirm_it() -> None:
    assert marks(series(10.0, 100.0)) == [None, "move_absurd"]
    assert marks(series(10.0, 100.0, 90.0)) == [None, SCALE_JUMP, None]
    assert marks(series(10.0, 95.0)) == [None, SCALE_JUMP]


def test_lasting_jump_of_four_times_without_a_reason_is_marked_at_its_first_bar() -> None:
    assert marks(series(10.0, 40.5, 41.0, 40.0)) == [None, SCALE_JUMP, None, None]
    assert marks(series(40.0, 10.5, 10.0, 10.2)) == [None, None, None, None]  # a trial failed


def test_change_of_unit_is_marked_where_it_lasts_and_refused_where_it_does_not() -> None:
    assert marks(series(10.0, 1_000.0, 1_005.0, 1_010.0)) == [None, UNIT_CHANGE, None, None]
    assert marks(series(10.0, 1_000.0, 1_010.0, 10.1)) == [None, "unit_error", "unit_error", None]
    eight = [10.0, *[1_000.0] * 8, 10.0]
    assert marks(series(*eight)) == [None, *["unit_error"] * 8, None]
    nine = [10.0, *[1_000.0] * 9, 10.0, 10.0]
    assert marks(series(*nine)) == [None, UNIT_CHANGE, *[None] * 8, UNIT_CHANGE, None]


@pytest.mark.parametrize(("ratio", "after"), [(2.0, 5.1), (3.0, 3.4), (0.1, 98.0), (2.0, 19.5), (1.5, 6.6)])
@pytest.mark.parametrize("days", [-40, -3, 0, 7, 44])
def test_jump_by_the_ratio_of_a_split_of_those_weeks_is_marked(ratio: float, after: float, days: int) -> None:
    split = actions(("X", FIRST + timedelta(days=1 + days), "split", ratio))
    assert marks(series(10.0, after, after, after), actions=split) == [None, SPLIT_UNADJUSTED, None, None]


def test_split_of_another_issue_another_season_or_another_ratio_says_nothing() -> None:
    rows = series(10.0, 5.0, 5.0)
    others = (
        ("Y", FIRST, "split", 2.0),
        ("X", FIRST + timedelta(days=60), "split", 2.0),
        ("X", FIRST, "split", 3.0),
        ("X", FIRST, "dividend", 0.5),
    )
    assert marks(rows, actions=actions(*others)) == [None, None, None]


def test_bars_off_by_a_split_of_the_issue_are_refused_when_the_price_returns() -> None:
    split = actions(("X", FIRST + timedelta(days=20), "split", 2.0))
    assert marks(series(10.0, 5.0, 5.1, 10.1), actions=split) == [None, "split_error", "split_error", None]


def test_dividend_explains_the_fall_it_causes() -> None:
    # Capricorn paid 2.44 of 4.61 pounds: the fall is 0.44, what the dividend leaves is 0.94.
    paid = actions(("X", FIRST + timedelta(days=1), "dividend", 8.5))
    assert marks(series(10.0, 1.4, 1.5), actions=paid) == [None, None, None]
    assert marks(series(10.0, 1.4, 1.5)) == [None, SCALE_JUMP, None]


def test_stored_close_is_the_base_and_a_split_says_why_it_is_on_another_scale() -> None:
    before = stored("X", FIRST - timedelta(days=1), 10.0)
    assert marks(series(1_000.0, 10.0), stored=before) == ["unit_error", None]
    split = actions(("X", FIRST + timedelta(days=3), "split", 5.0))
    rows = series(2.0, 2.1, 2.0, 2.0)
    assert marks(rows, stored=before, actions=split) == [SPLIT_UNADJUSTED, None, None, None]
    assert marks(rows, stored=before) == [SCALE_JUMP, None, None, None]


@pytest.mark.parametrize("column", ["high", "low", "open"])
def test_one_price_of_a_bar_ten_times_off_is_refused(column: str) -> None:
    rows = series(10.0, 10.0, 10.0)
    rows[1] |= {"open": {"open": 101.0, "high": 101.0}, "high": {"high": 101.0}, "low": {"low": 0.9}}[column]
    assert marks(rows) == [None, "stray_price", None]


def test_first_day_of_a_new_issue_may_range_widely() -> None:
    rows = series(95.0, 60.0)
    rows[0] |= {"open": 50.0, "high": 235.0, "low": 45.0}
    assert marks(rows) == [None, None]


def test_currency_cannot_move_by_a_tenth_and_back() -> None:
    days = [date(2008, 12, day) for day in (5, 8, 9)]
    seen = [
        bar(day, close, volume=0.0, symbol="JPY=X")
        for day, close in zip(days, (92.8, 109.2, 92.3), strict=True)
    ]
    assert marks(seen, FX) == [None, "move_undone", None]
    franc = [
        bar(day, close, volume=0.0, symbol="CHF=X")
        for day, close in zip(days, (1.02, 0.84, 0.86), strict=True)
    ]
    assert marks(franc, FX) == [None, None, None]


def frame(path: Path, symbol: str | None) -> pl.DataFrame:
    table = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    table = table.rename({name: name.lower() for name in table.columns})
    named = {"symbol": pl.lit(symbol)} if symbol else {}
    table = table.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64),
        pl.col("volume").cast(pl.Float64),
        session=pl.col("date").str.slice(0, 10).str.to_date(),
        stamp=pl.lit(None, RAW_DAILY["stamp"]),
        refusal=pl.lit(None, pl.String),
        **named,
    )
    return table.select(*RAW_DAILY)


REAL: dict[str, tuple[Universe, str | None, int, list[tuple[str, str, str]]]] = {
    # Brighthouse before its spin-off: quoted when issued, in another unit until 2017-07-12
    "us_daily/us_sp500_506sym_2016_2019_adjclose.parquet": (
        US, None, 308_601, [("BHF", "2017-07-17", SCALE_JUMP)],
    ),
    "copper/yahoo_HG=F_daily_2000_2026.csv": (ANYWHERE, "HG=F", 6_400, []),
    # 92.8 → 109.2 → 92.3: no such day happened
    "fx/yahoo_JPY=X_daily_1996_2026.csv": (FX, "JPY=X", 7_606, [("JPY=X", "2008-12-08", "move_undone")]),
}  # fmt: skip


@pytest.mark.parametrize("file", REAL)
def test_real_series_hold_these_implausible_bars_and_no_other(real_data: Path, file: str) -> None:
    universe, symbol, rows, implausible = REAL[file]
    bars = frame(real_data / file, symbol)
    validated: ValidatedBars = validate_daily(bars, DailyContext(universe, NOW.replace(year=2026, month=11)))
    assert validated.accepted.height + validated.refused.height == bars.height == rows
    refused = validated.refused.filter(
        pl.col("rule").is_in(SUPERSEDING_RULES) & (pl.col("rule") != "not_a_session")
    )
    flagged = validated.accepted.filter(pl.col("flag").is_in(MOVE_FLAGS))
    marked = (
        refused.select("symbol", "session", "rule").rows()
        + flagged.select("symbol", "session", "flag").rows()
    )
    assert [(name, str(session), mark) for name, session, mark in marked] == implausible


@pytest.mark.parametrize(("code", "dusty"), [("7203", 50), ("8919", 11), ("9984", 123), ("1376", 174)])
def test_no_bar_of_an_adjusted_history_is_refused_for_the_dust_in_its_range(
    real_data: Path, code: str, dusty: int
) -> None:
    def outside(bars: pl.DataFrame) -> int:
        high, low = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
        return bars.filter((pl.col("close") > 0) & ((pl.col("high") < high) | (pl.col("low") > low))).height

    bars = frame(real_data / "jp_daily" / f"{code}.csv", f"{code}.T")
    validated = validate_daily(bars, DailyContext(JP, NOW))
    assert outside(bars) == dusty
    assert outside(validated.accepted) == 0
    assert "inconsistent_range" not in set(validated.refused["rule"])


@pytest.mark.parametrize(
    ("close", "high", "mark"),
    [
        (150.0, 149.86, OUTSIDE_RANGE),
        (150.0, 149.84, "inconsistent_range"),
        (1.1, 1.0986, OUTSIDE_RANGE),
        (1.1, 1.0984, "inconsistent_range"),
    ],
)
def test_currency_closes_a_few_increments_outside_its_range(close: float, high: float, mark: str) -> None:
    rows = [bar(FIRST + timedelta(days=1), close, high=high, open=high, low=high - 0.01, volume=0.0)]
    assert marks(rows, FX) == [mark]
    assert marks(rows, ANYWHERE) == ["inconsistent_range"]  # an exchange prints what it trades
    accepted = validate_daily(raw(rows), DailyContext(FX, NOW)).accepted
    assert accepted.filter((pl.col("high") < pl.col("close")) | (pl.col("low") > pl.col("close"))).is_empty()


def test_closes_outside_the_range_of_the_last_four_years_of_dollar_yen(real_data: Path) -> None:
    bars = frame(real_data / "fx/yahoo_JPY=X_daily_1996_2026.csv", "JPY=X")
    validated = validate_daily(bars, DailyContext(FX, NOW.replace(year=2026, month=11)))
    newest = pl.col("row") >= 7_606 - 1_008
    outside = validated.refused.filter(pl.col("rule") == "inconsistent_range")
    flagged = validated.accepted.filter(pl.col("flag") == OUTSIDE_RANGE)
    assert (outside.height, flagged.height) == (14, 255)
    assert (outside.filter(newest).height, flagged.filter(newest).height) == (1, 56)
    again = validated.accepted.with_columns(refusal=pl.lit(None, pl.String)).select(*RAW_DAILY)
    assert validate_daily(again, DailyContext(FX, NOW.replace(year=2026, month=11))).accepted.height == 7_543
