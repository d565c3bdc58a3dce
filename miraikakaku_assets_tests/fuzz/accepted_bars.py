"""What holds of bars that a parser accepts: every row is kept or refused with its rule, and kept ones can be stored."""

from collections import Counter
from datetime import datetime
from math import isfinite

import polars as pl

from miraikakaku_assets.domain.bars.actions import validate_actions
from miraikakaku_assets.domain.bars.frame import ACTIONS, PRICES, RAW_DAILY, RAW_INTRADAY
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.bars.rules import RULES
from miraikakaku_assets.domain.bars.validation import DailyContext, ValidatedBars, validate_daily
from miraikakaku_assets.domain.market.instruments import Universe

_LARGEST_BIGINT = 2**63 - 1


def check_daily(bars: pl.DataFrame, actions: pl.DataFrame, universe: Universe, now: datetime) -> None:
    """Daily bars and corporate actions as a source delivers them (schemas `RAW_DAILY` and `ACTIONS`)."""
    assert dict(bars.schema) == RAW_DAILY
    assert dict(actions.schema) == ACTIONS
    assert bars.select("symbol", "session").null_count().row(0) == (0, 0)
    validated = validate_daily(bars, DailyContext(universe, now, actions=actions))
    _check(bars, validated, ("symbol", "session"))
    judged = validate_actions(actions, validated.accepted)
    assert judged.accepted.height + judged.refused.height == actions.height
    assert all(isfinite(value) and value > 0 for value in judged.accepted["value"])


def check_intraday(bars: pl.DataFrame, universe: Universe, now: datetime) -> None:
    """5-minute bars as a source delivers them (schema `RAW_INTRADAY`)."""
    assert dict(bars.schema) == RAW_INTRADAY
    _check(bars, validate_intraday(bars, BarContext(universe, now)), ("symbol", "ts"))


def _check(bars: pl.DataFrame, validated: ValidatedBars, key: tuple[str, str]) -> None:
    accepted, refused = validated.accepted, validated.refused
    assert Counter([*accepted["row"], *refused["row"]]) == Counter(bars["row"])
    assert set(refused["rule"]) <= set(RULES)
    assert accepted.select(key).equals(accepted.select(key).unique().sort(key))
    for row in accepted.iter_rows(named=True):
        prices = [row[name] for name in PRICES if row[name] is not None]
        assert all(isfinite(price) and price > 0 for price in prices), row
        assert row["close"] is not None, row
        assert row["high"] is None or row["high"] == max(prices), row
        assert row["low"] is None or row["low"] == min(prices), row
        assert 0 <= row["volume"] <= _LARGEST_BIGINT, row
        assert row["status"] in {"final", "provisional"}, row
