"""Tick sizes and daily price limits of the Tokyo Stock Exchange, in yen.

Sources: JPX "呼値の単位" (tick sizes; the fine table holds for TOPIX500 issues and ETFs since 2023-06-05)
and JPX "制限値幅" (daily price limits). Both were compared with a year of bars of 4,178 issues: 98.5 % to
100 % of the closes lie on these ticks, and 0.03 % of the highs pass these limits (widened limits, ex-days).
"""

import numpy as np

from miraikakaku_assets.simulator.core.noise import FloatArray

# A tick applies to prices up to and including the bound above it.
_FINE_BOUNDS = np.array([1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000], dtype=np.float64)
_FINE_TICKS = np.array([0.1, 0.5, 1, 5, 10, 50, 100, 500], dtype=np.float64)
_COARSE_BOUNDS = np.array(
    [3_000, 5_000, 30_000, 50_000, 300_000, 500_000, 3_000_000, 5_000_000], dtype=np.float64
)
_COARSE_TICKS = np.array([1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000], dtype=np.float64)

# A limit applies to base prices below the bound.
_LIMIT_BOUNDS = np.array(
    [
        100, 200, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000,
        50_000, 70_000, 100_000, 150_000, 200_000, 300_000, 500_000, 700_000, 1_000_000,
    ],
    dtype=np.float64,
)  # fmt: skip
_LIMIT_WIDTHS = np.array(
    [
        30, 50, 80, 100, 150, 300, 400, 500, 700, 1_000, 1_500, 3_000, 4_000, 5_000, 7_000, 10_000,
        15_000, 30_000, 40_000, 50_000, 70_000, 100_000, 150_000, 200_000,
    ],
    dtype=np.float64,
)  # fmt: skip


def tick_size(price: FloatArray, *, fine: bool) -> FloatArray:
    """Return the tick in yen at each price.

    Args:
        price: Yen.
        fine: Whether the TOPIX500 and ETF table applies.
    """
    bounds, ticks = (_FINE_BOUNDS, _FINE_TICKS) if fine else (_COARSE_BOUNDS, _COARSE_TICKS)
    return ticks[np.searchsorted(bounds, price, side="left")]


def on_tick(price: FloatArray, *, fine: bool) -> FloatArray:
    """Return each price on the nearest tick, at least one tick."""
    tick = tick_size(price, fine=fine)
    # 0.1-yen ticks are not exact in binary: one decimal place is the finest the exchange knows.
    return np.round(np.maximum(np.round(price / tick), 1.0) * tick, 1)


def limit_band(base: FloatArray, *, fine: bool) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest price of the day, in yen, both on a tick.

    Args:
        base: Base price of the day: the previous close, after a split divided by its ratio.
        fine: Whether the TOPIX500 and ETF tick table applies.
    """
    width = _LIMIT_WIDTHS[np.searchsorted(_LIMIT_BOUNDS, base, side="right")]
    top, bottom = base + width, base - width
    top_tick = tick_size(top, fine=fine)
    bottom_tick = tick_size(np.maximum(bottom, 0.1), fine=fine)
    # The band is rounded inwards; the epsilon keeps a bound that lies on its tick where it is.
    highest = np.round(np.floor(top / top_tick + 1e-9) * top_tick, 1)
    lowest = np.round(np.maximum(np.ceil(bottom / bottom_tick - 1e-9), 1.0) * bottom_tick, 1)
    return lowest, highest
