"""Rounds of random kills are drawn by their seed, and a difference that one leaves is named."""

from collections import Counter

import pytest

from benchmarks.chaos import BEGIN, END, Chaos, with_figures
from benchmarks.chaos_rounds import FETCHER, FIRST, POINT, SECOND, SERVER, Left, difference, draw_round


def test_a_seed_draws_the_same_rounds_and_kills_everybody_in_time() -> None:
    rounds = [draw_round(7, number) for number in range(1, 51)]
    assert rounds == [draw_round(7, number) for number in range(1, 51)]
    assert rounds != [draw_round(8, number) for number in range(1, 51)]
    kills = [kill for each in rounds for kill in each.kills]
    assert {kill.whom for kill in kills} == {FIRST, SECOND, FETCHER, SERVER}
    assert len(kills) > len(rounds)
    assert any(each.point is not None for each in rounds)
    assert all(list(each.kills) == sorted(each.kills, key=lambda kill: kill.share) for each in rounds)


def test_a_difference_is_named() -> None:
    calm = Left({"price_bars": "2 rows, a"}, Counter({"【売り】": 1}))
    assert difference(calm, Left({"price_bars": "2 rows, a"}, Counter({"【売り】": 1}))) is None
    assert difference(calm, Left({"price_bars": "1 rows, b"}, Counter({"【売り】": 1}))) == (
        "price_bars holds 1 rows, b instead of 2 rows, a"
    )
    assert (
        difference(calm, Left({"price_bars": "2 rows, a"}, Counter())) == "0 signals were told instead of 1"
    )
    twice = Left({"price_bars": "2 rows, a"}, Counter({"【売り】": 2}))
    assert difference(calm, twice) == "1 messages came twice, and who was sending was killed 0 times"
    twice.killed[SECOND] = 1
    assert difference(calm, twice) is None
    assert (
        difference(calm, Left({"price_bars": "2 rows, a"}, Counter({"【売り】": 1}), {"open": [3]}))
        == "{'open': [3]}"
    )


def test_figures_stand_between_their_marks() -> None:
    chaos = Chaos(7, 50)
    chaos.killed[POINT] = 20
    page = with_figures(f"before\n{BEGIN}\nold\n{END}\nafter\n", chaos)
    assert "Seed 7: 50 rounds ended as an undisturbed one" in page
    assert "Killed: fault point 20." in page
    assert "old" not in page
    with pytest.raises(ValueError, match="no place for the figures"):
        with_figures("elsewhere", chaos)
