"""One rounding of percentages, wherever they are shown."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import miraikakaku_assets
from miraikakaku_assets.domain.coverage.report import WHOLE, SegmentCoverage
from miraikakaku_assets.domain.percent import in_percent, percent, percent_ja
from miraikakaku_assets.orchestration.coverage.assets import _record


@pytest.mark.parametrize(
    ("share", "digits", "shown"),
    [
        (None, 2, "–"),
        (0.0, 2, "0.00 %"),
        (0.57, 2, "57.00 %"),
        (0.29, 1, "29.0 %"),
        (0.99247, 2, "99.24 %"),
        (0.99247, 1, "99.2 %"),
        (0.9996, 1, "99.9 %"),
        (0.999, 0, "99 %"),
        (0.999999, 2, "99.99 %"),
        (995_976 / 995_977, 2, "99.99 %"),
        (1 - 1e-9, 0, "99 %"),
        (1.0, 2, "100.00 %"),
        (3.25, 0, "325 %"),
    ],
)
def test_a_share_is_never_rounded_up(share: float | None, digits: int, shown: str) -> None:
    assert percent(share, digits) == shown
    assert percent_ja(share, digits) == shown.replace(" ", "")


@given(st.integers(1, 10**8), st.data(), st.integers(0, 10_000))
@example(10_000, None, 5_700)
def test_a_share_is_shown_below_a_line_exactly_when_it_is(
    whole: int, data: st.DataObject | None, line: int
) -> None:
    part = whole * line // 10_000 if data is None else data.draw(st.integers(0, whole))
    assert (in_percent(part / whole) < line / 100) == (part * 10_000 < line * whole)


def test_the_table_of_the_web_ui_shows_what_the_command_line_shows() -> None:
    """99.247 % was 99.24 % here and 99.25 % there."""
    segment = SegmentCoverage(WHOLE, 10, 5, 1, 100_000, 99_247, {"source_hole": 753})

    assert _record(segment).data["coverage"] == percent(segment.coverage) == "99.24 %"


def test_nothing_rounds_a_share_in_a_way_of_its_own() -> None:
    """Python's own format rounds to the nearest: for limits that are exact, signed moves of prices, and what
    Plotly writes beside the pointer in a browser."""
    own = re.compile(r"(?<!%)\{(?![A-Z]+:|limits\.|rules\.)[^{}]*:\.\d%\}")
    lines = {
        f"{path.name}: {line.strip()}"
        for path in Path(miraikakaku_assets.__path__[0]).rglob("*.py")
        for line in path.read_text().splitlines()
        if own.search(line)
    }
    assert lines == set()
