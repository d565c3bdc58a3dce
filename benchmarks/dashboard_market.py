"""A market for the dashboard: bars, indicators, coverage, forecasts with what came of them, and the curve of copper."""

from datetime import UTC, date, datetime

from sqlalchemy import text

from benchmarks.coverage import make_market, window_of
from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
from miraikakaku_assets.application.ports.analysis import AnalysisRequest
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.coverage.report import find_coverage
from miraikakaku_assets.domain.market.instruments import JP, Timeframe

SYMBOL = "S7.T"
"""An issue of the market."""
LAST = window_of(1)[0]
"""Newest session of its bars."""
_ORIGINS, _HORIZONS = 60, 5
_MODELS = ("ensemble", "gradient_boosting", "random_walk")


def fill(database: Database, issues: int, sessions: int) -> str:
    """Puts a market with gaps into the tables, analyses it, checks its coverage, and adds made-up forecasts.

    Returns:
        What is stored now, in words.

    Raises:
        RuntimeError: The analysis left a symbol out.
    """
    days = window_of(sessions)
    bars = make_market(database, issues, days, 1.0, is_moving=True)
    report = analyze_bars(
        AnalysisRequest(JP, Timeframe.D1, full_refresh=True),
        AnalysisPorts(PostgresAnalysis(database), utc_now),
        lambda _: None,
    )
    if report.failures or set(report.verdicts) != {"ok"}:
        raise RuntimeError(f"not every symbol was analysed: {report.verdicts}")
    _check(database, days)
    forecasts = _forecast(database, days)
    with database.engine.begin() as connection:
        connection.execute(text(_QUOTES), {"last": days[-1]})
        connection.execute(text(_STOCKS), {"last": days[-1]})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return f"{issues:,} issues, {bars:,} daily bars, {forecasts:,} forecasts"


def _check(database: Database, days: list[date]) -> None:
    store = PostgresCoverage(database)
    holdings = store.holdings(JP, Timeframe.D1, days[0], days[-1])
    if holdings is None:
        raise RuntimeError("there is no master")
    findings = find_coverage(days[0], days[-1], holdings, checked_at=datetime.now(UTC), threshold=0.95)
    store.save(findings, "made")


def _forecast(database: Database, days: list[date]) -> int:
    """Forecasts of the newest origins one session ahead, of the newest one five; outcomes, and scores of a year."""
    origins = min(_ORIGINS, len(days) - _HORIZONS - 1)
    forecasts = 0
    with database.engine.begin() as connection:
        connection.execute(text("SELECT setseed(0.5)"))
        for place in range(len(days) - origins, len(days)):
            is_newest = place == len(days) - 1
            for horizon in range(1, _HORIZONS + 1 if is_newest else 2):
                later = place + horizon
                target = (
                    days[later] if later < len(days) else date.fromordinal(days[-1].toordinal() + horizon)
                )
                made = {"as_of": days[place], "target": target, "horizon": horizon, "models": list(_MODELS)}
                forecasts += connection.execute(text(_PREDICTIONS), made).rowcount
                if not is_newest:
                    came = {"as_of": days[place], "target": target, "horizon": horizon}
                    connection.execute(text(_OUTCOMES), came)
        scored = {"days": days, "models": list(_MODELS)}
        connection.execute(text(_PERFORMANCE), scored)
    return forecasts


_PREDICTIONS = """
INSERT INTO miraikakaku.daily_predictions
    (point, sd, lo80, hi80, lo95, hi95, close, made_at, instrument_id, as_of, target, calibration_scores, horizon,
     model, version, calibration)
SELECT m.point, 0.02, m.point - 0.026, m.point + 0.026, m.point - 0.04, m.point + 0.04, 1000, :as_of, m.id, :as_of,
       :target, 250, :horizon, m.model, '1', 'quantiles'
FROM (SELECT i.id, asked.model, CASE asked.model WHEN 'random_walk' THEN 0 ELSE (random() - 0.5) / 50 END AS point
      FROM miraikakaku.instruments i CROSS JOIN unnest(CAST(:models AS text[])) AS asked(model)) m
"""
_OUTCOMES = """
INSERT INTO miraikakaku.prediction_outcomes (actual, naive, scored_at, instrument_id, as_of, target, horizon)
SELECT (random() - 0.5) / 15, 0.015, :target, i.id, :as_of, :target, :horizon FROM miraikakaku.instruments i
"""
_PERFORMANCE = """
INSERT INTO miraikakaku.prediction_performance
    (mae, rmse, mape, mase, mae_no_change, mape_no_change, mae_to_no_change, skill, dm_p_better, hit_rate, hit_low,
     hit_high, always_up, coverage_80, coverage_95, width_80, width_95, until, window_origins, n, days, missing, calls,
     horizon, universe, segment_kind, segment, model)
SELECT 0.015, 0.02, 0.015, 1, 0.015, 0.015, 0.99 + random() / 50, 0, 0.5, 0.5, 0.48, 0.52, 0.51, 0.8, 0.95, 0.05, 0.08,
       d.until, w.origins, 1000, 20, 0, 900, h, 'jp', 'universe', 'jp', m.model
FROM unnest(CAST(:days AS date[])) AS d(until), unnest(ARRAY[20, 250]) AS w(origins), generate_series(1, 5) AS h,
     unnest(CAST(:models AS text[])) AS m(model)
"""
_QUOTES = """
INSERT INTO miraikakaku.lme_copper_futures
    (contract, session, tenor, price, unit, usd_per_tonne, source, known_at, fetched_at)
SELECT c.contract, d.day, c.tenor, c.price, 'USD/t', c.price, 'made', d.day + interval '13 hours', now()
FROM (SELECT CAST(:last AS date) - k AS day, k FROM generate_series(0, 4000) k) d
CROSS JOIN LATERAL (VALUES
    ('LME-CU-CASH', 'cash', 9000 + 500 * sin(d.k / 90.0) + 60 * sin(d.k / 40.0)),
    ('LME-CU-3M', '3M', 9000 + 500 * sin(d.k / 90.0))) AS c(contract, tenor, price)
WHERE extract(isodow FROM d.day) < 6
"""
_STOCKS = """
INSERT INTO miraikakaku.lme_copper_stocks (session, tonnes, source, known_at, fetched_at)
SELECT CAST(:last AS date) - k, 200000 + 50000 * sin(k / 120.0), 'made', now(), now() FROM generate_series(0, 4000) k
"""
