"""Bars that come late, never, or are restated: each forecast is scored once, and what is stored stays."""

from datetime import date
from math import log
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts
from miraikakaku_assets.application.forecasting.score import ScoreReport
from miraikakaku_assets.application.ports.forecasts import OUTCOMES
from miraikakaku_assets.domain.forecasting.baselines import RandomWalk
from miraikakaku_assets.domain.market.instruments import JP, Universe
from miraikakaku_assets_tests.support.forecasts.forecast_days import AT, ORIGIN, Days, close_at, late, slope
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import DAYS, store
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

FIRST = DAYS[AT + 1]
MOVES = {"1301.T": 0.010, "7203.T": -0.040, "9984.T": 0.025}
"""Log returns from the origin to the first session after it; by each later one twice, three times, … as much."""
PUNCTUAL = {"1301.T": 0.010, "9984.T": 0.025}
LATE = {"7203.T": -0.040}


@pytest.fixture
def days(database: Database, tmp_path: Path) -> Days:
    """Forecast from one origin by no change, the drift and the ensemble; nothing came yet."""
    days = Days(database, tmp_path)
    days.deliver_history()
    days.train()
    assert days.predict().written == 3 * 3 * 5
    return days


def after(days: Days, sessions: int, moves: dict[str, float]) -> ScoreReport:
    """Scores on the evening of a session on which bars of some symbols came."""
    days.comes(AT + sessions, {symbol: sessions * move for symbol, move in moves.items()})
    return days.score()


def report(sessions: int, outcomes: int, waiting: int, *scored: date) -> ScoreReport:
    return ScoreReport(DAYS[AT + sessions], outcomes, waiting, scored)


def day_scores(days: Days, day: date, model: str = "random_walk") -> dict[str, Any]:
    """The market's scores of the forecasts whose target was a day."""
    scores = store(days.database).performance(JP, 1, day)
    return scores.filter(pl.col("until") == day, pl.col("model") == model).row(0, named=True)


def test_a_late_bar_is_waited_for_and_scored_once(days: Days) -> None:
    assert after(days, 1, PUNCTUAL) == report(1, 2, 1, FIRST)
    assert ("7203.T", 1) not in days.outcomes()
    assert day_scores(days, FIRST)["n"] == 2
    assert after(days, 2, MOVES) == report(2, 3, 1, DAYS[AT + 2])
    # The bar of the session before is not taken for it, nor the one after.
    assert ("7203.T", 1) not in days.outcomes()
    days.comes(AT + 3, {symbol: 3 * move for symbol, move in MOVES.items()})
    days.deliver(late(AT + 1, LATE))
    assert days.score() == report(3, 4, 0, FIRST, DAYS[AT + 3])
    whole = days.everything_scored()
    assert days.score() == report(3, 0, 0)
    assert days.everything_scored() == whole
    assert days.outcomes() == {
        (symbol, ahead): pytest.approx(ahead * move, abs=1e-12)
        for symbol, move in MOVES.items()
        for ahead in (1, 2, 3)
    }


def test_scores_of_a_day_are_those_of_all_that_came(days: Days) -> None:
    after(days, 1, PUNCTUAL)
    assert day_scores(days, FIRST)["mae"] == pytest.approx((0.010 + 0.025) / 2)
    days.deliver(late(AT + 1, LATE))
    assert days.score() == report(1, 1, 0, FIRST)
    scores = day_scores(days, FIRST)
    assert (scores["n"], scores["days"], scores["missing"]) == (3, 1, 0)
    assert scores["mae"] == scores["mae_no_change"] == pytest.approx((0.010 + 0.040 + 0.025) / 3)
    sizes = [
        move / abs(slope(symbol))
        for symbol, move in (("1301.T", 0.010), ("7203.T", 0.040), ("9984.T", 0.025))
    ]
    assert scores["mase"] == pytest.approx(sum(sizes) / 3)
    drift = day_scores(days, FIRST, "drift")
    errors = [abs(log(1.01) - 0.010), abs(log(0.99) + 0.040), abs(log(1.005) - 0.025)]
    assert drift["mae"] == pytest.approx(sum(errors) / 3)
    assert (drift["calls"], drift["hit_rate"]) == (3, 1.0)


def test_a_bar_that_never_comes_is_given_up_after_five_sessions(days: Days) -> None:
    after(days, 1, PUNCTUAL)
    for sessions in (2, 3, 4, 5):
        assert after(days, sessions, MOVES) == report(sessions, 3, 1, DAYS[AT + sessions])
    before = day_scores(days, FIRST)
    assert after(days, 6, MOVES) == report(6, 1, 0, FIRST)
    assert days.outcomes()["7203.T", 1] is None
    assert len(days.outcomes()) == 3 * 5
    scores = day_scores(days, FIRST)
    assert scores == before
    assert (scores["n"], scores["missing"]) == (2, 0)  # it was made, and nothing came
    kept = store(days.database).scored(JP, ORIGIN, DAYS[AT + 6], symbols=["7203.T"], models=["drift"])
    assert kept.filter(pl.col("actual").is_null())["horizon"].to_list() == [1]
    assert store(days.database).unscored(JP, DAYS[-1]).is_empty()


def test_a_bar_that_comes_after_it_was_given_up_changes_nothing(days: Days) -> None:
    after(days, 1, PUNCTUAL)
    for sessions in (2, 3, 4, 5, 6):
        after(days, sessions, MOVES)
    given_up = days.everything_scored()
    days.comes(AT + 7, {symbol: 7 * move for symbol, move in MOVES.items()})
    days.deliver(late(AT + 1, LATE))
    assert days.score() == report(7, 0, 0)
    assert days.everything_scored() == given_up


