"""The plan of an evaluation: every session of the window, spaced trainings, an outcome for every origin."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.application.backtest.make_scoreboard import ALL, named_sets
from miraikakaku_assets.application.backtest.scoreboard import (
    DECIDED_EVERY,
    FULL,
    QUICK,
    SETS,
    folds_in,
    folds_of,
    in_sample_order,
)
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.market.instruments import JP, UNIVERSES
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.forecasts.forecast_panels import sessions


@settings(max_examples=60, deadline=None)
@given(st.integers(130, 500), st.integers(1, 300), st.integers(1, 6))
def test_every_session_of_the_window_is_an_origin(length, most, times):
    days = sessions(length)
    size = replace(FULL, origins={"jp": most}, refit_every={"jp": DECIDED_EVERY * times})
    folds = folds_in(days, size, "jp")
    origins = [origin for fold in folds for origin in fold.origins]
    last = days.to_list().index(origins[-1])
    assert origins == days[last - len(origins) + 1 : last + 1].to_list()
    assert len(origins) == min(most, length - size.warm_up - max(HORIZONS))
    assert last + max(HORIZONS) == length - 1  # the last origin has an outcome of every horizon
    assert days.to_list().index(origins[0]) >= size.warm_up


@settings(max_examples=30, deadline=None)
@given(st.integers(130, 400), st.integers(1, 6))
def test_a_training_serves_as_many_origins_as_said_and_never_knows_them(length, times):
    size = replace(FULL, origins={"jp": 300}, refit_every={"jp": DECIDED_EVERY * times})
    folds = folds_in(sessions(length), size, "jp")
    served: dict[date, int] = {}
    for fold in folds:
        assert fold.train_until <= fold.origins[0]
        served[fold.train_until] = served.get(fold.train_until, 0) + len(fold.origins)
    assert all(count == DECIDED_EVERY * times for count in list(served.values())[:-1])
    assert set(served) <= {fold.origins[0] for fold in folds}


def test_a_history_that_is_too_short_is_refused():
    with pytest.raises(WorkFellShortError, match="jp has 125 sessions"):
        folds_in(sessions(125), FULL, "jp")
    assert len(folds_in(sessions(126), FULL, "jp")) == 1


def test_origins_are_sessions_of_the_exchange():
    window = date(2025, 1, 1), date(2025, 12, 31)
    origins = [origin for fold in folds_of(JP, window, FULL) for origin in fold.origins]
    assert set(origins) <= set(sessions_between(JP.calendar, *window))


def test_sizes_name_every_set():
    for size in (FULL, QUICK):
        assert set(size.origins) == set(size.refit_every) == set(SETS)
        assert all(every % DECIDED_EVERY == 0 for every in size.refit_every.values())
    assert set(SETS) | {"exchange_rate"} == set(ALL)
    assert set(UNIVERSES) < set(ALL)


def test_samples_have_nothing_to_do_with_the_order_they_come_in():
    symbols = [f"{code}.T" for code in range(1300, 1400)]
    ordered = in_sample_order(symbols)
    assert in_sample_order(symbols[::-1]) == ordered
    assert sorted(ordered) == symbols
    assert ordered != symbols


def test_sets_are_named_in_any_order_and_shown_in_that_of_the_page():
    assert named_sets("") == list(ALL)
    assert named_sets("lme, us,jp") == ["jp", "us", "lme"]
    with pytest.raises(ConfigurationError, match="'gold'"):
        named_sets("jp,gold")
