"""What models that learn over all instruments at once are given: inputs and targets, a row per bar.

Both are in units of the volatility known at the origin, so that calm and wild issues weigh alike, what is learnt of
one holds for another, and one garbage tick (1821.T went from 596 to 2.985e10) cannot dominate a training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.baselines import with_reasons
from miraikakaku_assets.domain.forecasting.comparison import long_run_variance
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.features import LAGS, SPANS, FeatureInputs, features
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility

Numbers = NDArray[np.float64]
Singles = NDArray[np.float32]

CLIP = 5.0
"""Standardised targets beyond this many standard deviations count as this many."""

FAR = 10.0
"""Standardised inputs beyond this many standard deviations count as this many."""

TARGETS = tuple(f"target_{h}" for h in HORIZONS)
"""Columns of standardised returns to each horizon."""

EMBARGO = 5
"""Sessions left out between training and what is held out, so that no target reaches into it."""

HELD_OUT = ((0.4, 0.6), (0.6, 0.8), (0.8, 1.0))
"""Stretches of the training's sessions, each forecast by what was learnt before it."""

MIN_T_STAT = 1.645
"""Standard errors that a gain over no change must exceed to count: 5 %, one-sided."""

MIN_T_OF_RANKS = 1.96
"""Standard errors that a mean rank correlation must exceed: noise does so 3 to 5 % of the time, at every horizon and
from 40 days on (4,000 draws each)."""

_FEWEST_HELD_OUT = 30  # sessions, below which a standard error says little
_SHARES = np.linspace(0, 1, 21)

_KEYS = ("symbol", "session")
_OPEN = ("overnight", "intraday")
_CALENDAR = ("next_weekday", "days_to_next", "next_is_month_end")
_NO_TIMES = pl.DataFrame(schema={"session": pl.Date(), "made_at": pl.Datetime("us", "UTC")})


def inputs(panel: Panel, passed: Sequence[str] = ()) -> pl.DataFrame:
    """What is known of every bar as an origin, without a unit.

    Args:
        panel: Bars, as `features.FeatureInputs` wants them; values of other markets have been joined by the moment
            at which they were known, and are among the passed.
        passed: Columns of the panel that are inputs as they are.

    Returns:
        A row per bar of the panel, in its order: ``symbol``, ``session`` and the inputs (Float32, null where they
        are not known). They depend on no later bar, and on other instruments only by means over the session.

    Raises:
        ConfigurationError: As `features.features` says.
    """
    known = features(FeatureInputs(panel, _NO_TIMES, tuple(passed)))
    scaled = known.select(
        *_KEYS,
        *(expr.cast(pl.Float32).fill_nan(None).alias(name) for name, expr in _own(known.columns).items()),
        *(pl.col(name).cast(pl.Float32).fill_nan(None) for name in (*_CALENDAR, *passed)),
    )
    if "turnover" in scaled.columns:  # of a currency, and rising with prices: beside others it is neither
        turnover = pl.col("turnover")
        scaled = scaled.with_columns(turnover - turnover.mean().over("session"))
    groups = {"market": ["session"]}
    if "sector" in panel.bars.columns:
        scaled = scaled.with_columns(panel.bars["sector"])
        groups["sector"] = ["session", "sector"]
    return scaled.with_columns(**_beside_others(groups)).drop("sector", strict=False)


def _own(columns: Sequence[str]) -> dict[str, pl.Expr]:
    """Of the instrument alone: name of the input → expression over features."""
    sigma = pl.when(pl.col("volatility_ewma") > 0).then("volatility_ewma")

    def per_sigma(value: str, bars: int = 1) -> pl.Expr:
        return (pl.col(value) / (sigma * sqrt(bars))).clip(-FAR, FAR)

    inputs = {f"move_{lag}": per_sigma(f"ret_lag_{lag}") for lag in range(LAGS)}
    inputs |= {f"move_sum_{bars}": per_sigma(f"ret_sum_{bars}", bars) for bars in SPANS}
    inputs |= {f"volatility_{bars}": per_sigma(f"volatility_{bars}") for bars in SPANS}
    inputs |= {name: per_sigma(name) for name in ("range", "range_5", *_OPEN) if name in columns}
    inputs |= {
        name: pl.col(name) for name in ("volume_to_mean", "turnover", "since_event") if name in columns
    }
    inputs |= {name: pl.col(name).clip(-FAR, FAR) for name in ("macd", "bollinger")}
    return (
        inputs
        | {name: pl.col(name) for name in ("rsi", "unchanged_20", "elapsed")}
        | {"sigma_log": sigma.log()}
    )


