"""How far a price is to be expected to go: a forecast of volatility that is learnt of all instruments at once.

The size of the move over h sessions, in units of EWMA volatility × √h, is regressed on what ranges and returns of a
day, a week, a month and longer say against that volatility, and on how wild the market has been (a heterogeneous
autoregression with a log link, fitted by quasi-likelihood). It is fitted anew in every calendar month, on outcomes that
were known before the month began, so that nothing has to be trained, stored or versioned, and the same bars give the
same numbers at any later time.

Source: Corsi, A simple approximate long-memory model of realized volatility, Journal of Financial Econometrics 7 (2009)
174-196; Wedderburn, Quasi-likelihood functions, Biometrika 61 (1974) 439-447.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.learning import TARGETS, targets
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility

Numbers = NDArray[np.float64]

MOVES = tuple(f"move_{h}" for h in HORIZONS)
"""Columns of the expected absolute log return over each horizon."""

WINDOW = 500
"""Sessions of origins whose outcomes the fit reads."""

FEWEST_ROWS = 5_000
"""Below so many (ten instruments) nothing is learnt, and EWMA stands: of a single series it knows more."""

MOST_ROWS = 50_000
"""Of more, every second, third, … is read."""

_NORMAL = sqrt(2 / np.pi)  # of a normal distribution: mean size over standard deviation
_RIDGE = 100.0  # rows that weigh as much as the belief that EWMA says it all
_FAR = 3.0  # logarithms beyond it count as this far
_STEPS = 10
_LEAST = 1e-4
_SPANS = (5, 22, 60)


def expected_moves(panel: Panel, origins: Sequence[date] | None = None) -> pl.DataFrame:
    """Expected size of the log return over each horizon, for every bar that has a volatility.

    Args:
        panel: Bars of a whole universe; ``high`` and ``low`` are used where they are there. What is said of an origin
            reads no bar behind it.
        origins: Sessions that are wanted; None for all.

    Returns:
        ``symbol``, ``as_of`` and `MOVES` (mean absolute log return, so that a standard deviation is about 1.25 times
        as much; null where the volatility is not known).
    """
    rows = _rows(panel)
    wanted = rows if origins is None else rows.filter(pl.col("as_of").is_in(list(origins)))
    names = [name for name in rows.columns if name.startswith("read_")]
    made = [
        wanted.clear()
        .select("symbol", "as_of")
        .with_columns(**dict.fromkeys(MOVES, pl.lit(None, pl.Float64())))
    ]
    for begin, month in _months(wanted):
        known = rows.filter(pl.col("ordinal").is_between(begin - WINDOW, begin - 1))
        made.append(_of_month(known, begin, month, names))
    return pl.concat(made).sort("symbol", "as_of")


def _months(rows: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    """First session of every calendar month as its number, with the month's rows."""
    dated = rows.with_columns(month=pl.col("as_of").dt.truncate("1mo"))
    for part in dated.partition_by("month", maintain_order=True):
        yield int(part["first"].to_numpy().min()), part.drop("month")


