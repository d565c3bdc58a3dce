"""Counts and waits in words."""

import pytest

from miraikakaku_assets.domain.words import counted, lasting, one_line, the_rest


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 symbols"), (1, "1 symbol"), (2, "2 symbols"), (4178, "4,178 symbols")],
)
def test_a_count_has_the_noun_that_goes_with_it(count: int, shown: str) -> None:
    assert counted(count, "symbol") == shown


def test_a_plural_that_is_no_singular_with_an_s() -> None:
    assert counted(1, "series", "series") == "1 series"
    assert counted(3, "currency", "currencies") == "3 currencies"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5.0, "0 s"),
        (0.0, "0 s"),
        (0.2, "1 s"),
        (57.1, "58 s"),
        (179.0, "179 s"),
        (180.0, "3 min"),
        (181.0, "4 min"),
        (3600.0, "60 min"),
        (7260.0, "2 h 01 min"),
    ],
)
def test_a_wait_is_never_said_to_be_shorter_than_it_is(seconds: float, shown: str) -> None:
    assert lasting(seconds) == shown


def test_others_are_only_mentioned_where_there_are_some() -> None:
    assert the_rest(0, "stored") == ""
    assert the_rest(1, "stored") == ", the other is stored"
    assert the_rest(7, "kept") == ", the others are kept"


def test_what_is_quoted_in_a_message_stays_on_one_line_and_short() -> None:
    assert one_line("'極洋　Ｋ' is no code") == "'極洋　Ｋ' is no code"
    assert one_line("a\nb\0\x1b[2J\ud800\u202e") == r"a\nb\x00\x1b[2J\ud800\u202e"
    long = one_line("x" * 5_000 + " is no code")
    assert (len(long), long.endswith("x is no code"), "…" in long) == (601, True, True)
