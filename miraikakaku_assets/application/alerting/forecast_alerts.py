"""Use case: say when forecasts have become worse than they may be, and when they are good again.

What is watched is the mean of the newest twenty days one session ahead. The 5 % line of the price error is the
specification's; it is a line about the market more than about a model, as "no change" shows beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from miraikakaku_assets.application.alerting.cycle_alerts import AlertChanges
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.application.forecasting.weights import champions
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.forecasts import ForecastStore, ModelRecord
from miraikakaku_assets.application.ports.notices import AlertStore, ChannelNames, NewAlert, Severity
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back
from miraikakaku_assets.domain.percent import percent_ja

FORECAST = "forecast"
"""Kind of these alerts."""

WINDOW = 20
WORSE = 1.10
"""Mean absolute error over that of no change."""
COVERED = 0.70
"""Share of outcomes within the band of 80 %."""
OFF = 0.05
"""Mean absolute error in per cent of the price."""

_HORIZON = 1
_SKILL, _COVERAGE, _MAPE, _UNTRAINED = "skill", "coverage", "mape", "untrained"
_FIGURES = {_SKILL: "mae_to_no_change", _COVERAGE: "coverage_80", _MAPE: "mape"}


@dataclass(frozen=True)
class ForecastWatch:
    """What watching needs.

    Attributes:
        store: Holds scores and trainings.
        alerts: Where alerts are raised.
        names_for: Who is told.
        clock: Where the time comes from.
    """

    store: ForecastStore
    alerts: AlertStore
    names_for: ChannelNames
    clock: Clock


def watch_forecasts(universe: Universe, ports: ForecastWatch) -> AlertChanges:
    """Judges the newest scores and trainings of a universe."""
    now = ports.clock()
    last = last_completed_session(universe.calendar, now)
    scores = _newest(
        ports.store.performance(universe, WINDOW, sessions_back(universe.calendar, last, WINDOW))
    )
    trainings = {one.model: one for one in ports.store.trainings(universe, 1)}
    shown = {ENSEMBLE, champions(universe, last, ports.store)[_HORIZON]}
    found = [alert for row in scores.iter_rows(named=True) for alert in _of_scores(universe, row, shown)]
    found += [alert for one in trainings.values() if (alert := _of_training(universe, one)) is not None]
    told = [replace(alert, channels=ports.names_for(alert.severity)) for alert in found]
    wrong = {one.key for one in told}
    # What is not judged now is not over: a model without new scores, or without that figure, keeps its alerts.
    judged = [
        (row["model"], kind)
        for row in scores.iter_rows(named=True)
        for kind, figure in _FIGURES.items()
        if row[figure] is not None
    ]
    judged += [(model, _UNTRAINED) for model in trainings]
    over = [key for model, kind in judged if (key := _key(universe, model, kind)) not in wrong]
    raised = ports.alerts.raise_alerts(told, now)
    return AlertChanges(tuple(one.title for one in told), raised, ports.alerts.resolve(over, now))


def _newest(performance: pl.DataFrame) -> pl.DataFrame:
    rows = performance.filter(pl.col("horizon") == _HORIZON, pl.col("days") >= WINDOW)
    return rows.sort("until").group_by("model", maintain_order=True).last().sort("model")


def _of_scores(universe: Universe, row: Mapping[str, object], shown: set[str]) -> list[NewAlert]:
    model = str(row["model"])
    severity = Severity.WARNING if model in shown else Severity.INFO
    found = []
    ratio, coverage, mape = (_number(row[name]) for name in ("mae_to_no_change", "coverage_80", "mape"))
    if ratio is not None and ratio > WORSE:
        title = f"予測が「変化なし」より{(ratio - 1) * 100:.0f}%悪化しています: {universe.name} {model}"
        found.append((_SKILL, title))
    if coverage is not None and coverage < COVERED:
        title = f"80%予測区間の的中率が{percent_ja(coverage)}に低下しました: {universe.name} {model}"
        found.append((_COVERAGE, title))
    if mape is not None and mape > OFF:
        title = f"予測の平均絶対誤差率が{percent_ja(mape, 2)}です(上限{OFF:.0%}): {universe.name} {model}"
        found.append((_MAPE, title))
    lines = [
        f"ユニバース: {universe.name}",
        f"モデル: {model}(1営業日先、直近{WINDOW}日、{row['until']}まで)",
        f"「変化なし」に対する平均絶対誤差の比: {'–' if ratio is None else f'{ratio:.3f}'}(上限 {WORSE:.2f})",
        f"80%区間の的中率: {percent_ja(coverage, 2)}(下限 {COVERED:.0%})",
        f"平均絶対誤差率: {percent_ja(mape, 2)}、「変化なし」: {percent_ja(_number(row['mape_no_change']), 2)}",
    ]
    details = {name: row[name] for name in ("model", "mae_to_no_change", "coverage_80", "mape", "n", "days")}
    return [
        NewAlert(
            key=_key(universe, model, kind),
            severity=severity,
            kind=FORECAST,
            title=title,
            message="\n".join(lines),
            universe=universe.name,
            details=details | {"until": str(row["until"])},
        )
        for kind, title in found
    ]


def _of_training(universe: Universe, record: ModelRecord) -> NewAlert | None:
    if record.reason is None:
        return None
    lines = [
        f"ユニバース: {universe.name}",
        f"モデル: {record.model}",
        f"学習の終わり: {record.trained_until}",
        f"エラー: {record.reason}",
        "前回学習したモデルがあれば当面それで予測し、なければ予測は理由付きの欠測になります。他のモデルは続きます。",
    ]
    return NewAlert(
        key=_key(universe, record.model, _UNTRAINED),
        severity=Severity.WARNING,
        kind=FORECAST,
        title=f"モデルの学習に失敗しました: {universe.name} {record.model}",
        message="\n".join(lines),
        universe=universe.name,
        details={"model": record.model, "trained_until": str(record.trained_until), "reason": record.reason},
    )


def _key(universe: Universe, model: str, kind: str) -> str:
    return f"{FORECAST}/{universe.name}/{model}/{kind}"


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None
