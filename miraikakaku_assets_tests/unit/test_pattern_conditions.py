"""Every condition of every pattern, both sides, against a second writing of the specification in plain Python.

Here both sides are written out; the product writes one and mirrors it. Each condition has to be met and not met.
"""

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.patterns.definitions import NAMES, definition_of
from miraikakaku_assets.domain.patterns.frames import TIMEFRAMES
from miraikakaku_assets.domain.patterns.states import read
from miraikakaku_assets_tests.support.bars.pattern_frames import noise

D1, H4, H1, M5 = TIMEFRAMES


class Seen:
    """A bar with those before it; a value that is not known makes the condition unknown, which is not true."""

    def __init__(self, rows: list[dict[str, Any]], place: int) -> None:
        self.rows, self.place = rows, place

    def __getattr__(self, name: str) -> float:
        value = self.rows[self.place][name]
        if value is None:
            raise LookupError(name)
        return value  # type: ignore[no-any-return]

    def ago(self, bars: int) -> "Seen":
        if self.place < bars:
            raise LookupError("before the first bar")
        return Seen(self.rows, self.place - bars)

    def last(self, bars: int) -> list["Seen"]:
        return [self.ago(back) for back in range(bars)]

    @property
    def before(self) -> "Seen":
        return self.ago(1)

    def swing(self, sign: int, name: str) -> "Seen":
        """The last confirmed swing high (sign 1) or low (sign -1)."""
        for at in range(self.place - 5, 4, -1):
            price = [sign * row[name] for row in self.rows[at - 5 : at + 6]]
            known = self.rows[at]["rsi_14"] is not None
            if known and price[5] > max(price[:5]) and price[5] >= max(price[6:]):
                return Seen(self.rows, at)
        raise LookupError("no swing yet")


def crosses_up(b: Seen, level: float) -> bool:
    return b.before.rsi_14 <= level < b.rsi_14


def crosses_down(b: Seen, level: float) -> bool:
    return b.before.rsi_14 >= level > b.rsi_14


def upper_wick(b: Seen) -> bool:
    return b.high > b.low and (b.high - max(b.open, b.close)) / (b.high - b.low) >= 0.5


def lower_wick(b: Seen) -> bool:
    return b.high > b.low and (min(b.open, b.close) - b.low) / (b.high - b.low) >= 0.5


def near(price: float, level: float) -> bool:
    return abs(price - level) < 0.001 * level


def std_over_mean(b: Seen) -> float:
    closes = [seen.close for seen in b.last(5)]
    mean = sum(closes) / 5
    return float((sum((close - mean) ** 2 for close in closes) / 5) ** 0.5 / mean)


Written = dict[tuple[str, str, int, Timeframe], Callable[[Seen], bool]]

