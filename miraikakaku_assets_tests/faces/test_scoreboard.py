"""Command ``scoreboard``: refuses before it works, leaves a filled database alone, and reports every model."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.application.backtest.page import BEGIN, END
from miraikakaku_assets_tests.support.command import Command

MARKED = f"words\n{BEGIN}\nold\n{END}\nmore words\n"
MODELS = {
    *("random_walk", "drift", "theta", "random_forest", "xgboost", "lstm", "arima", "prophet"),
    "lead_beta",
    "ensemble",
}
ELSEWHERE = {"reversal", "night_beta", "night_market"}
"""Models that do not forecast copper."""


def evidence(folder: Path) -> Path:
    """LME copper alone, 180 weekdays of a random walk."""
    days = [day for place in range(252) if (day := date(2024, 1, 1) + timedelta(place)).weekday() < 5]
    closes = 9000 * np.exp(np.random.default_rng(3).normal(0, 0.012, len(days)).cumsum())
    table = pl.DataFrame(
        {
            "date": [f"{day:%m/%d/%Y}" for day in days],
            "lme_copper_cash_settlement": closes,
            "lme_copper_3_month": closes * 1.004,
            "lme_copper_stock": 1,
        }
    )
    (folder / "copper").mkdir(parents=True)
    table.write_csv(folder / "copper" / "lme_copper_cash_3m_stock_2024.csv")
    return folder


def page(folder: Path, content: str = MARKED) -> Path:
    path = folder / f"page_{len(content)}.md"
    path.write_text(content, encoding="utf-8")
    return path


def test_wrong_options_are_told_before_any_work(nowhere: Command, tmp_path: Path) -> None:
    data = evidence(tmp_path / "data")
    for arguments, sentence in (
        (("--data", tmp_path / "absent"), "there is no such folder"),
        (("--data", data, "--universe", "gold"), "no evidence called 'gold'"),
        (("--data", data, "--page", tmp_path / "absent.md"), "it cannot be read"),
        (("--data", data, "--page", page(tmp_path, "no marks")), "once each"),
        (("--data", data, "--page", page(tmp_path), "--universe", "lme"), "leave out --universe"),
    ):
        ended = nowhere("scoreboard", *arguments)
        assert ended.code == 2, ended.err
        assert sentence in " ".join(ended.errors)
    assert page(tmp_path).read_text(encoding="utf-8") == MARKED


def test_without_a_database_it_ends_with_3(nowhere: Command, tmp_path: Path) -> None:
    ended = nowhere("scoreboard", "--data", evidence(tmp_path / "data"), "--universe", "lme", "--quick")
    assert ended.code == 3
    assert "cannot be reached" in " ".join(ended.errors)


def test_a_database_that_holds_something_is_left_alone(filled: Command, tmp_path: Path) -> None:
    before = filled.rows("SELECT count(*), max(fetched_at) FROM miraikakaku.price_bars")
    ended = filled("scoreboard", "--data", evidence(tmp_path / "data"), "--quick")
    assert ended.code == 2
    assert "clean database" in " ".join(ended.errors)
    assert filled.rows("SELECT count(*), max(fetched_at) FROM miraikakaku.price_bars") == before


def test_a_folder_without_the_files_is_named(command: Command, tmp_path: Path) -> None:
    ended = command("scoreboard", "--data", evidence(tmp_path / "data"), "--universe", "copper", "--quick")
    assert ended.code == 2
    assert "the scoreboard needs exactly one" in " ".join(ended.errors)


@pytest.mark.slow
def test_every_model_that_there_is_reports(command: Command, tmp_path: Path) -> None:
    data = evidence(tmp_path / "data")
    ended = command("scoreboard", "--data", data, "--universe", "lme", "--quick", "--json")
    assert ended.code == 0, ended.err
    board = ended.document["sets"]["lme"]
    assert set(ended.document["models"]) == MODELS - {"ensemble"} | ELSEWHERE
    assert {row["model"] for row in board["scores"]} == MODELS
    assert board["failed"] == {}
    assert {row["n"] for row in board["scores"]} == {50}  # two series, 25 origins; no model silently absent
    assert board["reached"]["mae_to_no_change"] == pytest.approx(1, abs=0.2)
