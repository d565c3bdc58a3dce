"""How long the disk lasts."""

from datetime import UTC, datetime, timedelta

import pytest

from miraikakaku_assets.domain.operations.capacity import forecast_disk

BEGUN = datetime(2025, 1, 1, tzinfo=UTC)


def grown(days: int, a_day: int) -> list[tuple[datetime, int]]:
    return [(BEGUN + timedelta(hours=6 * number), 10_000 + a_day * number // 4) for number in range(4 * days)]


def test_steady_growth_ends_when_what_is_free_is_used_up() -> None:
    forecast = forecast_disk(grown(30, 400), free=4_000)
    assert forecast is not None
    assert forecast.bytes_per_day == pytest.approx(400)
    assert forecast.days_left == pytest.approx(10)
    assert forecast.full_on == BEGUN + timedelta(hours=6 * 119) + timedelta(days=10)


def test_one_import_does_not_bend_the_forecast() -> None:
    sizes = grown(30, 400)
    sizes[60] = (sizes[60][0], sizes[60][1] + 1_000_000)
    forecast = forecast_disk(sizes, free=4_000)
    assert forecast is not None
    assert forecast.bytes_per_day == pytest.approx(400, rel=0.05)


@pytest.mark.parametrize(("a_day", "free"), [(-400, 4_000), (0, 4_000), (1, 10**9), (400, None)])
def test_disk_that_does_not_fill_has_no_end(a_day: int, free: int | None) -> None:
    forecast = forecast_disk(grown(30, a_day), free)
    assert forecast is not None
    assert (forecast.days_left, forecast.full_on) == (None, None)


def test_too_little_history_is_no_forecast() -> None:
    assert forecast_disk(grown(30, 400)[:3], 4_000) is None
    assert forecast_disk(grown(1, 400), 4_000) is None
