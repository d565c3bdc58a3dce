"""Daily price limits of the Tokyo Stock Exchange (値幅制限) and its tick sizes (呼値の単位).

Source: JPX, "Daily Price Limits" and "Tick Sizes" of the trading rules (table of the base price, in force
unchanged since 2010-01-04; after consecutive limit days without a trade the width grows to four times).
Checked against 1,000,000 daily bars of 2025: moves of exactly one and exactly four widths, rounded up to
the next tick, are what the largest genuine moves look like.
"""

import polars as pl

HIGHEST_PRICE = 200_000_000.0
"""JPY per share. The dearest share ever quoted was 4689.T at 167.9 million yen (2000-02-22); the
source's series of squeezed-out issues run at 10⁹ to 10¹² because the consolidation is applied as a split."""

EXPANDED = 4.0
"""Factor of the expanded limit."""

LARGEST_FRACTION = 0.30
"""Largest ratio of width to base price for bases of 500 yen and more (300 yen at a base of 1,000). A
split that no source recorded hides the base a price was quoted at, so a move inside it may be genuine."""

SMALLEST_FRACTION = 0.13
"""Below the smallest ratio of width to base price (14 % at bases just under 5,000 and 50,000): no move up to
it can be beyond a limit, so only larger ones (0.3 % of all bars) are looked at closely."""

_INF = float("inf")
# base price below → width, JPY
_WIDTHS = (
    (100, 30),
    (200, 50),
    (500, 80),
    (700, 100),
    (1_000, 150),
    (1_500, 300),
    (2_000, 400),
    (3_000, 500),
    (5_000, 700),
    (7_000, 1_000),
    (10_000, 1_500),
    (15_000, 3_000),
    (20_000, 4_000),
    (30_000, 5_000),
    (50_000, 7_000),
    (70_000, 10_000),
    (100_000, 15_000),
    (150_000, 30_000),
    (200_000, 40_000),
    (300_000, 50_000),
    (500_000, 70_000),
    (700_000, 100_000),
    (1_000_000, 150_000),
    (1_500_000, 300_000),
    (2_000_000, 400_000),
    (3_000_000, 500_000),
    (5_000_000, 700_000),
    (7_000_000, 1_000_000),
    (10_000_000, 1_500_000),
    (15_000_000, 3_000_000),
    (20_000_000, 4_000_000),
    (30_000_000, 5_000_000),
    (50_000_000, 7_000_000),
    (_INF, 10_000_000),
)
# price at or below → tick, JPY (issues outside TOPIX 500; those inside have finer ticks)
_TICKS = (
    (3_000, 1),
    (5_000, 5),
    (30_000, 10),
    (50_000, 50),
    (300_000, 100),
    (500_000, 500),
    (3_000_000, 1_000),
    (5_000_000, 5_000),
    (30_000_000, 10_000),
    (50_000_000, 50_000),
    (_INF, 100_000),
)

# price at or below → tick, JPY, of the issues with the finest ones (TOPIX 100 since 2014, TOPIX 500 since 2023)
_FINEST_TICKS = (
    (1_000, 0.1),
    (3_000, 0.5),
    (10_000, 1.0),
    (30_000, 5.0),
    (100_000, 10.0),
    (300_000, 50.0),
    (1_000_000, 100.0),
    (3_000_000, 500.0),
    (10_000_000, 1_000.0),
    (30_000_000, 5_000.0),
    (_INF, 10_000.0),
)


def limit_width(base: pl.Expr) -> pl.Expr:
    """Width of the daily limit around a base price, JPY; the limit price is rounded to the next tick."""
    width = pl.lit(float(_WIDTHS[-1][1]))
    for edge, step in reversed(_WIDTHS[:-1]):  # «100円未満 30円»: a price at an edge is in the next class
        width = pl.when(base < edge).then(float(step)).otherwise(width)
    return width


def tick_size(price: pl.Expr) -> pl.Expr:
    """Coarsest tick at a price, JPY."""
    tick = pl.lit(float(_TICKS[-1][1]))
    for edge, step in reversed(_TICKS[:-1]):  # «3,000円以下 1円»: a price at an edge is in this class
        tick = pl.when(price <= edge).then(float(step)).otherwise(tick)
    return tick


def finest_tick(price: pl.Expr) -> pl.Expr:
    """Finest tick at a price, JPY: every quoted price is a multiple of it, whatever the issue."""
    tick = pl.lit(_FINEST_TICKS[-1][1])
    for edge, step in reversed(_FINEST_TICKS[:-1]):
        tick = pl.when(price <= edge).then(step).otherwise(tick)
    return tick
