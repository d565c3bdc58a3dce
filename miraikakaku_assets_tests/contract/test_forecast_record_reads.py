"""What stored forecasts were worth, counted in a real database and checked against textbook definitions."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.records import PostgresForecastRecords
from miraikakaku_assets.application.ports.forecasts import Decision
from miraikakaku_assets.application.reading.forecast_record import (
    champion_history,
    forecast_card,
    month_summary,
    rank_record,
    risk_coverage,
)
from miraikakaku_assets.domain.forecasting.edges import NO_EDGE
from miraikakaku_assets.domain.forecasting.judging.ranks import rank_series, rank_skill
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import (
    DAYS,
    LATER,
    MADE,
    forecasts,
    outcomes,
    store,
)
from miraikakaku_assets_tests.support.markets.stored_market import listed

CODES = [f"{number}" for number in range(2001, 2031)]
SYMBOLS = [f"{code}.T" for code in CODES]
ORIGINS = DAYS[:25]
NEWEST = ORIGINS[-1]


@pytest.fixture
def records(database: Database) -> PostgresForecastRecords:
    """Thirty issues on 25 days; the model knows a little, and five of its forecasts are the same."""
    listed(database, *CODES)
    came = outcomes(SYMBOLS, ORIGINS, until=NEWEST).with_columns(pl.col("actual").round(3))
    made = forecasts(SYMBOLS, ("ensemble",), ORIGINS).join(
        came.select("symbol", "as_of", "horizon", "actual"), on=["symbol", "as_of", "horizon"], how="left"
    )
    tied = pl.col("symbol").is_in(SYMBOLS[:5])
    point = pl.when(tied).then(0.001).otherwise(pl.col("point") * 0.1 + pl.col("actual").fill_null(0) * 0.05)
    shift = point - pl.col("point")
    bands = [pl.col(name) + shift for name in ("lo80", "hi80", "lo95", "hi95")]
    store(database).save_predictions(JP, made.with_columns(*bands, point=point).drop("actual"), MADE)
    store(database).save_outcomes(JP, came, LATER)
    return PostgresForecastRecords(database)


def come(database: Database, horizon: int) -> pl.DataFrame:
    scored = store(database).scored(JP, ORIGINS[0], NEWEST, models=["ensemble"])
    return scored.filter(pl.col("horizon") == horizon).drop_nulls("actual")


def test_rank_correlations_are_spearmans_with_ties_at_their_mean_place(
    records: PostgresForecastRecords, database: Database
) -> None:
    record = rank_record(JP, "ensemble", 2, 30, NEWEST, records)

    rows = come(database, 2)
    expected = {
        day: spearmanr(part["point"], part["actual"]).statistic for (day,), part in rows.group_by("as_of")
    }
    assert dict(record.days.select("as_of", "ic").iter_rows()) == pytest.approx(expected)
    assert record.mean == pytest.approx(np.mean(list(expected.values())))
    assert record.ratio == pytest.approx(record.mean / np.std(list(expected.values()), ddof=1))
    same = rank_skill(rank_series(rows)["ic"], 2)
    assert (record.t, record.ratio) == pytest.approx(
        (same.t, same.icir), rel=1e-4
    )  # a scoreboard computes in float32
    assert record.spread is not None
    assert rank_record(JP, "nobody", 2, 30, NEWEST, records).mean is None


def test_a_few_issues_have_no_order(database: Database) -> None:
    listed(database, *CODES[:10])
    store(database).save_predictions(JP, forecasts(SYMBOLS[:10], ("ensemble",), ORIGINS), MADE)
    store(database).save_outcomes(JP, outcomes(SYMBOLS[:10], ORIGINS, until=NEWEST), LATER)

    record = rank_record(JP, "ensemble", 1, 30, NEWEST, PostgresForecastRecords(database))

    assert (record.days.height, record.mean, record.t, record.spread) == (0, None, None, None)


def test_the_risk_coverage_curve_ends_in_the_figures_of_all_forecasts(
    records: PostgresForecastRecords, database: Database
) -> None:
    curve = risk_coverage(JP, "ensemble", 1, 30, NEWEST, records)

    rows = come(database, 1)
    called = rows.filter(pl.col("point") != 0, pl.col("actual") != 0)
    assert curve["share"].to_list() == pytest.approx(sorted(curve["share"]))
    assert (curve["share"][-1], curve["n"][-1], curve["calls"][-1]) == (1.0, rows.height, called.height)
    hits = called.select((pl.col("point") * pl.col("actual") > 0).mean()).item()
    ratio = rows.select(
        (pl.col("point") - pl.col("actual")).abs().sum() / pl.col("actual").abs().sum()
    ).item()
    assert curve["hit_rate"][-1] == pytest.approx(hits)
    assert curve["mae_to_no_change"][-1] == pytest.approx(ratio)
    sure = rows.sort((pl.col("point").abs() / (pl.col("hi80") - pl.col("lo80"))), descending=True)
    first = sure.head(int(curve["n"][0]))
    assert curve["mae_to_no_change"][0] == pytest.approx(
        first.select((pl.col("point") - pl.col("actual")).abs().sum() / pl.col("actual").abs().sum()).item()
    )
    assert risk_coverage(JP, "nobody", 1, 30, NEWEST, records).is_empty()


def test_a_card_says_what_last_months_forecasts_of_an_issue_were_worth(
    records: PostgresForecastRecords, database: Database
) -> None:
    card = forecast_card(JP, "2010.T", store(database), records)

    assert card is not None
    assert card.as_of == NEWEST
    assert card.edges == dict.fromkeys(range(1, 6), NO_EDGE)
    assert card.inputs is None
    summary = month_summary(card.history, 1)
    own = come(database, 1).filter(pl.col("symbol") == "2010.T", pl.col("as_of") >= ORIGINS[-21])
    assert (summary.forecasts, summary.waiting) == (own.height, 1)
    inside = own.select(pl.col("actual").is_between("lo80", "hi80").mean()).item()
    assert summary.within_80 == pytest.approx(inside)
    skill = own.select(
        1 - (pl.col("point") - pl.col("actual")).abs().mean() / pl.col("actual").abs().mean()
    ).item()
    assert summary.skill == pytest.approx(skill)
    assert summary.hit_low is not None
    assert summary.hit_rate is not None
    assert summary.hit_low < summary.hit_rate
    row = card.history.filter(pl.col("horizon") == 1, pl.col("came").is_not_null()).row(0, named=True)
    assert row["actual"] == pytest.approx(row["close"] * np.exp(row["came"]))
    nothing = month_summary(card.history.clear(), 1)
    assert (nothing.forecasts, nothing.hit_rate, nothing.skill) == (0, None, None)
    assert forecast_card(JP, "2010.T", store(database), records, DAYS[40]) is None


def test_champions_are_told_with_their_best_challenger(
    records: PostgresForecastRecords, database: Database
) -> None:
    trials = [
        {"challenger": "theta", "mae_ratio": 1.1, "p_holm": 0.9, "why": "no"},
        {"challenger": "xgboost", "mae_ratio": 0.99, "p_holm": 0.01, "why": "yes"},
    ]
    told = {"champion": "xgboost", "before": "random_walk"}
    store(database).record_decisions(
        [Decision("jp", "champion", day, 1, told, {"trials": trials}) for day in ORIGINS[:3]]
    )
    history = champion_history(JP, 2, records)
    assert [review["as_of"] for review in history] == [ORIGINS[2], ORIGINS[1]]
    assert {name: history[0][name] for name in ("champion", "before", "best_challenger", "p_holm", "trials")} == {
        "champion": "xgboost", "before": "random_walk", "best_challenger": "xgboost", "p_holm": 0.01, "trials": 2,
    }  # fmt: skip
