"""A swing high is known when it is confirmed, five bars late, and not for ever."""

import polars as pl
import pytest

from miraikakaku_assets.domain.patterns.features import FEATURES, SWING_REACH, with_features


def swings(
    highs: list[float], rsi: list[float | None] | None = None
) -> list[tuple[float | None, float | None]]:
    bars = pl.DataFrame(
        {"symbol": "A", "high": highs, "rsi_14": rsi or [float(n) for n in range(len(highs))]}
    )
    return with_features(bars, ["swing_high", "swing_high_rsi_14"], FEATURES).rows()


def test_it_is_known_five_bars_later_with_the_rsi_of_its_bar() -> None:
    highs = [10.0] * 5 + [12.0] + [9.0] * 10
    assert swings(highs) == [(None, None)] * 10 + [(12.0, 5.0)] * 6


def test_of_equal_highs_the_first_counts() -> None:
    highs = [10.0] * 5 + [12.0, 12.0] + [9.0] * 10
    assert swings(highs)[-1] == (12.0, 5.0)


@pytest.mark.parametrize("place", [3, 7])
def test_a_higher_neighbour_within_five_bars_takes_its_place(place: int) -> None:
    highs = [10.0] * 12 + [12.0] + [9.0] * 10
    highs[8 + place] = 13.0
    assert [price for price, _ in swings(highs)][-1] in {None, 13.0}
    assert 12.0 not in [price for price, _ in swings(highs)]


def test_flat_bars_have_no_swing() -> None:
    assert set(swings([10.0] * 30)) == {(None, None)}


def test_the_newest_swing_counts_even_if_it_is_lower() -> None:
    highs = [10.0] * 5 + [15.0] + [9.0] * 6 + [12.0] + [9.0] * 6
    assert swings(highs)[-1] == (12.0, 12.0)
    assert swings(highs)[16] == (15.0, 5.0)


def test_a_swing_without_rsi_is_none() -> None:
    highs = [10.0] * 5 + [12.0] + [9.0] * 6 + [11.0] + [9.0] * 6
    rsi: list[float | None] = [float(n) for n in range(len(highs))]
    rsi[12] = None
    assert swings(highs, rsi)[-1] == (12.0, 5.0)


def test_it_is_forgotten_in_the_end() -> None:
    highs = [10.0] * 5 + [12.0] + [9.0 - n / 1000 for n in range(300)]
    known = [place for place, (price, _) in enumerate(swings(highs)) if price is not None]
    assert known == list(range(10, 10 + SWING_REACH + 1))


def test_swings_stay_within_their_symbol() -> None:
    single = pl.DataFrame({"symbol": "A", "high": [10.0] * 5 + [12.0] + [9.0] * 5, "rsi_14": [50.0] * 11})
    both = pl.concat([single, single.with_columns(symbol=pl.lit("B"), high=pl.lit(10.0))])
    assert with_features(both, ["swing_high"], FEATURES)["swing_high"].drop_nulls().to_list() == [12.0]
