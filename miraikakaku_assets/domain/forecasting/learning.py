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
