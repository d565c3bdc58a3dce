"""Scores of a window from those of its days: what is summed day by day is not read again.

A day of a large market has 200,000 forecasts; a year of them would be counted anew every evening.
"""

import numpy as np
import polars as pl

from miraikakaku_assets.domain.forecasting.comparison import diebold_mariano
from miraikakaku_assets.domain.forecasting.scores import hit_interval, independent_outcomes

_MEANS = (
    *("mae", "mape", "mase", "mae_no_change", "mape_no_change"),
    *("coverage_80", "coverage_95", "width_80", "width_95"),
)


def window_scores(daily: pl.DataFrame, by: list[str], window: int) -> pl.DataFrame:
    """Scores of the newest days.

    Args:
        daily: A row per segment, model, ``horizon`` and day (``until``), with the columns of `scores.score`.
        by: Columns that make a segment; ``model`` and ``horizon`` are added.
        window: Newest days that count; of each model and horizon those on which it has forecasts.

    Returns:
        A row per segment, model and horizon with those columns of `daily` that can be summed: ``until`` is the newest
        day, ``days`` and ``n`` say how many days and forecasts count; means are weighted by ``n``. ``missing`` counts
        the days between them and since then, too, on which the model has forecast nothing.
    """
    keys = [*by, "model", "horizon"]
    known = (
        daily.filter(pl.col("n") > 0).sort(*keys, "until").group_by(keys, maintain_order=True).tail(window)
    )
    n = pl.col("n")
    known = known.with_columns(
        hits=pl.col("hit_rate").fill_null(0.0) * pl.col("calls"),
        ups=pl.col("always_up").fill_null(0.0) * pl.col("calls"),
    )
    weighted = {
        name: pl.when(pl.col(name).is_not_null().any()).then(
            (pl.col(name) * n).sum() / n.filter(pl.col(name).is_not_null()).sum()
        )
        for name in _MEANS
    }
    calls = pl.col("calls").sum()
    table = known.group_by(keys, maintain_order=True).agg(
        until=pl.col("until").last(),
        n=n.sum(),
        days=pl.len().cast(pl.Int64),
        rmse=((pl.col("rmse").pow(2) * n).sum() / n.sum()).sqrt(),
        calls=calls,
        hit_rate=pl.when(calls > 0).then(pl.col("hits").sum() / calls),
        always_up=pl.when(calls > 0).then(pl.col("ups").sum() / calls),
        losses=pl.col("mae"),
        losses_still=pl.col("mae_no_change"),
        calls_then=pl.col("calls"),
        hits_then=pl.col("hits"),
        **weighted,
    )
    table = table.join(_missing(daily, known, keys), on=keys, maintain_order="left")
    ratio = pl.when(pl.col("mae_no_change") > 0).then(pl.col("mae") / pl.col("mae_no_change"))
    table = table.with_columns(mae_to_no_change=ratio, skill=1 - ratio, window=pl.lit(window, pl.Int64()))
    tested, worth = [], []
    for horizon, losses, still, *called in table.select("horizon", *_SERIES).iter_rows():
        calls_then, hits_then = (np.asarray(counts, dtype=np.float64) for counts in called)
        tested.append(diebold_mariano(losses, still, horizon).p_better)
        worth.append(independent_outcomes(calls_then, hits_then, horizon))
    rates = table["hits_then"].list.sum() / table["calls_then"].list.sum()
    low, high = hit_interval(rates, pl.Series(worth, dtype=pl.Float64))
    tested_column = pl.Series(tested, dtype=pl.Float64)
    table = table.drop(*_SERIES).with_columns(dm_p_better=tested_column, hit_low=low, hit_high=high)
    return table.select(name for name in daily.columns if name in table.columns)


def _missing(daily: pl.DataFrame, known: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    since = known.group_by(keys).agg(since=pl.col("until").first())
    days = daily.join(since, on=keys).filter(pl.col("until") >= pl.col("since"))
    return days.group_by(keys).agg(pl.col("missing").sum())


_SERIES = ("losses", "losses_still", "calls_then", "hits_then")