def _beside_others(groups: dict[str, list[str]]) -> dict[str, pl.Expr]:
    """Means over the instruments with a bar on the session, and how far the own value is from them.

    Means are of standardised moves: one garbage tick would move that of raw returns by more than a usual day.
    """
    inputs = {}
    for group, keys in groups.items():
        for name in ("move_0", "move_1", "move_sum_5", "move_sum_20", "sigma_log"):
            mean = pl.col(name).mean().over(keys)
            inputs[f"{group}_{name}"] = mean
            inputs[f"{name}_to_{group}"] = pl.col(name) - mean
    return inputs


def targets(panel: Panel, until: date) -> pl.DataFrame:
    """What came after every bar, in units of what was to be expected.

    Args:
        panel: Bars; those behind `until` do not matter.
        until: Last session whose closes may be known.

    Returns:
        A row per bar of ``panel.until(until)``, in its order: ``symbol``, ``session`` (the origin), ``sigma`` (EWMA
        standard deviation of the log return of one session; null where the instrument has too few returns by then
        or has not moved for long) and ``target_1`` … ``target_5`` (Float32): the log return from the close at the
        origin to that of the session so many sessions of the calendar later, over sigma √h, clipped to ±`CLIP`; null
        where sigma is, where the instrument has no bar on that session, or where the session lies behind `until`.
    """
    bars = with_reasons(panel.until(until)).with_columns(
        sigma=pl.when(pl.col("unfit").is_null()).then(ewma_volatility())
    )
    ahead = _log_returns_ahead(bars)
    sigma = pl.col("sigma")
    standardised = [
        pl.when(sigma > 0)
        .then((pl.col(name).fill_nan(None) / (sigma * sqrt(h))).clip(-CLIP, CLIP))
        .cast(pl.Float32)
        .alias(name)
        for name, h in zip(TARGETS, HORIZONS, strict=True)
    ]
    rows = bars.select("symbol", "session", "sigma").with_columns(**ahead)
    return rows.with_columns(standardised)


def _log_returns_ahead(bars: pl.DataFrame) -> dict[str, Numbers]:
    """Per horizon the log return to the bar exactly so many sessions later, NaN if the instrument has none."""
    returns = {name: np.full(bars.height, np.nan) for name in TARGETS}
    if bars.is_empty():
        return returns
    log_close, ordinal = bars["log_close"].to_numpy(), bars["ordinal"].to_numpy()
    # One rising number per bar; instruments lie so far apart that no horizon reaches from one into the next.
    apart = int(ordinal.max()) + max(HORIZONS) + 1
    place = bars["symbol"].rle_id().cast(pl.Int64).to_numpy() * apart + ordinal
    for name, h in zip(TARGETS, HORIZONS, strict=True):
        at = np.searchsorted(place, place + h)
        inside = np.minimum(at, len(place) - 1)
        hit = place[inside] == place + h
        returns[name][hit] = log_close[inside[hit]] - log_close[hit]
    return returns


@dataclass(frozen=True)
class Examples:
    """What to learn from: a row per bar, or per session.

    Attributes:
        session: Number of the session in the calendar.
        inputs: Rows × inputs, NaN where one is not known.
        targets: Rows × horizons, NaN where one is not known.
    """

    session: NDArray[np.int64]
    inputs: Singles
    targets: Singles

    def where(self, chosen: NDArray[np.bool_]) -> "Examples":
        """Only some rows."""
        return Examples(self.session[chosen], self.inputs[chosen], self.targets[chosen])


def session_means(values: Singles, session: NDArray[np.int64]) -> Numbers:
    """Mean of what is known on every session from 0 to the last; NaN where nothing is.

    Args:
        values: A number per row.
        session: Its session, not negative.
    """
    known = np.isfinite(values)
    size = int(session.max()) + 1 if len(session) else 0
    total = np.bincount(session[known], weights=values[known], minlength=size)
    count = np.bincount(session[known], minlength=size)
    means: Numbers = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
    return means


def of_sessions(rows: Examples) -> Examples:
    """One row per session that has any, with the means of its rows: what is learnt of the market as a whole."""
    session = np.unique(rows.session)

    def means(columns: Singles) -> Singles:
        table = np.empty((len(session), columns.shape[1]), dtype=np.float32)
        for place, column in enumerate(columns.T):
            table[:, place] = session_means(column, rows.session)[session]
        return table

    return Examples(session, means(rows.inputs), means(rows.targets))


