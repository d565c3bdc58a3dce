"""The denominator over 28 April 2022, when 3,764 of Tokyo's 4,184 issues changed their market at once."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.coverage.report import CoverageFindings, find_coverage
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.support.markets.stored_market import rows_of
from miraikakaku_assets_tests.support.markets.whole_market import WholeMarket

pytestmark = pytest.mark.slow
FIRST, LAST = date(2022, 3, 1), date(2022, 5, 31)
MOMENT = datetime(2022, 6, 1, tzinfo=UTC)


def checked(database: Database) -> CoverageFindings:
    store = PostgresCoverage(database)
    holdings = store.holdings(JP, Timeframe.D1, FIRST, LAST)
    assert holdings is not None
    findings = find_coverage(FIRST, LAST, holdings, checked_at=MOMENT, threshold=0.95)
    store.save(findings, "")
    return findings


def test_changed_markets_are_the_same_issues_in_other_segments(
    database: Database, real_data: Path, tmp_path: Path
) -> None:
    market = WholeMarket(database, tmp_path / "none", tmp_path, lambda: MOMENT)
    market.update(real_data / "jpx" / "data_j_20220331.xls")
    before = checked(database)
    added, updated, removed, *_ = market.update(real_data / "jpx" / "data_j_20220428.xls", accept=True)
    after = checked(database)

    sessions = len(after.sessions)
    assert (added, updated, removed) == (12, 3_764, 7)
    whole = before.whole.instruments
    assert after.whole.instruments == whole + added - removed
    assert {row.segment for row in before.segments} >= {"市場第一部（内国株）"}
    assert {row.segment for row in after.segments} >= {"プライム（内国株式）", "スタンダード（内国株式）"}
    # Who takes a changed market for a new listing expects nothing of 3,764 issues before that day.
    stayed = after.whole.instruments - added
    since = sum(day >= date(2022, 4, 28) for day in after.sessions)
    assert after.whole.expected == stayed * sessions + added * since
    assert rows_of(database, "coverage_universes", "list_date, issues", "id") == [
        (date(2022, 3, 31), whole),
        (date(2022, 4, 28), after.whole.instruments),
    ]
    assert after.whole.causes == {"never_requested": after.whole.expected}
    assert after.gaps.height == after.whole.instruments  # one range each
