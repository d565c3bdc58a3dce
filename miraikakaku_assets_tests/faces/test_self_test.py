"""Self-tests through the front door: on stored bars and on files, what passes, what is refused and how."""

from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.domain.indicators.definitions import COLUMNS, NEEDED_HISTORY
from miraikakaku_assets.domain.patterns.history import PATTERN_HISTORY
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.installations.analysed import AUCTION, PAIR, SESSIONS, SHARE

FX = ("--universe", "fx")
NO_BARS = "No final {} bars of {} are stored; run `miraikakaku collect --universe "


def test_all_indicators_in_json(analysed: Command) -> None:
    ended = analysed("self-test", "look-ahead", *FX, "--timeframe", "1h", "--moments", 5, "--json")

    assert ended.code == 0, ended.err
    assert ended.err == ""
    document = ended.document
    assert (document["succeeded"], document["moments"], document["symbols"]) == (True, 5, [PAIR])
    assert (document["differing"], document["differences"]) == (0, [])
    assert set(document["compared_by_value"]) == set(COLUMNS)
    assert sum(document["compared_by_value"].values()) == document["compared"] > 10_000


def test_candlesticks_and_patterns(analysed: Command) -> None:
    candles = analysed("self-test", "look-ahead", *FX, "--candlestick", "engulfing", "--moments", 4)
    patterns = analysed("self-test", "look-ahead", *FX, "--pattern", "all", "--moments", 3, "--json")

    assert candles.code == patterns.code == 0, candles.err + patterns.err
    assert candles.out.startswith(
        f"candlestick pattern engulfing on 5m of {PAIR}: same answer at 4 moments, "
    )
    stored = analysed.rows("SELECT count(*) FROM miraikakaku.pattern_signals")[0][0]
    assert patterns.document["tested"] == "patterns 1, 2, 2-2, 3, 4, 5, 6 (v2)"
    # What the self-test works out from bars alone is what the analysis has stored.
    assert patterns.document["signals"] == stored > 0
    assert patterns.document["compared"] > 100_000


def test_warm_up_is_shown_beside_the_one_in_force(analysed: Command) -> None:
    ended = analysed("self-test", "warm-up", *FX, "--starts", 2)
    document = analysed("self-test", "warm-up", *FX, "--starts", 2, "--json").document

    assert ended.code == 0, ended.err
    rows = {row["value"]: row for row in document["values"]}
    assert document["succeeded"] is True
    for name, row in rows.items():
        assert row["in_force"] == NEEDED_HISTORY[name]
        assert row["settled_after"] <= row["in_force"]
        (line,) = (text for text in ended.out.splitlines() if text.startswith(f"{name} "))
        assert line.split()[1:] == [
            f"{row['compared']:,}",
            f"{row['settled_after']:,}",
            f"{row['in_force']:,}",
            "enough",
        ]
    assert set(rows) == set(COLUMNS) - {"obv"}  # a currency has no volume


def test_warm_up_of_patterns(analysed: Command) -> None:
    ended = analysed("self-test", "warm-up", *FX, "--pattern", "6", "--starts", 2, "--json")

    assert ended.code == 0, ended.err
    rows = ended.document["values"]
    assert [(row["value"], row["timeframe"]) for row in rows] == [
        (side, timeframe) for timeframe in ("1d", "4h", "1h", "5m") for side in ("6 BUY", "6 SELL")
    ]
    assert {row["in_force"] for row in rows} == {PATTERN_HISTORY}
    assert {row["verdict"] for row in rows} == {"enough"}


def test_the_gap_between_five_minutes_and_the_day(analysed: Command) -> None:
    ended = analysed("self-test", "daily-gap", "--symbols", SHARE)
    document = analysed("self-test", "daily-gap", "--universe", "jp", "--json").document

    assert ended.code == 0, ended.err
    (row,) = document["symbols"]
    assert (row["symbol"], row["sessions"]) == (SHARE, SESSIONS)
    assert row["volume_share"] == pytest.approx(1 - AUCTION, abs=1e-4)
    assert (row["close_equal"], row["open_equal"]) == (0.0, 1.0)
    assert row["close_gap"] == pytest.approx(1 - 1 / 1.005)
    assert document["sessions"] == SESSIONS
    (line,) = (text for text in ended.out.splitlines() if text.startswith(SHARE))
    assert line.split()[1:6] == ["20", "75.00", "%", "0.00", "%"]


