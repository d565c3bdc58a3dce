"""The picture of a signal shows the bars up to it and none after it."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.adapters.charts.signals import TIMEFRAME, PatternPictures
from miraikakaku_assets.application.ports.notices import PATTERN, Alert, Severity
from miraikakaku_assets.domain.bars.intervals import intervals
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.market.instruments import JP, Timeframe, Universe
from miraikakaku_assets_tests.support.bars.random_walks import bars
from miraikakaku_assets_tests.support.markets.signal_alerts import DETAILS

AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


class Shelf:
    """Bars and indicators of one symbol."""

    def __init__(self, stored: pl.DataFrame) -> None:
        self.stored = stored

    def read(self, universe: Universe, timeframe: Timeframe, symbols: list[str], since: date) -> pl.DataFrame:
        assert (universe, timeframe, symbols) == (JP, TIMEFRAME, ["7203.T"])
        return self.stored.filter(pl.col("ts").dt.date() >= since)

    def indicators(self, universe: Universe, timeframe: Timeframe, symbols: list[str]) -> pl.DataFrame:
        assert (universe, timeframe, symbols) == (JP, TIMEFRAME, ["7203.T"])
        return compute(self.stored)


def alert(kind: str = PATTERN, symbol: str | None = "7203.T", at: datetime = AT) -> Alert:
    details = DETAILS | {"at": at.isoformat()}
    return Alert(1, "k", Severity.INFO, kind, "jp", symbol, "t", "m", details, at, at, 1, None)


def picture(stored: pl.DataFrame, shown: Alert) -> bytes | None:
    shelf = Shelf(stored)
    return PatternPictures(shelf, shelf).of(shown)  # type: ignore[arg-type]


@pytest.fixture
def hours() -> pl.DataFrame:
    near = pl.col("ts").is_between(AT - timedelta(days=80), AT + timedelta(days=5))
    return bars(intervals(JP, TIMEFRAME).filter(near)["ts"].to_list())


def test_it_ends_with_the_bar_of_the_signal(hours: pl.DataFrame) -> None:
    drawn = picture(hours, alert())
    assert drawn is not None
    assert drawn.startswith(b"\x89PNG\r\n\x1a\n")
    assert drawn == picture(hours.filter(pl.col("ts") < AT), alert())
    assert drawn != picture(hours.filter(pl.col("ts") < AT - timedelta(hours=1)), alert())


def test_the_hour_that_still_runs_is_not_shown(hours: pl.DataFrame) -> None:
    at = AT - timedelta(minutes=45)  # a quarter of an hour into the last one

    assert picture(hours, alert(at=at)) == picture(
        hours.filter(pl.col("ts") < AT - timedelta(hours=1)), alert(at=at)
    )


def test_there_is_none_without_bars_or_a_signal(hours: pl.DataFrame) -> None:
    assert picture(hours.clear(), alert()) is None
    assert picture(hours, alert(kind="cycle")) is None
    assert picture(hours, alert(symbol=None)) is None
