"""Sizes that the performance review lowers and raises again."""

from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.operations.sizes import SIZES, AdjustableSize
from miraikakaku_assets.domain.operations.thresholds import MEMORY

BATCH = AdjustableSize("BATCH_SIZE", 10, MEMORY)


def test_danger_halves_caution_waits_and_normal_hours_lead_back() -> None:
    sizes = [50]
    for peak in (0.95, 0.95, 0.95, 0.85, None, 0.5, 0.5, 0.5, 0.5):
        sizes.append(BATCH.next_size(sizes[-1], 50, peak))
    assert sizes == [50, 25, 12, 10, 10, 10, 20, 40, 50, 50]


@given(
    st.sampled_from(SIZES),
    st.integers(1, 5_000),
    st.integers(1, 5_000),
    st.one_of(st.none(), st.floats(0, 1_000)),
)
def test_a_size_never_leaves_its_limits(
    size: AdjustableSize, current: int, configured: int, peak: float | None
) -> None:
    chosen = size.next_size(current, configured, peak)
    assert min(size.lowest, current, configured) <= chosen <= configured
