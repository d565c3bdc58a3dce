"""The self-tests as users run them: leaks are caught, sound values pass, and too few bars are no pass."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.application.leakage import pattern_subjects as self_test_patterns
from miraikakaku_assets.application.leakage.bar_inputs import of_timeframe
from miraikakaku_assets.application.leakage.checks import (
    Subject,
    candlestick_subject,
    check_look_ahead,
    indicator_subject,
    measure_warm_up,
)
from miraikakaku_assets.application.leakage.pattern_subjects import (
    check_pattern_look_ahead,
    frames_of,
    measure_pattern_warm_up,
    patterns_of,
)
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.indicators.candlesticks import pattern_names
from miraikakaku_assets.domain.indicators.definitions import COLUMNS
from miraikakaku_assets.domain.market.instruments import FX, Timeframe, Universe
from miraikakaku_assets.domain.patterns.detection import signals
from miraikakaku_assets.domain.patterns.features import FEATURES, Feature, Kind
from miraikakaku_assets.domain.patterns.frames import Frames
from miraikakaku_assets.domain.patterns.pattern import Definition
from miraikakaku_assets_tests.support.bars.random_walks import currency, walk

BARS = walk(700, seed=3)


def leaking(function: Callable[[pl.DataFrame], pl.DataFrame]) -> Subject:
    return Subject("made up", function, function)


def centred(bars: pl.DataFrame) -> pl.DataFrame:
    mean = pl.col("close").rolling_mean(5, center=True).over("symbol")
    return bars.select("symbol", "ts", mean=mean)


def scaled_by_all_time(bars: pl.DataFrame) -> pl.DataFrame:
    close = pl.col("close")
    return bars.select("symbol", "ts", share=close / close.max().over("symbol"))


def known_tomorrow(bars: pl.DataFrame) -> pl.DataFrame:
    rises = (pl.col("close").shift(-1) > pl.col("close")).over("symbol")
    return bars.filter(rises).select("symbol", "ts", rise=pl.lit(1))


@pytest.mark.parametrize("function", [centred, scaled_by_all_time, known_tomorrow])
@pytest.mark.parametrize("events", [False, True])
def test_an_indicator_that_knows_the_future_is_caught(
    function: Callable[[pl.DataFrame], pl.DataFrame],
    events: bool,  # noqa: FBT001
) -> None:
    report = check_look_ahead(replace(leaking(function), events=events), BARS, 12)

    assert not report.differences.is_empty()
    assert (report.differences["ts"] <= report.differences["moment"]).all()


def test_what_is_sound_passes_and_says_how_much_was_compared() -> None:
    progress: list[tuple[int, int]] = []

    report = check_look_ahead(indicator_subject(), BARS, 10, lambda done, of: progress.append((done, of)))

    assert report.differences.is_empty()
    assert report.moments == 10
    assert set(report.compared) == set(COLUMNS)
    stamps = BARS["ts"].to_list()
    cuts = [stamps.index(moment) + 1 for moment in _moments_of(10)]
    assert report.compared["sma_5"] == sum(count - 4 for count in cuts)
    assert report.compared["rsi_14"] == sum(max(count - 249, 0) for count in cuts)
    assert report.compared["ema_200"] == 0
    assert progress == [(done, 10) for done in range(11)]


def _moments_of(count: int) -> list[datetime]:
    seen: list[datetime] = []

    def newest(bars: pl.DataFrame) -> pl.DataFrame:
        seen.append(bars["ts"][-1])
        return bars.select("symbol", "ts", "close")

    check_look_ahead(leaking(newest), BARS, count)
    return seen[2:]


def test_moments_leave_something_out_and_are_spread() -> None:
    moments = _moments_of(20)

    assert len(moments) == 20
    assert BARS["ts"][69] < moments[0]
    assert BARS["ts"][-60] < moments[-1] < BARS["ts"][-1]


def test_candlesticks_do_not_look_ahead_and_are_tested_where_they_show() -> None:
    single = check_look_ahead(candlestick_subject(["engulfing"]), BARS, 10)
    every = check_look_ahead(candlestick_subject(["all"]), BARS, 10)

    assert single.differences.is_empty()
    assert every.differences.is_empty()
    assert single.values > 10
    assert set(every.compared) <= set(pattern_names())
    assert len(every.compared) > 30


@pytest.mark.parametrize(("bars", "sentence"), [(2, "too few to cut"), (200, "has no value in 200 bars")])
def test_nothing_compared_is_no_pass(bars: int, sentence: str) -> None:
    with pytest.raises(WorkFellShortError, match=sentence):
        check_look_ahead(indicator_subject(["rsi_14"]), BARS.head(bars), 10)


def test_the_warm_up_in_force_is_enough() -> None:
    bars = walk(4_000, seed=5)
    by_value = {row["value"]: row for row in measure_warm_up(indicator_subject(), bars, 4).to_dicts()}

    assert by_value.keys() == set(COLUMNS)
    assert by_value.pop("obv")["verdict"] == "no level"
    for row in by_value.values():
        assert row["settled_after"] <= row["in_force"], row
        assert row["verdict"] == "enough"
    assert {name: by_value[name]["settled_after"] for name in ("sma_5", "bb_upper", "sma_200")} == {
        "sma_5": 5,
        "bb_upper": 20,
        "sma_200": 200,
    }


def test_a_warm_up_that_is_too_short_is_caught() -> None:
    short = replace(indicator_subject(["rsi_14", "sma_25"]), in_force={"rsi_14": 60, "sma_25": 25})

    rows = measure_warm_up(short, BARS, 3).select("value", "in_force", "verdict").rows()

    assert sorted(rows) == [("rsi_14", 60, "too short"), ("sma_25", 25, "enough")]


def test_a_value_that_never_forgets_is_caught() -> None:
    def since_the_first(bars: pl.DataFrame) -> pl.DataFrame:
        return bars.select("symbol", "ts", gain=pl.col("close") / pl.col("close").first().over("symbol"))

    rows = measure_warm_up(leaking(since_the_first), BARS, 3).to_dicts()

    assert [(row["settled_after"], row["verdict"]) for row in rows] == [(None, "too short")]


def test_a_history_that_ends_before_the_warm_up_says_nothing_about_it() -> None:
    rows = measure_warm_up(indicator_subject(["ema_200"]), BARS, 3).to_dicts()

    assert [(row["in_force"], row["settled_after"], row["verdict"]) for row in rows] == [
        (1_582, None, "not reached")
    ]
    with pytest.raises(WorkFellShortError, match="1 bars are too few to leave some of them out"):
        measure_warm_up(indicator_subject(), BARS.head(1), 3)


def test_candlesticks_have_no_warm_up_in_force_and_need_little() -> None:
    table = measure_warm_up(candlestick_subject(["engulfing", "doji", "marubozu"]), BARS, 4)

    assert set(table["verdict"]) == {"none in force"}
    assert table["settled_after"].max() < 20  # type: ignore[operator]


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: indicator_subject(["rsi_15"]), "There is no indicator 'rsi_15'; choose from: rsi_14, macd"),
        (
            lambda: candlestick_subject(["engulf"]),
            "There is no candlestick pattern 'engulf'; choose from: 2crows",
        ),
        (
            lambda: patterns_of("v2", ["7"]),
            "There is no pattern '7'; choose from: 1, 2, 2-2, 3, 4, 5, 6, or all",
        ),
        (lambda: patterns_of("v3", ["1"]), "Pattern definition 'v3' does not exist"),
    ],
)
def test_what_does_not_exist_is_named(ask: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ask()
    assert str(refused.value).startswith(sentence)


M5, DAILY = currency(date(2025, 3, 3), date(2025, 4, 25), days_before=120)


@pytest.mark.parametrize("definition", ["v1", "v2"])
def test_patterns_from_bars_to_signals_do_not_look_ahead(definition: str) -> None:
    progress: list[tuple[int, int]] = []

    report, shown = check_pattern_look_ahead(
        patterns_of(definition, ["all"]), M5, DAILY, FX, 4, lambda done, of: progress.append((done, of))
    )

    assert report.differences.is_empty()
    assert report.values > 1_000_000
    assert shown == signals(frames_of(M5, DAILY, FX), definition).height > 5
    assert progress == [(done, 4) for done in range(5)]


def test_a_pattern_that_never_shows_is_tested_by_its_conditions() -> None:
    report, shown = check_pattern_look_ahead(patterns_of("v1", ["1"]), M5, DAILY, FX, 2)

    assert shown == 0
    assert report.differences.is_empty()
    assert report.compared["1 SELL"] == report.compared["1 BUY"] > 5_000
    assert report.compared["rsi_14"] == report.compared["rsi_14 in the mirror"] > 5_000


def unconfirmed_pivots() -> Definition:
    """The second definition with swings that are known at once: what a centred window does."""
    high = pl.col("high")
    pivot = high == high.rolling_max(11, min_samples=1, center=True)

    def at(value: pl.Expr) -> pl.Expr:
        return pl.when(pivot).then(value).shift(1).forward_fill()

    made_up = {
        "swing_high": Feature(Kind.PRICE, at(high), "山", "swing_low"),
        "swing_high_rsi_14": Feature(Kind.OSCILLATOR, at(pl.col("rsi_14")), "山のRSI", "swing_low_rsi_14"),
    }
    return replace(patterns_of("v2", ["3"]), features={**FEATURES, **made_up})


def test_a_pattern_that_knows_the_future_is_caught() -> None:
    report, _ = check_pattern_look_ahead(unconfirmed_pivots(), M5, DAILY, FX, 6)

    assert {name.partition(" ")[0] for name in report.differences["column"]} >= {"swing_high"}
    assert (report.differences["ts"] <= report.differences["moment"] + timedelta(minutes=5)).all()
    assert report.differences.filter(pl.col("then").eq_missing(pl.col("now"))).is_empty()


def test_a_signal_that_was_known_too_late_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four-hour bars that count before they are over: what a join by their start does."""

    def from_the_start(m5: pl.DataFrame, daily: pl.DataFrame, universe: Universe) -> Frames:
        frames = frames_of(m5, daily, universe)
        return replace(frames, h4=frames.h4.with_columns(ends=pl.col("ts")))

    monkeypatch.setattr(self_test_patterns, "frames_of", from_the_start)
    report, _ = check_pattern_look_ahead(patterns_of("v2", ["all"]), M5, DAILY, FX, 6)

    assert {"4h", "all four"} <= set(report.differences["of"])


