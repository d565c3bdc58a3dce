"""Use case: the whole scoreboard, from files of real data to plain values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from miraikakaku_assets.application.backtest.load_datasets import DatasetPorts, Taken, load_datasets
from miraikakaku_assets.application.backtest.scoreboard import (
    DECIDED_EVERY,
    SEED,
    BacktestPorts,
    Size,
    counted,
    evaluate_universe,
    folds_in,
    folds_of,
)
from miraikakaku_assets.application.backtest.series import (
    Measured,
    currency_panel,
    in_papers_measures,
    metal_panel,
    papers_folds,
    series_board,
    walk_series,
)
from miraikakaku_assets.application.backtest.tables import BacktestResult
from miraikakaku_assets.application.backtest.walk_forward import Step
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.evaluation import Fold
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.market.universes.copper import COMEX_COPPER
from miraikakaku_assets.domain.words import named_in

METAL, CURRENCIES = "lme", "exchange_rate"

ALL = ("jp", "us", "fx", "copper", METAL, CURRENCIES)
"""Every set, in the order of the page."""

_WALKED = {**UNIVERSES, "copper": COMEX_COPPER}
"""Universe of each set: the evidence of copper holds COMEX only."""
_IMPORTED = ("fx", "copper", "us", "jp")
_LIKE = {METAL: "copper", CURRENCIES: "fx"}  # sets that are no universe, and whose models forecast them
_KNOWN_ELSEWHERE = ("fx", "us")  # the models of every market read Wall Street and the dollar

SetProgress = Callable[[str, str, int, int], None]
"""Called with the set at work, the model at work, and how many turns of how many are done."""


@dataclass
class Scoreboard:
    """Everything that is shown.

    Attributes:
        size: How much was evaluated.
        models: Model → version.
        taken: Universe → what came of its files.
        boards: Set → its scoreboard, in the order of the page.
        papers: Our models in the measures of the papers; empty if that set was not asked for.
    """

    size: Size
    models: Mapping[str, str]
    taken: dict[str, Taken] = field(default_factory=dict)
    boards: dict[str, BacktestResult] = field(default_factory=dict)
    papers: Sequence[Measured] = ()


def named_sets(text: str) -> list[str]:
    """The sets of a list with commas, in the order of the page; all of them if it is empty.

    Raises:
        ConfigurationError: There is no such set.
    """
    named = set(named_in(text))
    unknown = sorted(named - set(ALL))
    if unknown:
        raise ConfigurationError(f"There is no evidence called {unknown[0]!r}; choose from: {', '.join(ALL)}")
    return [name for name in ALL if not named or name in named]


def make_scoreboard(
    sets: Sequence[str], size: Size, evidence: DatasetPorts, ports: BacktestPorts, progress: SetProgress
) -> Scoreboard:
    """Takes the evidence and evaluates every model on every set.

    Args:
        sets: Of `ALL`.
        size: How much.
        evidence: What taking it needs.
        ports: What evaluating needs.
        progress: Called at every turn.

    Raises:
        ConfigurationError: The folder of the evidence lacks a file.
        InputFileError: A file is not readable.
        WorkFellShortError: A set has no bars, or too few.
    """
    made = Scoreboard(
        size, {forecaster.name: forecaster.version for forecaster in ports.prediction.forecasters}
    )
    universes = [name for name in sets if name in UNIVERSES]
    for name in _IMPORTED if universes else ():
        if name in universes or name in _KNOWN_ELSEWHERE:
            progress(name, "import", 0, 0)
            made.taken[name] = load_datasets(_WALKED[name], evidence)
    for name in sets:
        serving = _serving(_LIKE.get(name, name), ports)
        if name == METAL:
            made.boards[name] = _metal(size, evidence, serving, progress)
        elif name == CURRENCIES:
            made.boards[name], made.papers = _currencies(size, evidence, serving, progress)
        else:
            window = made.taken[name].first, made.taken[name].last
            step = _step(name, folds_of(_WALKED[name], window, size), serving, progress)
            made.boards[name] = evaluate_universe(_WALKED[name], window, size, serving, step)
    return made


def _serving(universe: str, ports: BacktestPorts) -> BacktestPorts:
    """With the forecasters of a universe's evenings only."""
    models = [
        each for each in ports.prediction.forecasters if each.profile.serves(universe, ForecastClock.EVENING)
    ]
    return replace(ports, prediction=replace(ports.prediction, forecasters=models))


def _metal(size: Size, evidence: DatasetPorts, ports: BacktestPorts, progress: SetProgress) -> BacktestResult:
    data = metal_panel(evidence.evidence.metal())
    folds = folds_in(data.sessions, size, METAL)
    step = _step(METAL, folds, ports, progress)
    walked = walk_series(data, folds, ports.prediction.forecasters, SEED, step)
    return series_board(METAL, data, counted(folds, size, METAL), walked, size.refit_every[METAL])


def _currencies(
    size: Size, evidence: DatasetPorts, ports: BacktestPorts, progress: SetProgress
) -> tuple[BacktestResult, list[Measured]]:
    currencies = evidence.evidence.currencies()
    data, folds = currency_panel(currencies), papers_folds(currencies, DECIDED_EVERY, size.stretch)
    step = _step(CURRENCIES, folds, ports, progress)
    walked = walk_series(data, folds, ports.prediction.forecasters, SEED, step)
    board = series_board(CURRENCIES, data, [day for fold in folds for day in fold.origins], walked, None)
    return board, in_papers_measures(currencies, walked.rows, size.stretch)


def _step(name: str, folds: Sequence[Fold], ports: BacktestPorts, progress: SetProgress) -> Step:
    """What a walk tells, as counts: a model and the ensemble have a turn in every fold."""
    turns = [*(forecaster.name for forecaster in ports.prediction.forecasters), ENSEMBLE]
    places = {fold.origins[0]: place for place, fold in enumerate(folds)}

    def step(what: str, origin: date) -> None:
        progress(name, what, places[origin] * len(turns) + turns.index(what), len(folds) * len(turns))

    return step