def held_out(session: NDArray[np.int64]) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Pairs of rows to learn from and rows to forecast then, forward in time.

    Args:
        session: Of every row.
    """
    days = np.unique(session)
    pairs = []
    for begin, end in HELD_OUT:
        held = days[int(begin * len(days)) : int(end * len(days))]
        if len(held):
            before = session < held[0] - EMBARGO
            pairs.append((before, (session >= held[0]) & (session <= held[-1])))
    return pairs


def shrinkage_weight(
    target: Singles, forecast: Singles, session: NDArray[np.int64], horizon: int, doubt: float = MIN_T_STAT
) -> float:
    """How much of forecasts that were made of held-out rows deserves belief, from 0 to 1.

    The share with the least mean absolute error, as of the mean over sessions (what happens to a thousand issues on a
    day is one observation), times 1 - (doubt / t)² (James and Stein's shrinkage), where t is its gain over no change
    in standard errors. What is not beyond doubt is not believed at all: on the TSE of 2025, half a year of market-wide
    returns taught trees forecasts that were 6-14 % worse than no change.

    Args:
        target: What came, less what is forecast otherwise.
        forecast: What was forecast of it.
        session: When, per row.
        horizon: Sessions ahead, by which outcomes overlap.
        doubt: Standard errors that the gain must exceed.
    """
    known = np.isfinite(target) & np.isfinite(forecast)
    if not known.any():
        return 0.0
    _, at = np.unique(session[known], return_inverse=True)
    count = np.bincount(at)

    def losses(share: float) -> Numbers:
        size = np.abs(target[known] - share * forecast[known])
        return np.asarray(np.bincount(at, weights=size) / count, dtype=np.float64)

    curves = np.stack([losses(share) for share in _SHARES])
    best = int(curves.mean(axis=1).argmin())
    gain = curves[0] - curves[best]
    # Bartlett's weights fall to nothing at the last lag: twice the overlap, or the error comes out too small.
    error = np.sqrt(long_run_variance(gain, 2 * horizon) / len(count))
    if len(count) < _FEWEST_HELD_OUT or error <= 0:
        return 0.0
    excess = gain.mean() / error
    return float(_SHARES[best] * (1 - (doubt / excess) ** 2)) if excess > doubt else 0.0


def distance_weight(
    target: Singles,
    forecast: Singles,
    session: NDArray[np.int64],
    horizon: int,
    doubt: float = MIN_T_OF_RANKS,
) -> float:
    """How much of forecasts of what sets instruments apart deserves belief, from 0 to 1.

    Asks the question that such forecasts answer: whether those that are said to go further do, within a session. With
    the market's move in the target, the raw absolute error of trees in Tokyo gained with t = 0.8 where their distances
    gained with 3.9. The gate is the mean of daily rank correlations in Newey and West's standard errors; what passes is
    believed by the regression of the distances on the forecasts, times 1 - (doubt / t)².

    Args:
        target: What came.
        forecast: What was forecast of it.
        session: When, per row.
        horizon: Sessions ahead, by which outcomes overlap.
        doubt: Standard errors that the mean correlation must exceed.
    """
    known = np.isfinite(target) & np.isfinite(forecast)
    daily = daily_rank_correlations(target[known], forecast[known], session[known])
    days, lag = len(daily), 2 * horizon
    if days < _FEWEST_HELD_OUT:
        return 0.0
    # Of few days the variance comes out too small, the more so the more lags: noise passed 14 % of the time.
    error = np.sqrt(long_run_variance(daily["ic"].to_numpy(), lag) / max(1.0, days - 1 - 1.5 * lag))
    if error <= 0:
        return 0.0
    excess = float(daily["ic"].to_numpy().mean() / error)
    if excess <= doubt:
        return 0.0
    slope = float(daily["moment"].to_numpy().mean() / daily["square"].to_numpy().mean())
    return float(np.clip(slope, 0.0, 1.0)) * (1 - (doubt / excess) ** 2)


def daily_rank_correlations(target: Singles, forecast: Singles, session: NDArray[np.int64]) -> pl.DataFrame:
    """Spearman's correlation of forecasts with what came, session by session.

    Args:
        target: What came, all known.
        forecast: What was forecast of it.
        session: When, per row.

    Returns:
        ``session`` (ascending), ``ic`` (rank correlation), ``moment`` and ``square`` (mean of forecast × outcome and of
        the forecast's square, as distances from their means). Sessions in which either does not vary are left out.
    """
    rows = pl.DataFrame({"session": session, "target": target, "forecast": forecast}).cast(
        {"target": pl.Float64(), "forecast": pl.Float64()}
    )
    apart = {name: pl.col(name) - pl.col(name).mean() for name in ("target", "forecast")}
    return (
        rows.group_by("session")
        .agg(
            ic=pl.corr(pl.col("forecast").rank(), pl.col("target").rank()),
            moment=(apart["forecast"] * apart["target"]).mean(),
            square=apart["forecast"].pow(2).mean(),
        )
        .filter(pl.col("ic").is_finite())
        .sort("session")
    )
