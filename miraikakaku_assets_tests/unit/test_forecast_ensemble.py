"""Weights and champions come from known errors, and no change has the first word."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.champions import ChampionRule, review_champions
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS
from miraikakaku_assets.domain.forecasting.ensemble import (
    APART,
    MARKET,
    NO_CHANGE,
    WeightRule,
    choose_weights,
    combine,
    market_means,
)
from miraikakaku_assets.domain.forecasting.stacking import Prior
from miraikakaku_assets_tests.support.forecasts.forecast_panels import last_session, sessions, walk

DAYS = sessions(400)


def scored(points: dict[str, np.ndarray], actual: np.ndarray, horizon: int = 1) -> pl.DataFrame:
    """Forecasts of one instrument with outcomes, one a day."""
    count = len(actual)
    return pl.concat(
        pl.DataFrame(
            {
                "symbol": "S",
                "model": model,
                "horizon": horizon,
                "as_of": DAYS.head(count),
                "target": DAYS.slice(horizon, count),
                "point": values,
                "sd": 0.02,
                "actual": actual,
            }
        )
        for model, values in points.items()
    )


def drawn(seed: int, days: int, skill: float) -> pl.DataFrame:
    """No change, one that knows a part of the move, and one that adds noise."""
    rng = np.random.default_rng(seed)
    actual = rng.normal(0, 0.02, days)
    noise = rng.normal(0, 0.005, days)
    return scored({NO_CHANGE: np.zeros(days), "part": skill * actual + noise, "noise": noise}, actual)


def test_weights_by_hand():
    """One member: brought to scale by least squares, of which days / (days + prior) are believed."""
    rows = drawn(7, 60, 0.4)
    rule = WeightRule(market=Prior(days=20, level=0.05))
    decision = choose_weights(rows.filter(pl.col("model") != "noise"), DAYS[70], rule)[0]
    wide = rows.filter(pl.col("model") == "part").with_columns(unit=pl.lit(0.02))
    point = (wide["point"] / wide["unit"]).to_numpy()
    actual = np.clip((wide["actual"] / wide["unit"]).to_numpy(), -5, 5)
    slope = (point @ actual) / (point @ point)
    assert (decision.horizon, decision.days, decision.shrinkage) == (1, 60, 0.25)
    assert decision.weights["part"] == pytest.approx(0.75)
    assert decision.factor(MARKET, "part") == pytest.approx(0.75 * slope)
    assert decision.mean_squares[NO_CHANGE] == pytest.approx((actual @ actual) / 60)
    assert decision.chances["part"] < 0.001


def test_noise_is_not_believed():
    """Eight models of noise at once: one review in a hundred may believe any of them, not one in three."""
    believed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        points = {f"noise{place}": rng.normal(0, 0.005, 120) for place in range(8)}
        rows = scored(points | {NO_CHANGE: np.zeros(120)}, rng.normal(0, 0.02, 120))
        believed += choose_weights(rows, DAYS[300])[0].weights[NO_CHANGE] < 1
    assert believed <= 3  # 60 at one in a hundred: 0.6, and 3 is three standard deviations above


def test_two_that_know_the_same_share_what_one_would_get():
    rows = drawn(8, 200, 0.3).filter(pl.col("model") != "noise")
    alone = choose_weights(rows, DAYS[300], WeightRule(market=Prior(days=0, level=0.05)))[0]
    twin = rows.filter(pl.col("model") == "part").with_columns(model=pl.lit("twin"))
    both = choose_weights(pl.concat([rows, twin]), DAYS[300], WeightRule(market=Prior(days=0, level=0.05)))[0]
    assert both.weights["part"] + both.weights["twin"] == pytest.approx(alone.weights["part"], rel=1e-3)


def market_of(
    days: int, issues: int, skill: float, scale: float = 1.0, seed: int = 0, moved: float = 1.0
) -> pl.DataFrame:
    """No change and a model whose forecasts of distances have that correlation with what came."""
    rng = np.random.default_rng(seed)
    apart, unit = rng.normal(0, 1, (days, issues)), rng.uniform(0.01, 0.03, issues)
    actual = (apart + moved * rng.normal(0, 1, (days, 1))) * unit
    point = scale * (skill * apart + np.sqrt(1 - skill**2) * rng.normal(0, 1, (days, issues))) * skill * unit
    rows = pl.DataFrame(
        {
            "symbol": np.tile([f"S{nth:04}" for nth in range(issues)], days),
            "horizon": 1,
            "as_of": DAYS.head(days).gather(np.repeat(np.arange(days), issues)),
            "target": DAYS.slice(1, days).gather(np.repeat(np.arange(days), issues)),
            "sd": np.tile(unit, days),
            "actual": actual.ravel(),
        }
    )
    return pl.concat(
        rows.with_columns(model=pl.lit(model), point=pl.Series(points.ravel()))
        for model, points in ((NO_CHANGE, np.zeros((days, issues))), ("part", point))
    )


def forecasts_at(rows: pl.DataFrame, origin: date) -> pl.DataFrame:
    """The forecasts of one origin as the models have made them."""
    empty = pl.DataFrame(schema=FORECASTS)
    return pl.concat([empty, rows.filter(as_of=origin).drop("actual")], how="diagonal_relaxed").cast(
        pl.Schema(FORECASTS)
    )


def test_a_model_gets_the_same_forecast_whatever_its_scale():
    combined = []
    for scale in (0.05, 0.2, 1.0, 5.0):
        rows = market_of(120, 60, 0.1, scale)
        decision = choose_weights(rows, DAYS[110])[0]
        assert decision.weights["part"] > 0.5
        combined.append(combine(forecasts_at(rows, DAYS[115]), [replace(decision, as_of=DAYS[115])]))
    for other in combined[1:]:
        assert_frame_equal(other, combined[0])
    assert (combined[0]["point"] != 0).all()


def test_skill_of_a_realistic_size_moves_the_ensemble_and_beats_no_change():
    """A correlation of 0.1 with the distances, half a year to learn from, half a year to be judged by."""
    rows = market_of(250, 100, 0.1)
    decision = choose_weights(rows, DAYS[125])[0]
    assert decision.weights["part"] > 0.5
    later = [replace(decision, as_of=day) for day in DAYS[125:250]]
    came = rows.filter(pl.col("model") == NO_CHANGE, pl.col("as_of") >= DAYS[125])
    made = combine(pl.concat([forecasts_at(rows, day) for day in DAYS[125:250]]), later)
    both = came.drop("point").join(made.select("symbol", "as_of", "point"), on=["symbol", "as_of"])
    unit = (both["actual"] / both["sd"]).to_numpy()
    error = ((both["actual"] - both["point"]) / both["sd"]).to_numpy()
    assert (error**2).mean() < 0.998 * (unit**2).mean()
    assert np.abs(error).mean() < np.abs(unit).mean()


def test_the_market_is_believed_apart_from_the_distances():
    """A model that sets issues apart, and says of the market what is not so."""
    rows = market_of(150, 40, 0.2)
    wrong = pl.when(pl.col("model") == "part").then(pl.col("sd") * (pl.col("as_of").dt.day() - 15) / 20)
    decision = choose_weights(rows.with_columns(point=pl.col("point") + wrong.otherwise(0.0)), DAYS[160])[0]
    assert decision.factor(APART, "part") > 0.5
    assert decision.factor(MARKET, "part") == 0.0
    at_once = forecasts_at(rows, DAYS[149])
    decision = replace(decision, as_of=DAYS[149])
    some = at_once.filter(pl.col("symbol") < "S0010")
    assert_frame_equal(
        combine(some, [decision], market=market_means(at_once)),
        combine(at_once, [decision]).filter(pl.col("symbol") < "S0010"),
    )


def test_without_errors_no_change_has_it_all():
    decisions = choose_weights(drawn(1, 30, 0.3), DAYS[0])
    assert [decision.horizon for decision in decisions] == list(HORIZONS)
    for decision in decisions:
        assert (decision.days, decision.shrinkage, decision.weights[NO_CHANGE]) == (0, 1.0, 1.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_000), st.integers(5, 60), st.integers(1, 70))
def test_weights_sum_to_one_and_see_the_past_only(seed, days, at):
    rows = drawn(seed, days, 0.2)
    later = pl.when(pl.col("target") > DAYS[at]).then(pl.col("actual") * 9 + 1).otherwise("actual")
    decisions, foreseen = (
        choose_weights(rows, DAYS[at]),
        choose_weights(rows.with_columns(actual=later), DAYS[at]),
    )
    assert decisions == foreseen
    for decision in decisions:
        assert sum(decision.weights.values()) == pytest.approx(1)
        assert min(decision.weights.values()) >= 0


def test_a_member_that_is_absent_or_new_does_not_silence_the_others():
    rows = drawn(2, 200, 0.3)
    absent = (pl.col("model") == "noise") & (pl.col("as_of") > DAYS[15])
    without = rows.filter(pl.col("model") != "noise")
    decisions = choose_weights(rows.with_columns(point=pl.when(~absent).then("point")), DAYS[300])
    expected = choose_weights(without, DAYS[300])
    assert decisions[0].weights["part"] == expected[0].weights["part"] > 0
    assert decisions[0].weights["noise"] == 0.0


def test_where_a_member_is_missing_it_departs_by_nothing():
    rows = drawn(2, 200, 0.3)
    holes = (pl.col("model") == "part") & (pl.col("as_of").dt.day() % 2 == 0)
    gaps = choose_weights(rows.with_columns(point=pl.when(~holes).then("point")), DAYS[300])[0]
    zeros = choose_weights(rows.with_columns(point=pl.when(~holes).then("point").otherwise(0.0)), DAYS[300])[
        0
    ]
    assert gaps.weights == zeros.weights
    assert gaps.weights["part"] > 0


def test_no_change_must_be_a_member():
    with pytest.raises(ConfigurationError, match="must be among the members"):
        choose_weights(drawn(3, 30, 0.3).filter(pl.col("model") != NO_CHANGE), DAYS[20])


def test_the_ensemble_is_the_weighted_mean():
    data = walk(4, symbols=3, days=80)
    origin = last_session(data.bars)
    members = pl.concat(
        [model.fit(data, origin).predict(data, [origin]) for model in (RandomWalk(), Drift())]
    )
    rows = drawn(5, 30, 0.3).with_columns(model=pl.col("model").replace({"part": "drift"}))
    decisions = choose_weights(rows.filter(pl.col("model") != "noise"), origin)
    gone = (pl.col("model") == "drift") & (pl.col("symbol") == "S0001")
    members = members.with_columns(
        point=pl.when(~gone).then("point"), reason=pl.when(gone).then(pl.lit("failed"))
    )
    silent = pl.col("symbol") == "S0002"
    members = members.with_columns(reason=pl.when(silent).then(pl.lit("constant")).otherwise("reason"))
    members = members.with_columns(
        pl.when(~silent).then(name).alias(name) for name in ("point", "sd", "lo80", "hi80", "lo95", "hi95")
    )
    combined = combine(members, decisions)
    assert dict(combined.schema) == FORECASTS
    assert set(combined["model"]) == {"ensemble"}
    own = combined.filter(symbol="S0000", horizon=1)
    drift = members.filter(symbol="S0000", horizon=1, model="drift")["point"].item()
    assert own["point"].item() == pytest.approx(decisions[0].factor(MARKET, "drift") * drift)
    assert own["sd"].item() == members.filter(symbol="S0000", horizon=1, model=NO_CHANGE)["sd"].item()
    assert own["hi80"].item() - own["point"].item() == pytest.approx(1.2815515655446 * own["sd"].item())
    assert combined.filter(symbol="S0001")["point"].to_list() == [0.0] * 5  # its weight goes to no change
    assert combined.filter(symbol="S0002")["reason"].to_list() == ["constant"] * 5
    assert combined.filter(symbol="S0002")["point"].null_count() == 5


def test_a_challenger_needs_a_year():
    rows = drawn(6, 249, 0.5)
    (review,) = review_champions(rows, DAYS[300], {1: NO_CHANGE})
    assert (review.before, review.champion) == (NO_CHANGE, NO_CHANGE)
    part = review.trials[1]
    assert (part.challenger, part.wins, part.p_holm) == ("part", False, 1.0)
    assert part.comparison.p_better < 0.001  # the lead is there, the days are not
    assert part.why == "249 scored days, 250 are needed"


def test_a_challenger_with_skill_takes_over_and_noise_does_not():
    (review,) = review_champions(drawn(6, 260, 0.5), DAYS[300], {1: NO_CHANGE})
    assert review.champion == "part"
    noise, part = review.trials
    assert (noise.wins, part.wins) == (False, True)
    assert part.mae_ratio is not None
    assert part.mae_ratio < 0.7
    assert part.p_holm == pytest.approx(2 * part.comparison.p_better)
    assert "over 260 days" in part.why


def test_outcomes_after_the_review_do_not_count():
    rows = drawn(7, 330, 0.5)
    (early,) = review_champions(rows, DAYS[200], {1: NO_CHANGE})
    assert early.trials[0].comparison.days == 200
    assert early.champion == NO_CHANGE


def test_many_models_without_skill_seldom_win():
    """Twenty models that are noise, tried at once: 5 % for all of them together, not 64 %."""
    wins = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        actual = rng.normal(0, 0.02, 260)
        # A tiny forecast loses next to nothing, so that half of them are ahead by luck.
        points = {f"m{place}": rng.normal(0, 1e-4, 260) for place in range(20)}
        rows = scored({NO_CHANGE: np.zeros(260)} | points, actual)
        (review,) = review_champions(rows, DAYS[300], {1: NO_CHANGE})
        wins += review.champion != NO_CHANGE
        assert any((trial.mae_ratio or 1) < 1 for trial in review.trials)
    assert wins <= 2


def test_no_change_can_take_its_place_back():
    (review,) = review_champions(drawn(8, 300, 0.5), DAYS[350], {1: "noise"}, ChampionRule(level=0.1))
    assert review.before == "noise"
    assert review.champion == "part"
    assert {trial.challenger for trial in review.trials} == {NO_CHANGE, "part"}


def test_a_champion_without_forecasts_is_refused():
    with pytest.raises(ConfigurationError, match="no forecasts to be judged by"):
        review_champions(drawn(9, 30, 0.1), DAYS[40], {1: "lstm"})


def test_the_records_are_the_same_every_time():
    rows = drawn(10, 280, 0.3)
    assert review_champions(rows, DAYS[300], {1: NO_CHANGE}) == review_champions(
        rows.sample(fraction=1, shuffle=True, seed=1), DAYS[300], {1: NO_CHANGE}
    )
    assert_frame_equal(
        pl.DataFrame([choose_weight.weights for choose_weight in choose_weights(rows, DAYS[300])]),
        pl.DataFrame([choose_weight.weights for choose_weight in choose_weights(rows.reverse(), DAYS[300])]),
    )
