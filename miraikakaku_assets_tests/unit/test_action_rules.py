"""Rules of dividends and splits, each with an action that breaks it and nothing else."""

from datetime import date, timedelta
from math import inf, nan
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.bars.actions import ValidatedActions, validate_actions
from miraikakaku_assets.domain.bars.frame import ACTIONS
from miraikakaku_assets.domain.bars.rules import ACTION_FLAGS, ACTION_RULES
from miraikakaku_assets_tests.support.bars.raw_bars import actions

FIRST = date(2025, 1, 6)
Action = tuple[str, date, str, float]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def bars(*closes: float, symbol: str = "X", volume: float = 100.0) -> pl.DataFrame:
    rows = [(symbol, day(n), price, price, price, volume) for n, price in enumerate(closes)]
    prices = dict.fromkeys(("open", "low", "close", "volume"), pl.Float64)
    return pl.DataFrame(rows, {"symbol": pl.String, "session": pl.Date, **prices}, orient="row")


def paid(number: int, amount: float, symbol: str = "X") -> Action:
    return symbol, day(number), "dividend", amount


def split(number: int, ratio: float) -> Action:
    return "X", day(number), "split", ratio


def judged(happened: list[Action], around: pl.DataFrame, **known: Any) -> ValidatedActions:
    return validate_actions(actions(*happened), around, **known)


def refused(happened: list[Action], around: pl.DataFrame, **known: Any) -> list[tuple[date, str]]:
    return judged(happened, around, **known).refused.select("ex_date", "rule").rows()


def flagged(happened: list[Action], around: pl.DataFrame) -> list[tuple[date, str]]:
    validated = judged(happened, around)
    assert validated.refused.is_empty()
    return validated.flagged.select("ex_date", "rule").rows()


STILL = bars(*[100.0] * 30)


def test_every_rule_has_a_sentence_of_its_own() -> None:
    assert not set(ACTION_RULES) & set(ACTION_FLAGS)
    assert all(text and not text.endswith(".") for text in (*ACTION_RULES.values(), *ACTION_FLAGS.values()))


@pytest.mark.parametrize("amount", [0.0, -1.0, nan, inf, None])
@pytest.mark.parametrize("kind", ["dividend", "split"])
def test_amount_that_is_none_is_refused(kind: str, amount: Any) -> None:
    assert refused([("X", day(1), kind, amount)], STILL) == [(day(1), "bad_amount")]


def test_same_action_twice_is_stored_once() -> None:
    validated = judged([paid(1, 1.0), paid(1, 1.0), paid(1, 1.0)], STILL)
    assert validated.accepted.height == 1
    assert validated.refused["rule"].to_list() == ["duplicate_action"] * 2


def test_of_two_like_dividends_days_apart_the_one_that_the_price_shows_stays() -> None:
    falls_second = bars(100.0, 100.0, 97.0, 97.0)
    assert refused([paid(1, 3.0), paid(2, 3.1)], falls_second) == [(day(1), "action_twice")]
    falls_first = bars(100.0, 97.0, 97.0, 97.0)
    assert refused([paid(1, 3.0), paid(2, 3.1)], falls_first) == [(day(2), "action_twice")]
    assert refused([paid(1, 3.0), paid(2, 3.1)], bars()) == [(day(2), "action_twice")]


def test_dividends_that_differ_or_come_every_week_stay() -> None:
    assert refused([paid(1, 3.0), paid(2, 4.0)], STILL) == []
    assert refused([paid(1, 0.2), paid(8, 0.2), paid(15, 0.2)], STILL) == []
    assert refused([paid(1, 3.0), paid(2, 3.0, "Y")], STILL) == []


def test_of_two_like_splits_days_apart_the_first_stays() -> None:
    assert refused([split(1, 5.0), split(3, 5.0)], STILL) == [(day(3), "action_twice")]
    assert refused([split(1, 5.0), split(3, 2.0)], STILL) == []


def test_dividend_as_large_as_the_price_is_refused() -> None:
    assert refused([paid(1, 100.0)], STILL) == [(day(1), "dividend_exceeds_price")]
    assert refused([paid(0, 100.0)], STILL) == []  # nothing is known of the day before
    stored = pl.DataFrame({"symbol": ["X"], "previous": [99.0]})
    assert refused([paid(0, 100.0)], STILL, previous=stored) == [(day(0), "dividend_exceeds_price")]


