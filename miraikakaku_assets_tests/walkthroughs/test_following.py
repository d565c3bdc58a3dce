"""What a walk-through may be: at most two steps."""

import re

import pytest

from miraikakaku_assets_tests.walkthroughs.follow import PAGE, steps

TITLES = re.findall(r"^### (Adding .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("title", TITLES)
def test_a_thing_is_added_in_two_steps_at_most(title: str) -> None:
    assert 1 <= len(steps(title)) <= 2
