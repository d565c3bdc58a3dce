"""`analyze`: what is due and only that, and the symbols nobody knows."""

from typing import Any

import pytest

from miraikakaku_assets_tests.support.command import Command, Ended, stages
from miraikakaku_assets_tests.support.installations.command_line import HALF_A_YEAR
from miraikakaku_assets_tests.support.moments import last_evening

pytestmark = pytest.mark.slow

PAIR = "USDJPY=X"
ISSUES = 7
"""Of the simulated exchange's eight; 25935.T never has a bar."""
DERIVED = (
    "SELECT * FROM miraikakaku.technical_indicators ORDER BY instrument_id, timeframe, ts",
    """SELECT instrument_id, timeframe, ts, open, high, low, close, volume, status, parts, expected_parts
       FROM miraikakaku.price_bars WHERE built_from IS NOT NULL ORDER BY 1, 2, 3""",
)
COUNTED = "SELECT timeframe, count(*) FROM miraikakaku.{} GROUP BY 1"
RUNS = "SELECT count(*) FROM dagster.runs"


def contents(command: Command) -> list[list[tuple[Any, ...]]]:
    return [command.rows(query) for query in DERIVED]


def counted(command: Command, table: str) -> dict[str, int]:
    return dict(command.rows(COUNTED.format(table)))


def daily(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.err
    return stages(ended)["analysis of 1d"]


@pytest.fixture
def collected(command: Command) -> Command:
    """An installation with daily bars of which nothing is derived yet."""
    assert command("master", "update").code == 0
    assert command("collect").code == 0
    return command


def test_what_is_due_is_computed_once(collected: Command) -> None:
    first = collected("analyze", "--json")

    done = daily(first)
    assert list(stages(first)) == ["analysis of 1d", "analysis of 5m"]
    assert stages(first)["analysis of 5m"]["symbols"] == 0
    assert (done["universe"], done["collected"], done["succeeded"], done["error"]) == ("jp", "1d", True, None)
    assert (done["symbols"], done["verdicts"]) == (ISSUES, {"ok": ISSUES})
    bars = counted(collected, "price_bars")
    assert bars == {"1d": ISSUES * HALF_A_YEAR, **done["bars"]}
    assert set(done["bars"]) == {"1w", "1mo"}
    assert counted(collected, "technical_indicators") == done["indicators"] == bars
    assert collected.rows("SELECT status FROM dagster.runs ORDER BY id DESC LIMIT 1") == [("SUCCESS",)]
    before = contents(collected)

    second = daily(collected("analyze", "--json"))
    shown = collected("analyze", "--timeframe", "1d")

    assert (second["verdicts"], second["bars"], second["indicators"]) == ({"up_to_date": ISSUES}, {}, {})
    assert shown.code == 0, shown.err
    assert shown.out == f"jp analysis of 1d bars: {ISSUES} symbols, nothing was due\n"
    assert contents(collected) == before


def test_again_since_and_symbols_choose_what_is_computed_anew(collected: Command) -> None:
    assert collected("analyze").code == 0
    before = contents(collected)
    day = str(last_evening().date())

    again = daily(collected("analyze", "--again", "--symbols", "7203.T, 1301.T", "--json"))
    since = daily(collected("analyze", "--since", day, "--symbols", "7203.T", "--json"))
    limited = daily(collected("analyze", "--again", "--limit", 1, "--timeframe", "1d", "--json"))

    assert again["verdicts"] == {"ok": 2}
    assert again["indicators"]["1d"] == 2 * HALF_A_YEAR
    assert since["verdicts"] == {"ok": 1}
    assert (since["indicators"]["1d"], since["indicators"]["1mo"]) == (
        1,
        1,
    )  # that day and the month around it
    assert limited["verdicts"] == {"ok": 1}
    assert contents(collected) == before


def test_five_minute_bars_of_a_currency_pair(command: Command) -> None:
    fx = command.with_(FX_PAIRS=PAIR)
    assert fx("collect", "--universe", "fx", "--timeframe", "5m").code == 0

    ended = fx("analyze", "--universe", "fx", "--timeframe", "5m", "--json")
    shown = fx("analyze", "--universe", "fx", "--timeframe", "5m", "--again")

    assert ended.code == 0, ended.err
    analysed = stages(ended)
    assert list(analysed) == ["analysis of 5m"]
    done = analysed["analysis of 5m"]
    assert done["verdicts"] == {"ok": 1}
    assert set(done["bars"]) == {"1h", "4h"}
    bars = counted(fx, "price_bars")
    assert bars["5m"] > 11 * bars["1h"] > 40 * bars["4h"] > 0
    assert counted(fx, "technical_indicators") == done["indicators"] == bars
    assert fx.rows("SELECT count(*) FROM miraikakaku.pattern_signals") == [(done["new_signals"],)]
    assert "fx analysis of 5m bars: 1 symbol\n" in shown.out
    table = {text.split("  ")[0]: text.split()[-1] for text in shown.out.splitlines()}
    assert table["1h bars"] == f"{bars['1h']:,}"
    assert table["new signals"] == "0"  # they were all known


def test_without_bars_it_says_so_and_ends_with_1(command: Command) -> None:
    nothing = command("analyze", "--json")
    assert command("master", "update").code == 0
    bare = command("analyze", "--symbols", "25935.T")

    hint = "so nothing was analysed; `miraikakaku collect` fetches them"
    assert (nothing.code, nothing.errors) == (1, [f"No bars of jp are stored, {hint}"])
    assert [stage["succeeded"] for stage in stages(nothing).values()] == [True, False]
    assert (bare.code, bare.errors) == (1, [f"No bars of the named symbols are stored, {hint}"])


def test_symbols_that_nobody_knows_are_named_and_the_others_analysed(collected: Command) -> None:
    ended = collected("analyze", "--symbols", "7203.T,7230.T,AAPL", "--json")

    sentence = (
        "Nothing was analysed of symbols that are in no stock master of jp: 7230.T, AAPL; "
        "correct them or update the master"
    )
    assert (ended.code, ended.errors) == (1, [sentence])
    unknown, *analyses = ended.document["stages"]
    assert (unknown["run_id"], unknown["succeeded"], unknown["error"]) == (None, False, sentence)
    assert (unknown["symbols"], unknown["unknown"]) == (2, ["7230.T", "AAPL"])
    assert [analyse["verdicts"] for analyse in analyses] == [{"ok": 1}, {"no_bars": 1}]
    runs = collected.rows(RUNS)

    only = collected("analyze", "--symbols", "7230.T")
    pair = collected("analyze", "--universe", "fx", "--symbols", "USDJPY")

    assert only.code == 1
    assert only.errors[0].endswith("in no stock master of jp: 7230.T; correct them or update the master")
    assert only.out == "jp analysis: 1 symbol in no master: 7230.T\n"
    assert pair.code == 1
    assert "neither FX_PAIRS nor the stored symbols: USDJPY; correct them" in pair.errors[0]
    assert collected.rows(RUNS) == runs  # there was nothing to run
