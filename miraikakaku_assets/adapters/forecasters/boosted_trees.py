"""Gradient boosting and a random forest, learnt over all instruments at once, both by XGBoost.

What moves the market as a whole on a day and what sets its issues apart are two questions: a thousand issues on a
day answer the first one once and the second a thousand times. So trees are grown for each, for every horizon, on the
means of sessions and on the distances from them, and each is believed as far as forecasts of held-out sessions bear
it out by the loss it can win (`learning.shrinkage_weight` of the market, `learning.distance_weight` of the distances);
a part without merit forecasts 0, which is no change.
"""

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.adapters.forecasters.trained_trees import (
    CROSS_SECTIONAL,
    MARKET,
    Part,
    TrainedTrees,
    distances,
    library,
    loaded,
    threads_for,
)
from miraikakaku_assets.domain.forecasting.contract import FEWEST_RETURNS, HORIZONS, Look, Needs, Profile
from miraikakaku_assets.domain.forecasting.gates import (
    MIN_T_OF_RANKS,
    distance_weight,
    held_out,
    shrinkage_weight,
)
from miraikakaku_assets.domain.forecasting.learning import TARGETS, Examples, inputs, of_sessions, targets
from miraikakaku_assets.domain.forecasting.panel import Panel

if TYPE_CHECKING:
    import xgboost

Singles = NDArray[np.float32]

_SLOPE = 0.3
"""Standard deviations beyond which an error counts linearly: the score is the absolute error, whose best forecast is
the median, and returns are skewed. Of 600 issues of the TSE in 2025 against each other, one session ahead, trees of
squared errors had 1.0008 of the error of no change and these 0.9991."""

_DOUBT = {MARKET: 3.54, CROSS_SECTIONAL: MIN_T_OF_RANKS}
"""Standard errors, see `learning`. A wrong belief about distances costs little (at a quarter, 1.0007
of the error of no change on the S&P 500 at most, less than 1 on the TSE), one about the market much: learnt from
the calm rise of 2017 at 1.645, it made the forest's error of four sessions ahead 1.006. So the five answers about the
market may be wrong once in twenty years of weekly training: 5 % over 250 answers a year."""

_BINS = 32  # of the values of an input: finer splits fit noise and take longer
_WARM_UP = 250  # sessions before the first to learn from: 0.94^250 leaves nothing of what came before them
_LEAF, _LEAF_OF_SESSIONS = 0.0003, 0.01


