"""What papers have reported on the exchange_rate set, and the measures they reported it in.

Source of all figures: Z. Wu, S. Pan, G. Long, J. Jiang, X. Chang and C. Zhang, Connecting the Dots: Multivariate Time
Series Forecasting with Graph Neural Networks, KDD 2020 (arXiv:2005.11650), table 2, which repeats those of G. Lai,
W.-C. Chang, Y. Yang and H. Liu, Modeling Long- and Short-Term Temporal Patterns with Deep Neural Networks, SIGIR 2018
(arXiv:1703.07015), and of S.-Y. Shih, F.-K. Sun and H. Lee, Temporal Pattern Attention for Multivariate Time Series
Forecasting, Machine Learning 108 (2019) 1421-1441 (arXiv:1809.04206). None of them shows what "no change" reaches.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

STEPS = (3, 6, 12, 24)
"""Days ahead that the papers report."""

TRAINED_ON = 0.8
"""Share of the days, the oldest, that is training and validation; the papers split 60 : 20 : 20 in order of time."""


@dataclass(frozen=True)
class Published:
    """One row of the table.

    Attributes:
        method: As the paper calls it.
        paper: Whose method.
        rse: Steps → root relative squared error, see `root_relative_squared_error`.
        corr: Steps → mean correlation, see `mean_correlation`.
    """

    method: str
    paper: str
    rse: Mapping[int, float]
    corr: Mapping[int, float]


def _row(method: str, paper: str, rse: tuple[float, ...], corr: tuple[float, ...]) -> Published:
    return Published(method, paper, dict(zip(STEPS, rse, strict=True)), dict(zip(STEPS, corr, strict=True)))


PUBLISHED = (
    _row("AR", "Lai 2018", (0.0228, 0.0279, 0.0353, 0.0445), (0.9734, 0.9656, 0.9526, 0.9357)),
    _row("VAR-MLP", "Lai 2018", (0.0265, 0.0394, 0.0407, 0.0578), (0.8609, 0.8725, 0.8280, 0.7675)),
    _row("GP", "Lai 2018", (0.0239, 0.0272, 0.0394, 0.0580), (0.8713, 0.8193, 0.8484, 0.8278)),
    _row("RNN-GRU", "Lai 2018", (0.0192, 0.0264, 0.0408, 0.0626), (0.9786, 0.9712, 0.9531, 0.9223)),
    _row("LSTNet-skip", "Lai 2018", (0.0226, 0.0280, 0.0356, 0.0449), (0.9735, 0.9658, 0.9511, 0.9354)),
    _row("TPA-LSTM", "Shih 2019", (0.0174, 0.0241, 0.0341, 0.0444), (0.9790, 0.9709, 0.9564, 0.9381)),
    _row("MTGNN", "Wu 2020", (0.0194, 0.0259, 0.0349, 0.0456), (0.9786, 0.9708, 0.9551, 0.9372)),
    _row("MTGNN+sampling", "Wu 2020", (0.0212, 0.0271, 0.0350, 0.0454), (0.9788, 0.9704, 0.9574, 0.9382)),
)


def first_target(days: int) -> int:
    """Place of the first day that is forecast, counted from 0, as the papers' program splits."""
    return int(TRAINED_ON * days)


def root_relative_squared_error(actual: Numbers, forecast: Numbers) -> float:
    """Root of all squared errors over that of all deviations from one mean of all currencies.

    That mean is taken over all currencies together, so that the deviations are mainly those between currencies (a yen
    is 0.01 dollars, a pound 1.6): values near 0 are no praise.

    Args:
        actual: Days × currencies.
        forecast: Likewise.
    """
    return float(np.sqrt(((actual - forecast) ** 2).sum() / ((actual - actual.mean()) ** 2).sum()))


def mean_correlation(actual: Numbers, forecast: Numbers) -> float:
    """Mean of the correlations of levels, one per currency that moved.

    Args:
        actual: Days × currencies.
        forecast: Likewise.
    """
    moved = (actual.std(axis=0) > 0) & (forecast.std(axis=0) > 0)
    pairs = zip(actual[:, moved].T, forecast[:, moved].T, strict=True)
    return float(np.mean([np.corrcoef(levels, forecasts)[0, 1] for levels, forecasts in pairs]))
