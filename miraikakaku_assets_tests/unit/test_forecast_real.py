"""Bands on real prices: random walk, EWMA volatility and rolling conformal bands cover what they promise."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.market_data_folder import DatasetFolder
from miraikakaku_assets.application.backtest.evidence_sets import evidence_set
from miraikakaku_assets.domain.forecasting.bands import Calibration, conformal_bands
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.evaluation import outcomes, rolling_origins, walk_forward
from miraikakaku_assets.domain.forecasting.judging.cuts import Part
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets.domain.forecasting.peers.lead_beta import LeadBeta
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets_tests.support.forecasts.forecast_panels import last_session


def panel_of_file(file: Path, calendar: str) -> Panel:
    """Yahoo's daily closes since 2012; the days on which the calendar has no session are left out."""
    days = session_table(calendar)["session"]
    bars = pl.read_csv(file).select(symbol=pl.lit("S"), session=pl.col("Date").str.to_date(), close="Close")
    due = pl.col("session").is_in(days.implode()) & (pl.col("session") >= date(2012, 1, 1))
    return panel(bars.filter(due).unique(["symbol", "session"], keep="last"), days)


def scored(forecaster: Forecaster, data: Panel) -> pl.DataFrame:
    last = last_session(data.bars)
    folds = rolling_origins(data.sessions, min(data.bars["session"].to_list()), last, 500)
    made = conformal_bands(walk_forward(forecaster, data, folds), data)
    return score(outcomes(made, data).filter(pl.col("calibration") != Calibration.NONE))


@pytest.mark.parametrize(
    ("file", "calendar"),
    [("copper/yahoo_HG=F_daily_2000_2026.csv", "XNYS"), ("fx/yahoo_JPY=X_daily_1996_2026.csv", "FX")],
)
def test_bands_of_copper_and_the_yen(real_data, file, calendar):
    table = scored(RandomWalk(), panel_of_file(real_data / file, calendar))
    assert table["days"].gt(3_000).all()
    assert table["coverage_80"].is_between(0.785, 0.815).all(), table["coverage_80"].to_list()
    assert table["coverage_95"].is_between(0.94, 0.96).all(), table["coverage_95"].to_list()
    assert table["mape"].lt(0.03).all()  # the 3 % that were asked for are met by doing nothing


def test_past_drift_does_not_beat_no_change_on_copper(real_data):
    table = scored(Drift(), panel_of_file(real_data / "copper/yahoo_HG=F_daily_2000_2026.csv", "XNYS"))
    assert table["skill"].is_between(-0.05, 0.005).all(), table["skill"].to_list()
    assert table["dm_p_better"].gt(0.05).all()


def test_bands_of_sixty_american_shares(real_data):
    file = real_data / "us_daily/us_sp500_506sym_2016_2019_adjclose.parquet"
    bars = pl.read_parquet(file).select(
        "symbol", pl.col("date").str.to_date().alias("session"), close="adj close"
    )
    some = bars["symbol"].unique().sort().gather_every(8).to_list()
    data = panel(bars.filter(pl.col("symbol").is_in(some)), session_table("XNYS")["session"])
    table = scored(RandomWalk(), data)
    assert table["coverage_80"].is_between(0.78, 0.82).all(), table["coverage_80"].to_list()
    assert table["coverage_95"].is_between(0.94, 0.96).all(), table["coverage_95"].to_list()


@pytest.mark.parametrize("name", ["lme_3m", "lme_cash"])
def test_new_york_leads_the_next_official_price_of_london(real_data, tmp_path, name):
    evidence = evidence_set(name, DatasetFolder(real_data, tmp_path))
    origins = [origin for origin in evidence.origins(Part.TUNED_ON) if origin >= date(2010, 1, 1)]
    made = LeadBeta().fit(evidence.panel, origins[0]).predict(evidence.panel, origins)
    first = outcomes(made, evidence.panel).filter(pl.col("horizon") == 1)
    assert first["as_of"].n_unique() == len(origins) == 2520
    error = first.select((pl.col("point") - pl.col("actual")).abs().sum() / pl.col("actual").abs().sum())
    assert error.item() < 0.82
    moved = first.filter(pl.col("point") != 0, pl.col("actual") != 0)
    right = (moved["point"].sign() == moved["actual"].sign()).sum()
    assert right > 0.68 * moved.height
