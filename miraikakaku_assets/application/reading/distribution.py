"""Use case: what the quantiles of a forecast say beside its bands: how far the price may go, and how likely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p

from miraikakaku_assets.domain.forecasting.bands import QUANTILES
from miraikakaku_assets.domain.forecasting.judging.density_scores import move_beyond

BEYOND = (0.01, 0.03, 0.05)
"""Moves of the price, as shares of 1, of which the probability is told."""

_QUARTILES = (QUANTILES.index(0.25), QUANTILES.index(0.75))
_NORMAL_QUARTILES = 1.3489795003921634  # standard deviations between the quartiles of a normal distribution


@dataclass(frozen=True)
class Distribution:
    """A forecast as a distribution.

    Attributes:
        volatility: Standard deviation of the log return over the horizon, as its middle half tells; a forecast of its
            own.
        beyond: Size of a move (share of the price) → probability that it goes further, up or down; without what the
            quantiles do not tell.
    """

    volatility: float
    beyond: Mapping[float, float]


def distribution(levels: Sequence[float] | None, beyond: Sequence[float] = BEYOND) -> Distribution | None:
    """What stored quantiles say.

    Args:
        levels: Log returns at `QUANTILES`, ascending; None or empty in forecasts from before there were any.
        beyond: Moves whose probability is told, as shares of the price.

    Returns:
        None without quantiles.
    """
    if not levels:
        return None
    chances = {size: _chance_beyond(levels, size) for size in beyond}
    return Distribution(
        volatility=(levels[_QUARTILES[1]] - levels[_QUARTILES[0]]) / _NORMAL_QUARTILES,
        beyond={size: chance for size, chance in chances.items() if chance is not None},
    )


def _chance_beyond(levels: Sequence[float], size: float) -> float | None:
    """Probability of a move of the price by more than a share of it, either way: in log returns the ends differ."""
    up, down = log1p(size), -log1p(-size)
    upper, lower = move_beyond(levels, up, down=False), move_beyond(levels, down, up=False)
    return None if upper is None or lower is None else upper + lower
