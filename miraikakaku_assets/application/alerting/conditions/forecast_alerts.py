"""Rules about forecasts that have become worse than they may be, and the use case that applies them.

What is watched is the mean of the newest twenty days one session ahead. The 5 % line of the price error is the
specification's; it is a line about the market more than about a model, as "no change" shows beside it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from miraikakaku_assets.application.alerting.alert_rule import (
    AlertChanges,
    AlertPorts,
    AlertRule,
    Finding,
    evaluate,
    reconcile,
)
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.application.forecasting.weights import champions
from miraikakaku_assets.application.ports.forecasts import ForecastStore, ModelRecord
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back
from miraikakaku_assets.domain.percent import percent_ja

WINDOW = 20
WORSE = 1.10
"""Mean absolute error over that of no change."""
COVERED = 0.70
"""Share of outcomes within the band of 80 %."""
OFF = 0.05
"""Mean absolute error in per cent of the price."""

_HORIZON = 1


@dataclass(frozen=True)
class ModelScores:
    """The newest scores of a model over `WINDOW` days, one session ahead.

    Attributes:
        universe: Name of the universe.
        scores: A row of `PERFORMANCE`.
        is_shown: Whether people are shown its forecasts: the ensemble and the champion.
    """

    universe: str
    scores: Mapping[str, object]
    is_shown: bool

    @property
    def labels(self) -> dict[str, str]:
        """Universe and model."""
        return {"universe": self.universe, "model": str(self.scores["model"])}

    def figure(self, column: str) -> float | None:
        """A figure of the scores, None if it is missing."""
        value = self.scores[column]
        return value if isinstance(value, float) else None


@dataclass(frozen=True)
class Training:
    """The newest training of a model."""

    record: ModelRecord

    @property
    def labels(self) -> dict[str, str]:
        """Universe and model."""
        return {"universe": self.record.universe, "model": self.record.model}


def watch_forecasts(universe: Universe, store: ForecastStore, ports: AlertPorts) -> AlertChanges:
    """Judges the newest scores and trainings of a universe.

    Args:
        universe: Whose forecasts.
        store: Holds scores and trainings.
        ports: What it needs.
    """
    trainings = {record.model: Training(record) for record in store.trainings(universe, 1)}
    return reconcile(
        [
            *evaluate(SCORE_RULES, _newest_scores(universe, store, ports.clock())),
            *evaluate(TRAINING_RULES, trainings.values()),
        ],
        ports,
    )


def _newest_scores(universe: Universe, store: ForecastStore, now: datetime) -> Iterator[ModelScores]:
    last = last_completed_session(universe.calendar, now)
    performance = store.performance(universe, WINDOW, sessions_back(universe.calendar, last, WINDOW))
    rows = performance.filter(pl.col("horizon") == _HORIZON, pl.col("days") >= WINDOW)
    newest = rows.sort("until").group_by("model", maintain_order=True).last().sort("model")
    shown = {ENSEMBLE, champions(universe, last, store)[_HORIZON]}
    for row in newest.iter_rows(named=True):
        yield ModelScores(universe.name, row, row["model"] in shown)


def _finding(model: ModelScores, title: str) -> Finding:
    scores, ratio = model.scores, model.figure("mae_to_no_change")
    mape, mape_no_change = percent_ja(model.figure("mape"), 2), percent_ja(model.figure("mape_no_change"), 2)
    lines = [
        f"ユニバース: {model.universe}",
        f"モデル: {scores['model']}(1営業日先、直近{WINDOW}日、{scores['until']}まで)",
        f"「変化なし」に対する平均絶対誤差の比: {'–' if ratio is None else f'{ratio:.3f}'}(上限 {WORSE:.2f})",
        f"80%区間の的中率: {percent_ja(model.figure('coverage_80'), 2)}(下限 {COVERED:.0%})",
        f"平均絶対誤差率: {mape}、「変化なし」: {mape_no_change}",
    ]
    details = {
        name: scores[name] for name in ("model", "mae_to_no_change", "coverage_80", "mape", "n", "days")
    }
    severity = Severity.WARNING if model.is_shown else Severity.INFO
    return Finding(title, lines, details | {"until": str(scores["until"])}, severity)


def _untrained(training: Training) -> Finding | None:
    record = training.record
    if record.reason is None:
        return None
    lines = [
        f"ユニバース: {record.universe}",
        f"モデル: {record.model}",
        f"学習の終わり: {record.trained_until}",
        f"エラー: {record.reason}",
        "前回学習したモデルがあれば当面それで予測し、なければ予測は理由付きの欠測になります。他のモデルは続きます。",
    ]
    details = {"model": record.model, "trained_until": str(record.trained_until), "reason": record.reason}
    return Finding(f"モデルの学習に失敗しました: {record.universe} {record.model}", lines, details)


def _score_rule(
    name: str,
    column: str,
    is_wrong: Callable[[float], bool],
    title: Callable[[float], str],
    *,
    when: str,
    over: str,
) -> AlertRule[ModelScores]:
    """A rule about one figure of the scores; where that is missing, nothing can be said."""

    def find(model: ModelScores) -> Finding | None:
        figure = model.figure(column)
        if figure is None or not is_wrong(figure):
            return None
        return _finding(model, f"{title(figure)}: {' '.join(model.labels.values())}")

    return AlertRule(
        key=f"forecast/<universe>/<model>/{name}",
        severities=(Severity.WARNING, Severity.INFO),
        find=find,
        judges=lambda model: model.figure(column) is not None,
        when=when,
        over=over,
        remedy="`miraikakaku train --universe U`, then compare with no change in `prediction_performance`; where it "
        "stays, the ensemble weighs the model down by itself.",
    )


SCORE_RULES = (
    _score_rule(
        "skill",
        "mae_to_no_change",
        lambda ratio: ratio > WORSE,
        lambda ratio: f"予測が「変化なし」より{(ratio - 1) * 100:.0f}%悪化しています",
        when=f"over {WINDOW} days the mean error is more than {WORSE:.2f} of that of no change",
        over="it is not",
    ),
    _score_rule(
        "coverage",
        "coverage_80",
        lambda share: share < COVERED,
        lambda share: f"80%予測区間の的中率が{percent_ja(share)}に低下しました",
        when=f"over {WINDOW} days the 80 % band held less than {COVERED * 100:.0f} %",
        over="it holds more",
    ),
    _score_rule(
        "mape",
        "mape",
        lambda mape: mape > OFF,
        lambda mape: f"予測の平均絶対誤差率が{percent_ja(mape, 2)}です(上限{OFF:.0%})",
        when=f"over {WINDOW} days the mean absolute percentage error is above {OFF * 100:.0f} %",
        over="it is not",
    ),
)
"""Rules about the scores of a model."""

TRAINING_RULES = (
    AlertRule[Training](
        key="forecast/<universe>/<model>/untrained",
        severities=(Severity.WARNING,),
        when="the newest training failed; the reason stands in it",
        over="one succeeds",
        find=_untrained,
        remedy="Mend what the reason says (memory, too few bars), then `miraikakaku train --universe U`.",
        inhibits=("run/<universe>_training_job/failed",),
    ),
)
"""Rules about the newest training of a model."""
