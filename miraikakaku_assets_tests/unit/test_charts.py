"""Charts: real PNG pictures, small enough for Dagster's event log."""

import base64
from datetime import date, timedelta

import polars as pl
import pytest

from miraikakaku_assets.adapters.charts.png import as_markdown, coverage_chart, heat_chart, price_chart
from miraikakaku_assets.domain.coverage.report import WHOLE
from miraikakaku_assets_tests.support.coverage_findings import SEGMENTS, findings

PNG = b"\x89PNG\r\n\x1a\n"


def bars(count: int) -> pl.DataFrame:
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(count)]
    return pl.DataFrame(
        {
            "session": days,
            "close": [100.0 + number % 17 for number in range(count)],
            "volume": [number * 10 for number in range(count)],
            "flag": ["beyond_price_limit" if number % 50 == 3 else None for number in range(count)],
        },
        schema={"session": pl.Date, "close": pl.Float64, "volume": pl.Int64, "flag": pl.String},
    )


@pytest.mark.parametrize("count", [0, 1, 2, 250, 6_000])
def test_price_chart_is_a_small_picture_for_any_history(count: int) -> None:
    picture = price_chart(bars(count), "7203.T", "JPY per share, raw")
    assert picture.startswith(PNG)
    assert len(picture) < 100_000


@pytest.mark.parametrize("segments", [[WHOLE], [WHOLE, *SEGMENTS]])
def test_coverage_chart_is_a_small_picture_with_every_real_segment(segments: list[str]) -> None:
    # Warnings are errors here: a glyph the font does not have would fail.
    picture = coverage_chart(findings(segments))
    assert picture.startswith(PNG)
    assert len(picture) < 100_000


def test_picture_is_carried_inside_the_markdown() -> None:
    text = as_markdown(PNG, "Coverage")
    assert text.startswith("![Coverage](data:image/png;base64,")
    assert base64.b64decode(text.partition("base64,")[2].removesuffix(")")) == PNG


def test_heat_map_of_sectors_is_a_small_picture() -> None:
    days = [f"2025-01-{day:02}" for day in range(1, 31)] * 2
    shares = [
        [None if (row + day) % 7 == 0 else (row * 61 + day * 17) % 100 / 100 for day in range(60)]
        for row in range(34)
    ]
    picture = heat_chart(34, days, shares, "jp")
    assert picture.startswith(b"\x89PNG")
    assert len(as_markdown(picture, "jp")) < 100_000
