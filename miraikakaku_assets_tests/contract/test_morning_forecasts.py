"""A morning in Tokyo on real tables: it knows the night, stands beside the evening, and is scored apart."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.forecasting.daily import (
    ForecastPorts,
    predict_universe,
    score_universe,
    train_universe,
)
from miraikakaku_assets.application.forecasting.inputs import forecast_inputs, with_foreign
from miraikakaku_assets.application.forecasting.view import show_forecasts
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.baselines import RandomWalk
from miraikakaku_assets.domain.forecasting.features import FeatureInputs
from miraikakaku_assets.domain.forecasting.leakage import leak_test
from miraikakaku_assets.domain.forecasting.peers.night_beta import NightBeta
from miraikakaku_assets.domain.forecasting.peers.night_market import NightMarket
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import COPPER, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets_tests.support.forecasts.forecast_days import AT, ORIGIN, RATES, Days, bar, evening
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import DAYS
from miraikakaku_assets_tests.support.markets.analysed_market import Market
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

pytestmark = pytest.mark.slow

FORECASTERS = (RandomWalk(), NightBeta(), NightMarket())
BETA = 0.8
MORNING_AFTER = datetime(2025, 2, 19, 23, 0, tzinfo=UTC)
"""08:00 in Tokyo on the session after the origin."""

NIGHTS = session_table(US.calendar).filter(pl.col("session").is_between(date(2025, 1, 2), date(2025, 3, 31)))
MOVES = dict(zip(NIGHTS["session"], np.random.default_rng(11).normal(0, 0.01, NIGHTS.height), strict=True))


def night_after(day: date) -> float:
    """What New York does between a session in Tokyo and the next one."""
    following = DAYS[DAYS.index(day) + 1]
    return float(sum(move for session, move in MOVES.items() if day <= session < following))


def tokyo_close(session: int) -> float:
    return float(1_000 * np.exp(BETA * sum(night_after(day) for day in DAYS[:session])))


def foreign(database: Database, universe: Universe, now: datetime, *symbols: str) -> Market:
    """A market of named issues: no list of an exchange is needed to have prices."""
    if universe == US:
        adding = text(
            "INSERT INTO miraikakaku.instruments (universe, symbol, kind, currency, price_unit, calendar)"
            " VALUES (:universe, :symbol, 'stock', 'USD', 'USD per share', :calendar)"
        )
        named = {"universe": universe.name, "calendar": universe.calendar}
        with database.engine.begin() as connection:
            connection.execute(adding, [{**named, "symbol": symbol} for symbol in symbols])
    else:
        PostgresMasters(database).ensure_named(universe, symbols, now)
    with database.engine.connect() as connection:
        query = text("SELECT symbol, id FROM miraikakaku.instruments WHERE universe = :universe")
        ids = dict(connection.execute(query, {"universe": universe.name}).tuples().all())
    return Market(database, universe, ids, now)


class Mornings(Days):
    """Tokyo does in the day what New York did in the night."""

    def deliver_until(self, session: int) -> None:
        for symbol in RATES:
            self.deliver(bar(symbol, day, tokyo_close(n)) for n, day in enumerate(DAYS[: session + 1]))

    def deliver_new_york(self, until: date) -> None:
        market = foreign(self.database, US, self.market.now, *(f"A{chr(65 + n)}Q" for n in range(21)))
        opens = dict(NIGHTS.select("session", "opens").iter_rows())
        rows, level = [], 0.0
        for session, move in MOVES.items():
            level += move
            if session <= until:
                stamp = {"ts": opens[session], "stamp": opens[session]}
                rows += [bar(symbol, session, 50 * float(np.exp(level))) | stamp for symbol in market.ids]
        market.deliver(Timeframe.D1, rows)

    def forecast(
        self, clock: ForecastClock, as_of: date | None = None
    ) -> tuple[ForecastPorts, dict[str, str]]:
        ports = self.ports(FORECASTERS)
        _, report = predict_universe(JP, ports, as_of, clock=clock)
        assert not report.failures
        return ports, report.absent


def evenings(days: Mornings) -> list[tuple[object, ...]]:
    table = "daily_predictions WHERE clock = 'evening'"
    return rows_of(days.database, table, order="as_of, instrument_id, horizon, model")


@pytest.fixture
def days(database: Database, tmp_path: Path) -> Mornings:
    made = Mornings(database, tmp_path)
    made.deliver_until(AT)
    made.market.now = MORNING_AFTER
    made.deliver_new_york(ORIGIN)
    return made


def test_the_morning_knows_the_night_beside_the_evening_and_is_scored_apart(days: Mornings) -> None:
    days.market.now = evening(ORIGIN)
    ports, absent = days.forecast(ForecastClock.EVENING)
    assert absent == {}
    before = evenings(days)

    days.market.now = MORNING_AFTER
    ports, absent = days.forecast(ForecastClock.MORNING)
    assert absent == {
        "hg_night": "the bars of copper of 2025-02-19 are not stored (miraikakaku collect --universe copper)"
    }
    assert evenings(days) == before
    morning = ports.prediction.store.at(ForecastClock.MORNING)
    made = morning.predictions(JP, ORIGIN, ORIGIN, models=["night_market"])
    expected = BETA * night_after(ORIGIN)
    assert made["point"].to_list() == pytest.approx([expected] * made.height, abs=abs(expected) * 0.05)
    assert set(made["inputs"]) == {"us,us_night"}
    assert set(made["made_at"]) == {MORNING_AFTER}
    assert "night_market" not in ports.prediction.store.predicted(JP, ORIGIN)
    (shown, *_) = show_forecasts(JP, morning, ORIGIN, ["7203.T"])
    assert shown.inputs == "us,us_night"
    days.forecast(ForecastClock.MORNING)  # a second run writes nothing anew
    assert morning.predictions(JP, ORIGIN, ORIGIN, models=["night_market"]).equals(made)

    days.market.now = evening(DAYS[AT + 1])
    days.deliver(bar(symbol, DAYS[AT + 1], tokyo_close(AT + 1)) for symbol in RATES)
    report = score_universe(JP, ports)
    assert (report.outcomes, report.days) == (len(RATES), (DAYS[AT + 1],))
    apart = {
        clock: dict(
            ports.prediction.store.at(clock)
            .performance(JP, 1)
            .select("model", "mae_to_no_change")
            .iter_rows()
        )
        for clock in ForecastClock
    }
    assert apart[ForecastClock.MORNING]["night_market"] < 0.1
    assert "night_market" not in apart[ForecastClock.EVENING]
    assert set(apart[ForecastClock.MORNING]) == {"random_walk", "night_beta", "night_market", "ensemble"}
    assert score_universe(JP, ports).days == ()

    train_universe(JP, ports)
    decided = rows_of(days.database, "forecast_decisions WHERE kind = 'weights'", "DISTINCT clock", "1")
    assert decided == [("evening",), ("morning",)]


def test_what_was_not_known_is_named(days: Mornings) -> None:
    ports = days.ports(FORECASTERS)

    def absent(as_of: date) -> dict[str, str]:
        inputs = forecast_inputs(JP, as_of, as_of, ports.bars, clock=ForecastClock.MORNING)
        return inputs.absent_inputs(as_of)

    washington = date(2025, 2, 17)
    assert absent(washington)["us_night"] == "us had no session since the close"
    assert "us_night" not in absent(ORIGIN)
    days.market.now = evening(DAYS[AT + 1])
    days.deliver(bar(symbol, DAYS[AT + 1], tokyo_close(AT + 1)) for symbol in RATES)
    assert absent(DAYS[AT + 1])["us_night"].startswith("the bars of us of 2025-02-20 are not stored")
    copper = foreign(days.database, COPPER, days.market.now, "HG=F")
    opens = session_table(COPPER.calendar).filter(pl.col("session").is_between(DAYS[0], DAYS[AT + 1]))
    copper.deliver(
        Timeframe.D1,
        [
            bar("HG=F", day, 4.0) | {"ts": ts, "stamp": ts}
            for day, ts in opens.select("session", "opens").iter_rows()
        ],
    )
    assert "hg_night" not in absent(ORIGIN)
    own = forecast_inputs(JP, ORIGIN, ORIGIN, ports.bars, clock=ForecastClock.MORNING).own

    def joined(given: FeatureInputs) -> pl.DataFrame:
        known = with_foreign(given).bars
        return known.select("symbol", "session", "us_ret_1", "us_night", "hg_night")

    assert leak_test(joined, own, [DAYS[AT - 5], DAYS[AT - 8]]) == {}


def test_no_morning_is_made_up(days: Mornings) -> None:
    ports = replace(days.ports(FORECASTERS))
    with pytest.raises(ConfigurationError, match="us is forecast in the evening only"):
        predict_universe(US, ports, clock=ForecastClock.MORNING)
    days.market.now = MORNING_AFTER + timedelta(hours=2)
    with pytest.raises(ConfigurationError, match="has begun at 00:00 UTC"):
        predict_universe(JP, ports, clock=ForecastClock.MORNING)
    days.market.now = MORNING_AFTER + timedelta(days=1)  # the bars of the day in between have not come
    with pytest.raises(ConfigurationError, match=r"bars of jp of 2025-02-20 are not stored"):
        predict_universe(JP, ports, clock=ForecastClock.MORNING)
