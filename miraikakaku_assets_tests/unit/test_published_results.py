"""The papers' measures, against their formulas written out, and against the data they were reported on."""

import gzip
from io import BytesIO
from math import sqrt

import numpy as np
import pytest

from miraikakaku_assets.application.backtest.published_results import (
    PUBLISHED,
    STEPS,
    first_target,
    mean_correlation,
    root_relative_squared_error,
)

ACTUAL = np.array([[1.0, 10.0, 5.0], [2.0, 12.0, 5.0], [4.0, 11.0, 5.0], [3.0, 15.0, 5.0]])
FORECAST = np.array([[1.5, 10.0, 5.0], [1.0, 10.0, 5.0], [2.0, 12.0, 5.0], [4.0, 11.0, 5.0]])


def test_the_relative_error_is_that_of_the_paper():
    pairs = list(zip(ACTUAL.ravel().tolist(), FORECAST.ravel().tolist(), strict=True))
    mean = sum(value for value, _ in pairs) / len(pairs)  # one mean of all series, as their program takes it
    golden = sqrt(sum((a - f) ** 2 for a, f in pairs)) / sqrt(sum((a - mean) ** 2 for a, _ in pairs))
    assert root_relative_squared_error(ACTUAL, FORECAST) == pytest.approx(golden)


def test_the_correlation_is_the_mean_of_those_of_series_that_moved():
    def correlation(moves: list[float], other: list[float]) -> float:
        means = sum(moves) / len(moves), sum(other) / len(other)
        pairs = [(a - means[0], b - means[1]) for a, b in zip(moves, other, strict=True)]
        return sum(a * b for a, b in pairs) / sqrt(
            sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)
        )

    moved = [correlation(ACTUAL[:, place].tolist(), FORECAST[:, place].tolist()) for place in (0, 1)]
    assert mean_correlation(ACTUAL, FORECAST) == pytest.approx(sum(moved) / 2)


def test_a_perfect_forecast_has_no_error_and_correlates_fully():
    assert root_relative_squared_error(ACTUAL, ACTUAL) == 0
    assert mean_correlation(ACTUAL, ACTUAL) == pytest.approx(1)


def test_every_row_has_all_steps_and_plausible_figures():
    assert len({row.method for row in PUBLISHED}) == len(PUBLISHED)
    for row in PUBLISHED:
        assert set(row.rse) == set(row.corr) == set(STEPS)
        assert all(0.01 < value < 0.1 for value in row.rse.values())
        assert all(0.7 < value < 1 for value in row.corr.values())
        assert row.rse[3] < row.rse[24]  # further ahead is harder


def test_no_change_is_better_than_what_was_published(real_data):
    packed = (real_data / "benchmarks" / "exchange_rate.txt.gz").read_bytes()
    values = np.loadtxt(BytesIO(gzip.decompress(packed)), delimiter=",")
    assert values.shape == (7588, 8)
    targets = np.arange(first_target(len(values)), len(values))
    assert (targets[0], len(targets)) == (6070, 1518)
    for step in STEPS:
        error = root_relative_squared_error(values[targets], values[targets - step])
        assert error < min(row.rse[step] for row in PUBLISHED)
        # A split or a formula that differed from theirs would not be so near to the best of them.
        assert error > 0.9 * min(row.rse[step] for row in PUBLISHED)
