"""Densities: the size of a move is learnt, quantiles hold what they say, and a break is noticed."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.forecasting.bands import QUANTILES, Calibration, ConformalRule, conformal_bands
from miraikakaku_assets.domain.forecasting.baselines import RandomWalk
from miraikakaku_assets.domain.forecasting.density.adaptive import CENTRAL, AskedShares
from miraikakaku_assets.domain.forecasting.density.expected_moves import MOVES, expected_moves
from miraikakaku_assets.domain.forecasting.evaluation import outcomes
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility, panel
from miraikakaku_assets_tests.support.forecasts.forecast_panels import sessions


def reverting(seed: int, symbols: int, days: int) -> Panel:
    """Volatility that goes back to each instrument's own within days, which EWMA is slow to see."""
    rng = np.random.default_rng(seed)
    usual = rng.uniform(0.005, 0.03, symbols)
    log_sigma = np.zeros((days, symbols))
    for day in range(1, days):
        log_sigma[day] = 0.8 * log_sigma[day - 1] + rng.normal(0, 0.35, symbols)
    moves = np.exp(log_sigma) * usual * rng.normal(0, 1, (days, symbols))
    days_of = sessions(days + 10)
    return panel(
        pl.DataFrame(
            {
                "symbol": np.repeat([f"S{nth:04}" for nth in range(symbols)], days),
                "session": days_of.head(days).gather(np.tile(np.arange(days), symbols)),
                "close": (100 * np.exp(moves.cumsum(axis=0))).T.ravel(),
            }
        ),
        days_of,
    )


MARKET = reverting(3, symbols=40, days=420)
EXPECTED = expected_moves(MARKET)
LATE = MARKET.sessions[300]


@pytest.fixture(scope="module")
def forecasts() -> pl.DataFrame:
    origins = [day for day in MARKET.bars["session"].unique().sort() if day >= MARKET.sessions[15]]
    return RandomWalk().fit(MARKET, origins[0]).predict(MARKET, origins)


def test_what_is_learnt_of_sizes_is_sharper_than_ewma():
    """By the quasi-likelihood of sizes, out of sample; and right on average."""
    rows = MARKET.bars.with_columns(
        sigma=ewma_volatility(), size=pl.col("ret").shift(-1).over("symbol").abs()
    ).join(EXPECTED, left_on=["symbol", "session"], right_on=["symbol", "as_of"])
    rows = rows.filter(pl.col("session") >= LATE).drop_nulls(["size", "move_1"])
    ewma = pl.col("sigma") * (pl.col("size") / pl.col("sigma")).mean()

    def loss(expected: pl.Expr) -> pl.Expr:
        return (pl.col("size") / expected + expected.log()).mean()

    learnt, plain, share = rows.select(
        learnt=loss(pl.col("move_1")), plain=loss(ewma), share=(pl.col("size") / pl.col("move_1")).mean()
    ).row(0)
    assert learnt < plain - 0.01
    assert share == pytest.approx(1, abs=0.05)


def test_sizes_read_no_later_bar_and_are_the_same_later():
    origin = MARKET.sessions[310]
    later = pl.when(pl.col("session") > origin).then(pl.col("close") * 3).otherwise("close")
    other = panel(MARKET.bars.select("symbol", "session", close=later), MARKET.sessions)
    alone = expected_moves(MARKET.until(origin), [origin])
    assert alone.height == 40
    assert alone.null_count().sum_horizontal().item() == 0
    assert_frame_equal(alone, expected_moves(other, [origin]))
    assert_frame_equal(alone, EXPECTED.filter(as_of=origin), rel_tol=1e-9)


def test_of_a_short_series_ewma_stands():
    short = MARKET.only(["S0000"]).until(MARKET.sessions[200])
    made = expected_moves(short).tail(1)
    sigma = short.bars.select(ewma_volatility()).to_series()[-1]
    for name, h in zip(MOVES, range(1, 6), strict=True):
        assert made[name].item() == pytest.approx(sigma * np.sqrt(h * 2 / np.pi))


def test_quantiles_hold_what_they_say_and_their_ends_are_the_bands(forecasts: pl.DataFrame):
    rule = ConformalRule(window=120, fewest=100)
    banded = outcomes(conformal_bands(forecasts, MARKET, rule, moves=EXPECTED), MARKET)
    made = banded.filter(pl.col("calibration") != Calibration.NONE, pl.col("actual").is_not_null())
    assert (made["quantiles"].list.len() == len(QUANTILES)).all()
    for place, level in enumerate(QUANTILES):
        below = (made["actual"] <= made["quantiles"].list.get(place)).mean()
        assert below == pytest.approx(level, abs=0.025), level
    ends = {"lo95": 0, "lo80": 2, "point": 4, "hi80": 6, "hi95": 8}
    for name, place in ends.items():
        assert made["quantiles"].list.get(place).to_list() == pytest.approx(made[name].to_list())
    assert banded.filter(pl.col("reason").is_not_null())["quantiles"].null_count() == 40 * 5 * 5
    normal = banded.filter(pl.col("calibration") == Calibration.NONE).row(0, named=True)
    assert normal["quantiles"][8] == pytest.approx(normal["point"] + 1.959964 * normal["sd"])


def test_after_a_break_the_share_that_is_asked_for_follows():
    """Errors double at once: what would have missed every third session comes back to one in five."""
    rng = np.random.default_rng(5)
    days, each, broken = 400, 200, 250
    at = np.repeat(np.arange(days), each)
    scores = np.abs(rng.normal(0, 1, days * each)) * np.where(at >= broken, 2.0, 1.0)
    asked = AskedShares(at, scores, horizon=1, window=250, speed=0.02)
    assert asked.at(broken)[0.80] == pytest.approx(0.80, abs=0.02)
    held: dict[str, list[float]] = {"still": [], "adaptive": []}
    for origin in range(broken + 20, broken + 80):
        window = scores[(at <= origin - 1) & (at > origin - 251)]
        own = scores[at == origin]
        held["still"].append(float((own <= np.quantile(window, 0.80)).mean()))
        held["adaptive"].append(float((own <= np.quantile(window, asked.at(origin)[0.80])).mean()))
    assert np.mean(held["still"]) < 0.68
    assert np.mean(held["adaptive"]) > np.mean(held["still"]) + 0.06
    shares = [asked.at(origin) for origin in range(days + 5)]
    assert all(list(share.values()) == sorted(share.values()) for share in shares)
    assert set(shares[0]) == set(CENTRAL)


def test_what_is_asked_for_knows_no_outcome_that_has_not_come():
    rng = np.random.default_rng(6)
    at = np.repeat(np.arange(200), 10)
    scores = np.abs(rng.normal(0, 1, 2_000))
    other = np.where(at > 145, 9.0, scores)  # their targets lie behind the origin 150
    for horizon, origin in ((5, 150), (1, 146)):
        known, foreseen = (
            AskedShares(at, values, horizon, 100, 0.05).at(origin) for values in (scores, other)
        )
        assert known == foreseen
