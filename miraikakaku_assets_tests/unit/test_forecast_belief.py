"""How far forecasts of models that learn are believed: as far as held-out sessions bear them out."""

import numpy as np
import pytest

from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.gates import EMBARGO, distance_weight, held_out, shrinkage_weight
from miraikakaku_assets.domain.forecasting.learning import Examples, of_sessions, session_means


def examples(days: int, per_day: int, columns: int = 1) -> Examples:
    rng = np.random.default_rng(7)
    session = np.repeat(np.arange(10, 10 + days), per_day)
    size = len(session)
    values = rng.normal(0, 1, (size, columns)).astype(np.float32)
    return Examples(session, values, rng.normal(0, 1, (size, len(HORIZONS))).astype(np.float32))


def test_sessions_are_the_means_of_what_is_known():
    rows = examples(3, 2)
    rows.inputs[0, 0] = np.nan
    rows.targets[4:, 4] = np.nan
    means = of_sessions(rows)
    assert means.session.tolist() == [10, 11, 12]
    assert means.inputs[0, 0] == rows.inputs[1, 0]
    assert means.targets[1, 0] == pytest.approx(rows.targets[2:4, 0].mean())
    assert np.isnan(means.targets[2, 4])
    assert np.isnan(session_means(rows.inputs[:, 0], rows.session)[:10]).all()


def test_what_is_held_out_lies_behind_an_embargo():
    session = examples(100, 3).session
    pairs = held_out(session)
    assert len(pairs) == 3
    for before, then in pairs:
        assert session[then].min() - session[before].max() == EMBARGO + 1 >= max(HORIZONS) + 1
    everything = np.stack([then for _, then in pairs])
    assert everything.sum(axis=0).max() == 1  # no row twice
    assert session[everything.any(axis=0)].min() == 50
    assert session[everything.any(axis=0)].max() == 109


def relation(strength: float, days: int = 200, seed: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target, forecast and session of 50 issues a day that have half of their noise in common."""
    rng = np.random.default_rng(seed)
    forecast = rng.normal(0, 1, (days, 50))
    came = strength * forecast + rng.normal(0, 1, (days, 50)) + rng.normal(0, 1, (days, 1))
    session = np.repeat(np.arange(days), 50)
    return came.ravel().astype(np.float32), forecast.ravel().astype(np.float32), session


def test_a_good_forecast_is_believed_and_one_that_says_too_much_in_part():
    assert shrinkage_weight(*relation(1.0), 1) > 0.9
    assert 0.1 < shrinkage_weight(*relation(0.3), 1) < 0.45


def test_forecasts_without_merit_are_hardly_ever_believed():
    shares = [shrinkage_weight(*relation(0.0, 60, seed), h) for seed in range(100) for h in (1, 5)]
    assert np.mean(np.array(shares) > 0) < 0.1
    assert np.mean(shares) < 0.01
    assert shrinkage_weight(*relation(-0.5), 1) == 0.0


def test_a_day_of_many_issues_is_one_observation():
    """The market's own move, 40 days: a thousand issues a day make it no surer."""
    rng = np.random.default_rng(9)
    shares = []
    for _ in range(60):
        forecast, came = rng.normal(0, 1, 40), rng.normal(0, 1, 40)
        session = np.repeat(np.arange(40), 200)
        noise = rng.normal(0, 0.1, len(session))
        target = (np.repeat(came, 200) + noise).astype(np.float32)
        shares.append(shrinkage_weight(target, np.repeat(forecast, 200).astype(np.float32), session, 1))
    assert np.mean(np.array(shares) > 0) < 0.15


def test_too_few_sessions_and_none_prove_nothing():
    target, forecast, session = relation(1.0, days=29)
    assert shrinkage_weight(target, forecast, session, 1) == 0.0
    assert shrinkage_weight(np.full_like(target, np.nan), forecast, session, 1) == 0.0
    target, _, session = relation(0.0)
    assert shrinkage_weight(target, np.zeros_like(target), session, 1) == 0.0


def planted(
    correlation: float, days: int, issues: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target, forecast and session: issues with heavy tails that share half of their move with the market."""
    rng = np.random.default_rng(seed)
    forecast = rng.normal(0, 1, (days, issues)).astype(np.float32)
    rest = rng.standard_t(4, (days, issues)) / np.sqrt(2)
    came = correlation * forecast + np.sqrt(1 - correlation**2) * rest + rng.normal(0, 1, (days, 1))
    return came.ravel().astype(np.float32), forecast.ravel(), np.repeat(np.arange(days), issues)


def test_skill_of_a_realistic_size_passes_the_gate_of_the_distances():
    """A planted rank IC of 0.05 over 250 days and 1,000 issues passes, one session and five ahead."""
    for horizon in (1, 5):
        believed = distance_weight(*planted(0.05, 250, 1000, 3), horizon)
        assert believed == pytest.approx(0.05, rel=0.2)  # the forecast is 20 times too large
    target, forecast, session = planted(0.05, 250, 1000, 3)
    assert distance_weight(target, (forecast / 20).astype(np.float32), session, 1) > 0.8


def test_noise_passes_the_gate_of_the_distances_one_time_in_twenty_at_most():
    passed = [distance_weight(*planted(0.0, 80, 40, seed), 1) > 0 for seed in range(200)]
    assert sum(passed) <= 10  # one in twenty of 200
    assert distance_weight(*planted(-0.2, 80, 40, 1), 1) == 0.0


def test_the_gate_of_the_distances_needs_sessions_and_something_that_varies():
    target, forecast, session = planted(0.5, 29, 40, 1)
    assert distance_weight(target, forecast, session, 1) == 0.0
    target, forecast, session = planted(0.5, 60, 40, 1)
    assert distance_weight(target, np.zeros_like(forecast), session, 1) == 0.0
    assert distance_weight(target, np.full_like(forecast, np.nan), session, 1) == 0.0


def test_examples_can_be_chosen_from():
    rows = examples(3, 2)
    chosen = rows.where(rows.session == 11)
    assert chosen.session.tolist() == [11, 11]
    assert np.array_equal(rows.inputs[2:4], chosen.inputs)
