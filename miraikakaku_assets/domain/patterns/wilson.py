"""How sure a hit rate is."""

from math import sqrt

Z_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


def wilson_interval(hits: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a share: the p for which abs(hits/n - p) is at most z standard errors of p.

    It stays within 0 and 1 and keeps its coverage for small n, unlike the textbook interval. It takes the outcomes for
    independent: signals of one day mostly share their fate, so that the true uncertainty is larger.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927)
    209-212; recommended by Brown, Cai and DasGupta, Statistical Science 16 (2001) 101-133.

    Args:
        hits: Successes, 0 to `n`.
        n: Trials, at least 1.
        z: Quantile of the normal distribution; the default is that of a 95 % interval.

    Returns:
        Lower and upper end, shares of 1.

    Raises:
        ValueError: The numbers are no count of successes.
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} hits of {n} have no hit rate; pass 0 <= hits <= n and n >= 1")
    share = hits / n
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    middle = share + z * z / (2 * n)
    scale = 1 + z * z / n
    low = 0.0 if hits == 0 else (middle - spread) / scale  # exactly, which the roots miss by a rounding error
    high = 1.0 if hits == n else (middle + spread) / scale
    return low, high
