"""How much of each forecast to believe: non-negative least squares on past outcomes, shrunk towards nothing.

Every model's point is a departure from "no change". Each is first brought to scale by the regression of the outcome on
it, so that a model which says too little or too much is weighed like one that says it rightly. Least squares then say
how much of all departures together was borne out; the squares of a prior, in units of each model's own, say that
nothing was, and days overcome them. A model whose departures did not point the right way beyond what luck would do
gets nothing: its noise would only be paid for.

Source: Breiman, Stacked regressions, Machine Learning 24 (1996) 49-64 (non-negative weights); the prior is that of a
ridge regression in units of each model's own squares; Bonferroni's correction for the number of models tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.comparison import FEWEST_DAYS, long_run_variance

_SWEEPS = 200

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """What is believed before any day has come.

    Attributes:
        days: So many days weigh as much as the belief that no departure is right.
        level: Chance that any of the models is believed where none has merit: with nine of them tried at every
            review, 5 % each would be a false belief at every third.
    """

    days: int
    level: float


@dataclass(frozen=True)
class Stack:
    """What was found.

    Attributes:
        weights: Model → part of its departure, brought to scale, to take; at least 0, together at most 1.
        scales: Model → by what its departure is multiplied to be of the right size; 0 without any belief.
        chances: Model → one-sided p-value of "its departures do not point the right way".
    """

    weights: dict[str, float]
    scales: dict[str, float]
    chances: dict[str, float]

    @property
    def factors(self) -> dict[str, float]:
        """Model → by what its departure is multiplied in all."""
        return {model: weight * self.scales[model] for model, weight in self.weights.items()}


def stack(daily: pl.DataFrame, models: Sequence[str], horizon: int, prior: Prior) -> Stack:
    """Weights of departures from no change.

    Args:
        daily: A row per day, in the order of time, of `products`.
        models: Models in it.
        horizon: Sessions ahead: outcomes of successive days overlap.
        prior: What is believed before.

    Returns:
        The same factors times 1/c for a model whose forecasts are multiplied by c > 0.
    """
    none = Stack(dict.fromkeys(models, 0.0), dict.fromkeys(models, 0.0), dict.fromkeys(models, 1.0))
    if daily.height < FEWEST_DAYS:
        return none
    with_outcome = daily.select(product(model, "actual") for model in models).to_numpy()
    chances = {model: _chance(with_outcome[:, place], horizon) for place, model in enumerate(models)}
    believed = [place for place, model in enumerate(models) if chances[model] < prior.level / len(models)]
    if not believed:
        return Stack(none.weights, none.scales, chances)
    pairs = [[product(*sorted((models[i], models[j]))) for j in believed] for i in believed]
    gram = np.array([[float(daily[name].to_numpy().mean()) for name in row] for row in pairs])
    moments = with_outcome[:, believed].mean(axis=0)
    slopes = moments / gram.diagonal()  # above 0: the departures pointed the right way
    gram, moments = gram * np.outer(slopes, slopes), moments * slopes
    gram += np.diag(gram.diagonal()) * prior.days / daily.height
    solved = _non_negative(gram, moments)
    # Models that know different things deserve more than 1 together; what is above it goes into their scale.
    excess = max(1.0, float(solved.sum()))
    weights, scales = dict(none.weights), dict(none.scales)
    for place, weight, slope in zip(believed, solved, slopes, strict=True):
        weights[models[place]], scales[models[place]] = float(weight / excess), float(slope * excess)
    return Stack(weights, scales, chances)


def products(wide: pl.DataFrame, models: Sequence[str]) -> pl.DataFrame:
    """Means over the rows of each day of what the squares are made of.

    Args:
        wide: ``as_of``, ``actual`` and one column per model, all in units of the outcome's volatility.
        models: Columns.

    Returns:
        A row per day, sorted, with a column `product` per pair of models, and of each model with the outcome.
    """
    pairs = [(model, "actual") for model in models]
    pairs += [(min(left, right), max(left, right)) for at, left in enumerate(models) for right in models[at:]]
    means = [(pl.col(left) * pl.col(right)).mean().alias(product(left, right)) for left, right in pairs]
    return wide.group_by("as_of", maintain_order=True).agg(means).sort("as_of")


def product(left: str, right: str) -> str:
    """Name of the column of a product."""
    return f"{left}*{right}"


def _chance(values: Numbers, horizon: int) -> float:
    """One-sided p-value of a mean that is not above 0.

    Outcomes over h sessions overlap by h - 1; Bartlett's weights fall to nothing at the last lag, so that twice as
    many are taken, or the error comes out too small.
    """
    from scipy.special import stdtr

    variance = long_run_variance(values, 2 * (horizon - 1))
    if variance <= 0:
        return 1.0
    return float(stdtr(len(values) - 1, -float(values.mean()) / sqrt(variance / len(values))))


def _non_negative(gram: Numbers, moments: Numbers) -> Numbers:
    """The non-negative minimum of w'Gw - 2 w'm, coordinate by coordinate; G has a diagonal above 0."""
    weights = np.zeros(len(moments))
    for _ in range(_SWEEPS):
        for place in range(len(weights)):
            rest = moments[place] - gram[place] @ weights + gram[place, place] * weights[place]
            weights[place] = max(0.0, rest / gram[place, place])
    return weights
