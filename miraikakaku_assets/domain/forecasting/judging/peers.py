"""Densities that anybody can make of no change, against which ours are judged.

Their points are those of no change; they differ in where the width comes from.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.bands import QUANTILES, ConformalRule, conformal_bands
from miraikakaku_assets.domain.forecasting.evaluation import Fold
from miraikakaku_assets.domain.forecasting.panel import Panel, sample_volatility

Numbers = NDArray[np.float64]

CONFORMAL, NORMAL, HISTORICAL, GARCH = "ewma_conformal", "ewma_normal", "hist_vol_20", "garch_t"

PEERS = (CONFORMAL, NORMAL, HISTORICAL, GARCH)
"""Bands of past errors in units of EWMA volatility; a normal distribution of EWMA volatility; one of the standard
deviation of the last 20 returns; GARCH(1,1) with Student's t."""

_FEWEST = 250  # returns below which GARCH is not fitted
_PERCENT = 100.0  # its optimiser wants numbers around 1
_KEY = ("symbol", "as_of", "horizon", "target")


def peer_densities(
    no_change: pl.DataFrame, panel: Panel, folds: Sequence[Fold], garch: Sequence[str]
) -> pl.DataFrame:
    """Quantiles of all peers.

    Args:
        no_change: Forecasts of no change, schema `contract.FORECASTS`.
        panel: Bars; what is said of an origin reads none behind it.
        folds: When GARCH is fitted anew, and for which origins.
        garch: Instruments that it is fitted to: each costs a twentieth of a second.

    Returns:
        ``symbol``, ``model``, ``as_of``, ``horizon``, ``target``, ``point`` (0) and ``quantiles``; rows without a
        density are left out.
    """
    made = no_change.filter(pl.col("reason").is_null())
    conformal = conformal_bands(no_change, panel, ConformalRule()).filter(pl.col("reason").is_null())
    history = panel.bars.select("symbol", as_of="session", width=sample_volatility(20))
    root = pl.col("horizon").cast(pl.Float64).sqrt()
    wide = made.join(history, on=["symbol", "as_of"], how="left", maintain_order="left")
    parts = [
        conformal.select(*_KEY, "quantiles", model=pl.lit(CONFORMAL)),
        _normal(made.select(*_KEY, width="sd"), NORMAL),
        _normal(wide.select(*_KEY, width=pl.col("width") * root), HISTORICAL),
        _garch(made.filter(pl.col("symbol").is_in(list(garch))), panel, folds),
    ]
    columns = ("symbol", "model", "as_of", "horizon", "target", "quantiles")
    return pl.concat([part.select(columns) for part in parts]).with_columns(point=pl.lit(0.0))


def _normal(rows: pl.DataFrame, model: str) -> pl.DataFrame:
    from scipy.special import ndtri

    there = rows.filter(pl.col("width") > 0)
    ends = pl.concat_list(pl.col("width") * float(ndtri(level)) for level in QUANTILES)
    return there.with_columns(model=pl.lit(model), quantiles=ends)


def _garch(rows: pl.DataFrame, panel: Panel, folds: Sequence[Fold]) -> pl.DataFrame:
    made = [rows.clear().with_columns(model=pl.lit(GARCH), quantiles=pl.lit(None, pl.List(pl.Float64())))]
    for (symbol,), own in rows.partition_by("symbol", as_dict=True).items():
        bars = panel.bars.filter(pl.col("symbol") == symbol, pl.col("ret").is_not_null())
        made += [part for fold in folds if (part := _garch_of(own, bars, fold)) is not None]
    return pl.concat(made)


def _garch_of(rows: pl.DataFrame, bars: pl.DataFrame, fold: Fold) -> pl.DataFrame | None:
    """Densities of one instrument at the origins of a fold; None where nothing can be fitted."""
    from scipy.special import stdtrit

    wanted = rows.filter(pl.col("as_of").is_in(list(fold.origins)))
    days, returns = bars["session"], bars["ret"].to_numpy() * _PERCENT
    fitted = _fitted(returns[(days <= fold.train_until).to_numpy()]) if wanted.height else None
    if fitted is None:
        return None
    omega, alpha, beta, freedom = fitted
    variance = _next_variances(returns, omega, alpha, beta)
    persistence = alpha + beta
    ahead = pl.DataFrame({"as_of": days, "next": variance})
    joined = wanted.join(ahead, on="as_of", how="inner", maintain_order="left")
    first, horizons = joined["next"].to_numpy(), joined["horizon"].to_numpy()
    total = np.zeros(len(first))
    lasting = omega / (1 - persistence)
    for step in range(int(horizons.max()) if len(horizons) else 0):
        total += np.where(horizons > step, lasting + persistence**step * (first - lasting), 0.0)
    unit = np.sqrt(np.maximum(total, 0.0)) / _PERCENT * sqrt((freedom - 2) / freedom)
    quantiles = unit[:, None] * np.array([float(stdtrit(freedom, level)) for level in QUANTILES])
    return joined.drop("next").with_columns(
        model=pl.lit(GARCH), quantiles=pl.Series(quantiles.tolist(), dtype=pl.List(pl.Float64()))
    )


def _fitted(returns: Numbers) -> tuple[float, float, float, float] | None:
    """ω, α, β and degrees of freedom; None where the optimiser does not get there, or volatility never comes back."""
    from arch import arch_model

    if len(returns) < _FEWEST or np.std(returns) <= 0:
        return None
    model = arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    result = model.fit(disp="off", show_warning=False)
    omega, alpha, beta, freedom = (float(value) for value in result.params)
    stable = result.convergence_flag == 0 and alpha + beta < 1 and omega > 0 and freedom > 2  # noqa: PLR2004
    return (omega, alpha, beta, freedom) if stable else None


def _next_variances(returns: Numbers, omega: float, alpha: float, beta: float) -> Numbers:
    """After every return, the variance of the next one."""
    variance, current = np.empty(len(returns)), float(np.var(returns[:_FEWEST]))
    for place, value in enumerate(returns.tolist()):
        current = omega + alpha * value * value + beta * current
        variance[place] = current
    return variance
