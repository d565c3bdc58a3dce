"""Charts: real PNG pictures, small enough for Dagster's event log."""

import base64
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.adapters.charts.png import as_markdown, coverage_chart, price_chart
from miraikakaku_assets.domain.coverage.report import WHOLE, CoverageFindings, SegmentCoverage
from miraikakaku_assets.domain.market.instruments import JP, Timeframe

PNG = b"\x89PNG\r\n\x1a\n"
SEGMENTS = [
    "プライム（内国株式）", "スタンダード（内国株式）", "グロース（内国株式）", "ETF・ETN", "PRO Market", "出資証券",
    "REIT・ベンチャーファンド・カントリーファンド・インフラファンド", "スタンダード（外国株式）",
]  # fmt: skip


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


def findings(segments: list[str]) -> CoverageFindings:
    counted = [
        SegmentCoverage(name, 10, 5, 1, 100, 40 + n, {"source_hole": 60 - n})
        for n, name in enumerate(segments)
    ]
    nothing = SegmentCoverage("空", 0, 0, 0, 0, 0, {})
    return CoverageFindings(
        universe=JP,
        timeframe=Timeframe.D1,
        checked_at=datetime(2025, 10, 1, tzinfo=UTC),
        first=date(2025, 1, 6),
        last=date(2025, 9, 30),
        threshold=0.95,
        least_issues=10,
        denominator="10 issues",
        segments=(*counted, nothing),
        gaps=pl.DataFrame(),
    )


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
