"""Student's t distribution, for tests on short samples."""

from math import exp, lgamma, log

_STEPS = 500
_EXACT = 1e-15
_TINY = 1e-300


def t_distribution(value: float, degrees: int) -> float:
    """Probability that Student's t is at most a value.

    By the incomplete beta function as a continued fraction (Lentz). Source: Abramowitz and Stegun, Handbook of
    Mathematical Functions, 26.5.8 and 26.7.1.

    Args:
        value: Any finite number.
        degrees: Degrees of freedom, at least 1.

    Raises:
        ValueError: There are no degrees of freedom.
    """
    if degrees < 1:
        raise ValueError(f"{degrees} degrees of freedom; Student's t needs at least 1")
    square = value * value
    if square <= degrees:  # the fraction converges fast on this side
        beyond = 1 - incomplete_beta(0.5, degrees / 2, square / (degrees + square))
    else:
        beyond = incomplete_beta(degrees / 2, 0.5, degrees / (degrees + square))
    return beyond / 2 if value < 0 else 1 - beyond / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    return front * _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    upper, lower = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = lower
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for part in (even, odd):
            lower = 1 / _away_from_zero(1 + part * lower)
            upper = _away_from_zero(1 + part / upper)
            change = lower * upper
            value *= change
        if abs(change - 1) < _EXACT:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
