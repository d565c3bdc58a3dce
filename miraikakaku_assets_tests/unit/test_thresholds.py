"""The bounds of the operations manual, value by value, and the page that prints them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.operations.thresholds import (
    OWN,
    SPECIFIED,
    THRESHOLDS,
    Level,
    shown,
    threshold_table,
    worst,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
NORMAL, CAUTION, DANGER = Level.NORMAL, Level.CAUTION, Level.DANGER


@pytest.mark.parametrize(
    ("resource", "normal", "caution", "danger"),
    [
        ("cpu", (0.0, 0.699), (0.70, 0.85), (0.851, 1.0)),
        ("memory", (0.0, 0.799), (0.80, 0.90), (0.901, 1.0)),
        ("disk", (0.0, 0.849), (0.85, 0.95), (0.951, 1.0)),
        ("api_response", (0.0, 1.99), (2.0, 5.0), (5.01, 60.0)),
        ("database_connection", (0.0, 0.499), (0.5, 1.0), (1.01, 60.0)),
    ],
)
def test_the_bounds_are_those_of_the_manual(
    resource: str, normal: tuple[float, ...], caution: tuple[float, ...], danger: tuple[float, ...]
) -> None:
    level = THRESHOLDS[resource].level

    assert [level(value) for value in (*normal, *caution, *danger)] == [
        NORMAL, NORMAL, CAUTION, CAUTION, DANGER, DANGER,
    ]  # fmt: skip


def test_the_manual_names_five_figures() -> None:
    assert [threshold.resource for threshold in SPECIFIED] == [
        "cpu", "memory", "disk", "api_response", "database_connection",
    ]  # fmt: skip


@given(value=st.floats(0, 1e6), more=st.floats(0, 1e6))
def test_more_is_never_better(value: float, more: float) -> None:
    for threshold in THRESHOLDS.values():
        assert threshold.level(value) <= threshold.level(value + more)


def test_the_page_prints_both_tables() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("\n## Health\n")[2].partition("\n## ")[0]

    for thresholds in (SPECIFIED, OWN):
        table = threshold_table(thresholds)
        assert table in section, f"put this table into {PAGE.name}#health:\n{table}"


def test_every_figure_says_what_to_do() -> None:
    for threshold in THRESHOLDS.values():
        assert threshold.remedy
        assert threshold.remedy_ja.endswith("。")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.99999, "share", "99.9 %"),
        (0.85, "share", "85 %"),
        (0.0034, "seconds", "3 ms"),
        (2.0, "seconds", "2 s"),
        (3600.0, "seconds", "60 min"),
        (1234.0, "1", "1,234"),
        (None, "share", "–"),
    ],
)
def test_figures_as_people_read_them(value: float | None, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_what_is_unknown_hides_no_trouble() -> None:
    assert worst([Level.UNKNOWN, Level.CAUTION, Level.NORMAL]) is Level.CAUTION
    assert worst([]) is Level.UNKNOWN
