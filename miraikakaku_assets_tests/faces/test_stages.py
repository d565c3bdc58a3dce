"""The stages from the command line: what they do, what they print, and that doing it twice changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.command import Command, stages
from miraikakaku_assets_tests.support.installations.command_line import HALF_A_YEAR
from miraikakaku_assets_tests.support.installations.installation import CODES, listed
from miraikakaku_assets_tests.support.moments import last_evening

pytestmark = pytest.mark.slow

COUNTED = "SELECT count(*), count(DISTINCT instrument_id) FROM miraikakaku.price_bars"
BARS = "SELECT * FROM miraikakaku.price_bars ORDER BY instrument_id, ts"

EARLIER = ("master", "prices", "analysis of 1d", "analysis of 5m")


def adds_up(stage: dict[str, Any]) -> bool:
    """Whether every row that was read is accounted for, and every symbol has a verdict."""
    rows = stage["inserted"] + stage["restated"] + stage["unchanged"] + stage["quarantined"]
    verdicts = sum(stage["verdicts"].values())
    refused = sum(stage["quarantined_by_rule"].values())
    return (stage["rows_read"], stage["symbols"], stage["quarantined"]) == (rows, verdicts, refused)


def test_the_pipeline_does_all_stages_and_its_numbers_add_up(command: Command) -> None:
    ended = command.apart("pipeline", "--json")

    assert ended.code == 0, ended.err
    assert ended.err == ""
    reports = stages(ended)
    assert list(reports) == [*EARLIER, "predictions", "scores", "coverage"]
    master, prices, daily, intraday, predictions, scores, coverage = reports.values()
    assert master["listed"] == master["added"] == prices["symbols"] == 8
    assert adds_up(prices)
    stored = dict(command.rows("SELECT timeframe, count(*) FROM miraikakaku.price_bars GROUP BY 1"))
    assert stored == {"1d": prices["inserted"], **daily["bars"]}
    assert daily["indicators"] == stored
    assert daily["verdicts"] == {"ok": prices["verdicts"]["ok"]}
    assert set(predictions["made"]) >= {"random_walk", "theta", "xgboost", "ensemble"}
    assert scores["new_outcomes"] == 0  # what was forecast is yet to come
    assert (intraday["symbols"], intraday["verdicts"], intraday["new_signals"]) == (0, {}, 0)
    assert coverage["expected_bars"] == 8 * HALF_A_YEAR
    assert coverage["missing_bars"] == coverage["expected_bars"] - coverage["stored_bars"]
    assert sum(coverage["gaps_by_cause"].values()) == coverage["missing_bars"]
    assert json.loads(Path(coverage["report"]).read_text(encoding="utf-8"))["universe"] == "jp"
    runs = command.rows("SELECT run_id, status FROM dagster.runs ORDER BY id")
    assert runs == [(stage["run_id"], "SUCCESS") for stage in reports.values()]


def test_the_pipeline_goes_on_to_coverage_when_symbols_failed_and_ends_with_1(
    command: Command, exchange: Simulated
) -> None:
    exchange.set_faults("404@7203.T", "nan-bars@1301.T")

    ended = command("pipeline", "--json")

    assert ended.code == 1
    assert ended.errors == [
        "1 of 8 symbols failed, the others are stored; see batch 1 in batch_execution_details"
    ]
    reports = stages(ended)
    assert [stage["stage"] for stage in reports.values() if not stage["succeeded"]] == ["prices"]
    assert reports["analysis of 1d"]["verdicts"] == {"ok": 6}  # what was collected is analysed all the same
    assert adds_up(reports["prices"])
    assert reports["prices"]["verdicts"]["not_on_source"] == 1
    assert reports["prices"]["quarantined_by_rule"] == {"no_price": HALF_A_YEAR // 10}
    assert reports["coverage"]["gaps_by_cause"]["not_on_source"] == HALF_A_YEAR
    assert reports["coverage"]["gaps_by_cause"]["halted"] == HALF_A_YEAR // 10


def test_people_see_a_table_and_progress_and_collecting_again_changes_nothing(command: Command) -> None:
    assert command("master", "update").code == 0

    ended = command("collect")

    assert ended.code == 0, ended.err
    assert "jp prices: 8 symbols" in ended.out
    table = {words[-2]: words[-1] for words in map(str.split, ended.out.splitlines()) if len(words) >= 2}
    assert table["read"] == table["inserted"] == f"{7 * HALF_A_YEAR:,}"
    assert "jp prices: 8 of 8 symbols" in ended.err
    assert "/min" in ended.err
    before = command.rows(BARS)

    again = stages(command("collect", "--json"))["prices"]

    assert command.rows(BARS) == before
    assert adds_up(again)
    assert (again["inserted"], again["restated"]) == (0, 0)
    assert again["unchanged"] == 7 * 10  # the restatement window
    assert again["verdicts"] == {"never_delivered": 1, "no_new_data": 7}

    nothing = command("collect", "--symbols", "25935.T", "--json")

    assert nothing.code == 1
    assert nothing.errors == ["The source delivered no row for 1 symbol; is the window right?"]
    assert stages(nothing)["prices"]["error"] == nothing.errors[0]


def test_named_symbols_limits_and_windows_choose_what_is_collected(command: Command) -> None:
    day = str(last_evening().date())

    whole = stages(command("pipeline", "--symbols", " 7203.T,1301.T ,7203.T", "--since", day, "--json"))
    limited = stages(command("collect", "--limit", "3", "--until", day, "--json"))["prices"]

    named, coverage = whole["prices"], whole["coverage"]
    assert (named["symbols"], named["rows_read"], named["inserted"]) == (2, 2, 2)
    assert (coverage["expected_bars"], coverage["stored_bars"]) == (8, 2)  # of the whole market all the same
    assert limited["symbols"] == 3
    symbols = "SELECT DISTINCT symbol FROM miraikakaku.batch_execution_details WHERE batch_execution_id = 2 ORDER BY 1"
    assert command.rows(symbols) == [("1301.T",), ("1306.T",), ("130A.T",)]
    assert adds_up(limited)


def test_a_master_from_a_file(command: Command) -> None:
    file = command.folder / "list of [September].xls"
    file.write_bytes(listed(CODES))

    first = stages(command("master", "update", "--file", file.name, "--json"))["master"]
    shown = command("master", "update", "--file", file)

    counted = ("added", "updated", "removed", "returned", "unchanged")
    assert [first[name] for name in counted] == [7, 0, 0, 0, 0]
    assert first["listed"] == 7
    assert first["list_date"] == "2025-09-30"
    assert shown.code == 0
    assert "list of 2025-09-30" in shown.out
    assert shown.out.splitlines()[-1].split() == ["7", "0", "0", "0", "0", "7"]


def test_a_mass_change_has_to_be_accepted(command: Command) -> None:
    for name, codes in (("before.xls", CODES), ("after.xls", CODES[:3])):
        (command.folder / name).write_bytes(listed(codes))
    assert command("master", "update", "--file", "before.xls").code == 0

    refused = command("master", "update", "--file", "after.xls")
    accepted = stages(command("master", "update", "--file", "after.xls", "--accept-mass-change", "--json"))[
        "master"
    ]

    assert refused.code == 1
    assert (accepted["listed"], accepted["removed"], accepted["unchanged"]) == (3, 4, 3)


def test_validate_reports_the_window_it_is_asked_for(filled: Command) -> None:
    day = str(last_evening().date())

    coverage = stages(filled("validate", "--since", day, "--until", day, "--json"))["coverage"]

    assert (coverage["expected_bars"], coverage["stored_bars"]) == (8, 7)
    assert coverage["coverage"] == 7 / 8
    assert f"from {day} to {day} (1)" in coverage["denominator"]


def test_status_shows_what_the_tables_hold(filled: Command) -> None:
    ended = filled("status", "--json")

    document = ended.document
    assert ended.code == 0
    assert (document["master"]["listed"], document["master"]["delisted"]) == (8, 0)
    (bars,) = filled.rows(f"{COUNTED} WHERE timeframe = '1d'")
    assert (document["bars"]["total"], document["bars"]["symbols"]) == bars
    assert document["fresh_symbols"] == 7
    assert document["due_session"] == str(last_evening().date())
    assert document["batches"][-1]["rows_read"] == bars[0]
    assert document["coverage"]["expected_bars"] >= document["coverage"]["stored_bars"]


def test_status_on_one_screen(filled: Command) -> None:
    ended = filled("status")

    assert ended.code == 0
    assert ended.err == ""
    labels = [text.split()[0] for text in ended.out.splitlines() if text.strip()]
    assert labels[:5] == ["jp", "database", "health", "source", "master"]
    assert {"bars", "fresh", "coverage"} <= set(labels)
    assert "7 of 8 listed symbols have the bar of" in ended.out


def test_status_of_an_empty_installation_says_how_to_begin(command: Command) -> None:
    ended = command("status")

    assert ended.code == 0
    assert "none yet; run `miraikakaku master update --universe jp`" in ended.out