def test_bars_restated_after_scoring_change_no_outcome_and_no_score(days: Days) -> None:
    after(days, 1, MOVES)
    scored = days.everything_scored()
    quoted = (close_at("1301.T", AT),)
    assert quoted in rows_of(days.database, "price_bars", "close")
    for session in (AT, AT + 1):  # both ends, apart
        days.deliver(late(session, dict.fromkeys(MOVES, 0.3 * (session - AT) + 0.02)))
    assert quoted not in rows_of(days.database, "price_bars", "close")
    assert days.score() == report(1, 0, 0)
    assert days.everything_scored() == scored
    # What is scored later goes by the bars of its own evening, and leaves the day before alone.
    days.comes(AT + 2, dict.fromkeys(MOVES, 0.05))
    assert days.score() == report(2, 3, 0, DAYS[AT + 2])
    again = days.everything_scored()
    for table, rows in scored.items():
        kept = [row for row in again[table] if DAYS[AT + 2] not in row]
        assert kept == [row for row in rows if DAYS[AT + 2] not in row]
    assert days.outcomes()["1301.T", 2] == pytest.approx(0.05 - 0.02)


def stored_without_scores(days: Days, sessions: int, came: dict[str, float]) -> None:
    """As a scoring leaves it that is killed when its outcomes are committed."""
    rows = [
        (symbol, ORIGIN, sessions, DAYS[AT + sessions], sessions * move, abs(slope(symbol)))
        for symbol, move in came.items()
    ]
    frame = pl.DataFrame(rows, schema=OUTCOMES, orient="row")
    assert store(days.database).save_outcomes(JP, frame, days.market.now) == len(came)


def test_a_scoring_killed_between_outcomes_and_scores_is_made_up_for(days: Days) -> None:
    after(days, 1, MOVES)
    days.comes(AT + 2, {symbol: 2 * move for symbol, move in MOVES.items()})
    stored_without_scores(days, 2, MOVES)
    assert store(days.database).performance(JP, 1, DAYS[AT + 2]).is_empty()
    # The next run may be that of the next evening, whose own outcomes it scores as well.
    assert after(days, 3, MOVES) == report(3, 3, 0, DAYS[AT + 2], DAYS[AT + 3])
    scores = day_scores(days, DAYS[AT + 2])
    assert (scores["horizon"], scores["n"]) == (2, 3)
    assert scores["mae"] == pytest.approx(2 * (0.010 + 0.040 + 0.025) / 3)
    month = store(days.database).performance(JP, 20).filter(pl.col("model") == "random_walk")
    newest = month.sort("until").group_by("horizon", maintain_order=True).last().sort("horizon")
    assert newest.select("horizon", "until", "n").rows() == [(h, DAYS[AT + h], 3) for h in (1, 2, 3)]
    assert days.score() == report(3, 0, 0)


def test_a_scoring_killed_after_a_late_outcome_is_made_up_for(days: Days) -> None:
    after(days, 1, PUNCTUAL)
    days.comes(AT + 2, {symbol: 2 * move for symbol, move in MOVES.items()})
    days.deliver(late(AT + 1, LATE))
    stored_without_scores(days, 1, LATE)
    assert day_scores(days, FIRST)["n"] == 2
    assert days.score() == report(2, 3, 0, FIRST, DAYS[AT + 2])
    assert day_scores(days, FIRST)["n"] == 3


def test_a_scoring_killed_before_its_windows_is_made_up_for(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = PostgresForecasts.save_performance

    def killed(self: PostgresForecasts, universe: Universe, rows: pl.DataFrame, *done: Any) -> int:
        if set(rows["window"]) != {1}:
            raise KeyboardInterrupt
        return whole(self, universe, rows, *done)

    with monkeypatch.context() as patch:
        patch.setattr(PostgresForecasts, "save_performance", killed)
        with pytest.raises(KeyboardInterrupt):
            after(days, 1, MOVES)
    assert store(days.database).performance(JP, 20).is_empty()
    assert days.score() == report(1, 0, 0, FIRST)
    assert store(days.database).performance(JP, 20).height == 3


def test_what_comes_while_a_day_is_scored_leaves_it_marked(days: Days) -> None:
    days.comes(AT + 1, PUNCTUAL)
    stored_without_scores(days, 1, PUNCTUAL)
    kept = store(days.database)
    seen = kept.days_to_score(JP, FIRST)
    stored_without_scores(days, 1, LATE)
    kept.save_performance(JP, kept.performance(JP, 1), seen)
    assert list(kept.days_to_score(JP, FIRST)) == [FIRST]
    assert kept.days_to_score(JP, ORIGIN) == {}


def test_forecasts_that_come_after_their_outcome_are_scored_too(database: Database, tmp_path: Path) -> None:
    days = Days(database, tmp_path)
    days.deliver_history()
    days.train()
    days.predict((RandomWalk(),))
    after(days, 1, MOVES)
    assert set(store(database).performance(JP, 1)["model"]) == {"random_walk", "ensemble"}
    assert days.predict().written == 3 * 5
    assert days.score() == report(1, 0, 0, FIRST)
    assert day_scores(days, FIRST, "drift")["n"] == 3


def test_a_scoring_killed_with_nothing_further_to_score_is_made_up_for(days: Days) -> None:
    days.comes(AT + 1, MOVES)
    stored_without_scores(days, 1, MOVES)
    assert days.score() == report(1, 0, 0, FIRST)
    assert day_scores(days, FIRST)["mae"] == pytest.approx((0.010 + 0.040 + 0.025) / 3)
    assert days.score() == report(1, 0, 0)
