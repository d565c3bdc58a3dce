"""Every indicator against its textbook definition in plain Python, which shares no code with TA-Lib."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import polars as pl
import pytest

from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.indicators.definitions import COLUMNS
from miraikakaku_assets_tests.support.bars.random_walks import walk

Values = list[float | None]


def sma(values: Sequence[float | None], n: int) -> Values:
    means: Values = []
    for at in range(len(values)):
        window = values[max(at - n + 1, 0) : at + 1]
        known = [value for value in window if value is not None]
        means.append(math.fsum(known) / n if len(known) == n else None)
    return means


def smoothed(values: Sequence[float | None], n: int, weight: float) -> Values:
    """The mean of the first n, then ``weight`` of every new value."""
    states: Values = []
    first: list[float] = []
    state: float | None = None
    for value in values:
        if value is not None and state is not None:
            state += weight * (value - state)
        elif value is not None:
            first.append(value)
            if len(first) == n:
                state = math.fsum(first) / n
        states.append(state)
    return states


def ema(values: Sequence[float | None], n: int) -> Values:
    return smoothed(values, n, 2 / (n + 1))


def wilder(values: Sequence[float | None], n: int) -> Values:
    return smoothed(values, n, 1 / n)


def both(left: Values, right: Values, combine: Callable[[float, float], float]) -> Values:
    return [None if a is None or b is None else combine(a, b) for a, b in zip(left, right, strict=True)]


def rsi(close: list[float]) -> Values:
    steps = [b - a for a, b in pairwise(close)]
    up = wilder([None, *(max(step, 0.0) for step in steps)], 14)
    down = wilder([None, *(max(-step, 0.0) for step in steps)], 14)
    return both(up, down, lambda gain, loss: 100 - 100 / (1 + gain / loss) if loss else 100.0)


def true_ranges(high: list[float], low: list[float], close: list[float]) -> list[float | None]:
    spans = zip(high[1:], low[1:], close, strict=False)
    return [None, *(max(h - lo, abs(h - before), abs(lo - before)) for h, lo, before in spans)]


def directional(high: list[float], low: list[float], close: list[float]) -> dict[str, Values]:
    """Wilder's sums: they begin with 13 moves (his first day has none), then S - S/14 + new."""
    plus, minus = [0.0], [0.0]
    for at in range(1, len(high)):
        up, down = high[at] - high[at - 1], low[at - 1] - low[at]
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
    ranges = [value or 0.0 for value in true_ranges(high, low, close)]

    def summed(values: list[float]) -> list[float]:
        state, totals = 0.0, []
        for at, value in enumerate(values):
            state = state + value if at < 14 else state - state / 14 + value
            totals.append(state)
        return totals

    sums = [summed(values) for values in (plus, minus, ranges)]
    di: list[Values] = [
        [None if at < 14 else 100 * part[at] / sums[2][at] for at in range(len(high))] for part in sums[:2]
    ]
    dx = both(di[0], di[1], lambda a, b: 100 * abs(a - b) / (a + b))
    return {"plus_di_14": di[0], "minus_di_14": di[1], "adx_14": wilder(dx, 14)}


def bollinger(close: list[float]) -> dict[str, Values]:
    middle = sma(close, 20)
    sigma: Values = [
        None if mean is None else math.sqrt(math.fsum((x - mean) ** 2 for x in close[at - 19 : at + 1]) / 20)
        for at, mean in enumerate(middle)
    ]
    return {
        "bb_middle": middle,
        "bb_upper": both(middle, sigma, lambda mean, deviation: mean + 2 * deviation),
        "bb_lower": both(middle, sigma, lambda mean, deviation: mean - 2 * deviation),
    }


def stochastic(high: list[float], low: list[float], close: list[float]) -> dict[str, Values]:
    fast: Values = [None] * 13
    for at in range(13, len(close)):
        top, bottom = max(high[at - 13 : at + 1]), min(low[at - 13 : at + 1])
        fast.append(100 * (close[at] - bottom) / (top - bottom))
    slow = sma(fast, 3)
    return {"stoch_k": slow, "stoch_d": sma(slow, 3)}


