"""How good whole densities were: scores that no one can improve by saying anything but what he believes.

All are on the scale of log returns, and lower is better.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.bands import QUANTILES
from miraikakaku_assets.domain.forecasting.comparison import FEWEST_DAYS, Comparison, diebold_mariano

Numbers = NDArray[np.float64]

DENSITY_SCORES = ("crps", "interval_80", "interval_95")
"""Columns that `with_density_scores` adds."""

CONFIDENCE = 0.90
"""Of the set of models that holds the best one."""

_REPETITIONS = 500
_SEED = 0
_ENDS = {"interval_80": (2, 6, 0.20), "interval_95": (0, 8, 0.05)}  # places in `QUANTILES`, share outside


def with_density_scores(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds the scores of `DENSITY_SCORES` to forecasts.

    The CRPS is that of the nine quantiles, twice the mean of their quantile scores; an interval score is the width of
    the band plus 2/α times what an outcome lies outside.

    Args:
        rows: ``quantiles`` (nine log returns, or null) and ``actual`` (log return, or null).

    Returns:
        The rows in the same order; null where either is missing.

    Source: Gneiting and Raftery, Strictly proper scoring rules, prediction, and estimation, JASA 102 (2007) 359-378.
    """
    import scoringrules

    there = rows["quantiles"].is_not_null() & rows["actual"].is_not_null()
    scored = rows.filter(there)
    quantiles = np.array(scored["quantiles"].to_list(), dtype=np.float64).reshape(-1, len(QUANTILES))
    actual = scored["actual"].to_numpy()
    scores = {"crps": scoringrules.crps_quantile(actual, quantiles, np.array(QUANTILES))}
    for name, (low, high, outside) in _ENDS.items():
        scores[name] = scoringrules.interval_score(actual, quantiles[:, low], quantiles[:, high], outside)
    places = np.flatnonzero(there.to_numpy())
    added = {}
    for name, values in scores.items():
        whole = np.full(rows.height, np.nan)
        whole[places] = values
        added[name] = pl.Series(name, whole).fill_nan(None)
    return rows.with_columns(**added)


def density_table(scored: pl.DataFrame, peers: Sequence[str]) -> pl.DataFrame:
    """Mean scores per model and horizon beside the best of the peers, days counting alike.

    Args:
        scored: `with_density_scores` of all models, on the same rows: ``model``, ``horizon``, ``symbol``, ``as_of``.
        peers: Models that stand for what everybody can do.

    Returns:
        ``model``, ``horizon``, ``days``, the means of `DENSITY_SCORES`, ``best_peer`` (its name), ``to_best_peer``
        (CRPS over that of the best peer; null without one), ``p_better`` (one-sided Diebold-Mariano test of the daily
        CRPS against it) and ``in_set`` (whether the model is in the `CONFIDENCE` set of the best by daily CRPS; null on
        fewer than `FEWEST_DAYS` days), sorted by horizon and CRPS.
    """
    tables = []
    for (horizon,), own in _common(scored).partition_by("horizon", as_dict=True, maintain_order=True).items():
        daily = own.group_by("as_of", "model").agg(pl.col(name).mean() for name in DENSITY_SCORES)
        wide = daily.pivot(on="model", index="as_of", values="crps").sort("as_of").drop_nulls()
        losses = {model: wide[model].to_numpy() for model in sorted(set(wide.columns) - {"as_of"})}
        means = daily.group_by("model").agg(pl.col(name).mean() for name in DENSITY_SCORES)
        best = min(
            (peer for peer in peers if peer in losses), key=lambda peer: losses[peer].mean(), default=None
        )
        within = confidence_set(losses, int(str(horizon)))
        tests = {model: _against(losses, model, best, int(str(horizon))) for model in losses}
        ratios = {
            model: None if best is None else float(values.mean() / losses[best].mean())
            for model, values in losses.items()
        }
        judged = pl.DataFrame(
            [(model, wide.height, best, ratios[model], tests[model], within.get(model)) for model in losses],
            schema={
                "model": pl.String(),
                "days": pl.Int64(),
                "best_peer": pl.String(),
                "to_best_peer": pl.Float64(),
                "p_better": pl.Float64(),
                "in_set": pl.Boolean(),
            },
            orient="row",
        )
        tables.append(means.join(judged, on="model").with_columns(horizon=pl.lit(horizon, pl.Int64())))
    names = ("model", "horizon", "days", *DENSITY_SCORES, "best_peer", "to_best_peer", "p_better", "in_set")
    if not tables:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.Null()))
    return pl.concat(tables).select(names).sort("horizon", "crps")


def _common(scored: pl.DataFrame) -> pl.DataFrame:
    """Rows that every model has: a comparison is on the same ones."""
    made = scored.drop_nulls("crps")
    models = made["model"].n_unique()
    return made.filter(pl.len().over("symbol", "as_of", "horizon") == models)