V2: Written = {
    ("1", "SELL", 0, D1): lambda b: (
        max(x.rsi_14 for x in b.last(3)) >= 60 and b.macd_histogram < b.before.macd_histogram
    ),
    ("1", "BUY", 0, D1): lambda b: (
        min(x.rsi_14 for x in b.last(3)) <= 40 and b.macd_histogram > b.before.macd_histogram
    ),
    ("1", "SELL", 0, H4): lambda b: (
        max(x.rsi_14 for x in b.last(3)) >= 65 and max(x.high - x.bb_upper for x in b.last(3)) >= 0
    ),
    ("1", "BUY", 0, H4): lambda b: (
        min(x.rsi_14 for x in b.last(3)) <= 35 and min(x.low - x.bb_lower for x in b.last(3)) <= 0
    ),
    ("1", "SELL", 0, H1): lambda b: max(x.high - x.bb_upper for x in b.last(3)) >= 0 and b.close < b.bb_upper,
    ("1", "BUY", 0, H1): lambda b: min(x.low - x.bb_lower for x in b.last(3)) <= 0 and b.close > b.bb_lower,
    ("1", "SELL", 0, M5): lambda b: b.before.rsi_14 >= 60 and (upper_wick(b) or crosses_down(b, 70)),
    ("1", "BUY", 0, M5): lambda b: b.before.rsi_14 <= 40 and (lower_wick(b) or crosses_up(b, 30)),
    ("2", "BUY", 0, D1): lambda b: b.close > b.bb_middle and b.macd > b.macd_signal,
    ("2-2", "SELL", 0, D1): lambda b: b.close < b.bb_middle and b.macd < b.macd_signal,
    ("2", "BUY", 0, H4): lambda b: 35 <= b.rsi_14 <= 55,
    ("2-2", "SELL", 0, H4): lambda b: 45 <= b.rsi_14 <= 65,
    ("2", "BUY", 0, H1): lambda b: (
        min(x.low - x.bb_lower for x in b.last(3)) <= 0 or min(x.rsi_14 for x in b.last(3)) <= 40
    ),
    ("2-2", "SELL", 0, H1): lambda b: (
        max(x.high - x.bb_upper for x in b.last(3)) >= 0 or max(x.rsi_14 for x in b.last(3)) >= 60
    ),
    ("2", "BUY", 0, M5): lambda b: crosses_up(b, 30),
    ("2-2", "SELL", 0, M5): lambda b: crosses_down(b, 70),
    ("3", "SELL", 0, D1): lambda b: b.high > b.swing(1, "high").high and b.rsi_14 < b.swing(1, "high").rsi_14,
    ("3", "BUY", 0, D1): lambda b: b.low < b.swing(-1, "low").low and b.rsi_14 > b.swing(-1, "low").rsi_14,
    ("3", "SELL", 0, H4): lambda b: b.macd_histogram < b.before.macd_histogram,
    ("3", "BUY", 0, H4): lambda b: b.macd_histogram > b.before.macd_histogram,
    ("3", "SELL", 1, H4): lambda b: (
        b.high > b.swing(1, "high").high and b.rsi_14 <= b.swing(1, "high").rsi_14 - 2 and b.rsi_14 > 55
    ),
    ("3", "BUY", 1, H4): lambda b: (
        b.low < b.swing(-1, "low").low and b.rsi_14 >= b.swing(-1, "low").rsi_14 + 2 and b.rsi_14 < 45
    ),
    ("3", "SELL", 1, H1): lambda b: b.macd_histogram < b.before.macd_histogram,
    ("3", "BUY", 1, H1): lambda b: b.macd_histogram > b.before.macd_histogram,
    ("4", "BUY", 0, D1): lambda b: 50 <= b.rsi_14 <= 75 and b.macd > b.before.macd,
    ("4", "SELL", 0, D1): lambda b: 25 <= b.rsi_14 <= 50 and b.macd < b.before.macd,
    ("4", "BUY", 0, H4): lambda b: b.close > b.bb_upper,
    ("4", "SELL", 0, H4): lambda b: b.close < b.bb_lower,
    ("4", "BUY", 0, H1): lambda b: b.close > b.bb_upper,
    ("4", "SELL", 0, H1): lambda b: b.close < b.bb_lower,
    ("4", "BUY", 0, M5): lambda b: b.close - b.ago(5).close > 1.5 * b.atr_14,
    ("4", "SELL", 0, M5): lambda b: b.ago(5).close - b.close > 1.5 * b.atr_14,
    ("5", "NEUTRAL", 0, D1): lambda b: 45 <= b.rsi_14 <= 55 and abs(b.macd) < 0.5 * b.atr_14,
    ("5", "NEUTRAL", 0, H4): lambda b: 42 <= b.rsi_14 <= 58 and abs(b.close - b.bb_middle) < 0.5 * b.atr_14,
    ("5", "NEUTRAL", 0, H1): lambda b: (
        42 <= b.rsi_14 <= 58 and sum(crosses_up(x, 50) or crosses_down(x, 50) for x in b.last(5)) > 0
    ),
    ("6", "BUY", 0, D1): lambda b: b.rsi_14 > 55 and b.macd > b.macd_signal and b.close > b.bb_middle,
    ("6", "SELL", 0, D1): lambda b: b.rsi_14 < 45 and b.macd < b.macd_signal and b.close < b.bb_middle,
    ("6", "BUY", 0, H4): lambda b: b.rsi_14 > 50 and b.close > b.bb_middle,
    ("6", "SELL", 0, H4): lambda b: b.rsi_14 < 50 and b.close < b.bb_middle,
    ("6", "BUY", 0, H1): lambda b: b.rsi_14 > 50 and b.close > b.bb_middle,
    ("6", "SELL", 0, H1): lambda b: b.rsi_14 < 50 and b.close < b.bb_middle,
    ("6", "BUY", 0, M5): lambda b: crosses_up(b, 50) and b.close > b.bb_middle,
    ("6", "SELL", 0, M5): lambda b: crosses_down(b, 50) and b.close < b.bb_middle,
}