@dataclass(frozen=True)
class BoostedTrees:
    """A `contract.Forecaster`; see the module.

    Attributes:
        passed: Columns of the panel that are inputs as they are, e.g. values of other markets. ``high``, ``low``,
            ``volume`` and ``sector`` are used where the panel has them.
        trees: How many for each part and horizon.
        rows: Most rows to learn from; of more, so many are drawn.
        sessions: Newest sessions to learn from.
        fewest: Rows (of the market: sessions) below which nothing is learnt.
        share: How much is believed, instead of what held-out sessions say.
        threads: Of the training; they change its time only.
    """

    passed: tuple[str, ...] = ()
    trees: int = 40
    rows: int = 500_000
    sessions: int = 750
    fewest: int = 200
    share: float | None = None
    threads: int = 2
    word: ClassVar[str]
    profile: ClassVar[Profile]

    @property
    def name(self) -> str:
        """As in the contract."""
        return self.word

    @property
    def version(self) -> str:
        """As in the contract: a number, and a sum over the settings."""
        settings = asdict(self)
        del settings["threads"]
        return f"2-{crc32(json.dumps(settings, sort_keys=True).encode()):08x}"

    @property
    def needs(self) -> Needs:
        """As in the contract; the volatility fades but never forgets."""
        return Needs(FEWEST_RETURNS, None, self.passed, market=True)

    @abstractmethod
    def growth(self, of: str) -> tuple[int, dict[str, Any]]:
        """Rounds of boosting, and XGBoost's parameters of the kind."""

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedTrees:
        """As in the contract."""
        names, rows = self._examples(panel.until(until), until)
        days = of_sessions(rows)
        day = np.searchsorted(days.session, rows.session)
        apart = Examples(rows.session, rows.inputs, rows.targets - days.targets[day])
        of_market = self._held_out(MARKET, days, seed)[day]
        of_apart = distances(self._held_out(CROSS_SECTIONAL, apart, seed), rows.session)
        shares = {
            MARKET: self._shares(MARKET, of_market, rows.targets, rows.session),
            CROSS_SECTIONAL: self._shares(CROSS_SECTIONAL, of_apart, apart.targets, rows.session),
        }
        parts = [
            Part(of, HORIZONS[place], shares[of][place], bytes(trees.save_raw("ubj")))
            for of, lesson in ((MARKET, days), (CROSS_SECTIONAL, apart))
            for place, trees in self._grown(of, lesson, np.flatnonzero(shares[of]), seed)
        ]
        return TrainedTrees(self.name, self.version, until, seed, self.passed, names, tuple(parts))

    def load(self, saved: bytes) -> TrainedTrees:
        """As in the contract."""
        return loaded(saved, self.name, self.version, self.passed)

    def _examples(self, panel: Panel, until: date) -> tuple[tuple[str, ...], Examples]:
        """Names of the inputs, and the newest sessions' bars whose volatility is known."""
        last = panel.bars["ordinal"].max()
        begin = (last if isinstance(last, int) else 0) - self.sessions
        recent = panel.bars.filter(pl.col("ordinal") > begin - _WARM_UP)
        rows = inputs(Panel(recent, panel.sessions, panel.unpriced), self.passed)
        names = tuple(rows.columns[2:])
        known = targets(Panel(recent, panel.sessions, panel.unpriced), until)
        chosen = (recent["ordinal"] > begin) & known["sigma"].is_not_null()
        return names, Examples(
            recent["ordinal"].filter(chosen).to_numpy(),
            rows.filter(chosen).select(names).to_numpy(),
            known.filter(chosen).select(TARGETS).to_numpy(),
        )

    def _shares(self, of: str, forecast: Singles, target: Singles, session: NDArray[np.int64]) -> list[float]:
        """Per horizon, how much of the forecasts is believed, by those of held-out rows."""
        if self.share is not None:
            return [self.share] * len(HORIZONS)
        gate = shrinkage_weight if of == MARKET else distance_weight
        pairs = zip(target.T, forecast.T, HORIZONS, strict=True)
        return [gate(came, predicted, session, h, _DOUBT[of]) for came, predicted, h in pairs]

    def _held_out(self, of: str, lesson: Examples, seed: int) -> Singles:
        """Forecasts of held-out rows, NaN elsewhere and where there is too little to learn from."""
        forecasts = np.full(lesson.targets.shape, np.nan, dtype=np.float32)
        if self.share is not None:
            return forecasts
        for before, then in held_out(lesson.session):
            for place, trees in self._grown(of, lesson.where(before), range(len(HORIZONS)), seed):
                forecasts[then, place] = trees.inplace_predict(lesson.inputs[then])
        return forecasts

    def _grown(
        self, of: str, lesson: Examples, places: Iterable[int], seed: int
    ) -> Iterator[tuple[int, "xgboost.Booster"]]:
        """Place of the horizon and its trees; none from too few rows or without another instrument to be apart of."""
        count = len(lesson.session)
        alone = of == CROSS_SECTIONAL and count < 2 * len(np.unique(lesson.session))
        places = list(places)
        if count < self.fewest or alone or not places:
            return
        xgboost = library()

        if count > self.rows:
            drawn = np.zeros(count, dtype=bool)
            drawn[np.random.default_rng(seed).permutation(count)[: self.rows]] = True
            lesson = lesson.where(drawn)
        threads = threads_for(len(lesson.session), self.threads)
        rounds, growth = self.growth(of)
        # The curvature of this loss is about 0.2 a row: leaves of 0.15 % of the rows, or of 5 % of the sessions.
        least = len(lesson.session) * (_LEAF if of == CROSS_SECTIONAL else _LEAF_OF_SESSIONS)
        settings = {
            "tree_method": "hist",
            "max_bin": _BINS,
            "objective": "reg:pseudohubererror",
            "huber_slope": _SLOPE,
            "base_score": 0.0,  # no change
            "min_child_weight": least,
            "seed": seed,
            "nthread": threads,
        }
        matrix = xgboost.QuantileDMatrix(lesson.inputs, max_bin=_BINS, nthread=threads)
        for place in places:
            target = lesson.targets[:, place]
            # The same rows for every horizon, so that inputs are binned once: those without a target weigh nothing.
            matrix.set_info(label=np.nan_to_num(target), weight=np.isfinite(target).astype(np.float32))
            yield place, xgboost.train(settings | growth, matrix, rounds)


@dataclass(frozen=True)
class XGBoost(BoostedTrees):
    """Trees that each correct those before by a little."""

    word: ClassVar[str] = "xgboost"
    profile: ClassVar[Profile] = Profile(
        Look("XGBoost", "#c2255c", "D", "◆"), ("xgboost",), training_seconds=33
    )

    def growth(self, of: str) -> tuple[int, dict[str, Any]]:
        """As in `BoostedTrees`."""
        size = (
            {"max_depth": 4, "reg_lambda": 50.0}
            if of == CROSS_SECTIONAL
            else {"max_depth": 2, "reg_lambda": 5.0}
        )
        return self.trees, size | {"eta": 0.05, "subsample": 0.5, "colsample_bytree": 0.5}


@dataclass(frozen=True)
class RandomForest(BoostedTrees):
    """Trees that are grown apart, each from some of the rows and inputs, and averaged."""

    word: ClassVar[str] = "random_forest"
    profile: ClassVar[Profile] = Profile(
        Look("Random Forest", "#d97706", "s", "■"), ("xgboost",), training_seconds=41
    )

    def growth(self, of: str) -> tuple[int, dict[str, Any]]:
        """As in `BoostedTrees`."""
        size = (
            {"max_depth": 6, "reg_lambda": 5.0}
            if of == CROSS_SECTIONAL
            else {"max_depth": 3, "reg_lambda": 1.0}
        )
        forest = {"num_parallel_tree": self.trees, "subsample": 0.6, "colsample_bynode": 0.3}
        return 1, size | forest | {"eta": 1.0}
