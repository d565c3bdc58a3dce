"""Every moment of the time kept can be gone back to, with as few base backups as that takes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.backups.base_retention import needed_bases

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ages = st.lists(st.integers(0, 400), unique=True, max_size=12)


@given(ages, st.integers(1, 200))
def test_every_kept_moment_has_a_base_before_it_and_none_is_spare(hours: list[int], kept: int) -> None:
    ended = [NOW - timedelta(hours=age) for age in hours]
    needed = needed_bases(ended, NOW, timedelta(hours=kept))

    assert needed == sorted(ended, reverse=True)[: len(needed)], "the newest ones stay"
    for moment in (NOW - timedelta(hours=age) for age in range(kept + 1)):
        if any(base <= moment for base in ended):
            assert any(base <= moment for base in needed)
    assert sum(NOW - base >= timedelta(hours=kept) for base in needed) <= 1
    assert bool(needed) == bool(ended)
