"""What models of single series share: an origin's forecast reads the closes of its own instrument up to there."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.baselines import with_reasons
from miraikakaku_assets.domain.forecasting.contract import HORIZONS, Reason, Signature
from miraikakaku_assets.domain.forecasting.frames import forecast_frame, origin_rows
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility

Numbers = NDArray[np.float64]

TOGETHER = 8192
"""Windows in one matrix: 16 MiB."""

Fits = Callable[[pl.DataFrame, pl.DataFrame], tuple[Numbers, Numbers]]
"""From all bars and the origins that can be forecast to the expected log returns and their standard deviations, in
units of the volatility; horizons × origins, NaN where the model broke off. Origins have ``at``, their row in the bars,
and ``place``, how many of the rows before are the symbol's."""


def forecasts_of_series(
    trained: Signature,
    panel: Panel,
    origins: Sequence[date],
    fewest: int,
    fits: Fits,
    unfit: pl.Expr | None = None,
) -> pl.DataFrame:
    """What `contract.TrainedForecaster.predict` promises, with the EWMA volatility at the origin.

    Args:
        trained: Whose forecasts they are.
        panel: Bars.
        origins: Sessions.
        fewest: Returns that a symbol must have by then.
        fits: The model.
        unfit: The model's own reason to leave out an instrument, over ``symbol``.
    """
    bars = with_reasons(panel, fewest).with_columns(
        sigma=ewma_volatility(), place=pl.int_range(pl.len()).over("symbol"), at=pl.int_range(pl.len())
    )
    rows = origin_rows(Panel(bars, panel.sessions, panel.unpriced), origins)
    rows = rows.with_columns(reason=pl.coalesce("reason", "unfit", *([] if unfit is None else [unfit])))
    # Refuses origins before anything is fitted: that can be minutes of work for nothing.
    forecast_frame(panel, rows.unique("as_of"), trained, {"point": pl.lit(0.0), "sd": pl.lit(1.0)})
    usable = rows.filter(pl.col("reason").is_null())
    numbers = dict(zip(("point", "spread"), fits(bars, usable), strict=True))
    columns = {
        f"{name}_{h}": part[place] for name, part in numbers.items() for place, h in enumerate(HORIZONS)
    }
    failed = np.isnan(np.concatenate(list(numbers.values()))).any(axis=0)
    made = usable.select("symbol", "as_of").with_columns(
        **columns, failed=pl.when(pl.Series(failed, dtype=pl.Boolean)).then(pl.lit(Reason.FAILED.value))
    )
    rows = rows.join(made, on=["symbol", "as_of"], how="left").with_columns(
        reason=pl.coalesce("reason", "failed")
    )
    point, spread = (
        pl.coalesce(pl.when(pl.col("horizon") == h).then(pl.col(f"{name}_{h}")) for h in HORIZONS)
        for name in numbers
    )
    return forecast_frame(panel, rows, trained, {"point": point, "sd": pl.col("sigma") * spread})
