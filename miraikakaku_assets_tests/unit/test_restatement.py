"""Histories restated as a whole: what the newest sessions of a collection give away about all the others."""

import math
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.bars.restatement import LOOK_BACK, Rescaling, rescaled_histories
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.bars.raw_bars import actions, bar, raw

SYMBOL = "7203.T"
OLDEST = date(2024, 1, 4)
DAYS = sessions_between(JP.calendar, date(2025, 1, 6), date(2025, 1, 31))[:LOOK_BACK]
EX_DATE = DAYS[5]
NOTHING = actions()


def stored(*prices: float, symbol: str = SYMBOL) -> pl.DataFrame:
    """Stored closes of the delivered window, of a symbol whose history begins long before it."""
    rows = [(symbol, day, price, OLDEST, prices[0]) for day, price in zip(DAYS, prices, strict=False)]
    names = {
        "symbol": pl.String,
        "session": pl.Date,
        "close": pl.Float64,
        "oldest": pl.Date,
        "oldest_close": pl.Float64,
    }
    return pl.DataFrame(rows, schema=names, orient="row")


def delivered(*prices: float | None, symbol: str = SYMBOL) -> pl.DataFrame:
    return raw(bar(day, price, symbol=symbol) for day, price in zip(DAYS, prices, strict=False))


def rescaled(
    before: pl.DataFrame, after: pl.DataFrame, known: pl.DataFrame = NOTHING, new: pl.DataFrame = NOTHING
) -> dict[str, Rescaling]:
    return rescaled_histories(before, after, known, new)


def split(ratio: float, day: date = EX_DATE, symbol: str = SYMBOL) -> pl.DataFrame:
    return actions((symbol, day, "split", ratio))


def test_histories_that_still_fit_are_left_alone() -> None:
    assert rescaled(stored(1_000.0, 1_010.0), delivered(1_000.0, 1_010.0)) == {}
    assert rescaled(stored(), delivered(1_000.0), new=split(5.0)) == {}  # nothing older is stored
    assert rescaled(stored(1_000.0, 1_010.0), delivered()) == {}


@pytest.mark.parametrize("ratio", [5.0, 2.0, 1.1, 1.02, 0.1, 1 / 3], ids=lambda ratio: f"1:{ratio:g}")
def test_new_split_has_moved_every_bar_before_it(ratio: float) -> None:
    before = [3_000.0, 3_010.0, 2_990.0, 3_020.0, 3_030.0]
    after = [price / ratio for price in before]
    (change,) = rescaled(stored(*before), delivered(*after, 3_040 / ratio), new=split(ratio)).values()
    assert (change.symbol, change.reason, change.oldest, change.ex_date) == (SYMBOL, "split", OLDEST, EX_DATE)
    assert change.factor == pytest.approx(1 / ratio)


def test_split_whose_history_has_the_new_scale_already_asks_for_nothing() -> None:
    prices = [600.0, 602.0, 598.0, 604.0, 606.0]
    assert rescaled(stored(*prices), delivered(*prices, 605.0), new=split(5.0)) == {}


@pytest.mark.parametrize("compared", [0, 1])
def test_split_with_too_few_bars_to_compare_is_believed(compared: int) -> None:
    """The window begins at the ex-date: whether the history before it has the new scale cannot be seen in it."""
    ex_date = DAYS[compared]
    (change,) = rescaled(stored(600.0, 601.0), delivered(600.0, 601.0), new=split(5.0, ex_date)).values()
    assert (change.reason, change.ex_date) == ("split", ex_date)
    assert math.isnan(change.factor)


def test_split_of_the_first_stored_session_or_before_it_moves_nothing() -> None:
    assert rescaled(stored(600.0, 601.0), delivered(600.0, 601.0), new=split(5.0, OLDEST)) == {}
    assert rescaled(stored(600.0, 601.0), delivered(600.0, 601.0), new=split(5.0, date(2023, 12, 28))) == {}


def test_split_that_is_stored_is_no_news() -> None:
    assert (
        rescaled(stored(600.0, 601.0), delivered(600.0, 601.0), split(5.0, DAYS[0]), split(5.0, DAYS[0]))
        == {}
    )


def test_corrected_ratio_is_news() -> None:
    """Published as 1:5, restated as 1:4: the history was divided by five and is divided by four now."""
    before, after = [600.0, 602.0, 598.0], [750.0, 752.5, 747.5]
    (change,) = rescaled(stored(*before), delivered(*after), split(5.0), split(4.0)).values()
    assert (change.reason, change.ex_date) == ("split", EX_DATE)
    assert change.factor == pytest.approx(1.25)


def test_dividend_is_no_split() -> None:
    paid = actions((SYMBOL, DAYS[1], "dividend", 40.0))
    assert rescaled(stored(600.0, 601.0, 602.0), delivered(600.0, 601.0, 602.0), new=paid) == {}


