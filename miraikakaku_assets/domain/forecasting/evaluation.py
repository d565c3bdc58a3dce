"""Forecasts as they would have been made in the past, and what came instead.

A model is trained on closes up to a session and forecasts from that session on until it is trained anew. It is
handed nothing behind the end of its training, so that no outcome of a scored forecast can be in it.

Score every session. Each fifth is always the same weekday, and what a weekday does is no skill: theta on USD/JPY from
Mondays only (2012-2026) was 1.0 % better than no change with p = 0.005, from all days 0.1 % with p = 0.29.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, Forecaster
from miraikakaku_assets.domain.forecasting.panel import Panel

OUTCOMES: dict[str, pl.DataType] = {
    "close": pl.Float64(),  # adjusted, at the origin
    "actual": pl.Float64(),  # log return from the origin to the target; null while there is none
    "naive": pl.Float64(),  # mean size of the one-session log returns up to the origin, which scales MASE
}
"""What `outcomes` adds to a forecast."""


@dataclass(frozen=True)
class Fold:
    """One training and the origins that it serves.

    Attributes:
        train_until: Last session whose closes the training sees; also the first origin.
        origins: Ascending, each in one fold only.
    """

    train_until: date
    origins: tuple[date, ...]


def rolling_origins(sessions: pl.Series, first: date, last: date, refit_every: int) -> Iterator[Fold]:
    """The folds of a walk forward.

    Args:
        sessions: Of the exchange (Date, ascending).
        first: No origin before it.
        last: No origin after it; targets may lie behind it.
        refit_every: Origins per training, at least 1.

    Yields:
        Folds in the order of time; together they hold every session of the window once.

    Raises:
        ConfigurationError: The cadence is no count, or there is no session in the window.
    """
    if refit_every < 1:
        raise ConfigurationError(f"Refitting every {refit_every} origins; choose 1 or more")
    origins = sessions.filter(sessions.is_between(first, last)).to_list()
    if not origins:
        raise ConfigurationError(f"There is no session from {first} to {last} to forecast from")
    for start in range(0, len(origins), refit_every):
        served = tuple(origins[start : start + refit_every])
        yield Fold(served[0], served)


def walk_forward(forecaster: Forecaster, panel: Panel, folds: Iterable[Fold], seed: int = 0) -> pl.DataFrame:
    """All forecasts of a walk forward.

    The training gets the panel until its end, the prediction until its last origin, so that a forecaster that
    looks ahead within a fold is left to the contract test.

    Returns:
        Schema `FORECASTS`.
    """
    made = [pl.DataFrame(schema=FORECASTS)]
    for fold in folds:
        trained = forecaster.fit(panel.until(fold.train_until), fold.train_until, seed)
        made.append(trained.predict(panel.until(fold.origins[-1]), fold.origins))
    return pl.concat(made)


def outcomes(forecasts: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """What came.

    A session on which the instrument has no bar gives no outcome: neither the bar before nor the one after is taken
    for it.

    Args:
        forecasts: Schema `FORECASTS`; further columns are kept.
        panel: Bars as they are known today: a later split has changed the closes of both ends alike.

    Returns:
        The forecasts with the columns of `OUTCOMES`, in the same order.
    """
    single = pl.when(pl.col("elapsed") == 1).then(pl.col("ret").abs())
    naive = single.cum_sum() / single.cum_count()
    origins = panel.bars.select(
        "symbol", "close", as_of="session", origin_log="log_close", naive=naive.over("symbol")
    )
    ends = panel.bars.select("symbol", target="session", target_log="log_close")
    return (
        forecasts.join(origins, on=["symbol", "as_of"], how="left", maintain_order="left")
        .join(ends, on=["symbol", "target"], how="left", maintain_order="left")
        .with_columns(actual=pl.col("target_log") - pl.col("origin_log"))
        .select(*forecasts.columns, *OUTCOMES)
    )
