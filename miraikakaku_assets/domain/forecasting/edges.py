"""Whether the direction of an instrument was called better than by chance: one rule for people and for the scoreboard.

Of 975 issues some are called right far too often by luck alone: each judged by its own 95 % interval, 4 to 8 % of them
showed an edge where 2.5 % do without any. So the instruments of a universe are judged together.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.scores import independent_outcomes

Numbers = NDArray[np.float64]

NO_EDGE = "優位性なし"
"""Shown where the direction was called no better than by a coin."""

LEVEL = 0.025
"""Largest share of false ones among the instruments that are said to have an edge. With a single instrument it is the
tail of the 95 % interval by which each was judged for itself."""

_KEY = ("symbol", "model", "horizon")


def directions(rows: pl.DataFrame) -> pl.DataFrame:
    """How often each instrument's direction was called right; the columns of `scores.score` that an edge is judged by.

    Args:
        rows: ``symbol``, ``model``, ``horizon``, ``as_of``, ``point``, ``actual`` (of both only the sign counts), one
            row per origin; those without a forecast or an outcome are left out.

    Returns:
        One row per symbol, model and horizon, sorted: ``calls``, ``hit_rate``, ``independent`` (how many independent
        outcomes the calls are worth) and ``always_up``; null without a call.
    """
    called = (pl.col("point") != 0) & (pl.col("actual") != 0)
    done = rows.drop_nulls(["point", "actual"]).sort("as_of")
    marked = done.select(
        *_KEY,
        called=called.cast(pl.Float64),
        hit=(called & ((pl.col("point") > 0) == (pl.col("actual") > 0))).cast(pl.Float64),
        rose=(called & (pl.col("actual") > 0)),
    )
    table = marked.group_by(_KEY, maintain_order=True).agg("called", "hit", pl.col("rose").sum())
    worth = [
        independent_outcomes(np.asarray(calls), np.asarray(hits), horizon)
        for horizon, calls, hits in table.select("horizon", "called", "hit").iter_rows()
    ]
    calls = pl.col("called").list.sum()
    some = pl.when(calls > 0)
    return table.select(
        *_KEY,
        calls=calls.cast(pl.Int64),
        hit_rate=some.then(pl.col("hit").list.sum() / calls),
        independent=pl.Series(worth, dtype=pl.Float64).cast(pl.Int64),
        always_up=some.then(pl.col("rose") / calls),
    ).sort(_KEY)


def with_edges(instruments: pl.DataFrame) -> pl.DataFrame:
    """Judges all instruments of a universe together.

    An edge is a hit rate above one half, and above always saying "up" on the same calls, that is no luck: by the
    exact binomial test of as many outcomes as the calls are worth, corrected by Benjamini and Hochberg for all
    instruments of the same model and horizon. A rate significantly below is no edge of the forecast as it is
    published. Always-up is the harder test: on USD/JPY 2012-2026 theta called 52.7 % of the next days right
    (51.1-54.3 %), always-up 52.9 %.

    Args:
        instruments: ``symbol``, ``model``, ``horizon``, ``hit_rate``, ``independent``, ``always_up``, as `directions`
            or `scores.score` give them by symbol. All instruments of the universe, or the correction is too small.

    Returns:
        The same rows in the same order with ``p_edge`` (of the instrument alone; 1 without a call), ``q_edge``
        (corrected) and ``edge`` (whether there is one).
    """
    from scipy.stats import false_discovery_control

    table = instruments.with_columns(p_edge=pl.Series(_luck(instruments), dtype=pl.Float64)).with_row_index(
        "place"
    )
    corrected = [
        part.with_columns(
            q_edge=pl.Series(false_discovery_control(part["p_edge"].to_numpy()), dtype=pl.Float64)
        )
        for part in table.partition_by("model", "horizon")
    ]
    judged = pl.concat([table.clear().with_columns(q_edge=pl.lit(None, pl.Float64)), *corrected])
    return judged.sort("place").drop("place").with_columns(edge=pl.col("q_edge") <= LEVEL)


def _luck(instruments: pl.DataFrame) -> Numbers:
    """Chance of at least so many hits without any skill; 1 without a call.

    The binomial tail as an incomplete beta function, which takes parts of a hit; `scipy.stats.binom` drops them.
    """
    from scipy.special import betainc

    rates, outcomes, always_up = (
        instruments[name].cast(pl.Float64).to_numpy() for name in ("hit_rate", "independent", "always_up")
    )
    hits = np.nan_to_num(rates * outcomes)
    by_chance = np.fmax(always_up, 0.5)
    return np.where(hits > 0, betainc(np.maximum(hits, 1e-9), outcomes - hits + 1, by_chance), 1.0)


def edge_words(tested: pl.DataFrame) -> dict[tuple[str, int], str | None]:
    """Symbol and horizon → `NO_EDGE`, or None where there is an edge; of a table `with_edges` of one model."""
    rows = tested.select("symbol", "horizon", "edge").iter_rows()
    return {(symbol, horizon): None if edge else NO_EDGE for symbol, horizon, edge in rows}