def test_late_publication_moves_the_bars_before_the_ex_date_only() -> None:
    """The split was stored as a jump that nobody explained; a week later the history before it is restated."""
    before = [3_000.0, 3_010.0, 2_990.0, 3_020.0, 3_030.0, 606.0, 608.0, 604.0]
    after = [price / 5 for price in before[:5]] + before[5:]
    (change,) = rescaled(stored(*before), delivered(*after, 605.0), new=split(5.0)).values()
    assert (change.reason, change.ex_date) == ("split", EX_DATE)
    assert change.factor == pytest.approx(0.2)
    (unnamed,) = rescaled(stored(*before), delivered(*after, 605.0)).values()
    assert (unnamed.reason, unnamed.ex_date) == ("scale", None)


def test_scale_that_changes_without_an_event_is_found() -> None:
    (change,) = rescaled(stored(600.0, 602.0), delivered(300.0, 301.0)).values()
    assert (change.reason, change.ex_date, change.factor) == ("scale", None, 0.5)
    assert str(change) == f"the source restated all prices: history pulled again from {OLDEST}"


@pytest.mark.parametrize(
    "after",
    [
        [600.0, 301.0, 598.0],  # one restated bar, whatever its factor
        [300.0, 602.0, 598.0],
        [300.0, 700.0, 598.0],  # two, that do not agree
        [600.0, 301.0, 299.0],  # the bars before them stand: no history was restated
        [605.0, 607.0, 603.0],  # corrections below one percent
        [None, 301.0, None],  # holes are not compared
        [math.inf, math.nan, -1.0],
    ],
)
def test_restated_bars_are_no_restated_history(after: list[float | None]) -> None:
    assert rescaled(stored(600.0, 602.0, 598.0), delivered(*after)) == {}


@pytest.mark.parametrize("new", [NOTHING, split(5.0)], ids=["scale", "split"])
def test_bar_corrected_at_the_same_time_does_not_hide_a_restated_history(new: pl.DataFrame) -> None:
    """The newest bar is restated often; the history before it must not keep the old scale for that."""
    before = [3_000.0, 3_010.0, 2_990.0, 3_020.0, 3_030.0]
    after = [price / 5 for price in before[:4]] + [615.0]
    (change,) = rescaled(stored(*before), delivered(*after), new=new).values()
    assert change.factor == pytest.approx(0.2)


def test_each_symbol_is_judged_by_itself() -> None:
    before = pl.concat(
        [stored(600.0, 602.0), stored(50.0, 51.0, symbol="9984.T"), stored(7.0, 8.0, symbol="1301.T")]
    )
    after = pl.concat(
        [
            delivered(600.0, 602.0),
            delivered(25.0, 25.5, symbol="9984.T"),
            delivered(7.0, 8.0, symbol="1301.T"),
        ]
    )
    new = pl.concat([split(5.0, DAYS[1]), split(2.0, DAYS[1], "130A.T")])
    result = rescaled(before, after, new=new)
    assert {symbol: change.reason for symbol, change in result.items()} == {
        "7203.T": "split",
        "9984.T": "scale",
    }


def test_what_was_found_is_shown_old_to_new() -> None:
    shown = Rescaling(SYMBOL, "split", 0.2, OLDEST, EX_DATE, OLDEST, 3_000.0, 600.0)
    assert str(shown) == f"split on {EX_DATE}: close of 2024-01-04 3000 → 600"


PRICES = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=LOOK_BACK)
FACTORS = st.one_of(st.floats(0.01, 0.989), st.floats(1.011, 100.0))


@settings(deadline=None)
@given(PRICES, FACTORS, st.data())
def test_every_uniform_factor_is_found(prices: list[float], factor: float, data: Any) -> None:
    """Also where the stored bars end in some that kept their price, as behind a late ex-date."""
    moved = data.draw(st.integers(2, len(prices)))
    after = [price * factor for price in prices[:moved]] + prices[moved:]
    (change,) = rescaled(stored(*prices), delivered(*after)).values()
    assert change.factor == pytest.approx(factor)


@settings(deadline=None)
@given(PRICES, FACTORS)
def test_prices_rounded_by_the_source_hide_no_factor(prices: list[float], factor: float) -> None:
    """Yahoo rounds to six decimals at most; the smallest prices move by less than the spread that is allowed."""
    after = [round(price * factor, 6) for price in prices]
    (change,) = rescaled(stored(*prices), delivered(*after)).values()
    assert change.factor == pytest.approx(factor, rel=1e-3)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(0.9901, 1.0099)), min_size=1, max_size=LOOK_BACK))
def test_noise_below_one_percent_is_never_a_factor(bars: list[tuple[float, float]]) -> None:
    before = stored(*(price for price, _ in bars))
    assert rescaled(before, delivered(*(price * noise for price, noise in bars))) == {}
