"""The rules over stored data are tables: docs/validation.md prints them, and each has what it needs."""

from pathlib import Path

import pytest

from miraikakaku_assets.adapters.storage.quality.batches import BATCHES
from miraikakaku_assets.application.quality import tables
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.quality.suites import GATES, SUITES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "table",
    [
        tables.suites_table,
        tables.batches_table,
        tables.series_table,
        tables.measures_table,
        tables.rebalances_table,
    ],
)
def test_the_page_prints_the_table(table):
    assert table() in PAGE, f"put this table into docs/validation.md:\n{table()}"


def test_every_suite_has_its_batch_and_names_of_its_own():
    assert set(BATCHES) == {suite.name for suite in SUITES}
    assert len({suite.name for suite in SUITES}) == len(SUITES)
    for suite in SUITES:
        names = [rule.name for rule in suite.rules]
        assert len(set(names)) == len(names), suite.name
    assert set(GATES) <= {suite.asset for suite in SUITES if suite.name == suite.asset}


def test_every_universe_has_the_suites_of_its_assets():
    due = {
        name: {suite.name for suite in SUITES if suite.is_due(universe)}
        for name, universe in UNIVERSES.items()
    }

    assert due["jp"] == due["us"] == {suite.name for suite in SUITES}
    assert due["fx"] == due["jp"] - {"stock_master"}
    assert due["copper"] == due["fx"] - {
        "five_minute_bars",
        "hourly_bars",
        "four_hour_bars",
        "pattern_signals",
    }
