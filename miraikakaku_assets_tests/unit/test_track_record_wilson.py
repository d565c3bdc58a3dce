"""The Wilson interval against published values and against its own definition."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.patterns.wilson import Z_95, wilson_interval


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998)
        # 857-872, table I, method 3 (score).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(hits: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(hits, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_its_ends_are_z_standard_errors_away(case: tuple[int, int]) -> None:
    hits, n = case
    low, high = wilson_interval(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    for end in (low, high):
        error = sqrt(end * (1 - end) / n)
        assert abs(hits / n - end) == pytest.approx(Z_95 * error, abs=1e-9)
    mirrored_low, mirrored_high = wilson_interval(n - hits, n)
    assert (mirrored_low, mirrored_high) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_what_is_no_share_is_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="have no hit rate"):
        wilson_interval(hits, n)
