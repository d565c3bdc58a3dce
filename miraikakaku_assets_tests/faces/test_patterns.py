"""Stored signals, their track record and candlesticks, through the front door."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from miraikakaku_assets.application.analysis.track_record_view import evidence_in_short
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.installations.analysed import PAIR, SHARE

STORED = """SELECT at, pattern, direction, name_ja, close FROM miraikakaku.pattern_signals
            ORDER BY at DESC, pattern, direction"""


def test_newest_signals_with_time_price_and_evidence(analysed: Command) -> None:
    stored = analysed.rows(STORED)

    ended = analysed("patterns", "--limit", 3)

    assert ended.code == 0, ended.err
    title, header, *lines = ended.out.splitlines()
    assert title == f"fx signals, newest first: 3 of {len(stored)}"
    assert header.startswith("known at (JST)")
    assert len(lines) == 3
    for line, (at, pattern, direction, name_ja, close) in zip(lines, stored, strict=False):
        local = at.astimezone(ZoneInfo("Asia/Tokyo"))
        assert line.startswith(f"{local:%Y-%m-%d %H:%M}")
        for part in (PAIR, f"{pattern} {name_ja}", direction, f"{close:,.6g}", " rsi_14"):
            assert part in line


def test_a_narrow_screen_has_one_line_per_signal_and_says_what_it_leaves_out(analysed: Command) -> None:
    ended = analysed.with_(COLUMNS=80)("patterns", "--limit", 3, "--track-record")

    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert [row[-1] for row in (text.split() for text in lines[1:3])] == [
        "price",
        f"{_newest_close(analysed):,.6g}",
    ]
    hint = "(a screen of 120 columns, or --json, has {} as well)"
    assert lines[5] == hint.format("the evidence")
    assert hint.format("the last ten outcomes") in lines
    assert "rsi_14" not in ended.out
    tables = [text for text in lines[1:] if not text.startswith(("(", "adjustment", "A record"))]
    assert max(cell_len(text.rstrip()) for text in tables) <= 80


def _newest_close(analysed: Command) -> float:
    close: float = analysed.rows(STORED)[0][-1]
    return close


def test_json_has_everything_that_is_stored(analysed: Command) -> None:
    stored = analysed.rows(STORED)

    document = analysed("patterns", "--limit", 0, "--json").document

    assert document["stored"] == len(stored)
    assert [row["at"] for row in document["signals"]] == [row[0].isoformat() for row in stored]
    assert set(document["signals"][0]) >= {
        "symbol",
        "pattern",
        "direction",
        "evidence",
        "close",
        "definition",
    }
    assert all(isinstance(row["evidence"], dict) for row in document["signals"])


def test_since_symbols_and_definition_choose(analysed: Command) -> None:
    stored = analysed.rows(STORED)
    day = stored[len(stored) // 2][0].date()
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/London"))

    some = analysed("patterns", "--since", day, "--limit", 0, "--json").document
    none = analysed("patterns", "--definition", "v1")
    others = analysed("patterns", "--symbols", "EURUSD=X", "--json").document

    expected = [row[0].isoformat() for row in stored if row[0] > midnight]
    assert [row["at"] for row in some["signals"]] == expected
    assert 0 < len(expected) < len(stored)
    assert (none.code, none.out.partition(";")[0]) == (0, "fx: no such signal is stored")
    assert others == {"stored": 0, "signals": []}


def test_the_track_record_counts_what_came_after(analysed: Command) -> None:
    stored = analysed.rows(STORED)
    closes = [
        (row[0], row[1])
        for row in analysed.rows(
            "SELECT ts + interval '5 minutes', close FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i"
            f" ON i.id = instrument_id WHERE timeframe = '5m' AND i.symbol = '{PAIR}' ORDER BY ts"
        )
    ]
    places = {ends: place for place, (ends, _) in enumerate(closes)}

    ended = analysed("patterns", "--track-record")
    record = analysed("patterns", "--track-record", "--json").document["track_record"]

    by_hand: dict[tuple[str, str], list[float]] = {}
    for at, pattern, direction, _, _ in stored:
        place = places[at]
        if place + 72 < len(closes):
            points = -1 if direction == "SELL" else 1
            by_hand.setdefault((pattern, direction), []).append(
                points * (closes[place + 72][1] / closes[place][1] - 1)
            )
    assert by_hand
    records = {(row["pattern"], row["direction"]): row for row in record}
    for side, outcomes in by_hand.items():
        row = records[side]
        assert row["n"] == len(outcomes)
        assert row["mean"] == pytest.approx(sum(outcomes) / len(outcomes))
        assert row["last_ten"] == pytest.approx(outcomes[:10][::-1])
        if side[1] != "NEUTRAL":
            assert row["hit_rate"] == sum(value > 0 for value in outcomes) / len(outcomes)
            assert row["low"] <= row["hit_rate"] <= row["high"]
        assert row["horizon"] == "72 five-minute bars"
    assert ended.code == 0, ended.err
    assert "what came after them: outcome over the 72 five-minute bars" in ended.out
    assert "adjustment: none: an instrument without a market, whose own drift is taken as 0" in ended.out
    assert ended.out.endswith("none of the patterns had a significant edge when they were defined.\n")


def test_candlesticks_of_stored_bars(analysed: Command) -> None:
    ended = analysed("patterns", "--universe", "jp", "--candlesticks", "--symbols", SHARE, "--limit", 5)
    document = analysed(
        "patterns", "--candlesticks", "--timeframe", "4h", "--since", "2025-04-24", "--limit", 0, "--json"
    ).document

    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0] == "jp 1d: candlestick patterns, newest first"
    candlesticks = document["candlesticks"]
    assert candlesticks
    assert {row["symbol"] for row in candlesticks} == {PAIR}
    assert all(row["ts"] >= "2025-04-23T23:00" for row in candlesticks)
    assert [row["ts"] for row in candlesticks] == sorted((row["ts"] for row in candlesticks), reverse=True)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--definition", "v3"], 2, "Pattern definition 'v3' does not exist; choose from: v1, v2"),
        (["--since", "yesterday"], 2, "--since"),
        (["--candlesticks", "--track-record"], 2, "--track-record goes with the six patterns"),
        (
            ["--universe", "us", "--candlesticks"],
            1,
            "No final 1d bars of universe us are stored for that; run `miraikakaku collect --universe us` first",
        ),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(
    analysed: Command, arguments: list[str], code: int, sentence: str
) -> None:
    ended = analysed("patterns", *arguments)

    assert ended.code == code
    assert ended.errors[0].startswith(sentence)


def test_evidence_in_short_has_one_value_per_timeframe() -> None:
    evidence = {"m5.upper_wick_share": 0.5, "d1.macd": 1.25, "d1.rsi_14": 61.5, "h4.close": 150.123}

    for given in (evidence, json.dumps(evidence)):
        assert evidence_in_short(given) == "d1 rsi_14 61.5, h4 close 150.123, m5 upper_wick_share 0.5"
