"""The Diebold-Mariano test and Holm's correction against other implementations."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.forecasting.comparison import diebold_mariano, holm, long_run_variance

# Two sets of errors, drawn once from normal distributions and rounded.
FIRST = [
    *(
        0.001,
        0.299,
        -0.274,
        -0.891,
        -0.455,
        -0.992,
        0.06,
        1.34,
        -0.492,
        -0.62,
        0.49,
        0.357,
        0.105,
        -0.93,
        -0.029,
    ),
    *(
        0.695,
        -1.344,
        -0.458,
        -1.901,
        -1.29,
        -1.842,
        -0.235,
        -1.267,
        0.271,
        0.157,
        -0.187,
        -2.517,
        -0.539,
        -0.049,
    ),
    *(0.113, -1.53, -0.478, -0.979, -0.809, 1.061, -0.808, -0.033, 0.884, -0.584, -0.112),
]
SECOND = [
    *(
        0.133,
        0.077,
        -1.47,
        0.091,
        1.631,
        -1.857,
        1.031,
        0.143,
        -0.77,
        2.4,
        0.915,
        -1.439,
        0.089,
        0.692,
        -0.227,
    ),
    *(0.819, -0.08, 0.801, 1.726, -0.811, 0.244, -0.556, 0.153, -1.425, -0.695, -0.235, 1.079, 1.374, -1.588),
    *(-0.954, 0.776, -2.391, -0.556, -0.117, 1.508, 0.827, -0.393, -0.442, -0.3, 1.828),
]


@pytest.mark.parametrize(
    ("horizon", "statistic", "p_different", "p_better"),
    [
        # PyPI dieboldmariano 1.1.0, absolute loss, variance_estimator="bartlett", Harvey's correction.
        (1, -1.2537562000224685, 0.2173942927545217, 0.10869714637726086),
        (3, -1.3620940959651793, 0.1809840318968715, 0.09049201594843576),
        (5, -1.2846713630071727, 0.20648545725353273, 0.10324272862676637),
    ],
)
def test_golden_values(horizon, statistic, p_different, p_better):
    test = diebold_mariano(np.abs(FIRST), np.abs(SECOND), horizon)
    assert test.days == 40
    assert test.statistic == pytest.approx(statistic, rel=1e-9)
    assert test.p_different == pytest.approx(p_different, rel=1e-9)
    assert test.p_better == pytest.approx(p_better, rel=1e-9)


def slow_statistic(differences: list[float], horizon: int) -> float:
    """The published formulas, term by term, without vectors."""
    n = len(differences)
    mean = sum(differences) / n
    covariances = [
        sum((differences[t] - mean) * (differences[t - lag] - mean) for t in range(lag, n)) / n
        for lag in range(horizon)
    ]
    long_run = covariances[0] + 2 * sum((1 - lag / horizon) * covariances[lag] for lag in range(1, horizon))
    corrected = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    return mean / sqrt(long_run / n) * sqrt(corrected)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(12, 80), st.integers(1, 5))
def test_it_is_the_published_formula(seed, days, horizon):
    rng = np.random.default_rng(seed)
    first, second = rng.exponential(1, days), rng.exponential(1.1, days)
    test = diebold_mariano(first, second, horizon)
    assert test.statistic == pytest.approx(slow_statistic((first - second).tolist(), horizon), rel=1e-9)
    back = diebold_mariano(second, first, horizon)
    assert back.statistic == pytest.approx(-(test.statistic or 0))
    assert back.p_better == pytest.approx(1 - test.p_better)
    assert back.p_different == pytest.approx(test.p_different)


def test_equal_forecasts_reject_as_often_as_promised():
    """Overlapping errors of five sessions: without their lags 5 % would be about 35 %."""
    rng = np.random.default_rng(11)
    rejected = 0
    for _ in range(400):
        noise = rng.normal(0, 1, (2, 304))
        overlapping = [np.abs(np.convolve(shocks, np.ones(5), "valid")) for shocks in noise]
        rejected += diebold_mariano(overlapping[0], overlapping[1], 5).p_different < 0.05
    assert 0.02 <= rejected / 400 <= 0.12


@pytest.mark.parametrize("losses", [[], [0.5], [0.2, 0.2, 0.2], [0.1, 0.3, 0.2, 0.5, 0.4]])
def test_nothing_is_said_where_differences_do_not_vary(losses):
    test = diebold_mariano(losses, losses, 1)
    assert (test.statistic, test.p_better, test.p_different) == (None, 1.0, 1.0)
    shifted = diebold_mariano([loss + 0.1 for loss in losses], losses, 1)
    assert shifted.statistic is None


def test_too_few_days_for_the_horizon_say_nothing():
    assert diebold_mariano([1, 2, 3, 4, 5], [2, 1, 3, 3, 7], 5).statistic is None


def test_losses_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        diebold_mariano([1.0, float("nan")], [1.0, 2.0], 1)


def test_long_run_variance_without_lag_is_that_of_the_population():
    values = np.array(FIRST)
    assert long_run_variance(values, 0) == pytest.approx(values.var())


def test_holm():
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02."""
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({}) == {}
    assert holm({"a": 0.7, "b": 0.8}) == {"a": 1.0, "b": 1.0}
