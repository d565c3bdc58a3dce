"""Bad series that were really delivered, and their repaired twins: each bad one is marked, no twin is."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.domain.bars.actions import validate_actions
from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted
from miraikakaku_assets.domain.bars.rules import FLAGS, SUPERSEDING_RULES
from miraikakaku_assets.domain.bars.validation import DailyContext, ValidatedBars, validate_daily
from miraikakaku_assets_tests.support.bars.repair_pairs import Series, read, texts

NOW = datetime(2026, 11, 21, tzinfo=UTC)

# what the bad twin shows: (session, rule or flag)
BAD_PRICES = {
    "AET-L-1d-100x-error": {("2022-05-09", "unit_change"), ("2022-05-20", "unit_change")},
    "SSW-JO-1d-100x-error": {("2023-06-01", "unit_change")},
    "4063-T-1d-bad-stock-split": {("2023-03-29", "split_unadjusted")},
    "ALPHA-PA-1d-bad-stock-split": {("2023-05-08", "move_undone")},
    "CNE-L-1d-bad-stock-split": {("2023-05-09", "split_error")},
    "DEX-AX-1d-bad-stock-split": {("2023-05-22", "split_unadjusted")},
    "LA-V-1d-bad-stock-split": {("2020-08-26", "split_error")},
    "MOB-ST-1d-bad-stock-split": {("2023-05-22", "split_error")},
    "SPM-MI-1d-bad-stock-split": {("2022-06-20", "scale_jump")},
}
# Files about dividends whose prices are wrong in both twins: how many bars are refused and flagged in each.
WRONG_IN_BOTH = {
    "CLC-L-1d-bad-div": (6, 0),  # 0.6 → 0.006 for six sessions of 2024
    "NVT-L-1d-bad-div": (0, 4),  # 0.575 ↔ 0.00575 for weeks
    "LSC-L-1d-bad-div": (26, 4),  # 0.305 ↔ 30.5, seven times to and fro
    "SSNLF-1d-bad-div": (
        0,
        3,
    ),  # 139.71 → 2.79, 13.7 → 684.8 → 13.2: a 50:1 split applied to part of the history
    "SCR-TO-1d-bad-div": (0, 1),  # 1.94 → 29.96: the ticker passed to another company
}
BAD_DIVIDENDS = {
    "4063-T-1d-bad-div": {"2023-03-30"},
    "ABDP-L-1d-bad-div": {"2022-05-05", "2022-12-29", "2023-05-04", "2024-02-08", "2024-05-02"},
    "ELCO-L-1d-bad-div": {"2022-06-01", "2022-09-22", "2023-05-18", "2023-09-21", "2024-06-13"},
    "KAP-IL-1d-bad-div": {"2022-07-13"},
    "KEN-TA-1d-bad-div": {"2022-01-18"},
    "KME-MI-1d-bad-div": {"2023-05-22"},
    "LSC-L-1d-bad-div": {"2022-06-09", "2022-11-03", "2023-06-08", "2023-11-09"},
    "NVT-L-1d-bad-div": {"2023-07-20"},
    "REL-L-1d-bad-div": {"2022-04-28", "2022-08-04", "2023-04-27", "2023-08-03", "2024-05-02", "2024-08-01"},
    "SAND-1d-bad-div": {"2024-01-12"},
    "SCR-TO-1d-bad-div": {"2023-03-14", "2023-06-14", "2023-09-14"},
    "TEM-L-1d-bad-div": {"2022-06-23"},
    "TEP-PA-1d-bad-div": {"2023-04-20"},
}
# Right dividends beside a wrong Adj Close, or one dividend too many: ours comes out as the repaired one.
BAD_ADJUSTMENT = (
    "1398-HK-1d-bad-div",
    "3988-HK-1d-bad-div",
    "8TRA-DE-1d-missing-div-adjust",
    "ADIG-L-1d-bad-div",
    "CLC-L-1d-bad-div",
    "DODFX-1d-cg-double-count",
    "JENYX-1d-cg-double-count",
    "KAP-IL-1d-bad-div",
    "KEN-TA-1d-bad-div",
    "RGL-L-1d-bad-div",
    "SERE-L-1d-bad-div",
    "SSNLF-1d-bad-div",
    "TEM-L-1d-bad-div",
    "TEP-PA-1d-bad-div",
    "VWILX-1d-cg-double-count",
)
CONTROLS = ("CALM", "EWG", "HSBK-IL", "IBE-MC", "KMR-L", "TISG-MI")


def validated(series: Series) -> ValidatedBars:
    return validate_daily(series.bars, DailyContext(series.universe, NOW, actions=series.actions))


def marks(series: Series) -> set[tuple[str, str]]:
    """Sessions with what their neighbours or splits say against them."""
    checked = validated(series)
    refused = checked.refused.filter(pl.col("rule").is_in(SUPERSEDING_RULES)).select("session", mark="rule")
    flagged = checked.accepted.drop_nulls("flag").select("session", mark="flag")
    return {(str(session), mark) for session, mark in pl.concat([refused, flagged]).iter_rows()}


def doubted(series: Series) -> set[tuple[date, str]]:
    """Ex-dates and kinds of refused and flagged actions."""
    checked = validate_actions(series.actions, series.priced)
    assert checked.accepted.height + checked.refused.height == series.actions.height
    return set(pl.concat([checked.refused, checked.flagged]).select("ex_date", "kind").iter_rows())


@pytest.mark.parametrize("name", BAD_PRICES)
def test_bad_prices_are_marked_and_repaired_ones_are_not(real_data: Path, name: str) -> None:
    assert marks(read(real_data, name)) == BAD_PRICES[name]
    assert marks(read(real_data, f"{name}-fixed")) == set()


@pytest.mark.parametrize("name", WRONG_IN_BOTH)
def test_prices_that_the_repair_left_wrong_are_marked_in_both_twins(real_data: Path, name: str) -> None:
    bad, repaired = marks(read(real_data, name)), marks(read(real_data, f"{name}-fixed"))
    assert bad == repaired
    flagged = {session for session, mark in bad if mark in FLAGS}
    assert (len(bad) - len(flagged), len(flagged)) == WRONG_IN_BOTH[name]


@pytest.mark.parametrize("name", BAD_DIVIDENDS)
def test_bad_dividends_are_marked_and_repaired_ones_are_not(real_data: Path, name: str) -> None:
    wrong = {(date.fromisoformat(day), "dividend") for day in BAD_DIVIDENDS[name]}
    assert doubted(read(real_data, name)) == wrong
    assert doubted(read(real_data, f"{name}-fixed")) == set()


def test_dividends_of_pence_booked_as_pounds_show_in_all_their_ex_dates_together(real_data: Path) -> None:
    bad = read(real_data, "TENT-L-1d-bad-div")
    checked = validate_actions(bad.actions, bad.priced)
    assert set(checked.flagged["rule"]) == {"dividend_unit"}
    assert checked.flagged["value"].to_list() == [0.0001375] * 11
    assert checked.refused.is_empty()
    assert doubted(read(real_data, "TENT-L-1d-bad-div-fixed")) == set()


@pytest.mark.parametrize("name", BAD_ADJUSTMENT)
def test_adjusted_closes_derived_from_raw_bars_are_those_of_the_repaired_twin(
    real_data: Path, name: str
) -> None:
    bad, repaired = read(real_data, name), read(real_data, f"{name}-fixed")
    accepted = validate_actions(bad.actions, bad.priced).accepted
    ours = dividend_adjusted(bad.priced, accepted).select("session", "close")
    theirs = ours.join(repaired.adjusted, on="session").drop_nulls()
    assert theirs.select(((pl.col("close") / pl.col("adjusted")) - 1).abs().max()).item() < 3e-4
    vendors = ours.join(bad.adjusted.rename({"adjusted": "vendor"}), on="session").join(
        repaired.adjusted, on="session"
    )
    assert vendors.select(((pl.col("vendor") / pl.col("adjusted")) - 1).abs().max()).item() > 0.01


@pytest.mark.parametrize("name", CONTROLS)
def test_good_series_are_left_alone(real_data: Path, name: str) -> None:
    series = read(real_data, f"{name}-1d-no-bad-divs")
    assert marks(series) == set()
    assert doubted(series) == set()


def test_dividends_of_a_third_of_the_price_that_never_show_are_refused(real_data: Path) -> None:
    bad = read(real_data, "PSH-L-1d-bad-div")
    checked = validate_actions(bad.actions, bad.priced)
    assert checked.refused["rule"].to_list() == ["dividend_without_drop"] * 11
    assert doubted(read(real_data, "PSH-L-1d-bad-div-fixed")) == set()


def test_every_daily_file_is_accounted_for(real_data: Path) -> None:
    names = set(texts(real_data / "yfinance_repair" / "yfinance_tests_data.tar.gz"))
    daily = {name.removesuffix("-fixed") for name in names if "-1d-" in name}
    alone = {"TENT-L-1d-bad-div", "PSH-L-1d-bad-div", *(f"{name}-1d-no-bad-divs" for name in CONTROLS)}
    assert daily == {*BAD_PRICES, *WRONG_IN_BOTH, *BAD_DIVIDENDS, *BAD_ADJUSTMENT, *alone}
