"""A year of a market that the simulator makes up, with the mistakes of real files written in: totals must add up.

The same as `test_real_year.py` asks of the real one, on any machine.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.errors import MasterRefusedError
from miraikakaku_assets_tests.support.markets.generated_files import NOW, daily, vendors_days, world
from miraikakaku_assets_tests.support.markets.whole_market import WholeMarket

pytestmark = pytest.mark.slow

FIRST = date(2025, 4, 1)
BEFORE = datetime(2025, 4, 30, 12, tzinfo=UTC)
ISSUES = 60
UNLISTED = ("1306.T", "6758.T", "9984.T")
"""Of the first list, and of the second."""
IN_PLACE = {"no_price": 7, "inconsistent_range": 3, "price_out_of_range": 2}
BESIDE = {"not_a_session": 5, "not_in_master": 4}
"""Rows that break a rule, in place of good ones and beside them."""


def year() -> pl.DataFrame:
    """Every issue whose prices were never split: a file of what was traded."""
    quotes = {symbol: world().quotes(symbol, int(NOW.timestamp())) for symbol in world().symbols()["jp"]}
    whole = [symbol for symbol, quoted in quotes.items() if quoted is not None and not quoted.splits]
    return vendors_days(*(daily(symbol, FIRST) for symbol in whole), zone="Asia/Tokyo")


def with_mistakes(good: pl.DataFrame) -> pl.DataFrame:
    """The same with the mistakes, far from each other."""
    place, every = pl.int_range(pl.len()), good.height // 20
    broken = {rule: pl.lit(value=False) for rule in IN_PLACE}
    places = iter(range(every, good.height, every))
    for rule, count in IN_PLACE.items():
        broken[rule] = place.is_in([next(places) for _ in range(count)])
    nothing = [
        pl.when(~broken["no_price"]).then(name).alias(name) for name in ("open", "high", "low", "close")
    ]
    upside_down = (
        pl.when(broken["inconsistent_range"]).then(pl.col("low") / 2).otherwise("high").alias("high")
    )
    garbage = [
        pl.when(broken["price_out_of_range"]).then(5e10).otherwise(name).alias(name)
        for name in ("open", "high", "low", "close")
    ]
    rows = good.with_columns(nothing).with_columns(upside_down).with_columns(garbage)
    holidays = good.filter(pl.col("date") == "2025-12-30").head(5).with_columns(date=pl.lit("2026-01-01"))
    strangers = good.head(4).with_columns(symbol=pl.lit("9998.T"))
    return pl.concat([rows, holidays, strangers])


def test_the_year_is_accounted_for_to_the_last_row(database: Database, tmp_path: Path) -> None:
    came, *went = UNLISTED
    lists = {BEFORE: tmp_path / "before.xls", NOW: tmp_path / "after.xls"}
    for (moment, path), unlisted in zip(lists.items(), ([came], went), strict=True):
        path.write_bytes(world().workbook(int(moment.timestamp()), frozenset(unlisted)))
    rows = with_mistakes(year())
    rows.write_parquet(tmp_path / "year.parquet")
    market = WholeMarket(database, tmp_path / "year.parquet", tmp_path / "home", lambda: NOW)

    assert market.update(lists[BEFORE]) == (ISSUES - 1, 0, 0, 0, 0)
    with pytest.raises(MasterRefusedError, match="fewer_issues"):
        market.update(lists[NOW])
    assert market.update(lists[NOW], accept=True) == (1, 0, 2, 0, ISSUES - 3)
    assert market.update(lists[NOW]) == (0, 0, 0, 0, ISSUES - 2)

    first, outcomes = market.collect()

    mistakes = IN_PLACE | BESIDE
    assert first.balanced
    assert not first.failures
    assert dict(first.rules) == mistakes
    assert (first.rows_read, first.quarantined) == (rows.height, sum(mistakes.values()))
    assert first.inserted == rows.height - first.quarantined
    assert first.rows_read == sum(outcome.rows_read for outcome in outcomes)
    stored = market.digest()
    second, _ = market.collect()
    assert (second.inserted, second.restated) == (0, 0)
    assert market.digest() == stored
    whole, sessions = market.coverage().whole, rows["date"].n_unique() - 1  # New Year is none
    assert (whole.instruments, whole.expected) == (ISSUES - 2, (ISSUES - 2) * sessions)
    assert whole.causes == {"quarantined": sum(IN_PLACE.values()), "never_delivered": whole.empty * sessions}
