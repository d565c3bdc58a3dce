"""The page: generated between its marks, the same results the same text, no model left out."""

import re
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.application.backtest.cells import chance, hits, ratio, table
from miraikakaku_assets.application.backtest.goals import best_direction, goals, reached, spec_lines
from miraikakaku_assets.application.backtest.make_scoreboard import Scoreboard
from miraikakaku_assets.application.backtest.page import BEGIN, END, as_markdown, put_into
from miraikakaku_assets.application.backtest.plain import plain
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.percent import in_percent, percent
from miraikakaku_assets_tests.support.forecasts.scoreboards import metal_board, scoreboard

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def made() -> Scoreboard:
    return scoreboard()


def test_only_what_is_between_the_marks_is_replaced():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = put_into(page, "new\n")
    assert once == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert put_into(once, "new\n") == once


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}\n{END}\n{BEGIN}"])
def test_a_page_without_one_pair_of_marks_is_refused(page):
    with pytest.raises(ConfigurationError, match="once each"):
        put_into(page, "x")


def test_the_page_of_the_project_has_its_marks():
    text = (DOCS / "forecasting.md").read_text(encoding="utf-8")
    assert put_into(text, "x").count("x\n") >= 1


def test_the_same_results_give_the_same_text(made):
    assert as_markdown(made) == as_markdown(scoreboard())


def test_every_model_of_every_set_stands_in_the_tables(made):
    text = as_markdown(made)
    for name, board in made.boards.items():
        section = text.split(f"(`{name}`)")[1].split("\n### ")[0]
        for model in board.scores["model"].unique():
            assert section.count(f"| {model} |") == 3  # one session ahead, five, and all horizons


def test_tables_are_whole(made):
    for block in re.findall(r"(?:^\|.*\|$\n?)+", as_markdown(made), re.MULTILINE):
        assert len({line.count("|") for line in block.strip().splitlines()}) == 1


def test_the_figures_are_those_of_the_scores(made):
    board = made.boards["lme"]
    row = board.scores.filter(pl.col("model") == "drift", pl.col("horizon") == 1).row(0, named=True)
    section = as_markdown(made).split("(`lme`)")[1]
    line = next(line for line in section.splitlines() if line.startswith("| drift |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1:5] == [str(row["n"]), str(row["days"]), "0", f"{row['mae_to_no_change']:.3f}"]
    assert cells[7].startswith(f"{percent(row['hit_rate'], 1)} ({in_percent(row['hit_low'], 1):.1f}–")
    assert cells[8] == f"{100 * row['always_up']:.1f} %"
    assert cells[10] == f"{100 * row['coverage_80']:.1f} %"


def test_a_small_size_says_so(made):
    assert "Size quick: too few days to tell anything" in as_markdown(made)


def test_what_was_not_forecast_is_said(made):
    section = as_markdown(made).split("(`exchange_rate`)")[1].split("\n### ")[0]
    assert "drift constant" in section
    papers = as_markdown(made).split("### The papers")[1]
    assert "Forecasts not made, for which the last value stands: drift 52, ensemble 52." in papers
    assert "| LSTNet-skip | Lai 2018 | 0.0226 |" in papers


def test_a_failed_model_is_not_hidden():
    board = metal_board()
    board = type(board)(
        **{**vars(board), "failed": {"lstm": "2 of 3 trainings, the newest because of MemoryError: x"}}
    )
    text = as_markdown(Scoreboard(scoreboard().size, {}, boards={"lme": board}))
    assert "**lstm failed: 2 of 3 trainings, the newest because of MemoryError: x.**" in text


def test_goals_hold_or_do_not(made):
    board = made.boards["lme"]
    own = reached(board)
    assert own["mae_to_no_change"] == pytest.approx(1, abs=0.1)
    assert own["fair"] is None
    worse = pl.when(pl.col("model") == ENSEMBLE).then(pl.col("mae") * 1.01).otherwise("mae")
    ratio_of = pl.when(pl.col("model") == ENSEMBLE).then(1.01).otherwise("mae_to_no_change")
    scores = board.scores.with_columns(
        mae=worse, mae_to_no_change=ratio_of, coverage_80=0.8, coverage_95=0.99
    )
    newest_row = goals({"lme": type(board)(**{**vars(board), "scores": scores})}).splitlines()[-1]
    assert newest_row.split("|")[2].strip() == "1.0100 ✗"
    assert "80.0 % ✓" in newest_row
    assert "99.0 % ✗" in newest_row


def test_the_lines_of_the_specification_stand_beside_no_change_and_always_up(made):
    text = spec_lines(made.boards, (1, 5))
    assert "MAPE < 3 %, direction ≥ 60 %" in text
    for name, board in made.boards.items():
        for horizon in (1, 5):
            line = next(row for row in text.splitlines() if row.startswith(f"| {name} | {horizon} |"))
            still = board.scores.filter(pl.col("model") == "random_walk", pl.col("horizon") == horizon)[
                "mape"
            ].item()
            assert f"{percent(still)} {'✓' if still < 0.03 else '✗'}" in line
            best = best_direction(board, horizon)
            assert best is not None
            assert f"{100 * best['always_up']:.1f} %" in line


def test_no_figure_is_written_as_one(made):
    assert ratio(None) == percent(None) == chance(None) == hits(None) == "–"
    assert chance(0.0004) == "< 0.001"
    assert percent(0.5678, 2) == "56.78 %"
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    scores = plain(made)["sets"]["lme"]["scores"]
    assert {row["model"] for row in scores} == {"random_walk", "drift", ENSEMBLE}
