"""New bars, judged as they come, give what the whole history gives: the same signals with the same evidence."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.patterns.detection import SIGNALS, signals, signals_since
from miraikakaku_assets.domain.patterns.frames import BARS_NEEDED, TIMEFRAMES, Frames
from miraikakaku_assets_tests.support.bars.pattern_frames import noise, walk

NOTHING = pl.DataFrame(schema=SIGNALS)
FRAMES = walk(seed=11, symbols=3, days=70, shown=10)
NOISE = noise(seed=12, symbols=4, days=20)
WHOLE = {
    (name, definition): signals(frames, definition)
    for name, frames in (("walk", FRAMES), ("noise", NOISE))
    for definition in ("v1", "v2")
}

LONG = noise(seed=13, symbols=2, days=300)
WHOLE_LONG = signals(LONG)


def replayed(frames: Frames, moments: list[datetime], definition: str) -> pl.DataFrame:
    """Judges the bars between each two moments from the bars closed by then and the signals stored before."""
    stored = NOTHING
    starts = [frames.m5["ts"].min(), *moments]
    for start, end in zip(starts, [*moments, frames.m5["ends"].max()], strict=True):
        assert isinstance(start, datetime)
        assert isinstance(end, datetime)
        new = signals_since(frames.until(end), stored, start, definition)
        stored = pl.concat([stored, new])
    return stored.sort("ts", "symbol", "pattern", "direction")


@pytest.mark.slow
def test_bar_by_bar_equals_the_batch() -> None:
    frames = Frames(FRAMES.d1, FRAMES.h4, FRAMES.h1, FRAMES.m5.filter(pl.col("ts") >= FRAMES.m5["ts"][360]))
    moments = frames.m5["ends"].unique().sort().to_list()
    bar_by_bar = replayed(frames, moments[:-1], "v2")
    assert bar_by_bar.equals(signals(frames))
    assert bar_by_bar.height >= 10


@pytest.mark.slow
@pytest.mark.parametrize("definition", ["v1", "v2"])
@pytest.mark.parametrize(("name", "frames"), [("walk", FRAMES), ("noise", NOISE)])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_cuts_equal_the_batch(name: str, frames: Frames, definition: str, data: st.DataObject) -> None:
    ends = frames.m5["ends"].unique().sort().to_list()[:-1]
    cuts = data.draw(st.lists(st.sampled_from(ends), max_size=6, unique=True).map(sorted))
    assert replayed(frames, cuts, definition).equals(WHOLE[name, definition])


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_history_of_the_stated_length_is_enough(data: st.DataObject) -> None:
    """The newest bars alone, as many as `BARS_NEEDED`, with the signals that were stored."""
    frames, whole = LONG, WHOLE_LONG
    start = data.draw(st.sampled_from(frames.m5["ts"].unique().sort().to_list()[-2000:]))
    short = Frames(*(_tail(bars, start, BARS_NEEDED[timeframe]) for timeframe, bars in frames.items()))
    assert all(
        few.height < many.height for (_, few), (_, many) in zip(short.items(), frames.items(), strict=True)
    )
    again = signals_since(short, whole.filter(pl.col("ts") < start), start)
    assert again.equals(whole.filter(pl.col("ts") >= start))


def _tail(bars: pl.DataFrame, start: datetime, count: int) -> pl.DataFrame:
    known = pl.col("ends") <= start
    age = (known.sum() - known.cast(pl.Int64).cum_sum()).over("symbol")
    return bars.filter(~known | (age < count))


def test_the_same_bars_can_be_judged_again() -> None:
    whole = WHOLE["walk", "v2"]
    start = whole["ts"][whole.height // 2]
    again = signals_since(FRAMES, whole, start)
    assert again.equals(whole.filter(pl.col("ts") >= start))


def test_signals_of_the_other_definition_are_not_its_cool_down() -> None:
    whole = WHOLE["walk", "v2"]
    start = whole["ts"][whole.height // 2]
    mixed = pl.concat(
        [whole, whole.with_columns(definition=pl.lit("v1"), ts=pl.lit(start) - timedelta(minutes=5))]
    )
    assert signals_since(FRAMES, mixed, start).equals(whole.filter(pl.col("ts") >= start))


def test_stored_signals_do_silence() -> None:
    whole = WHOLE["walk", "v2"]
    first = whole.row(0, named=True)
    side = (pl.col("symbol") == first["symbol"]) & (pl.col("pattern") == first["pattern"])
    just_before = whole.head(1).with_columns(pl.col("ts", "at") - timedelta(minutes=5))
    again = signals_since(FRAMES, just_before, first["ts"])
    assert whole.filter(side)["ts"][0] == first["ts"]
    assert first["ts"] not in again.filter(side)["ts"].to_list()


def test_too_few_bars_to_count_a_cool_down_are_refused() -> None:
    whole = WHOLE["walk", "v2"]
    start = FRAMES.m5["ts"].unique().sort()[300]
    short = Frames(
        FRAMES.d1, FRAMES.h4, FRAMES.h1, FRAMES.m5.filter(pl.col("ts") >= start - timedelta(minutes=50))
    )
    early = whole.filter(pl.col("ts") < start - timedelta(days=1))
    assert not early.is_empty()
    with pytest.raises(ConfigurationError, match=r"cool-down of .*\.T.* cannot be told from fewer than 72"):
        signals_since(short, early, start)
    assert signals_since(short, NOTHING, start).height > 0


def test_every_timeframe_has_its_stated_history() -> None:
    assert set(BARS_NEEDED) == set(TIMEFRAMES)
