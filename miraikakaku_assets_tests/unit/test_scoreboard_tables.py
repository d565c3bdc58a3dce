"""Tables of the scoreboard: corrections, all horizons together, and differences between instruments."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.application.backtest.tables import (
    FEWEST_OUTCOMES,
    POOLED,
    by_sector,
    corrected,
    missing_by_reason,
    pooled,
    scores_of,
    spread,
)
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets_tests.support.forecasts.forecast_panels import walk
from miraikakaku_assets_tests.support.forecasts.scoreboards import rows_of


def test_p_values_are_corrected_for_everything_that_was_tested():
    scores = pl.DataFrame(
        {
            "model": ["random_walk", "a", "a", "b", "b"],
            "horizon": [1, 1, 2, 1, 2],
            "dm_p_better": [1.0, 0.01, 0.04, None, 0.03],
        }
    )
    # Holm by hand: 0.01 x 4, 0.03 x 3, then 0.04 x 2 = 0.08, which may not be below the one before it.
    assert corrected(scores)["p_holm"].to_list() == pytest.approx([None, 0.04, 0.09, 1.0, 0.09])


def test_all_horizons_together_are_what_all_rows_together_say():
    rows = rows_of(walk(3, symbols=3), 60, "drift").filter(pl.col("symbol") != "S0001", pl.col("horizon") < 4)
    rows = rows.filter((pl.col("horizon") == 1) | (pl.col("as_of") > pl.col("as_of").min()))  # not all alike
    whole = {row["model"]: row for row in pooled(scores_of(rows)).iter_rows(named=True)}
    for model in ("random_walk", "drift"):
        done = rows.filter(pl.col("model") == model, pl.col("actual").is_not_null())
        error = (done["point"] - done["actual"]).abs()
        assert whole[model]["n"] == done.height
        assert whole[model]["mae"] == pytest.approx(error.mean())
        assert whole[model]["mae_to_no_change"] == pytest.approx(
            float(error.sum()) / float(done["actual"].abs().sum())
        )
        held = (done["actual"] >= done["lo80"]) & (done["actual"] <= done["hi80"])
        assert whole[model]["coverage_80"] == pytest.approx(held.mean())
        assert whole[model]["horizon"] == POOLED


def test_shares_of_instruments_are_shares_of_instruments():
    days = 80
    rows = rows_of(walk(5, symbols=6, days=120), days, ENSEMBLE).filter(pl.col("model") == ENSEMBLE)
    # One band that covers everything, one that covers nothing, the others as they are.
    wide = pl.col("symbol") == "S0000"
    none = pl.col("symbol") == "S0001"
    rows = rows.with_columns(
        lo80=pl.when(wide).then(-9.0).when(none).then(8.0).otherwise("lo80"),
        hi80=pl.when(wide).then(9.0).when(none).then(9.0).otherwise("hi80"),
    )
    late = rows["as_of"].unique().sort()[days - FEWEST_OUTCOMES + 1]  # one outcome too few
    rows = rows.filter((pl.col("symbol") != "S0002") | (pl.col("as_of") >= late))
    table = {row["horizon"]: row for row in spread(rows).iter_rows(named=True)}
    assert set(table) == {1, 5, POOLED}
    for horizon, row in table.items():
        assert (row["instruments"], row["too_few"]) == (5, 1)
        part = rows if horizon == POOLED else rows.filter(pl.col("horizon") == horizon)
        held = part.drop_nulls("actual").with_columns(
            held=(pl.col("actual") >= pl.col("lo80")) & (pl.col("actual") <= pl.col("hi80"))
        )
        shares = (
            held.filter(pl.col("symbol") != "S0002").group_by("symbol").agg(pl.col("held").mean())["held"]
        )
        assert row["fair"] == pytest.approx(sum(0.7 <= share <= 0.9 for share in shares) / 5)
        assert row["fair"] <= 3 / 5
        assert row["coverage_high"] > 0.9
        assert 0 <= row["better"] <= 1
    assert table[POOLED]["no_edge"] is None
    assert table[1]["no_edge"] is not None


def test_sectors_are_scored_on_their_own_issues():
    rows = rows_of(walk(7, symbols=4), 40, ENSEMBLE).filter(pl.col("model") == ENSEMBLE)
    sectors = pl.DataFrame({"symbol": ["S0000", "S0001", "S0002"], "sector": ["metal", "fish", "metal"]})
    table = by_sector(rows, sectors)
    assert table["sector"].to_list() == ["fish", "metal"]
    assert table["instruments"].to_list() == [1, 2]
    alone = scores_of(rows.filter(pl.col("symbol") == "S0001", pl.col("horizon") == 1))
    assert_frame_equal(table.head(1).select("n", "mae", "hit_rate"), alone.select("n", "mae", "hit_rate"))
    assert (table["p_holm"] >= table["dm_p_better"]).all()


def test_what_is_missing_is_counted_by_reason():
    rows = rows_of(walk(9, symbols=2, days=60), 30, "drift")
    assert missing_by_reason(rows).is_empty()
    lost = (pl.col("symbol") == "S0001") & (pl.col("model") == "drift")
    rows = rows.with_columns(reason=pl.when(lost).then(pl.lit("failed")))
    assert missing_by_reason(rows).rows() == [("drift", "failed", 30 * 5)]


def test_the_share_of_bands_made_from_errors_leaves_out_forecasts_that_were_not_made():
    rows = rows_of(walk(11, symbols=2, days=60), 30, "drift")
    rows = rows.with_columns(
        calibration=pl.when(pl.col("as_of") == pl.col("as_of").max())
        .then(pl.lit("pooled"))
        .otherwise(pl.lit("none")),
        reason=pl.when(pl.col("as_of") == pl.col("as_of").min()).then(pl.lit("no_bar")),
    )
    assert scores_of(rows)["calibrated"].to_list() == pytest.approx([1 / 29] * 10)
