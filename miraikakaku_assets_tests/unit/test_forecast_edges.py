"""Instruments whose directions were called better than by luck, tested many at once."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from miraikakaku_assets.application.backtest.tables import spread
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.domain.forecasting.edges import LEVEL, NO_EDGE, directions, edge_words, with_edges
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets_tests.support.forecasts.forecast_panels import walk
from miraikakaku_assets_tests.support.forecasts.scoreboards import rows_of


def judged(*called: tuple[float | None, int | None, float | None], horizon: int = 1) -> pl.DataFrame:
    """Instruments by hit rate, independent outcomes and always-up."""
    columns = ("hit_rate", "independent", "always_up")
    schema = {"hit_rate": pl.Float64, "independent": pl.Int64, "always_up": pl.Float64}
    frame = pl.DataFrame(called, schema=schema, orient="row").select(columns)
    return frame.with_columns(
        symbol=pl.format("S{}", pl.int_range(pl.len())), model=pl.lit("m"), horizon=pl.lit(horizon)
    )


def test_the_luck_of_one_instrument_is_the_exact_binomial_tail():
    hits, outcomes, by_chance = [140, 125, 231, 60, 0, 250], 250, [0.5, 0.5, 0.55, 0.4, 0.5, 0.9]
    table = judged(*((hit / outcomes, outcomes, up) for hit, up in zip(hits, by_chance, strict=True)))

    by_instrument = with_edges(table)["p_edge"].to_list()

    for p_edge, hit, up in zip(by_instrument, hits, by_chance, strict=True):
        assert p_edge == pytest.approx(stats.binom.sf(hit - 1, outcomes, max(0.5, up)), rel=1e-9)


def test_of_a_thousand_instruments_without_skill_none_is_said_to_have_an_edge():
    """Each judged for itself, 2.5 % of them would be: 145 hits of 250 lie wholly above one half."""
    rng = np.random.default_rng(1)
    hits = rng.binomial(250, 0.5, 1_000)
    table = with_edges(judged(*((hit / 250, 250, 0.5) for hit in hits)))

    assert (table["p_edge"] <= LEVEL).sum() > 10
    assert table["edge"].sum() == 0


def test_skill_is_found_among_many_and_a_single_instrument_is_judged_for_itself():
    lucky, skilled = (143 / 250, 250, 0.5), (175 / 250, 250, 0.5)
    many = with_edges(judged(lucky, skilled, *[(0.5, 250, 0.5)] * 998))

    assert many["edge"].to_list()[:3] == [False, True, False]
    assert with_edges(judged(lucky))["edge"].to_list() == [True]
    assert edge_words(many.head(2)) == {("S0", 1): NO_EDGE, ("S1", 1): None}


@pytest.mark.parametrize(
    "called",
    [
        (0.40, 250, 0.5),  # significantly worse than a coin
        (0.70, 250, 0.69),  # no better than always up
        (1.0, 3, 0.5),  # three outcomes
        (1.0, 200, 1.0),  # everything rose
        (None, None, None),  # never called
        (0.0, 1, 0.0),
    ],
)
def test_what_is_no_edge(called: tuple[float | None, int | None, float | None]):
    assert with_edges(judged(called))["edge"].to_list() == [False]


def test_horizons_are_families_of_their_own():
    alone = judged((146 / 250, 250, 0.5))
    crowd = judged(*[(0.5, 250, 0.5)] * 500, horizon=5)
    assert with_edges(pl.concat([alone, crowd]))["edge"][0]
    assert not with_edges(pl.concat([alone, crowd.with_columns(horizon=1)]))["edge"][0]
    assert with_edges(alone.clear()).is_empty()


def test_what_people_are_told_is_what_the_scoreboard_counts():
    """Signs alone, as they are read for a whole market, give the figures of the full score, and the same verdicts."""
    rows = rows_of(walk(11, symbols=8, days=160), 110, ENSEMBLE).filter(pl.col("model") == ENSEMBLE)
    knowing = pl.col("symbol").is_in(["S0001", "S0004"]) & (pl.col("actual") != 0)
    rows = rows.with_columns(point=pl.when(knowing).then("actual").otherwise("point"))
    signs = rows.with_columns(pl.col("point", "actual").sign().cast(pl.Int8)).sample(
        fraction=1, shuffle=True, seed=2
    )

    lean = directions(signs)

    columns = ["symbol", "model", "horizon", "calls", "hit_rate", "independent", "always_up"]
    full = (
        score(rows.filter(pl.col("actual").is_not_null()), ["symbol"])
        .select(columns)
        .sort("symbol", "horizon")
    )
    assert lean.equals(full)
    tested = with_edges(lean)
    words = edge_words(tested)
    assert {symbol for (symbol, horizon), word in words.items() if word is None and horizon == 1} == {
        "S0001", "S0004",
    }  # fmt: skip
    shares = {row["horizon"]: row["no_edge"] for row in spread(rows).iter_rows(named=True)}
    for horizon in (1, 5):
        without_edge = [word == NO_EDGE for (_, h), word in words.items() if h == horizon]
        assert shares[horizon] == pytest.approx(sum(without_edge) / len(without_edge))