def five_minutes(folder: Path, bars: int = 600) -> Path:
    start = pl.datetime(2025, 3, 3, 0, 0, time_zone="Europe/London")
    place = pl.int_range(bars)
    close = 150 + (place * 0.7).sin() + 0.001 * place
    table = pl.select(
        datetime=(start + pl.duration(minutes=5) * place).dt.to_string("%Y-%m-%d %H:%M:%S%:z"),
        open=close, high=close + 0.05, low=close - 0.05, close=close,
    )  # fmt: skip
    path = folder / "USDJPY=X.csv"
    table.vstack(table.tail(1).with_columns(pl.lit("2025-03-08 12:00:00+00:00").alias("datetime"))).write_csv(
        path
    )
    return path


def test_a_file_is_tested_without_a_database(nowhere: Command) -> None:
    path = five_minutes(nowhere.folder)

    ended = nowhere("self-test", "look-ahead", *FX, "--file", path, "--indicator", "rsi_14,sma_25")

    assert ended.code == 0, ended.err
    refused, verdict = ended.out.splitlines()
    assert refused == f"{path}: rows left out by the rules of every delivery: 1 not_a_session"
    assert verdict.startswith(f"rsi_14, sma_25 on 5m of {PAIR}: same answer at 20 moments, ")


def test_a_warm_up_in_force_that_the_file_cannot_judge_is_no_failure(nowhere: Command) -> None:
    path = five_minutes(nowhere.folder, bars=300)

    ended = nowhere("self-test", "warm-up", *FX, "--file", path, "--indicator", "ema_200", "--json")

    assert ended.code == 0, ended.err
    assert [row["verdict"] for row in ended.document["values"]] == ["not reached"]


ON_A_FILE = ["--file", "x.csv"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            [*ON_A_FILE, "--indicator", "rsi_15"],
            2,
            "There is no indicator 'rsi_15'; choose from: rsi_14, macd,",
        ),
        (
            [*ON_A_FILE, "--pattern", "7"],
            2,
            "There is no pattern '7'; choose from: 1, 2, 2-2, 3, 4, 5, 6, or all",
        ),
        (["--pattern", "1", "--candlestick", "doji"], 2, "--candlestick and --pattern are different tests"),
        (["--pattern", "1", "--timeframe", "1h"], 2, "--timeframe goes with indicators and candlesticks"),
        (["--daily-file", "x.csv"], 2, "--daily-file goes with 5-minute bars in --file"),
        (["--file", "absent.csv"], 1, "absent.csv: there is no such file [rule no_such_file]"),
        (["--time-zone", "Asia/Tokyo"], 2, "--time-zone goes with --file"),
    ],
)
def test_wrong_usage_is_one_sentence(
    nowhere: Command, arguments: list[str], code: int, sentence: str
) -> None:
    ended = nowhere("self-test", "look-ahead", *arguments)

    assert ended.code == code
    assert ended.errors[0].startswith(sentence)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["look-ahead", "--universe", "us"],
            f"{NO_BARS.format('1d', 'universe us')}us` first, or name a file of bars with --file",
        ),
        (
            ["warm-up", "--universe", "us", "--pattern", "all"],
            f"{NO_BARS.format('5m', 'universe us')}us --timeframe 5m` first, or name a file of bars with --file",
        ),
    ],
)
def test_without_bars_it_says_what_to_do(analysed: Command, arguments: list[str], sentence: str) -> None:
    ended = analysed("self-test", *arguments, "--json")

    assert (ended.code, ended.errors) == (1, [sentence])
    assert ended.document == {"succeeded": False, "error": sentence, "exit_code": 1}