@pytest.mark.parametrize("timeframe", [Timeframe.M5, Timeframe.H1, Timeframe.D1])
def test_patterns_need_no_more_bars_than_are_in_force(timeframe: Timeframe) -> None:
    bars = of_timeframe(DAILY if timeframe is Timeframe.D1 else M5, timeframe, FX)

    table = measure_pattern_warm_up(patterns_of("v2", ["2", "2-2", "6"]), timeframe, bars, 4)

    assert table["value"].to_list() == ["2 BUY", "2-2 SELL", "6 BUY", "6 SELL"]
    assert set(table["verdict"]) == {"enough"}
    assert table["settled_after"].max() > 20  # type: ignore[operator]


def test_a_condition_that_never_forgets_is_caught() -> None:
    first = Feature(Kind.PRICE, pl.col("close") - pl.col("close").first(), "上昇")
    rises = {"close_move_5": first}
    forever = replace(patterns_of("v2", ["4"]), features={**FEATURES, **rises})

    table = measure_pattern_warm_up(forever, Timeframe.M5, of_timeframe(M5, Timeframe.M5, FX), 3)

    assert set(table["verdict"]) == {"too short"}


def test_built_bars_are_those_that_were_over() -> None:
    cut = M5.filter(pl.col("ts") <= datetime(2025, 4, 10, 10, 35, tzinfo=UTC))
    hours, fours = (of_timeframe(cut, timeframe, FX) for timeframe in (Timeframe.H1, Timeframe.H4))

    assert hours["ends"][-1] == datetime(2025, 4, 10, 10, tzinfo=UTC)
    assert fours["ends"][-1] == datetime(2025, 4, 10, 9, tzinfo=UTC)
    whole = of_timeframe(M5, Timeframe.H4, FX)
    assert whole.head(fours.height).equals(fours)