def up_but_weaker(b: Seen) -> bool:
    return b.close > b.before.close and b.rsi_14 < b.before.rsi_14


def down_but_stronger(b: Seen) -> bool:
    return b.close < b.before.close and b.rsi_14 > b.before.rsi_14


V1: Written = {
    ("1", "SELL", 0, D1): lambda b: (
        b.rsi_14 > 70 and b.before.macd >= b.before.macd_signal and b.macd < b.macd_signal
    ),
    ("1", "BUY", 0, D1): lambda b: (
        b.rsi_14 < 30 and b.before.macd <= b.before.macd_signal and b.macd > b.macd_signal
    ),
    **{("1", "SELL", 0, t): lambda b: b.rsi_14 > 70 and near(b.close, b.bb_upper) for t in (H4, H1)},
    **{("1", "BUY", 0, t): lambda b: b.rsi_14 < 30 and near(b.close, b.bb_lower) for t in (H4, H1)},
    ("1", "SELL", 0, M5): lambda b: b.rsi_14 > 70 and upper_wick(b),
    ("1", "BUY", 0, M5): lambda b: b.rsi_14 < 30 and lower_wick(b),
    ("2", "BUY", 0, D1): lambda b: 30 <= b.rsi_14 <= 50 and b.macd > b.macd_signal,
    ("2-2", "SELL", 0, D1): lambda b: 50 <= b.rsi_14 <= 70 and b.macd < b.macd_signal,
    ("2", "BUY", 0, H4): lambda b: 30 <= b.rsi_14 <= 40 and near(b.close, b.bb_lower),
    ("2-2", "SELL", 0, H4): lambda b: 60 <= b.rsi_14 <= 70 and near(b.close, b.bb_upper),
    ("2", "BUY", 0, H1): lambda b: 30 <= b.rsi_14 <= 35 and near(b.close, b.bb_lower),
    ("2-2", "SELL", 0, H1): lambda b: 65 <= b.rsi_14 <= 70 and near(b.close, b.bb_upper),
    ("2", "BUY", 0, M5): lambda b: b.rsi_14 <= 30 and b.close > b.before.close > b.ago(2).close,
    ("2-2", "SELL", 0, M5): lambda b: b.rsi_14 >= 70 and b.close < b.before.close < b.ago(2).close,
    ("3", "SELL", 0, D1): lambda b: (
        b.close == max(x.close for x in b.last(10)) and b.rsi_14 < max(x.rsi_14 for x in b.last(10))
    ),
    ("3", "BUY", 0, D1): lambda b: (
        b.close == min(x.close for x in b.last(10)) and b.rsi_14 > min(x.rsi_14 for x in b.last(10))
    ),
    **{("3", "SELL", 0, t): up_but_weaker for t in (H4, H1, M5)},
    **{("3", "BUY", 0, t): down_but_stronger for t in (H4, H1, M5)},
    ("4", "BUY", 0, D1): lambda b: 50 <= b.rsi_14 <= 70 and b.macd > b.before.macd,
    ("4", "SELL", 0, D1): lambda b: 30 <= b.rsi_14 <= 50 and b.macd < b.before.macd,
    **{("4", "BUY", 0, t): lambda b: b.close > b.bb_upper for t in (H4, H1)},
    **{("4", "SELL", 0, t): lambda b: b.close < b.bb_lower for t in (H4, H1)},
    ("4", "BUY", 0, M5): lambda b: b.close - b.ago(5).close > 0.005 * b.ago(5).close,
    ("4", "SELL", 0, M5): lambda b: b.ago(5).close - b.close > 0.005 * b.ago(5).close,
    ("5", "NEUTRAL", 0, D1): lambda b: 45 <= b.rsi_14 <= 55 and max(abs(b.macd), abs(b.macd_signal)) <= 0.1,
    ("5", "NEUTRAL", 0, H4): lambda b: 45 <= b.rsi_14 <= 55 and near(b.close, b.bb_middle),
    ("5", "NEUTRAL", 0, H1): lambda b: 45 <= b.rsi_14 <= 55 and b.atr_14 > b.before.atr_14,
    ("5", "NEUTRAL", 0, M5): lambda b: crosses_up(b, 50) or crosses_down(b, 50),
    ("6", "BUY", 0, D1): lambda b: (
        30 <= b.rsi_14 <= 70 and b.macd > b.macd_signal and b.close > b.before.close
    ),
    ("6", "SELL", 0, D1): lambda b: (
        30 <= b.rsi_14 <= 70 and b.macd < b.macd_signal and b.close < b.before.close
    ),
    **{
        ("6", side, 0, t): lambda b: 30 <= b.rsi_14 <= 70 and b.bb_lower <= b.close <= b.bb_upper
        for side in ("BUY", "SELL")
        for t in (H4, H1)
    },
    **{
        ("6", side, 0, M5): lambda b: 30 <= b.rsi_14 <= 70 and std_over_mean(b) < 0.02
        for side in ("BUY", "SELL")
    },
}


