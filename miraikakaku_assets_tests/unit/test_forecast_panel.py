"""The digest of what a model was trained on: it changes with all that a training reads, and with nothing else."""

from datetime import date

import pytest

from miraikakaku_assets.application.forecasting.inputs import forecast_inputs
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.fakes.market_bars import LAST, Bars

UNTIL = date(2025, 9, 24)
BEFORE, AFTER = date(2025, 9, 10), date(2025, 9, 29)


def version(bars: Bars, until: date = UNTIL) -> str:
    return forecast_inputs(JP, until, LAST, bars).data_version(until)


@pytest.fixture(scope="module")
def plain() -> str:
    return version(Bars(100))


def test_the_same_market_has_the_same_digest(plain: str) -> None:
    assert version(Bars(100)) == plain
    assert forecast_inputs(JP, UNTIL, UNTIL, Bars(100)).data_version(UNTIL) == plain  # read without what came


@pytest.mark.parametrize(
    "other",
    [
        Bars(101),
        Bars(100, [("7203.T", BEFORE, "dividend", 20.0)]),
        Bars(100, sector="c"),
    ],
    ids=["one more session", "a dividend", "another sector"],
)
def test_another_history_has_another_digest(plain: str, other: Bars) -> None:
    assert version(other) != plain


def test_another_market_counts_as_far_as_it_was_known(plain: str) -> None:
    assert version(Bars(100, dear=BEFORE)) != plain
    # New York ends after forecasts from Tokyo's close are made, and so does the day of the currencies.
    assert version(Bars(100, dear=UNTIL)) == plain


def test_what_came_later_does_not_count(plain: str) -> None:
    assert version(Bars(100, [("7203.T", AFTER, "dividend", 20.0), ("1301.T", AFTER, "split", 2.0)])) == plain


def test_actions_of_others_do_not_count(plain: str) -> None:
    assert version(Bars(100, [("9984.T", BEFORE, "dividend", 20.0)])) == plain
