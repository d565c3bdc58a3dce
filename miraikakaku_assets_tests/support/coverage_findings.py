"""Findings of coverage, made up."""

from datetime import UTC, date, datetime

import polars as pl

from miraikakaku_assets.domain.coverage.report import CoverageFindings, SegmentCoverage
from miraikakaku_assets.domain.market.instruments import JP, Timeframe

SEGMENTS = [
    "プライム（内国株式）", "スタンダード（内国株式）", "グロース（内国株式）", "ETF・ETN", "PRO Market", "出資証券",
    "REIT・ベンチャーファンド・カントリーファンド・インフラファンド", "スタンダード（外国株式）",
]  # fmt: skip


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
