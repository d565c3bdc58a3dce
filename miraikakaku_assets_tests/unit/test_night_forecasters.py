"""Forecasts from other markets find what was planted, fall back where nothing is known, and know no future."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.application.forecasting.inputs import with_foreign
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.features import (
    FeatureInputs,
    closes_known,
    lead_levels,
    night_returns,
)
from miraikakaku_assets.domain.forecasting.leakage import leak_test
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets.domain.forecasting.peers.lead_beta import LeadBeta
from miraikakaku_assets.domain.forecasting.peers.night_beta import NightBeta, with_betas
from miraikakaku_assets.domain.forecasting.peers.night_market import NightMarket
from miraikakaku_assets.domain.forecasting.peers.reversal import GIVEN_BACK, Reversal
from miraikakaku_assets.domain.forecasting.timing.known_at import morning_moments
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets_tests.support.forecasts.forecast_panels import sessions, walk_bars
from miraikakaku_assets_tests.support.forecasts.forecaster_contract import ForecasterContract

DAYS = 150
BETAS = {"S0000": 0.2, "S0001": 0.6, "S0002": 1.0, "S0003": 1.4}


class TestNightBeta(ForecasterContract):
    many = 200

    def make(self) -> Forecaster:
        return NightBeta()


class TestNightMarket(ForecasterContract):
    many = 200

    def make(self) -> Forecaster:
        return NightMarket()


class TestReversal(ForecasterContract):
    many = 200

    def make(self) -> Forecaster:
        return Reversal()


class TestLeadBeta(ForecasterContract):
    many = 200

    def make(self) -> Forecaster:
        return LeadBeta()


def led(seed: int = 3) -> Panel:
    """Issues that do on each session what the night before said, by a beta of their own, and a little more."""
    rng = np.random.default_rng(seed)
    nights = rng.normal(0, 0.01, DAYS)
    bars = []
    for place, (symbol, beta) in enumerate(BETAS.items()):
        noise = np.random.default_rng(place).normal(0, 0.002, DAYS)
        moves = np.r_[0.0, beta * nights[:-1]] + noise
        bars.append(
            pl.DataFrame(
                {
                    "symbol": symbol,
                    "session": sessions(DAYS),
                    "close": 100 * np.exp(moves.cumsum()),
                    "us_night": nights,
                }
            )
        )
    return panel(pl.concat(bars), sessions(DAYS + 10))


def points(forecaster: Forecaster, data: Panel, origin: date) -> dict[str, float]:
    made = forecaster.fit(data.until(origin), origin).predict(data, [origin]).filter(pl.col("horizon") == 1)
    return dict(made.select("symbol", "point").iter_rows())


def without_night(data: Panel, origin: date) -> Panel:
    gone = pl.when(pl.col("session") != origin).then("us_night").alias("us_night")
    return Panel(data.bars.with_columns(gone), data.sessions, data.unpriced)


def test_betas_are_found_and_half_shrunk_to_their_mean() -> None:
    data = led()
    origin = sessions(DAYS)[DAYS - 1]
    night = data.bars.filter(session=origin)["us_night"][0]
    betas = {name: value / night for name, value in points(NightBeta(), data, origin).items()}
    mean = np.mean(list(BETAS.values()))
    for symbol, beta in BETAS.items():
        assert betas[symbol] == pytest.approx((beta + mean) / 2, abs=0.06)
    by_hand = data.bars.filter(symbol="S0003").sort("session")
    x, y = by_hand["us_night"].to_numpy()[:-1], by_hand["ret"].to_numpy()[1:]
    slope = float(np.polyfit(x, y, 1)[0])
    whole = with_betas(data.bars, "us_night").filter(session=origin)
    assert whole.filter(symbol="S0003")["beta"].item() > whole.filter(symbol="S0000")["beta"].item()
    assert slope == pytest.approx(1.4, abs=0.05)


def test_the_market_leads_each_issue_by_its_own_beta() -> None:
    data = led()
    origin = sessions(DAYS)[DAYS - 1]
    night = data.bars.filter(session=origin)["us_night"][0]
    betas = {name: value / night for name, value in points(NightMarket(), data, origin).items()}
    mean = np.mean(list(BETAS.values()))
    for symbol, beta in BETAS.items():
        assert betas[symbol] == pytest.approx(0.25 * mean + 0.75 * beta, abs=0.06)


@pytest.mark.parametrize("forecaster", [NightBeta(), NightMarket()], ids=lambda each: each.name)
def test_without_a_night_there_is_no_change(forecaster: Forecaster) -> None:
    data = led()
    origin = sessions(DAYS)[DAYS - 1]
    assert set(points(forecaster, without_night(data, origin), origin).values()) == {0.0}


def test_an_issue_of_thirty_sessions_has_the_markets_beta() -> None:
    data = led()
    young = (pl.col("symbol") != "S0003") | (pl.col("ordinal") >= DAYS - 30)
    few = Panel(data.bars.filter(young), data.sessions, data.unpriced)
    origin = sessions(DAYS)[DAYS - 1]
    night = data.bars.filter(session=origin)["us_night"][0]
    mean = np.mean([BETAS[name] for name in ("S0000", "S0001", "S0002")])
    assert points(NightBeta(), few, origin)["S0003"] / night == pytest.approx(mean, abs=0.06)


def lagging(unit: float | None = None) -> Panel:
    """A price that makes up on each session for what its leader has done since; once in another unit."""
    rng = np.random.default_rng(5)
    since = rng.normal(0, 0.006, DAYS)
    own = np.log(9_000) + np.cumsum(np.r_[0.0, since[:-1]] + rng.normal(0, 0.004, DAYS))
    lead = own + since - np.log(2204.62)
    if unit is not None:
        lead[DAYS - 1] += np.log(unit)
    frame = pl.DataFrame(
        {"symbol": "LME", "session": sessions(DAYS), "close": np.exp(own), "hg_lead": lead, "since": since}
    )
    return panel(frame, sessions(DAYS + 10))


def test_a_lead_is_found_and_a_wrong_unit_is_none() -> None:
    data, origin = lagging(), sessions(DAYS)[DAYS - 1]
    last = data.bars.sort("session")["since"][-1]
    assert points(LeadBeta(), data, origin)["LME"] == pytest.approx(last, abs=0.0035)
    assert points(LeadBeta(), lagging(unit=100.0), origin)["LME"] == 0.0  # cents for dollars
    late = pl.when(pl.col("session") != origin).then("hg_lead").alias("hg_lead")
    missing = Panel(data.bars.with_columns(late), data.sessions, data.unpriced)
    assert points(LeadBeta(), missing, origin)["LME"] == 0.0


def test_what_rose_against_the_market_is_to_fall() -> None:
    data = panel(walk_bars(7, days=80), sessions(90))
    origin = sessions(80)[79]
    made = points(Reversal(), data, origin)
    rows = data.bars.filter(session=origin).with_columns(away=pl.col("ret") - pl.col("ret").mean())
    for symbol, away in rows.select("symbol", "away").iter_rows():
        assert made[symbol] == pytest.approx(-GIVEN_BACK * away)


TOKYO = session_table("XTKS").filter(pl.col("session").is_between(date(2025, 1, 6), date(2025, 7, 31)))
NEW_YORK = session_table("XNYS").filter(pl.col("session").is_between(date(2025, 1, 2), date(2025, 7, 31)))
ORIGINS = [TOKYO["session"][place] for place in (70, 85, 99)]


def morning(late: timedelta = timedelta(0)) -> FeatureInputs:
    """Tokyo with Wall Street's nights, said to be known earlier than they were by `late`."""
    count = 120
    bars = walk_bars(2, symbols=6, days=count).with_columns(
        session=pl.Series(TOKYO["session"].head(count).to_list() * 6)
    )
    walk = 100 * np.exp(np.random.default_rng(9).normal(0, 0.01, NEW_YORK.height).cumsum())
    closes = NEW_YORK.select(known_at=pl.col("closes") - late, close=walk)
    return FeatureInputs(
        panel(bars, TOKYO["session"]),
        morning_moments(TOKYO, "Asia/Tokyo"),
        cross=(closes_known("us", closes),),
        nights=(night_returns("us", closes),),
        leads=(lead_levels("hg", closes),),
    )