def _of_month(known: pl.DataFrame, begin: int, month: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Rows of a month with what was to be expected, by outcomes that were known before it began."""
    learnt = known.filter(pl.col("sigma") > 0, pl.col("ordinal") + HORIZONS[0] < begin)
    learnt = learnt.gather_every(max(1, learnt.height // MOST_ROWS))
    ordinal = learnt["ordinal"].to_numpy()
    sizes = learnt.select(pl.col(TARGETS).abs().cast(pl.Float64)).fill_null(np.nan).to_numpy().copy()
    for place, h in enumerate(HORIZONS):
        sizes[ordinal + h >= begin, place] = np.nan
    factors = _fit(learnt.select(names).to_numpy(), sizes)(month.select(names).to_numpy())
    moves = {
        name: pl.when(pl.col("sigma") > 0).then(pl.col("sigma") * pl.Series(factors[:, place] * sqrt(h)))
        for place, (name, h) in enumerate(zip(MOVES, HORIZONS, strict=True))
    }
    return month.select("symbol", "as_of", **moves)


def _fit(known: Numbers, sizes: Numbers) -> Callable[[Numbers], Numbers]:
    """Expected sizes over what is read, as exp of a line each: scoring for a constant coefficient of variation.

    The ridge draws towards the mean size, which is EWMA volatility times a constant; what is not known counts as usual.

    Args:
        known: Rows × what is read, NaN where it is not known.
        sizes: Rows × horizons, NaN where the outcome is not known.
    """
    counts = np.isfinite(sizes).sum(axis=0)
    if counts.min() < FEWEST_ROWS:
        return lambda values: np.full((len(values), len(counts)), _NORMAL)
    centre, spread = np.nan_to_num(np.nanmean(known, axis=0)), np.nan_to_num(np.nanstd(known, axis=0))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > _LEAST)

    def standardised(values: Numbers) -> Numbers:
        return np.column_stack([np.ones(len(values)), np.nan_to_num((values - centre) * scale)])

    design, came = standardised(known), np.isfinite(sizes)
    ridge = np.array([0.0, *np.full(known.shape[1], _RIDGE)])
    curvature = design.T @ design + np.diag(ridge)
    lines = np.zeros((design.shape[1], sizes.shape[1]))
    lines[0] = np.log(np.maximum(np.nanmean(sizes, axis=0), _LEAST))
    for _ in range(_STEPS):
        expected = np.exp(np.clip(design @ lines, -_FAR, _FAR))
        slope = design.T @ np.where(came, sizes / expected - 1, 0.0) - ridge[:, None] * lines
        lines = lines + np.linalg.solve(curvature, slope)
    return lambda values: np.exp(np.clip(standardised(values) @ lines, -_FAR, _FAR))


def _rows(panel: Panel) -> pl.DataFrame:
    """``symbol``, ``as_of``, ``ordinal``, ``first`` (of its month), ``sigma``, what is read, and the targets."""
    bars = panel.bars
    size = pl.col("ret").abs() / pl.col("elapsed").cast(pl.Float64).sqrt()
    there = set(bars.columns)
    span = (pl.col("high") / pl.col("low")).log() if {"high", "low"} <= there else size
    further = {}
    if "open" in there:
        further["gap"] = (pl.col("open").log() - pl.col("log_close").shift(1).over("symbol")).abs()
    if "volume" in there:
        further["traded"] = (pl.col("volume").cast(pl.Float64) + 1).log()
    sized = bars.select(
        *("symbol", "ordinal"),
        as_of="session",
        sigma=ewma_volatility(),
        size=size,
        span=span,
        squared=size.pow(2),
        still=(pl.col("ret") == 0).cast(pl.Float64),
        **further,
    ).with_columns(pl.col("span").fill_nan(None).fill_null(pl.col("size")))

    def mean(name: str, bars_back: int) -> pl.Expr:
        return pl.col(name).rolling_mean(bars_back, min_samples=max(1, bars_back // 2)).over("symbol")

    def against(value: pl.Expr) -> pl.Expr:
        return (pl.max_horizontal(value, _LEAST) / pl.col("sigma")).log().clip(-_FAR, _FAR)

    read = {"read_span_1": against(pl.col("span")), "read_size_1": against(pl.col("size"))}
    read |= {f"read_span_{bars_back}": against(mean("span", bars_back)) for bars_back in _SPANS}
    read |= {f"read_size_{bars_back}": against(mean("size", bars_back)) for bars_back in _SPANS}
    read |= {
        "read_still_22": mean("still", 22),
        "read_now": (pl.col("size") / pl.col("sigma")).clip(0.0, 6.0),
    }
    if "gap" in further:
        read["read_gap_22"] = against(mean("gap", 22))
    if "traded" in further:
        read["read_traded"] = (pl.col("traded") - mean("traded", 22)).clip(-_FAR, _FAR)
    read |= {
        "read_year": against(mean("squared", 250).sqrt()),
        "read_sigma": pl.col("sigma").log().clip(-8.0, -1.0),
    }
    rows = sized.with_columns(
        pl.when(pl.col("sigma") > 0).then(expr).alias(name) for name, expr in read.items()
    )
    rows = rows.with_columns(
        read_span_squared=pl.col("read_span_1").pow(2), read_year_squared=pl.col("read_year").pow(2)
    )
    rows = rows.join(_market(sized), on="as_of", how="left", maintain_order="left")
    last = bars["session"].max()
    known = (
        targets(panel, last).select("symbol", *TARGETS, as_of="session") if isinstance(last, date) else None
    )
    if known is not None:
        rows = rows.join(known, on=["symbol", "as_of"], how="left", maintain_order="left")
    firsts = panel.calendar.group_by(month=pl.col("session").dt.truncate("1mo")).agg(
        first=pl.col("ordinal").min()
    )
    return (
        rows.with_columns(month=pl.col("as_of").dt.truncate("1mo"))
        .join(firsts, on="month", how="left")
        .drop("month")
    )


def _market(sized: pl.DataFrame) -> pl.DataFrame:
    """How wild the market was on a session, and in the week and month before, against what was expected."""
    before = pl.col("sigma").shift(1).over("symbol")
    wild = (pl.col("size") / pl.when(before > 0).then(before)).clip(0.0, 5.0)
    daily = sized.with_columns(wild=wild).group_by("as_of").agg(pl.col("wild").mean()).sort("as_of")
    spans = {"read_market_1": 1, "read_market_5": 5, "read_market_22": 22}
    return daily.select(
        "as_of",
        *(
            pl.max_horizontal(pl.col("wild").rolling_mean(days, min_samples=1), 0.05).log().alias(name)
            for name, days in spans.items()
        ),
    )
