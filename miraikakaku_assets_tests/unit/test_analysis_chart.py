"""The chart of a signal: a small readable picture, whatever the bars are like."""

import io
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.adapters.charts import text as chart_text
from miraikakaku_assets.adapters.charts.analysis import BARS, Caption, Mark, analysis_chart
from miraikakaku_assets.adapters.charts.dates import MOST, date_labels
from miraikakaku_assets.adapters.charts.text import shown
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.domain.patterns.pattern import Direction
from miraikakaku_assets_tests.support.bars.random_walks import bars

PNG = b"\x89PNG\r\n\x1a\n"
CAPTION = Caption("7203.T  1h", "【売り】強力なトレンド転換シグナル", "SELL: reversal")


def tokyo_five_minutes(days: int = 5) -> list[datetime]:
    """Starts of the five-minute bars of Tokyo, lunch break left out."""
    sessions = sessions_between("XTKS", date(2026, 10, 1), date(2026, 11, 20))[-days:]
    slots = [*range(30), *range(42, 78)]
    return [
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=5 * slot)
        for day in sessions
        for slot in slots
    ]


def pixels(png: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return np.asarray(imread(io.BytesIO(png)))


def test_it_is_small() -> None:
    market = bars(tokyo_five_minutes())
    marks = [Mark(market["ts"][-4] + timedelta(minutes=5), Direction.SELL, "1")]
    picture = analysis_chart(market, compute(market), CAPTION, marks)
    assert picture.startswith(PNG)
    assert 10_000 < len(picture) < 100_000


def test_a_mark_is_on_the_bar_that_ends_with_it() -> None:
    market = bars(tokyo_five_minutes()[-BARS:])
    nothing = market.select("ts")
    plain = pixels(analysis_chart(market, nothing, CAPTION))

    def changed(moment: datetime, direction: Direction) -> np.ndarray:
        marked = pixels(analysis_chart(market, nothing, CAPTION, [Mark(moment, direction, "1")]))
        differing: np.ndarray = np.argwhere((marked != plain).any(axis=2))
        return differing

    middle = market["ts"][BARS // 2]
    first, same, later = (changed(middle + timedelta(minutes=after), Direction.SELL) for after in (1, 5, 300))
    assert np.array_equal(first, same)
    assert first[:, 1].mean() + 50 < later[:, 1].mean()
    assert changed(middle, Direction.BUY)[:, 0].max() > 0
    assert len(changed(market["ts"][0] - timedelta(days=1), Direction.BUY)) == 0


def test_only_the_newest_bars_are_shown() -> None:
    market = bars(tokyo_five_minutes())
    indicators = compute(market)
    assert analysis_chart(market, indicators, CAPTION) == analysis_chart(
        market.tail(BARS), indicators, CAPTION
    )


@pytest.mark.parametrize("count", [1, 2, 40])
def test_short_histories_and_still_prices_are_drawn(count: int) -> None:
    still = bars(tokyo_five_minutes()[:count]).with_columns(
        pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close")
    )
    for market in (bars(tokyo_five_minutes()[:count]), still):
        assert analysis_chart(market, compute(market), CAPTION).startswith(PNG)


def test_no_bars_are_no_chart() -> None:
    with pytest.raises(ValueError, match="at least one bar"):
        analysis_chart(bars(tokyo_five_minutes()).clear(), pl.DataFrame({"ts": []}), CAPTION)


def test_without_a_japanese_font_names_are_latin(monkeypatch: pytest.MonkeyPatch) -> None:
    # Warnings are errors here: a letter the font does not have would fail.
    monkeypatch.setattr(chart_text, "_JAPANESE", ())
    monkeypatch.setattr(chart_text, "_JAPANESE_FILES", ("no such font",))
    chart_text.japanese_font.cache_clear()
    market = bars(tokyo_five_minutes())
    assert analysis_chart(market, compute(market), CAPTION).startswith(PNG)
    assert chart_text.japanese_font() == ()
    chart_text.japanese_font.cache_clear()


def labels(starts: list[datetime], zone: str = "Asia/Tokyo") -> list[tuple[int, str]]:
    series = pl.Series(starts, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
    return list(zip(*date_labels(series), strict=True))


def test_dates_stand_where_the_exchange_has_a_new_day() -> None:
    starts = tokyo_five_minutes(3)
    marks = labels(starts)
    days = [(place, text) for place, text in marks if "/" in text]
    assert days == [(66, "11/19"), (132, "11/20")]
    assert [text for _, text in marks if "/" not in text] == ["12:30", "12:30", "12:30", "15:00"]
    assert min(after - before for (before, _), (after, _) in pairwise(marks)) >= 198 / 16


def test_labels_never_crowd() -> None:
    day = datetime(2026, 1, 5, tzinfo=UTC)
    for step in (
        timedelta(minutes=5),
        timedelta(hours=1),
        timedelta(days=1),
        timedelta(days=31),
        timedelta(days=365),
    ):
        marks = labels([day + step * number for number in range(BARS)])
        assert 2 <= len(marks) <= MOST
        assert len({place for place, _ in marks}) == len(marks)
    assert labels([day]) == []


def test_hours_are_those_of_the_exchange() -> None:
    starts = [datetime(2026, 11, 20, 14, 30, tzinfo=UTC) + timedelta(minutes=5 * slot) for slot in range(40)]
    assert labels(starts, "America/New_York")[0] == (6, "10:00")


@pytest.mark.parametrize(
    ("value", "text"),
    [(149.234, "149.23"), (2812.5, "2,812.5"), (2800.0, "2,800"), (51234.5, "51,234"), (1.08765, "1.0877")],
)
def test_prices_beside_the_axis(value: float, text: str) -> None:
    assert shown(value) == text