def _against(losses: dict[str, Numbers], model: str, best: str | None, horizon: int) -> float | None:
    if best is None or model == best:
        return None
    test: Comparison = diebold_mariano(losses[model], losses[best], horizon)
    return test.p_better


def confidence_set(losses: dict[str, Numbers], horizon: int) -> dict[str, bool]:
    """Whether each model may be the best one: the model confidence set of Hansen, Lunde and Nason.

    Args:
        losses: Model → daily losses on the same days.
        horizon: Sessions ahead, by which losses overlap; blocks of the bootstrap are twice as long, at least ten days.

    Returns:
        Nothing for fewer than two models or `FEWEST_DAYS` days.

    Source: Econometrica 79 (2011) 453-497; `arch.bootstrap.MCS`.
    """
    days = len(next(iter(losses.values()), ()))
    if len(losses) < 2 or days < FEWEST_DAYS:  # noqa: PLR2004 - one alone is no set
        return {}
    from arch.bootstrap import MCS

    names = sorted(losses)
    table = np.column_stack([losses[name] for name in names])
    # Columns without a difference have no variance to divide by.
    distinct, places = np.unique(table.round(15), axis=1, return_inverse=True)
    if distinct.shape[1] < 2:  # noqa: PLR2004 - all are the same
        return dict.fromkeys(names, True)
    confidence = MCS(
        distinct, size=1 - CONFIDENCE, reps=_REPETITIONS, block_size=max(10, 2 * horizon), seed=_SEED
    )
    confidence.compute()
    included = set(confidence.included)
    return {name: int(place) in included for name, place in zip(names, places.ravel(), strict=True)}


def calibration_table(rows: pl.DataFrame) -> pl.DataFrame:
    """What bands covered where it is hardest: in each third of volatility, and in the sessions after a break.

    Args:
        rows: Forecasts of one model with ``lo80`` … ``hi95``, ``actual``, ``horizon``, ``third`` (0, 1, 2, or null) and
            ``after_break`` (whether the origin lies in the sessions after one).

    Returns:
        ``horizon``, ``segment`` (``all``, ``calm``, ``middle``, ``wild``, ``after_break``), ``n``, ``coverage_80``,
        ``coverage_95``, sorted; segments without an outcome are left out.
    """
    done = rows.filter(pl.col("actual").is_not_null(), pl.col("lo80").is_not_null())
    within = {
        f"coverage_{band}": pl.col("actual").is_between(f"lo{band}", f"hi{band}").mean()
        for band in ("80", "95")
    }
    segments = {"all": pl.lit(value=True), "after_break": pl.col("after_break")}
    segments |= {name: pl.col("third") == third for third, name in enumerate(("calm", "middle", "wild"))}
    parts = [
        done.filter(chosen).group_by("horizon").agg(segment=pl.lit(name), n=pl.len().cast(pl.Int64), **within)
        for name, chosen in segments.items()
    ]
    return pl.concat(parts).sort("horizon", "segment")


def breaks(moves: pl.DataFrame, sessions: int = 60) -> pl.DataFrame:
    """The sessions after a break: the median issue moved more than four times as far as in the year before.

    Args:
        moves: ``session`` and ``size`` (median absolute log return of the session), ascending.
        sessions: How many count, the break's own among them.

    Returns:
        ``session`` and ``after_break``.
    """
    usual = pl.col("size").rolling_median(250, min_samples=60).shift(1)
    broken = (pl.col("size") > _BREAK * usual).fill_null(value=False).cast(pl.Int64)
    return moves.select("session", after_break=broken.rolling_max(sessions, min_samples=1) > 0)


_BREAK = 4.0


def move_beyond(
    quantiles: Sequence[float], size: float, *, up: bool = True, down: bool = True
) -> float | None:
    """Probability that a log return lies outside of ± a size, read off nine quantiles.

    Between quantiles it is that of a normal distribution; beyond the outermost its tails fall as those of Student's
    t of four degrees do.

    Args:
        quantiles: At `QUANTILES`, ascending.
        size: Above 0, as a log return.
        up: Whether moves above count.
        down: Whether moves below do.

    Returns:
        A share of 1; None where the quantiles are no distribution.
    """
    if len(quantiles) != len(QUANTILES) or not np.isfinite(quantiles).all() or quantiles[-1] <= quantiles[0]:
        return None
    chances = ((down, _below(quantiles, -size)), (up, 1 - _below(quantiles, size)))
    return sum(chance for counts, chance in chances if counts)


def _below(quantiles: Sequence[float], value: float) -> float:
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    if quantiles[0] <= value <= quantiles[-1]:
        return float(ndtr(np.interp(value, quantiles, ndtri(QUANTILES))))
    middle = quantiles[len(quantiles) // 2]
    end, level = (quantiles[0], QUANTILES[0]) if value < quantiles[0] else (quantiles[-1], QUANTILES[-1])
    reach = (end - middle) / float(stdtrit(4, level))
    return float(stdtr(4, (value - middle) / reach)) if reach > 0 else float(value > middle)