def joined(given: FeatureInputs) -> pl.DataFrame:
    known = with_foreign(given).bars
    return known.select("symbol", "session", "us_ret_1", "us_night", "hg_lead")


def test_nothing_that_is_joined_knows_the_future() -> None:
    assert leak_test(joined, morning(), ORIGINS) == {}


def by_date(of: str, column: str) -> Callable[[FeatureInputs], pl.DataFrame]:
    """The value of New York's session on the day of the target, which ends the night after it."""

    def build(given: FeatureInputs) -> pl.DataFrame:
        (market,) = getattr(given, of)
        values = market.values.select(session=pl.col("known_at").dt.date(), planted=column).unique("session")
        targets = TOKYO.select("session", target=pl.col("session").shift(-1))
        dated = targets.join(values, left_on="target", right_on="session", how="left")
        return joined(given).join(dated.drop("target"), on="session", how="left", maintain_order="left")

    return build


@pytest.mark.parametrize(("of", "column"), [("cross", "ret_1"), ("nights", "night"), ("leads", "lead")])
def test_a_leak_on_each_path_is_caught(of: str, column: str) -> None:
    assert set(leak_test(by_date(of, column), morning(), ORIGINS)) == {"planted"}


def test_a_join_that_is_a_session_late_is_caught_by_name() -> None:
    def leaking(given: FeatureInputs) -> pl.DataFrame:
        ahead = given.made_at.with_columns(made_at=pl.col("made_at") + timedelta(days=1))
        return joined(replace(given, made_at=ahead))

    assert set(leak_test(leaking, morning(), ORIGINS)) == {"us_ret_1", "us_night", "hg_lead"}
