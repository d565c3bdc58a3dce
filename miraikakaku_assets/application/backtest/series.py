"""The scoreboard of series that are no universe: LME copper, and the exchange_rate set of the papers.

They are forecast by the same models, weights and bands, without a database: nobody collects them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.application.backtest.published_results import (
    STEPS,
    first_target,
    mean_correlation,
    root_relative_squared_error,
)
from miraikakaku_assets.application.backtest.tables import (
    BacktestResult,
    corrected,
    missing_by_reason,
    scores_of,
)
from miraikakaku_assets.application.backtest.walk_forward import Step
from miraikakaku_assets.application.forecasting.inputs import with_foreign
from miraikakaku_assets.application.forecasting.members import predict_all
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE, combined
from miraikakaku_assets.domain.forecasting.bands import conformal_bands
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS, Forecaster, Reason
from miraikakaku_assets.domain.forecasting.density.expected_moves import expected_moves
from miraikakaku_assets.domain.forecasting.ensemble import DEFAULT_WEIGHTS, NO_CHANGE, Weights, choose_weights
from miraikakaku_assets.domain.forecasting.evaluation import Fold, outcomes, rolling_origins
from miraikakaku_assets.domain.forecasting.features import FeatureInputs
from miraikakaku_assets.domain.forecasting.missing import no_forecasts
from miraikakaku_assets.domain.forecasting.panel import Panel, panel

Numbers = NDArray[np.float64]

_FIRST_DAY = date(1990, 1, 1)
_NO_TIMES = pl.DataFrame(schema={"session": pl.Date(), "made_at": pl.Datetime("us", "UTC")})
_AHEAD = max(HORIZONS)


@dataclass
class Walked:
    """What a walk forward without a database came to.

    Attributes:
        rows: Forecasts with bands and outcomes.
        failed: Model → why it broke off.
        weights: Weights of the ensemble after the last origin.
    """

    rows: pl.DataFrame
    failed: dict[str, str] = field(default_factory=dict)
    weights: Sequence[Weights] = ()


@dataclass(frozen=True)
class Measured:
    """One method in the papers' measures.

    Attributes:
        method: Model.
        rse: Steps → root relative squared error.
        corr: Steps → mean correlation.
        filled: Forecasts of all that it did not make; the last value stands in for them.
    """

    method: str
    rse: Mapping[int, float]
    corr: Mapping[int, float]
    filled: int


def series_panel(closes: pl.DataFrame, sessions: pl.Series) -> Panel:
    """Series as models that learn want them: with columns of other markets, of which nothing is known."""
    return with_foreign(FeatureInputs(panel(closes, sessions), _NO_TIMES))


def metal_panel(closes: pl.DataFrame) -> Panel:
    """LME prices; sessions are the days on which London has published one.

    Args:
        closes: ``symbol``, ``session``, ``close``.
    """
    return series_panel(closes, closes["session"].unique().sort())


def currency_panel(currencies: pl.DataFrame) -> Panel:
    """The exchange_rate set; its days carry no dates, so they are numbered as days from 1990-01-01 on.

    What weekday a day really was is not known: models that read it read a number from 1 to 7.

    Args:
        currencies: A row per day, a column per currency.
    """
    days = currencies.height
    sessions = pl.date_range(
        _FIRST_DAY, _FIRST_DAY + timedelta(days=days + _AHEAD - 1), "1d", eager=True
    ).alias("session")
    wide = currencies.with_columns(session=sessions[:days])
    long = wide.unpivot(index="session", variable_name="symbol", value_name="close")
    return series_panel(long.select("symbol", "session", "close"), sessions)


def walk_series(
    data: Panel, folds: Sequence[Fold], forecasters: Sequence[Forecaster], seed: int, step: Step
) -> Walked:
    """Forecasts of every model and their ensemble over the folds.

    Args:
        data: Bars.
        folds: Trainings and origins, in the order of time.
        forecasters: Models, no change among them.
        seed: Of the trainings.
        step: Called with the model at work and the first origin of its fold.
    """
    walked, made = Walked(pl.DataFrame()), [pl.DataFrame(schema=FORECASTS)]
    for train_until, several in groupby(folds, key=lambda fold: fold.train_until):
        served = list(several)
        origins = [origin for fold in served for origin in fold.origins]
        base = []
        for forecaster in forecasters:
            step(forecaster.name, origins[0])
            base.append(_forecasts(forecaster, data, train_until, origins, seed, walked.failed))
        made += base
        for fold in served:
            step(ENSEMBLE, fold.origins[0])
            weights = _weights(pl.concat(made), data, fold.origins[0])
            now = [forecasts.filter(pl.col("as_of").is_in(list(fold.origins))) for forecasts in base]
            made.append(combined(now, fold.origins, weights))
    everything = pl.concat(made)
    walked.weights = _weights(everything, data, folds[-1].origins[-1])
    walked.rows = outcomes(conformal_bands(everything, data, moves=expected_moves(data)), data)
    return walked


def _forecasts(
    forecaster: Forecaster,
    data: Panel,
    train_until: date,
    origins: Sequence[date],
    seed: int,
    failed: dict[str, str],
) -> pl.DataFrame:
    """Forecasts of one training at all origins that it serves: many at once are what each is alone."""
    seen = data.until(origins[-1])
    try:
        trained = forecaster.fit(data.until(train_until), train_until, seed)
    except Exception as error:  # noqa: BLE001 - libraries raise anything on odd data; the others go on
        failed[forecaster.name] = f"{type(error).__name__}: {error}".splitlines()[0][:500]
        return no_forecasts(seen, origins, forecaster.name, forecaster.version, Reason.NOT_TRAINED)
    return predict_all(trained, seen, origins, failed)


def _weights(made: pl.DataFrame, data: Panel, as_of: date) -> list[Weights]:
    """Weights from what was known at an origin; at first no change has all."""
    recent = data.sessions.filter(data.sessions <= as_of).tail(DEFAULT_WEIGHTS.window + max(HORIZONS) + 1)
    members = made.filter(pl.col("model") != ENSEMBLE, pl.col("as_of").is_in(recent.implode()))
    known = outcomes(members, data.until(as_of))
    known = known.filter(pl.col("actual").is_not_null())
    if NO_CHANGE not in known["model"].unique().to_list():
        return [Weights(as_of, h, 0, 1.0, {}, {NO_CHANGE: 1.0}) for h in HORIZONS]
    return choose_weights(known, as_of)


def series_board(
    name: str, data: Panel, origins: Sequence[date], walked: Walked, refit_every: int | None
) -> BacktestResult:
    """The scoreboard of a walk without a database.

    Args:
        name: Of the set.
        data: Bars.
        origins: Those that count, in the order of time.
        walked: The walk.
        refit_every: Origins that a training served; None for a single training.
    """
    symbols = data.bars["symbol"].n_unique()
    rows = walked.rows.filter(pl.col("as_of").is_between(origins[0], origins[-1]))
    models = rows["model"].unique(maintain_order=True)
    scores = [scores_of(rows.filter(pl.col("model") == model)) for model in models]
    return BacktestResult(
        name=name,
        first=origins[0],
        last=origins[-1],
        origins=len(origins),
        refit_every=refit_every,
        instruments=symbols,
        market=symbols,
        scores=corrected(pl.concat(scores)),
        missing=missing_by_reason(rows),
        failed=walked.failed,
        weights={weight.horizon: dict(weight.weights) for weight in walked.weights},
    )


def papers_folds(currencies: pl.DataFrame, decided_every: int, stretch: int | None = None) -> list[Fold]:
    """The papers' split: one training on the first four fifths, then an origin before every test day.

    Args:
        currencies: A row per day.
        decided_every: Origins after which the weights of the ensemble are decided anew.
        stretch: So many origins only, from the beginning of the test days; None for all.
    """
    step = _papers_step()
    first = first_target(currencies.height) - step
    places = range(first, currencies.height - step)[:stretch]
    days = pl.Series([_FIRST_DAY + timedelta(days=place) for place in places], dtype=pl.Date())
    folds = rolling_origins(days, days[0], days[-1], decided_every)
    return [Fold(days[0], fold.origins) for fold in folds]


def _papers_step() -> int:
    return next(step for step in STEPS if step in HORIZONS)


def in_papers_measures(
    currencies: pl.DataFrame, rows: pl.DataFrame, stretch: int | None = None
) -> list[Measured]:
    """Our forecasts in the papers' measures, on their test days.

    Only the step that is among our horizons can be told of every model; of no change, all of them.

    Args:
        currencies: A row per day.
        rows: Forecasts of the walk over `papers_folds`.
        stretch: As there.
    """
    values, step = currencies.to_numpy(), _papers_step()
    targets = np.arange(first_target(len(values)), len(values))[:stretch]
    still = {ahead: _measures(values[targets], values[targets - ahead]) for ahead in STEPS}
    measured = [_measured(NO_CHANGE, still, 0)]
    for model in rows["model"].unique(maintain_order=True):
        if model == NO_CHANGE:
            continue
        own = rows.filter(pl.col("model") == model, pl.col("horizon") == step)
        wide = own.pivot(on="symbol", index="as_of", values="point").sort("as_of")
        points = wide.select(currencies.columns).to_numpy()
        forecast = values[targets - step] * np.exp(np.nan_to_num(points, nan=0.0))
        measured.append(
            _measured(model, {step: _measures(values[targets], forecast)}, int(np.isnan(points).sum()))
        )
    return measured


def _measured(method: str, by_step: Mapping[int, tuple[float, float]], filled: int) -> Measured:
    rse, corr = ({step: pair[place] for step, pair in by_step.items()} for place in (0, 1))
    return Measured(method, rse, corr, filled)


def _measures(actual: Numbers, forecast: Numbers) -> tuple[float, float]:
    return root_relative_squared_error(actual, forecast), mean_correlation(actual, forecast)
