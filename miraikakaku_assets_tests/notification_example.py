"""Writes the example picture of docs/notifications.md: ``python -m miraikakaku_assets_tests.notification_example``.

The prices are a random walk, so that nobody takes the picture for a track record.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from miraikakaku_assets.adapters.charts.analysis import Caption, Mark, analysis_chart
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.patterns.pattern import Direction
from miraikakaku_assets_tests.support.bars.random_walks import bars

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "notification-chart.png"


def example() -> bytes:
    """The picture."""
    monday = datetime(2026, 10, 5, tzinfo=UTC)
    hours = (monday + timedelta(hours=count) for count in range(24 * 28))
    market = bars([hour for hour in hours if hour.weekday() < 5], 149.2, seed=8)
    caption = Caption("USDJPY=X  1h", "【売り】強力なトレンド転換シグナル", "SELL: reversal", "Europe/London")
    mark = Mark(market["ts"][-1] + timedelta(minutes=35), Direction.SELL, "1")
    return analysis_chart(market, compute(market), caption, [mark])


if __name__ == "__main__":
    PICTURE.write_bytes(example())