@pytest.mark.parametrize(
    ("amount", "low", "verdict"),
    [
        (20.0, 94.0, "dividend_without_drop"),
        (20.0, 93.0, None),  # a third of it shows
        (19.0, 94.0, "dividend_doubtful"),
        (8.0, 98.0, "dividend_doubtful"),
        (7.9, 100.0, None),  # a day's trading may hide it
    ],
)
def test_large_dividend_has_to_show_in_the_price(amount: float, low: float, verdict: str | None) -> None:
    around = bars(100.0, 100.0, 100.0).with_columns(
        low=pl.when(pl.col("session") == day(1)).then(low).otherwise("low")
    )
    validated = judged([paid(1, amount)], around)
    assert [*validated.refused["rule"], *validated.flagged["rule"]] == ([verdict] if verdict else [])
    assert validated.accepted.height == (0 if verdict == "dividend_without_drop" else 1)


def test_dividend_of_a_share_nobody_traded_may_show_two_sessions_later() -> None:
    falling = bars(100.0, 100.0, 100.0, 80.0, volume=0.0)
    assert flagged([paid(1, 30.0)], falling) == []


def test_ex_date_without_a_session_is_seen_in_the_next_bar() -> None:
    assert flagged([paid(1, 30.0)], bars(100.0, 100.0, 70.0).filter(pl.col("session") != day(1))) == []


def test_dividend_exactly_a_hundred_times_off_its_neighbours_is_marked() -> None:
    year = [paid(1, 0.5), paid(8, 0.005), paid(16, 0.55), paid(24, 0.5)]
    assert flagged(year, STILL) == [(day(8), "dividend_unit")]
    assert flagged([paid(1, 0.5), paid(8, 0.006), paid(16, 0.75)], STILL) == []  # a variable dividend


def test_dividend_of_the_old_shares_beside_their_split_is_marked() -> None:
    usual = [paid(1, 1.0), paid(29, 1.1)]
    assert flagged([*usual, paid(14, 5.2), split(15, 5.0)], STILL) == [(day(14), "dividend_before_split")]
    assert flagged([*usual, paid(14, 1.1), split(15, 5.0)], STILL) == []
    assert flagged([*usual, paid(14, 5.2)], STILL) == []


def test_repeated_split_and_phantom_dividend_of_a_real_history_are_found(real_data: Path) -> None:
    table = pl.read_csv(real_data / "jp_daily/7203.csv").rename(str.lower)
    table = table.with_columns(
        pl.col("stock splits", "dividends").cast(pl.Float64),
        session=pl.col("date").str.to_date(),
        symbol=pl.lit("X"),
    )
    happened = table.unpivot(["dividends", "stock splits"], index=["symbol", "session"], variable_name="kind")
    happened = happened.filter(pl.col("value") > 0).select(
        "symbol",
        "value",
        ex_date="session",
        kind=pl.col("kind").replace({"dividends": "dividend", "stock splits": "split"}),
    )
    validated = validate_actions(happened.select(*ACTIONS), table)
    assert validated.refused.select("ex_date", "kind", "value", "rule").rows() == [
        (date(2021, 10, 1), "split", 5.0, "action_twice")
    ]
    assert validated.flagged.select("ex_date", "kind", "value", "rule").rows() == [
        (date(2018, 3, 29), "dividend", 110.0, "dividend_doubtful")
    ]


happenings = st.lists(
    st.tuples(
        st.sampled_from(["X", "Y"]),
        st.integers(0, 30).map(day),
        st.sampled_from(["dividend", "split"]),
        st.sampled_from([0.0, -1.0, nan, inf, 0.005, 0.5, 0.51, 2.0, 5.0, 50.0, 500.0]),
    ),
    max_size=10,
)


@settings(max_examples=60, deadline=None)
@given(happenings, st.randoms(use_true_random=False))
def test_every_action_comes_out_once_whatever_the_order_and_stays_accepted(
    happened: list[Action], random: Any
) -> None:
    validated = judged(happened, STILL)
    out = pl.concat([validated.accepted, validated.refused.select(*ACTIONS)])
    assert out.sort(*ACTIONS).equals(actions(*happened).sort(*ACTIONS), null_equal=True)
    assert validated.flagged.join(
        validated.accepted, on=list(ACTIONS), how="anti", nulls_equal=True
    ).is_empty()
    shuffled = judged(random.sample(happened, len(happened)), STILL)
    for mine, other in ((validated.refused, shuffled.refused), (validated.flagged, shuffled.flagged)):
        assert mine.sort(pl.all()).equals(other.sort(pl.all()))
    assert validate_actions(validated.accepted, STILL).refused.is_empty()


def test_nothing_comes_of_nothing() -> None:
    validated = judged([], STILL)
    assert validated.accepted.schema == ACTIONS
    assert (
        validated.refused.schema
        == validated.flagged.schema
        == {**ACTIONS, "rule": pl.String(), "detail": pl.String()}
    )
