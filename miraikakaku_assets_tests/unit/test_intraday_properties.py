"""What holds for every delivery of 5-minute bars, however bad."""

from datetime import UTC, datetime, timedelta
from math import inf, nan
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.bars.frame import RAW_INTRADAY
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.bars.rules import FLAGS, RULES
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Universe
from miraikakaku_assets_tests.support.bars.raw_intraday import raw, tick

NOW = datetime(2025, 1, 8, 5, 3, tzinfo=UTC)  # within a session in Tokyo, and of the currencies
MINUTES = int(timedelta(days=5).total_seconds() // 60)

prices = st.one_of(st.floats(90.0, 110.0), st.sampled_from([None, nan, inf, 0.0, 1.0, 1e4, 3e10]))
on_grid = st.integers(0, MINUTES // 5).map(lambda n: timedelta(minutes=5 * n))
anywhere = st.integers(0, MINUTES * 60).map(lambda n: timedelta(seconds=n))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    stamp = datetime(2025, 1, 4, tzinfo=UTC) + draw(st.one_of(on_grid, on_grid, anywhere))
    row = tick(stamp, draw(prices), symbol=draw(st.sampled_from(["A", "B"])))
    row["volume"] = draw(st.sampled_from([0.0, 100.0, 100.0, None, -1.0]))
    if draw(st.booleans()):
        row["high"] = draw(prices)
    return row


deliveries = st.lists(rows(), max_size=14)
universes = st.sampled_from([JP, US, FX])


@settings(max_examples=80, deadline=None)
@given(deliveries, universes)
def test_every_row_comes_out_once_and_what_is_accepted_fits_the_table(
    delivery: list[dict[str, Any]], universe: Universe
) -> None:
    validated = validate_intraday(raw(delivery), BarContext(universe, NOW))
    assert sorted([*validated.accepted["row"], *validated.refused["row"]]) == list(
        range(1, len(delivery) + 1)
    )
    assert set(validated.refused["rule"]) <= set(RULES)
    assert set(validated.accepted["flag"].drop_nulls()) <= set(FLAGS)
    assert validated.refused.select(pl.col("session", "ts", "detail").null_count()).row(0) == (0, 0, 0)
    for row in validated.accepted.iter_rows(named=True):
        assert 0 < row["low"] <= min(row["open"], row["close"])
        assert max(row["open"], row["close"]) <= row["high"] < inf
        assert row["volume"] >= 0
        assert row["ts"].minute % 5 == row["ts"].second == 0
        assert row["ts"] <= row["stamp"] <= NOW
    keys = validated.accepted.select("symbol", "ts").rows()
    assert keys == sorted(set(keys))


@settings(max_examples=60, deadline=None)
@given(deliveries, universes, st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(
    delivery: list[dict[str, Any]], universe: Universe, random: Any
) -> None:
    shuffled = random.sample(delivery, len(delivery))
    first, second = (validate_intraday(raw(each), BarContext(universe, NOW)) for each in (delivery, shuffled))
    assert first.accepted.drop("row").equals(second.accepted.drop("row"))
    assert sorted(first.refused["rule"]) == sorted(second.refused["rule"])


@settings(max_examples=60, deadline=None)
@given(deliveries, universes)
def test_what_was_accepted_is_accepted_again(delivery: list[dict[str, Any]], universe: Universe) -> None:
    where = BarContext(universe, NOW)
    once = validate_intraday(raw(delivery), where).accepted
    again = validate_intraday(once.with_columns(refusal=pl.lit(None, pl.String)).select(*RAW_INTRADAY), where)
    assert again.refused.is_empty()
    assert again.accepted.equals(once)


@settings(max_examples=40, deadline=None)
@given(deliveries, universes)
def test_symbols_are_judged_each_by_itself(delivery: list[dict[str, Any]], universe: Universe) -> None:
    together = validate_intraday(raw(delivery), BarContext(universe, NOW)).accepted
    for symbol in ("A", "B"):
        mine = raw(row for row in delivery if row["symbol"] == symbol)
        alone = validate_intraday(mine, BarContext(universe, NOW)).accepted
        assert together.filter(pl.col("symbol") == symbol).drop("row").equals(alone.drop("row"))
