"""The real TSE year through the whole way: four masters in order, one collection, coverage. Totals must add up.

The golden figures are those printed in README.md and docs/validation.md; the last test holds the pages to them.
`test_generated_year.py` asks the same of a market that the simulator makes up, on any machine.
"""

import re
from datetime import date
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.errors import MasterRefusedError
from miraikakaku_assets_tests.support.markets.whole_market import WholeMarket

PARQUET = "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet"
DOCS = Path(__file__).resolve().parents[2]
MASTERS = {
    # list: (added, updated, removed, returned, unchanged), rule of the guard's objection
    "20220331": ((4179, 0, 0, 0, 0), None),
    "20220428": ((12, 3764, 7, 0, 408), "markets_changed"),
    "20240731": ((389, 850, 190, 0, 3144), "more_issues"),
    "20250930": ((172, 645, 153, 1, 3585), None),
}
ROWS, STORED, QUARANTINED = 1_006_943, 995_976, 10_967
RULES = {
    "no_price": 7_727,
    "price_out_of_range": 2_170,
    "not_a_session": 561,
    "not_in_master": 493,
    "inconsistent_range": 12,
    "limit_absurd": 3,
    "limit_undone": 1,
}


@pytest.mark.slow
def test_the_real_year_is_accounted_for_to_the_last_row(
    database: Database, real_data: Path, tmp_path: Path
) -> None:
    market = WholeMarket(database, real_data / PARQUET, tmp_path, utc_now)
    for day, (counts, objection) in MASTERS.items():
        listed = real_data / "jpx" / f"data_j_{day}.xls"
        if objection is not None:
            with pytest.raises(MasterRefusedError, match=objection):
                market.update(listed)
        assert market.update(listed, accept=objection is not None) == counts
        assert market.update(listed) == (0, 0, 0, 0, sum(counts) - counts[2])
    first, outcomes = market.collect()
    assert first.balanced
    assert not first.failures
    assert (first.rows_read, first.inserted, first.quarantined) == (ROWS, STORED, QUARANTINED)
    assert dict(first.rules) == RULES
    assert first.rows_read == sum(outcome.rows_read for outcome in outcomes)
    before = market.digest()
    second, _ = market.collect()
    assert (second.inserted, second.restated) == (0, 0)
    assert market.digest() == before
    findings = market.coverage()
    assert (findings.first, findings.last) == (date(2024, 12, 23), date(2025, 12, 22))
    assert (findings.whole.stored, findings.whole.expected) == (993_630, 1_038_255)


def test_the_documentation_says_what_was_measured() -> None:
    readme = (DOCS / "README.md").read_text()
    for figure in (ROWS, STORED, QUARANTINED, RULES["price_out_of_range"]):
        assert f"{figure:,}" in readme
    table = dict(
        re.findall(
            r"^\| `(\w+)` \|.*\| ([\d,]+) \|$", (DOCS / "docs/validation.md").read_text(), re.MULTILINE
        )
    )
    assert {rule: int(count.replace(",", "")) for rule, count in table.items() if count != "0"} == RULES
