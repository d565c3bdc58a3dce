"""How a cost grows with the work, fitted over measured sizes; beyond them it is never less than in proportion."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Growth:
    """A cost at several sizes.

    Attributes:
        points: Work and cost of each measured size, the smallest first; at least two sizes, all above zero.
    """

    points: tuple[tuple[float, float], ...]

    @property
    def exponent(self) -> float:
        """Slope of the logarithms by least squares: 1 is in proportion, below 1 the start-up still weighs."""
        works, costs = ([math.log(value) for value in column] for column in zip(*self.points, strict=True))
        middle, level = sum(works) / len(works), sum(costs) / len(costs)
        spread = sum((work - middle) ** 2 for work in works)
        return sum((w - middle) * (c - level) for w, c in zip(works, costs, strict=True)) / spread

    @property
    def largest(self) -> tuple[float, float]:
        """Work and cost of the largest measured size."""
        return self.points[-1]

    @property
    def per_unit(self) -> float:
        """Cost of one unit of work at the largest measured size."""
        work, cost = self.largest
        return cost / work

    def at(self, work: float) -> float:
        """Cost of some work, from the largest measured size on.

        With the fitted exponent where it is above 1, else in proportion: an exponent below 1 comes from what a start
        costs, and would promise a large size for next to nothing.
        """
        measured, cost = self.largest
        return cost * float((work / measured) ** max(1.0, self.exponent))


def growth(points: Sequence[tuple[float, float]]) -> Growth:
    """Sorts measured sizes.

    Raises:
        ValueError: There are fewer than two sizes, or one of them has no cost that could be told from nothing.
    """
    ordered = tuple(sorted(points))
    if len({work for work, _ in ordered}) < 2:  # noqa: PLR2004 - a line needs two points
        raise ValueError("growth cannot be told from one size")
    if any(work <= 0 or cost <= 0 for work, cost in ordered):
        raise ValueError(f"a measured size has no cost: {ordered}; measure larger ones")
    return Growth(ordered)
