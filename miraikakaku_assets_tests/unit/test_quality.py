"""The Great Expectations suite: silent on sane bars, and each rule speaks up when it is broken."""

from datetime import date

import polars as pl
import pytest

from miraikakaku_assets.adapters.quality import check_bars

SANE = pl.DataFrame(
    {
        "symbol": ["7203.T", "7203.T", "9984.T"],
        "session": [date(2025, 1, 6), date(2025, 1, 7), date(2025, 1, 6)],
        "open": [100.0, 101.0, 50.0],
        "high": [102.0, 103.0, 51.0],
        "low": [99.0, 100.0, 49.0],
        "close": [101.0, 102.0, 50.0],
        "volume": [1000, 0, 10],
        "status": ["final", "provisional", "final"],
    }
)


def test_sane_bars_keep_every_rule():
    assert [expectation.rule for expectation in check_bars(SANE) if not expectation.held] == []


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("close", None, "close is never missing"),
        ("low", -1.0, "low is a positive price"),
        ("high", 100.5, "high is at least close"),
        ("low", 100.5, "open is at least low"),
        ("volume", -5, "volume is not negative"),
        ("status", "maybe", "status is final or provisional"),
        ("session", date(2025, 1, 7), "one bar per symbol and session"),
    ],
)
def test_a_broken_bar_is_named_by_its_rule(column: str, value: object, rule: str):
    first = pl.int_range(pl.len()) == 0
    broken = SANE.with_columns(pl.when(first).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))
    broken_rules = {
        expectation.rule: expectation for expectation in check_bars(broken) if not expectation.held
    }
    assert rule in broken_rules
    assert broken_rules[rule].exceptions >= 1
