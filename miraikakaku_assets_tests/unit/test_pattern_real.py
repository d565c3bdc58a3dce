"""The patterns on real bars: how often they show, that they do not look ahead, how fast they are found."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.domain.patterns.definitions import definition_of
from miraikakaku_assets.domain.patterns.detection import SIGNALS, signals, signals_since
from miraikakaku_assets.domain.patterns.frames import Frames
from miraikakaku_assets.domain.patterns.leakage import pattern_look_ahead, telling_moments
from miraikakaku_assets.domain.patterns.states import states
from miraikakaku_assets.domain.patterns.track_record import NEXT_72_BARS, NEXT_SESSION, track_record
from miraikakaku_assets_tests.support.bars.pattern_frames import dollar_yen, tokyo

pytestmark = pytest.mark.slow

SESSIONS_PER_MONTH = 21
WARM = datetime(2025, 2, 14, 6, 30, tzinfo=UTC)  # the daily bars begin in December, MACD needs 34 of them


@pytest.fixture(scope="module")
def jp(real_data: Path) -> Frames:
    return tokyo(real_data)


@pytest.fixture(scope="module")
def fx(real_data: Path) -> Frames:
    return dollar_yen(real_data)


def per_symbol_month(frames: Frames, shown: pl.DataFrame) -> dict[tuple[str, str], float]:
    warm = frames.m5.filter(pl.col("ts") >= WARM).select("symbol", pl.col("ts").dt.date())
    months = warm.n_unique() / SESSIONS_PER_MONTH
    counted = shown.filter(pl.col("ts") >= WARM).group_by("pattern", "direction").len()
    return {(pattern, direction): n / months for pattern, direction, n in counted.iter_rows()}


def test_patterns_show_about_as_often_in_tokyo_as_their_specification_says(jp: Frames) -> None:
    """Measured there on 100 issues, of which these are 49; its way of cooling down is not written in detail."""
    rates = per_symbol_month(jp, signals(jp))
    specified = {
        ("1", "SELL"): 0.08,
        ("1", "BUY"): 0.04,
        ("2", "BUY"): 0.81,
        ("2-2", "SELL"): 0.77,
        ("3", "SELL"): 0.61,
        ("3", "BUY"): 0.49,
        ("4", "BUY"): 0.27,
        ("4", "SELL"): 0.38,
        ("5", "NEUTRAL"): 0.81,
        ("6", "BUY"): 1.77,
        ("6", "SELL"): 1.42,
    }
    assert rates.keys() == specified.keys()
    for side, rate in rates.items():
        assert specified[side] / 1.7 < rate < specified[side] * 1.7, side


def test_the_first_definition_is_silent_or_always_on(jp: Frames) -> None:
    seen = states(jp, definition_of("v1")).bars.filter(pl.col("ts") >= WARM)
    sides = [(pattern.number, pattern.direction.value) for pattern in definition_of("v1").patterns]
    shares = dict(zip(sides, seen.select("^pattern .*$").mean().row(0), strict=True))
    assert {number for (number, _), share in shares.items() if share == 0} == {"1", "2", "2-2", "3", "5"}
    assert shares["6", "BUY"] == pytest.approx(0.15, abs=0.005)


def test_an_up_close_always_raises_rsi(jp: Frames) -> None:
    """Why the first definition's divergence cannot show: it wants the close up and RSI down."""
    for bars in (jp.d1, jp.h4, jp.h1, jp.m5):
        close, rsi = (pl.col(name).diff().over("symbol") for name in ("close", "rsi_14"))
        assert bars.filter(close > 0, rsi < -1e-9).is_empty()


def test_real_signals_do_not_look_ahead(jp: Frames) -> None:
    some = jp.m5["symbol"].unique().sort()[:8].to_list()
    frames = Frames(*(bars.filter(pl.col("symbol").is_in(some)) for _, bars in jp.items()))
    result = pattern_look_ahead(frames, telling_moments(frames, signals(frames), 30))
    assert result.passed
    assert result.compared > 1_000


@pytest.mark.parametrize("definition", ["v1", "v2"])
def test_day_by_day_equals_the_batch(fx: Frames, definition: str) -> None:
    recent = Frames(fx.d1, fx.h4, fx.h1, fx.m5.filter(pl.col("ts") >= datetime(2025, 8, 1, tzinfo=UTC)))
    cuts = recent.m5.group_by(pl.col("ts").dt.date()).agg(pl.col("ends").max())["ends"].sort().to_list()
    stored, start = pl.DataFrame(schema=SIGNALS), recent.m5["ts"][0]
    for cut in cuts:
        stored = pl.concat([stored, signals_since(recent.until(cut), stored, start, definition)])
        start = cut
    assert stored.sort("ts", "symbol", "pattern", "direction").equals(signals(recent, definition))
    assert stored.height > 20


def test_records_of_real_signals(jp: Frames, fx: Frames) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    shares = track_record(signals(jp), jp.d1, NEXT_SESSION, now)
    assert shares["signals"].sum() == shares["n"].sum() == signals(jp).height
    sided = shares.filter(pl.col("direction") != "NEUTRAL")
    assert (sided["low"] < sided["hit_rate"]).all()
    assert (sided["hit_rate"] < sided["high"]).all()
    assert shares["adjustment"].unique().to_list() == [
        "minus the mean move of up to 49 symbols over the same time"
    ]
    pair = track_record(signals(fx), fx.m5, NEXT_72_BARS, now)
    # The last signal came five hours before the bars end; its six hours are not over.
    waiting = pair.filter(pl.col("n") < pl.col("signals"))
    assert waiting.select("pattern", "direction", "signals", "n", "adjustment").rows() == [
        ("1", "SELL", 1, 0, "no outcome is complete yet")
    ]
    assert pair.filter(pl.col("n") > 0)["adjustment"].unique().to_list() == [
        "none: an instrument without a market, whose own drift is taken as 0"
    ]
