"""Use case: forecast the past of real markets as it would have been forecast then, and say how good that was.

Windows, cadence and samples are fixed here, every session is an origin, and every model that there is stands in the
tables, whatever came of it. What was chosen in view of these sets is said on the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import md5

import polars as pl

from miraikakaku_assets.application.backtest.tables import (
    BacktestResult,
    by_sector,
    corrected,
    missing_by_reason,
    scores_of,
    spread,
)
from miraikakaku_assets.application.backtest.walk_forward import Step, Walk, walk_forward_universe
from miraikakaku_assets.application.forecasting.inputs import ForecastInputs, forecast_inputs
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE, PredictionPorts
from miraikakaku_assets.application.forecasting.train import TrainingPorts
from miraikakaku_assets.application.forecasting.weights import WEIGHTS, champions
from miraikakaku_assets.application.ports.forecasts import ForecastStore, MarketBars
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE
from miraikakaku_assets.domain.forecasting.evaluation import Fold, rolling_origins
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import session_table

SEED = 0
"""Of every training."""

SETS = ("jp", "us", "fx", "copper", "lme")
"""What is walked through: four universes, and LME copper, which nobody collects."""

DECIDED_EVERY = 20
"""Origins, about a month, after which the weights of the ensemble are decided anew."""

A_FEW = 10
"""Instruments up to which nothing is said of what differs between them."""


@dataclass(frozen=True)
class Size:
    """How much is evaluated.

    Attributes:
        name: For people.
        warm_up: Sessions with bars before the first origin.
        refit_every: Set → origins that a training serves, a multiple of `DECIDED_EVERY`.
        origins: Set → newest origins that count, as far as its history reaches.
        burn_in: Set → origins before those, as far as its history reaches: their outcomes are the past errors that
            bands and weights are made from, and stand in no table.
        instruments: Set → how many instruments are forecast.
        market: Set → how many instruments are trained on, and are the market; all where it is not named.
        single_share: Of the series that a model takes whose cost grows with every one (`Profile.scoreboard_series`).
        stretch: Days of the exchange_rate set that are forecast, None for all of the papers' test days.
    """

    name: str
    warm_up: int
    refit_every: Mapping[str, int]
    origins: Mapping[str, int]
    burn_in: Mapping[str, int]
    instruments: Mapping[str, int]
    market: Mapping[str, int]
    single_share: float
    stretch: int | None = None


FULL = Size(
    name="full",
    warm_up=120,
    refit_every={"jp": 40, "us": 60, "fx": 240, "copper": 240, "lme": 240},
    origins={"jp": 250, "us": 250, "fx": 1_000, "copper": 1_000, "lme": 1_000},
    burn_in={"fx": 260, "copper": 260, "lme": 260},
    instruments={"jp": 1000},
    market={},
    single_share=1.0,
)
"""Origins: a year, or what there is. A single instrument tells little a day: four years of it count, and a year before
them fills the window of its errors (of 500 origins that began without, the 80 % band of copper covered 82.5 %).
Instruments of Tokyo: an error of the mean over 1,000 is far below that of the days themselves."""

QUICK = Size(
    name="quick",
    warm_up=120,
    refit_every=dict.fromkeys(SETS, 20),
    origins=dict.fromkeys(SETS, 25),
    burn_in={},
    instruments={"jp": 40, "us": 40},
    market={"jp": 100, "us": 100},
    single_share=0.04,
    stretch=50,
)
"""To see that all of it works; the days are too few to tell anything."""


@dataclass(frozen=True)
class BacktestPorts:
    """What a scoreboard needs.

    Attributes:
        market: Holds the bars.
        training: What training needs.
        prediction: What forecasting needs.
    """

    market: MarketBars
    training: TrainingPorts
    prediction: PredictionPorts


def in_sample_order(symbols: Sequence[str]) -> list[str]:
    """Symbols in the order of samples: that of their MD5 digests, which has nothing to do with prices."""
    return sorted(symbols, key=lambda symbol: md5(symbol.encode(), usedforsecurity=False).hexdigest())


def folds_of(universe: Universe, window: tuple[date, date], size: Size) -> list[Fold]:
    """Trainings and origins of a universe: the newest that have every horizon's outcome behind them.

    Args:
        universe: Whose sessions.
        window: First and last day on which its instruments have bars.
        size: How many.

    Raises:
        WorkFellShortError: The window is too short.
    """
    table = session_table(universe.calendar)
    sessions = table.filter(pl.col("session").is_between(*window))["session"]
    return folds_in(sessions, size, universe.name)


def folds_in(sessions: pl.Series, size: Size, name: str) -> list[Fold]:
    """As `folds_of`, of any sessions that all have bars.

    Args:
        sessions: Ascending.
        size: How many.
        name: Of the set.

    Raises:
        WorkFellShortError: They are too few.
    """
    usable = len(sessions) - max(HORIZONS) - size.warm_up
    if usable < 1:
        raise WorkFellShortError(
            f"{name} has {len(sessions)} sessions with bars; {size.warm_up} before the first origin and "
            f"{max(HORIZONS)} behind it are needed"
        )
    last = len(sessions) - max(HORIZONS) - 1
    first = last - min(size.origins[name] + size.burn_in.get(name, 0), usable) + 1
    folds = list(rolling_origins(sessions, sessions[first], sessions[last], DECIDED_EVERY))
    served = size.refit_every[name] // DECIDED_EVERY
    return [
        Fold(folds[place // served * served].train_until, fold.origins) for place, fold in enumerate(folds)
    ]


def counted(folds: Sequence[Fold], size: Size, name: str) -> list[date]:
    """The origins that stand in the tables: the newest, without the burn-in."""
    return [origin for fold in folds for origin in fold.origins][-size.origins[name] :]


def evaluate_universe(
    universe: Universe, window: tuple[date, date], size: Size, ports: BacktestPorts, step: Step
) -> BacktestResult:
    """Walks forward through a universe by the stores of every day, and reads off what came of it.

    Args:
        universe: Whose instruments.
        window: First and last day on which its instruments have bars.
        size: How much.
        ports: What it needs.
        step: Called with the model at work and the first origin of its fold.

    Raises:
        WorkFellShortError: The window is too short.
        ConfigurationError: There are no bars.
    """
    folds = folds_of(universe, window, size)
    first = folds[0].origins[0]
    inputs = forecast_inputs(universe, first, window[1], ports.market)
    there = inputs.raw.filter(pl.col("session") == first)["symbol"].unique().to_list()
    ordered = in_sample_order(there)
    if universe.name in size.market:
        inputs = inputs.only(ordered[: size.market[universe.name]])
    kept = ordered[: size.instruments.get(universe.name)]
    most = {model.name: model.profile.scoreboard_series for model in ports.prediction.forecasters}
    few = {
        model: kept[: int(count * size.single_share)]
        for model, count in most.items()
        if count is not None and int(count * size.single_share) < len(kept)
    }
    walk = Walk(folds, few, kept, SEED)
    walk_forward_universe(inputs, walk, ports.training, ports.prediction, step)
    return _board(inputs, walk, size, {model: len(names) for model, names in few.items()}, ports.prediction)


def _board(
    inputs: ForecastInputs, walk: Walk, size: Size, few: Mapping[str, int], ports: PredictionPorts
) -> BacktestResult:
    """Reads model by model: a year of a large market is millions of rows."""
    universe, store, folds = inputs.universe, ports.store, walk.folds
    origins = counted(folds, size, universe.name)
    first, last = origins[0], origins[-1]
    table = session_table(universe.calendar)
    until = table.filter(pl.col("session") > last)["session"][max(HORIZONS) - 1]
    sectors = inputs.panel.bars.select("symbol", "sector").drop_nulls().unique("symbol", keep="last")
    scores, missing, spreads, by_sectors = [], [], [], pl.DataFrame()
    for name in (*(forecaster.name for forecaster in ports.forecasters), ENSEMBLE):
        rows = store.scored(universe, first, until, models=[name])
        scores.append(scores_of(rows))
        missing.append(missing_by_reason(rows))
        if name in {ENSEMBLE, NO_CHANGE} and len(walk.kept or ()) > A_FEW:
            spreads.append(spread(rows))
        if name == ENSEMBLE and not sectors.is_empty():
            by_sectors = by_sector(rows, sectors)
    return BacktestResult(
        name=universe.name,
        first=first,
        last=last,
        origins=len(origins),
        refit_every=size.refit_every[universe.name],
        instruments=len(walk.kept or ()),
        market=inputs.panel.bars["symbol"].n_unique(),
        scores=corrected(pl.concat(scores)),
        missing=pl.concat(missing),
        few=few,
        failed=_failed(store, universe, len({fold.train_until for fold in folds})),
        sectors=by_sectors,
        spread=pl.concat(spreads) if spreads else pl.DataFrame(),
        champions=champions(universe, last, store),
        weights={
            decision.horizon: {model: float(str(weight)) for model, weight in decision.outcome.items()}
            for decision in store.decisions(universe, WEIGHTS, last)
        },
    )


def _failed(store: ForecastStore, universe: Universe, folds: int) -> dict[str, str]:
    """Model → how many of its trainings came to nothing, and why the newest did."""
    broken: dict[str, list[str]] = {}
    for record in store.trainings(universe, folds):
        if record.reason is not None:
            broken.setdefault(record.model, []).append(record.reason)
    return {
        model: f"{len(why)} of {folds} trainings, the newest because of {why[0]}"
        for model, why in sorted(broken.items())
    }
