"""From conditions to signals: the bars read, where a pattern begins, its cool-down and its evidence."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.patterns.definitions import definition_of
from miraikakaku_assets.domain.patterns.detection import SIGNALS, signals
from miraikakaku_assets.domain.patterns.features import mirrored
from miraikakaku_assets.domain.patterns.frames import INPUTS, Frames
from miraikakaku_assets.domain.patterns.states import read, states
from miraikakaku_assets_tests.support.bars.pattern_frames import noise, walk

START = datetime(2025, 3, 3, tzinfo=UTC)
QUIET = dict.fromkeys(INPUTS, 100.0) | {"rsi_14": 50.0, "macd": 0.0, "macd_signal": 0.0, "atr_14": 1.0}


def bars(minutes: int, rows: list[dict[str, float]], symbol: str = "7203.T") -> pl.DataFrame:
    """Bars one after another from `START` on; what a row does not say is quiet."""
    length = timedelta(minutes=minutes)
    table = [
        QUIET | row | {"symbol": symbol, "ts": START + place * length, "ends": START + (place + 1) * length}
        for place, row in enumerate(rows)
    ]
    return pl.DataFrame(table).with_columns(pl.col("ts", "ends").cast(pl.Datetime("us", "UTC")))


UP = {"rsi_14": 60.0, "macd": 1.0, "close": 101.0}


def breakthroughs(rsi: list[float], symbol: str = "7203.T") -> Frames:
    """Pattern 6, BUY: every longer timeframe agrees from its first bar on, ended before the first M5 bar."""
    longer = bars(1, [UP], symbol).with_columns(pl.col("ts", "ends") - timedelta(minutes=1))
    return Frames(
        longer, longer, longer, bars(5, [{"rsi_14": value, "close": 101.0} for value in rsi], symbol)
    )


def places(shown: pl.DataFrame) -> list[int]:
    return [(at - START) // timedelta(minutes=5) for at in shown["ts"]]


def test_a_pattern_gives_one_signal_where_it_begins() -> None:
    shown = signals(breakthroughs([49, 51, 52, 53]))
    assert places(shown) == [1]
    row = shown.row(0, named=True)
    assert (row["pattern"], row["name"], row["direction"], row["priority"]) == (
        "6",
        "composite",
        "BUY",
        "HIGH",
    )
    assert (row["definition"], row["name_ja"]) == ("v2", "複合シグナル強化")
    assert row["at"] == row["ts"] + timedelta(minutes=5)
    assert shown.schema == pl.Schema(SIGNALS)


def test_what_holds_on_the_first_bar_has_not_begun_there() -> None:
    frames = breakthroughs([50] * 3)
    flat = Frames(*(frame.with_columns(rsi_14=50.0, close=100.0, macd=0.0) for _, frame in frames.items()))
    crossing = {"rsi_14": 48.0, "macd": 0.0}
    h1 = bars(60, [crossing, {"rsi_14": 51.0}, {"rsi_14": 49.0}, *[{"rsi_14": 51.0}] * 5])
    h1 = h1.with_columns(pl.col("ts", "ends") - timedelta(hours=8))
    battle = Frames(flat.d1, flat.h4, h1, flat.m5)
    assert states(battle, definition_of("v2")).bars["pattern 8 way 0"].to_list() == [True] * 3
    assert signals(battle).is_empty()


def test_a_bar_counts_from_its_end_on() -> None:
    calm, up = bars(30, [{}, UP, {}]).partition_by("ts", maintain_order=True)[:2]
    longer = pl.concat([calm, up])  # 0:00-0:30 says nothing, 0:30-1:00 agrees
    crossings = [{"rsi_14": 49.0 if place % 2 else 51.0, "close": 101.0} for place in range(16)]
    agreed = bars(1, [UP]).with_columns(pl.col("ts", "ends") - timedelta(minutes=1))
    for frames in (
        Frames(longer, agreed, agreed, bars(5, crossings)),
        Frames(agreed, longer, agreed, bars(5, crossings)),
        Frames(agreed, agreed, longer, bars(5, crossings)),
    ):
        # The M5 bar of 0:55-1:00 (place 11) is known at 1:00, when the half hour has just ended; place 12 crosses.
        assert states(frames, definition_of("v2")).bars["pattern 9 way 0"].to_list() == [
            place >= 11 and place % 2 == 0 for place in range(16)
        ]
        assert places(signals(frames)) == [12]


def test_the_very_bar_that_ends_with_the_five_minutes_counts() -> None:
    agreed = bars(1, [UP]).with_columns(pl.col("ts", "ends") - timedelta(minutes=1))
    frames = breakthroughs([49, 51])
    until = bars(10, [UP])  # ends at 0:10, as the second M5 bar does
    assert places(signals(Frames(until, agreed, agreed, frames.m5))) == [1]
    late = until.with_columns(pl.col("ends") + timedelta(microseconds=1))
    assert signals(Frames(late, agreed, agreed, frames.m5)).is_empty()


def test_bars_of_other_symbols_are_not_read() -> None:
    first, second = breakthroughs([49, 51], "A"), breakthroughs([49, 51], "B")
    merged = Frames(
        *(pl.concat([x, y]) for (_, x), (_, y) in zip(first.items(), second.items(), strict=True))
    )
    assert signals(merged)["symbol"].to_list() == ["A", "B"]
    assert signals(Frames(first.d1, merged.h4, merged.h1, merged.m5))["symbol"].to_list() == ["A"]


@pytest.mark.parametrize(("gap", "expected"), [(71, [1]), (72, [1, 73])])
def test_a_cool_down_lasts_72_bars(gap: int, expected: list[int]) -> None:
    rsi = [49.0] * (gap + 4)
    rsi[1] = rsi[1 + gap] = 51.0
    assert places(signals(breakthroughs(rsi))) == expected


def test_what_is_left_out_starts_no_cool_down() -> None:
    rsi = [49.0] * 160
    for place in (1, 40, 80):
        rsi[place] = 51.0
    assert places(signals(breakthroughs(rsi))) == [1, 80]


@pytest.mark.parametrize("nothing", [None, float("nan")])
@pytest.mark.parametrize("column", ["rsi_14", "close", "bb_middle"])
def test_what_is_not_known_is_not_true(column: str, nothing: float | None) -> None:
    frames = breakthroughs([49, 51])
    for place in range(4):
        changed = [frame for _, frame in frames.items()]
        changed[place] = changed[place].with_columns(pl.lit(nothing, pl.Float64).alias(column))
        assert signals(Frames(*changed)).is_empty()


def test_bars_are_read_in_python_as_in_polars() -> None:
    """Bar by bar: the newest closed bar of each timeframe, all conditions, not on the bar before, not cooling."""
    frames = noise(seed=3, symbols=3, days=30)
    definition = definition_of("v2")
    truths = {timeframe: read(frame, timeframe, definition).truth for timeframe, frame in frames.items()}
    expected = []
    for symbol in ("0.T", "1.T", "2.T"):
        own = {each: truth.filter(pl.col("symbol") == symbol).to_dicts() for each, truth in truths.items()}
        starts = frames.m5.filter(pl.col("symbol") == symbol)["ts"].to_list()
        seen: dict[str, dict[str, bool]] = {}
        was, free = [True] * len(definition.patterns), [0] * len(definition.patterns)
        waiting = {each: list(reversed(rows)) for each, rows in own.items()}
        for place, (ts, at) in enumerate((ts, ts + timedelta(minutes=5)) for ts in starts):
            for each, rows in waiting.items():
                while rows and rows[-1]["ends"] <= at:
                    seen[each] = rows.pop()
            for number, pattern in enumerate(definition.patterns):
                state = any(
                    all(seen.get(each, {}).get(f"pattern {number} way {which} {each}") for each in way)
                    for which, way in enumerate(pattern.any_of)
                )
                if state and not was[number] and place >= free[number]:
                    expected.append((ts, symbol, pattern.number, pattern.direction.value))
                    free[number] = place + 72
                was[number] = state
    assert signals(frames).select("ts", "symbol", "pattern", "direction").rows() == sorted(expected)
    assert len({key[2:] for key in expected}) > 6


def test_evidence_names_what_was_seen_on_both_sides() -> None:
    frames = walk(seed=5, symbols=6)
    shown = signals(frames)
    assert {"1", "2", "2-2", "3", "4", "5", "6"} >= set(shown["pattern"]) >= {"2", "2-2", "3", "5", "6"}
    m5 = frames.m5.select("symbol", "ts", m5_close="close", m5_rsi="rsi_14")
    d1 = frames.d1.select("symbol", "ends", d1_rsi="rsi_14", d1_low="low", d1_macd="macd")
    seen = shown.join(m5, on=["symbol", "ts"]).sort("at")
    seen = seen.join_asof(d1, left_on="at", right_on="ends", by="symbol", check_sortedness=False)
    for row in seen.iter_rows(named=True):
        evidence = json.loads(row["evidence"])
        assert evidence
        assert {key.split(".")[0] for key in evidence} <= {"d1", "h4", "h1", "m5"}
        assert all(isinstance(value, float) for value in evidence.values())
        for key, value in (
            ("m5.close", row["m5_close"]),
            ("d1.low", row["d1_low"]),
            ("d1.macd", row["d1_macd"]),
        ):
            assert evidence.get(key, value) == pytest.approx(value, rel=1e-5)
        for key, value in (("m5.rsi_14", row["m5_rsi"]), ("d1.rsi_14", row["d1_rsi"])):
            assert evidence.get(key, value) == pytest.approx(value, abs=0.006)
        if row["pattern"] == "6":
            points = 1 if row["direction"] == "BUY" else -1
            assert points * (evidence["m5.rsi_14"] - 50) >= 0 >= points * (evidence["m5.rsi_14_before"] - 50)
            assert points * (evidence["d1.close"] - evidence["d1.bb_middle"]) > 0
            assert points * (evidence["d1.macd"] - evidence["d1.macd_signal"]) > 0


def test_mirrored_evidence_names_lows_for_highs() -> None:
    shown = pl.concat([signals(walk(seed)) for seed in range(4)])
    keys = {
        side: set().union(*(json.loads(text) for text in rows["evidence"]))
        for (side,), rows in shown.filter(pattern="3").group_by("direction")
    }
    assert {"h4.high", "h4.swing_high", "h4.swing_high_rsi_14"} <= keys["SELL"]
    assert {"h4.low", "h4.swing_low", "h4.swing_low_rsi_14"} <= keys["BUY"]
    assert not {key for key in keys["BUY"] if "high" in key}


@pytest.mark.parametrize("definition", ["v1", "v2"])
@pytest.mark.parametrize("seed", range(3))
def test_upside_down_bars_give_the_opposite_signals(definition: str, seed: int) -> None:
    frames = noise(seed)
    flipped = Frames(*(mirrored(frame) for _, frame in frames.items()))
    opposite = pl.col("direction").replace({"BUY": "SELL", "SELL": "BUY"})
    number = pl.col("pattern").replace({"2": "2-2", "2-2": "2"})
    key = ["ts", "symbol", "pattern", "direction"]
    expected = signals(frames, definition).with_columns(opposite, number).select(key).sort(key)
    shown = signals(flipped, definition).select(key)
    assert shown.equals(expected)
    assert shown["direction"].n_unique() > 1
    assert Frames(*(mirrored(frame) for _, frame in flipped.items())).m5.equals(frames.m5)


def test_pips_are_for_the_dollar_in_yen_only() -> None:
    rows: list[dict[str, float]] = [{"close": 100.0 + step / 8, "rsi_14": 60.0} for step in range(12)]
    longer = bars(1, [{"close": 99.0}, UP]).with_columns(pl.col("ts", "ends") - timedelta(minutes=2))
    wide = longer.with_columns(bb_upper=105.0, bb_lower=95.0)
    for symbol, pips in (("USDJPY=X", (120, -60)), ("EURUSD=X", (None, None)), ("7203.T", (None, None))):
        named = [frame.with_columns(symbol=pl.lit(symbol)) for frame in (longer, wide, wide, bars(5, rows))]
        shown = signals(Frames(*named), "v1").filter(pattern="6", direction="BUY")
        assert shown.select("take_profit_pips", "stop_pips").rows() == [pips]


def test_frames_without_bars_have_no_signals() -> None:
    frames = walk(seed=0, symbols=1, days=40, shown=1)
    for place in range(4):
        some = [frame for _, frame in frames.items()]
        some[place] = some[place].clear()
        shown = signals(Frames(*some))
        assert shown.schema == pl.Schema(SIGNALS)
        assert place in {0, 1, 2} or shown.is_empty()


def test_what_cannot_be_judged_is_refused() -> None:
    frames = walk(seed=0, symbols=1, days=40, shown=1)
    with pytest.raises(ConfigurationError, match="'v3' does not exist; choose from: v1, v2"):
        signals(frames, "v3")
    with pytest.raises(ConfigurationError, match="4h bars for the patterns lack atr_14"):
        signals(Frames(frames.d1, frames.h4.drop("atr_14"), frames.h1, frames.m5))
    for muddled in (frames.h1.reverse(), pl.concat([frames.h1, frames.h1]).sort("ts")):
        with pytest.raises(ConfigurationError, match="1h bars for the patterns are not in the order of time"):
            signals(Frames(frames.d1, frames.h4, muddled, frames.m5))


def test_random_bars_meet_every_pattern_of_the_default() -> None:
    shown = pl.concat([signals(noise(seed)) for seed in range(6)])
    sides = {(pattern.number, pattern.direction.value) for pattern in definition_of("v2").patterns}
    assert set(shown.select("pattern", "direction").iter_rows()) == sides
    assert shown["evidence"].str.json_path_match("$").is_not_null().all()