def judged_by_hand(bars: pl.DataFrame, condition: Callable[[Seen], bool]) -> Iterator[bool]:
    for part in bars.partition_by("symbol", maintain_order=True):
        rows = part.to_dicts()
        for place in range(len(rows)):
            try:
                yield condition(Seen(rows, place))
            except LookupError:
                yield False


@pytest.mark.parametrize(("name", "written"), [("v1", V1), ("v2", V2)])
@pytest.mark.parametrize("timeframe", TIMEFRAMES, ids=str)
def test_conditions_are_those_of_the_specification(name: str, written: Written, timeframe: Timeframe) -> None:
    definition = definition_of(name)
    bars = noise(seed=7, symbols=6, days=300).of(timeframe)
    bars = bars.filter(pl.int_range(pl.len()).over("symbol") < 400)
    truth = read(bars, timeframe, definition).truth
    judged = set()
    for number, pattern in enumerate(definition.patterns):
        for which, conditions in enumerate(pattern.any_of):
            if timeframe not in conditions:
                continue
            key = (pattern.number, pattern.direction.value, which, timeframe)
            judged.add(key)
            ours = truth[f"pattern {number} way {which} {timeframe}"].fill_null(value=False).to_list()
            assert ours == list(judged_by_hand(bars, written[key])), key
            assert True in ours, key
            assert False in ours, key
    assert judged == {key for key in written if key[3] is timeframe}


def test_both_definitions_have_the_six_patterns_and_their_mirrors() -> None:
    sides = [("1", "SELL"), ("1", "BUY"), ("2", "BUY"), ("2-2", "SELL"), ("3", "SELL"), ("3", "BUY")]
    sides += [("4", "BUY"), ("4", "SELL"), ("5", "NEUTRAL"), ("6", "BUY"), ("6", "SELL")]
    for definition in map(definition_of, NAMES):
        assert [(pattern.number, pattern.direction.value) for pattern in definition.patterns] == sides


def test_names_priorities_and_delays() -> None:
    expected = {
        "1": ("強力なトレンド転換シグナル", "HIGH", 0),
        "2": ("押し目買いチャンス", "MEDIUM", 300),
        "2-2": ("戻り売りチャンス", "MEDIUM", 300),
        "3": ("ダイバージェンス警戒", "MEDIUM", 300),
        "4": ("ブレイクアウト狙い", "MEDIUM", 300),
        "5": ("RSI50ライン攻防", "LOW", 600),
        "6": ("複合シグナル強化", "HIGH", 0),
    }
    for definition in map(definition_of, NAMES):
        for pattern in definition.patterns:
            delay = pattern.priority.notified_after.total_seconds()
            assert (pattern.name_ja, pattern.priority.value, delay) == expected[pattern.number]


def test_targets_and_stops_of_the_first_definition() -> None:
    pips = {
        (pattern.number, pattern.direction.value): (pattern.take_profit_pips, pattern.stop_pips)
        for pattern in definition_of("v1").patterns
    }
    assert pips["1", "SELL"] == (-50, 30)
    assert pips["1", "BUY"] == (50, -30)
    assert pips["2", "BUY"] == (80, -40)
    assert pips["2-2", "SELL"] == (-80, 40)
    assert pips["4", "BUY"] == (100, -50)
    assert pips["6", "BUY"] == (120, -60)
    assert pips["3", "SELL"] == pips["5", "NEUTRAL"] == (None, None)
    assert all(pattern.take_profit_pips is None for pattern in definition_of("v2").patterns)
