"""Copper from the command line: every stage, a second time without a change, and what is refused."""

from collections.abc import Iterator

import pytest

from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.moments import last_evening

pytestmark = pytest.mark.slow

OFFICIAL = (
    "SELECT {} FROM miraikakaku.price_bars JOIN miraikakaku.instruments i ON i.id = instrument_id "
    "WHERE timeframe = '1d' AND i.calendar = 'LME'"
)
FORECASTS = (
    "SELECT symbol, count(*) FROM miraikakaku.daily_predictions p JOIN miraikakaku.instruments i "
    "ON i.id = p.instrument_id WHERE model = 'random_walk' AND point IS NOT NULL GROUP BY 1 ORDER BY 1"
)
BARS = "SELECT timeframe, count(*) FROM miraikakaku.price_bars GROUP BY 1"


@pytest.fixture(scope="module")
def quiet_exchange() -> Iterator[Simulated]:
    with simulated(symbols=1, us_symbols=0, now=last_evening("CMX")) as running:
        yield running


def test_the_pipeline_of_copper_needs_no_master_and_doing_it_again_changes_nothing(command: Command) -> None:
    first = command("pipeline", "--universe", "copper", "--json")

    assert first.code == 0, first.err
    stages = {stage["stage"]: stage for stage in first.document["stages"]}
    assert {stage["universe"] for stage in stages.values()} == {"copper"}
    assert "master" not in stages
    analysed = [stage["collected"] for stage in first.document["stages"] if stage["stage"] == "analysis"]
    assert analysed == ["1d"]  # there are no five-minute bars to analyse
    prices, analysis, coverage = (stages[name] for name in ("prices", "analysis", "coverage"))
    stored = dict(command.rows(BARS))
    assert stored == {"1d": prices["inserted"], **analysis["bars"]} == analysis["indicators"]
    assert set(stored) == {"1d", "1w", "1mo"}
    assert (prices["symbols"], prices["verdicts"], analysis["new_signals"]) == (3, {"ok": 3}, 0)
    assert coverage["coverage"] == 1.0  # each on the days of its own exchange
    ranges = command.rows(OFFICIAL.format("count(*), count(open), count(high), count(low), sum(volume)"))
    assert ranges[0][0] > 50
    assert ranges[0][1:] == (0, 0, 0, 0)  # an official price is a close, and no range is made up
    assert command.rows(OFFICIAL.format("DISTINCT source, price_unit")) == [("westmetall", "USD per tonne")]
    forecasts = command.rows(FORECASTS)
    assert forecasts == [("HG=F", 5), ("LME-CU-3M", 5), ("LME-CU-CASH", 5)]
    curve = stages["curve"]
    assert (curve["contracts"], curve["lost"], curve["sources"]) == (8, {}, {"westmetall": 1, "yahoo": 6})
    everything = "SELECT * FROM miraikakaku.price_bars ORDER BY timeframe, ts"
    before = command.rows(everything)

    shown = command("pipeline", "--universe", "copper")

    assert shown.code == 0, shown.err
    assert "copper analysis of 1d bars: 3 symbols, nothing was due" in shown.out
    assert command.rows(everything) == before

    status = command("status", "--universe", "copper", "--json").document

    assert (status["master"]["listed"], status["fresh_symbols"], status["watched"]) == (3, 3, [])
    assert {row["timeframe"] for row in status["analysis"]} == {"1d", "1w", "1mo"}
    assert "3 of 3 listed symbols have the bar of" in command("status", "--universe", "copper").out

    shown_curve = command("copper")
    document = command("copper", "--json").document

    assert shown_curve.code == 0
    assert max(map(len, shown_curve.out.splitlines())) <= 80
    assert [point["contract"] for point in document["points"][:2]] == ["LME-CU-CASH", "LME-CU-3M"]
    spread = document["spread"]
    assert spread["spread"] == spread["cash"] - spread["three_months"]
    assert (spread["spread"] > 0) == (spread["regime"] == "backwardation") == (document["comex"]["slope"] < 0)
    assert (
        abs(document["comex"]["over_lme"]) < 0.06 * spread["cash"]
    )  # half a day of New York's prices, and the carry
    assert document["stocks"]["tonnes"] > 0


def test_a_curve_that_nobody_has_collected_is_said_to_be_missing(command: Command) -> None:
    ended = command("copper", "--json")

    assert ended.code == 2
    assert ended.document["error"].startswith("There are no quotes of copper's curve yet")


def test_a_symbol_that_the_setting_does_not_name_is_not_collected(command: Command) -> None:
    ended = command("collect", "--universe", "copper", "--symbols", "CL=F", "--json")

    assert ended.code == 1
    assert ended.document["stages"][0]["verdicts"] == {"not_in_master": 1}


def test_patterns_of_copper_lack_five_minute_bars(command: Command) -> None:
    ended = command("self-test", "look-ahead", "--universe", "copper", "--timeframe", "1h")

    assert ended.code == 1
    assert ended.errors == ["5m bars of copper are not collected; name a file of bars with --file"]


def test_copper_has_no_list(nowhere: Command) -> None:
    ended = nowhere("master", "update", "--universe", "copper")

    assert (ended.code, ended.errors) == (
        2, ["No exchange publishes a list of copper; the settings name its symbols (lists: jp, us)"],
    )  # fmt: skip
