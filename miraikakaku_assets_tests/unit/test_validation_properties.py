"""What holds for every delivery, however bad: no row is lost, none is stored that the table would refuse."""

from datetime import date, datetime, timedelta
from math import inf, isfinite, nan
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.bars.frame import RAW_DAILY
from miraikakaku_assets.domain.bars.rules import RULES
from miraikakaku_assets.domain.bars.validation import DailyContext, validate_daily
from miraikakaku_assets.domain.market.instruments import US
from miraikakaku_assets_tests.support.bars.raw_bars import JST, actions, context, raw

LARGEST_BIGINT = 2**63 - 1
NOW = datetime(2025, 1, 15, 11, 0, tzinfo=JST)  # inside the session of the 15th

ordinary = st.floats(90.0, 110.0)
prices = st.one_of(
    ordinary, ordinary, st.none(), st.sampled_from([nan, inf, -inf, -1.0, 0.0, 1e-300, 3e10, 1e308])
)
volumes = st.one_of(
    st.integers(0, 10**9).map(float), st.none(), st.sampled_from([nan, inf, -inf, -1.0, 0.5, 9.3e18, 1e300])
)
days = st.one_of(
    st.dates(date(2025, 1, 3), date(2025, 1, 17)),
    st.sampled_from([date.min, date(1990, 1, 4), date(2020, 10, 1), date(2026, 1, 5), date.max]),
)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    day = draw(days)
    midnight = datetime(day.year, day.month, day.day, tzinfo=JST)
    hours = draw(st.one_of(st.none(), st.sampled_from([0.0, 9.0, 15.5, 15.75, 3.0, 20.0])))
    usable = hours is not None and date.min < day < date.max
    if draw(st.booleans()):  # a bar as it should be, so that the later rules come into play as well
        price: float | None = draw(ordinary)
        values = dict.fromkeys(("open", "high", "low", "close"), price)
        values["volume"] = draw(st.sampled_from([0.0, 100.0]))
    else:
        values = {name: draw(prices) for name in ("open", "high", "low", "close")} | {"volume": draw(volumes)}
    return {
        "symbol": draw(st.sampled_from(["7203.T", "130A.T", "9998.T", ""])),
        "session": day,
        "stamp": midnight + timedelta(hours=hours or 0) if usable else None,
        "refusal": draw(st.sampled_from([None, None, None, None, "other_file_preferred"])),
        **values,
    }


deliveries = st.lists(rows(), max_size=12)
known = frozenset({"7203.T", "130A.T"})
split = actions(("7203.T", date(2025, 1, 8), "split", 5.0), ("7203.T", date(2025, 1, 8), "dividend", 10.0))


@settings(max_examples=60, deadline=None)
@given(deliveries)
def test_every_row_comes_out_exactly_once(delivery: list[dict[str, Any]]) -> None:
    validated = validate_daily(raw(delivery), context(NOW, known_symbols=known, actions=split))
    assert sorted([*validated.accepted["row"], *validated.refused["row"]]) == list(
        range(1, len(delivery) + 1)
    )
    assert set(validated.refused["rule"]) <= set(RULES)
    assert validated.refused["ts"].null_count() == 0
    assert validated.refused["detail"].null_count() == 0


@settings(max_examples=60, deadline=None)
@given(deliveries)
def test_accepted_rows_satisfy_the_tables_check(delivery: list[dict[str, Any]]) -> None:
    validated = validate_daily(raw(delivery), context(NOW, known_symbols=known, actions=split))
    for row in validated.accepted.iter_rows(named=True):
        body = (row["open"], row["close"])
        assert 0 < row["low"] <= min(body)
        assert max(body) <= row["high"] < inf
        assert 0 <= row["volume"] <= LARGEST_BIGINT
        assert isfinite(row["volume"])
        assert row["ts"] is not None
        assert row["status"] in {"final", "provisional"}
        assert row["symbol"] in known
    assert validated.accepted["volume"].cast(pl.Int64).null_count() == 0


@settings(max_examples=60, deadline=None)
@given(deliveries)
def test_accepted_rows_are_sorted_and_one_per_session(delivery: list[dict[str, Any]]) -> None:
    validated = validate_daily(raw(delivery), context(NOW, known_symbols=known, actions=split))
    keys = validated.accepted.select("symbol", "session").rows()
    assert keys == sorted(set(keys))


@settings(max_examples=60, deadline=None)
@given(deliveries, st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(delivery: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(delivery, len(delivery))
    first, second = (
        validate_daily(raw(each), context(NOW, known_symbols=known)) for each in (delivery, shuffled)
    )
    # Of equal rows any one may be kept, so position and stamp are not compared.
    assert first.accepted.drop("row", "stamp").equals(second.accepted.drop("row", "stamp"))
    assert sorted(first.refused["rule"]) == sorted(second.refused["rule"])


@settings(max_examples=30, deadline=None)
@given(deliveries)
def test_symbols_are_judged_each_by_itself(delivery: list[dict[str, Any]]) -> None:
    together = validate_daily(raw(delivery), context(NOW)).accepted
    for symbol in {row["symbol"] for row in delivery}:
        alone = validate_daily(raw(row for row in delivery if row["symbol"] == symbol), context(NOW)).accepted
        assert together.filter(pl.col("symbol") == symbol).drop("row").equals(alone.drop("row"))


@settings(max_examples=60, deadline=None)
@given(deliveries)
def test_what_was_accepted_is_accepted_again(delivery: list[dict[str, Any]]) -> None:
    for where in (context(NOW, actions=split), DailyContext(US, NOW, actions=split)):
        once = validate_daily(raw(delivery), where).accepted
        again = once.with_columns(refusal=pl.lit(None, pl.String)).select(*RAW_DAILY)
        assert validate_daily(again, where).refused.is_empty()