def macd(close: list[float]) -> dict[str, Values]:
    """Both averages are seeded so that they begin at bar 26: the fast one with bars 15-26."""
    fast: Values = [*[None] * 14, *ema(close[14:], 12)]
    line = both(fast, ema(close, 26), lambda a, b: a - b)
    signal = ema(line, 9)
    return {
        "macd": line,
        "macd_signal": signal,
        "macd_histogram": both(line, signal, lambda a, b: a - b),
    }


def on_balance(close: list[float], volume: list[int]) -> Values:
    level, levels = float(volume[0]), [float(volume[0])]
    for at in range(1, len(close)):
        level += volume[at] * ((close[at] > close[at - 1]) - (close[at] < close[at - 1]))
        levels.append(level)
    return list(levels)


def textbook(bars: pl.DataFrame) -> dict[str, Values]:
    high, low, close = (bars[name].to_list() for name in ("high", "low", "close"))
    return {
        "rsi_14": rsi(close),
        "atr_14": wilder(true_ranges(high, low, close), 14),
        "obv": on_balance(close, bars["volume"].to_list()),
        **{f"sma_{n}": sma(close, n) for n in (5, 25, 75, 200)},
        **{f"ema_{n}": ema(close, n) for n in (5, 25, 75, 200)},
        **macd(close),
        **bollinger(close),
        **stochastic(high, low, close),
        **directional(high, low, close),
    }


@pytest.mark.parametrize("column", COLUMNS)
def test_every_value_equals_the_definition(column: str) -> None:
    bars = walk()
    expected = textbook(bars)[column]
    computed = compute(bars, only=[column], history={})[column].to_list()
    assert any(value is not None for value in expected)
    for at, value in enumerate(computed):
        if value is not None:
            assert value == pytest.approx(expected[at], rel=1e-9, abs=1e-7), at
    # MACD and %K are given by TA-Lib from where its last output begins.
    begins = next(at for at, value in enumerate(expected) if value is not None)
    first = next(at for at, value in enumerate(computed) if value is not None)
    assert first == {"macd": 33, "stoch_k": 17}.get(column, begins)
    assert None not in computed[first:]


def test_a_long_history_equals_the_exponential_averages_without_a_seed() -> None:
    """Charting programs begin with the first close (``adjust=False``): after the warm-up nobody can tell."""
    bars = walk(2_000, seed=3)
    shown = compute(bars)
    for n in (5, 25, 75, 200):
        plain = bars["close"].ewm_mean(span=n, adjust=False)
        gap = (shown[f"ema_{n}"] / plain - 1).abs().drop_nulls()
        assert gap.len() == 2_000 - max(249, {75: 593, 200: 1_581}.get(n, 0))
        assert gap.max() < 1e-6  # type: ignore[operator]
    fast, slow = (bars["close"].ewm_mean(span=n, adjust=False) for n in (12, 26))
    line = fast - slow
    histogram = line - line.ewm_mean(span=9, adjust=False)
    assert (shown["macd"] - line).abs().max() < 1e-6 * 2_000  # type: ignore[operator]
    assert (shown["macd_histogram"] - histogram).abs().max() < 1e-6 * 2_000  # type: ignore[operator]


def test_the_published_example_of_wilders_rsi() -> None:
    """33 closes of QQQQ, printed with their RSI in StockCharts' ChartSchool."""
    closes = [
        *(44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931),
        *(46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521),
        *(45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314),
    ]
    printed = [
        *(70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38),
        *(54.71, 50.42, 39.99, 41.46, 41.87, 45.46, 37.30, 33.08, 37.77),
    ]
    bars = walk(len(closes)).with_columns(close=pl.Series(closes))
    computed = compute(bars, only=["rsi_14"], history={})["rsi_14"].drop_nulls().to_list()
    assert computed == pytest.approx(printed, abs=0.011)
