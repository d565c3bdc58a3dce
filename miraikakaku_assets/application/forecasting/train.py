"""Use case: train every forecaster on a universe, keep its model, and record each training.

A model that fails to train leaves the others alone; its forecasts are missing with a reason until it is trained.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from miraikakaku_assets.application.forecasting.inputs import ForecastInputs
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.forecasts import ForecastStore, ModelRecord, ModelStore
from miraikakaku_assets.application.stage_reports import TrainingTotals
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.fault_points import fault_point

Told = Callable[[ModelRecord], None]
"""Called with each training right after it was recorded."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingPorts:
    """What training needs.

    Attributes:
        store: Where trainings are recorded.
        shelf: Where models are kept.
        clock: Where the time comes from.
        code_version: Of this package.
        work: Counts the steps.
    """

    store: ForecastStore
    shelf: ModelStore
    clock: Clock
    code_version: str
    work: WorkProgress = field(default_factory=WorkProgress)


@dataclass
class TrainingReport:
    """What became of the models.

    Attributes:
        trained: Records of those that were trained now, by name.
        reused: Records of those whose training on the same bars is kept already, file and all.
        failed: Model → why there is none.
    """

    trained: dict[str, ModelRecord] = field(default_factory=dict)
    reused: dict[str, ModelRecord] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def records(self) -> Mapping[str, ModelRecord]:
        """Trainings that there are now, by name."""
        return {**self.reused, **self.trained}

    def totals(self, until: date) -> TrainingTotals:
        """The counts of a training on closes up to a session."""
        return TrainingTotals(
            trained_until=until,
            models=len(self.records),
            reused_models=len(self.reused),
            failed_models=len(self.failed),
            seconds=sum(record.seconds for record in self.trained.values()),
            reasons=self.failed or None,
        )


def train_models(
    inputs: ForecastInputs,
    until: date,
    forecasters: Sequence[Forecaster],
    ports: TrainingPorts,
    listener: Told = lambda _: None,
    seed: int = 0,
) -> TrainingReport:
    """Trains on closes up to a session.

    Args:
        inputs: Bars; what lies behind `until` is cut off before a model sees it.
        until: Last session that the training may see.
        forecasters: What is trained, in this order.
        ports: What it needs.
        listener: Called after each training.
        seed: Of the trainings; the same bars, code and seed give the same models.
    """
    report = TrainingReport()
    panel = inputs.panel.until(until)
    kept = {model.model: model for model in ports.store.models(inputs.universe, until)}
    data_version = inputs.data_version(until)
    for forecaster in forecasters:
        ports.work.start(training_of(forecaster.name))
        record = _blank(inputs.universe, until, forecaster, data_version, ports, seed)
        same = kept.get(forecaster.name)
        if same is not None and _identity(same) == _identity(record) and _is_kept(same, ports.shelf):
            report.reused[forecaster.name] = same
            ports.work.finish(training_of(forecaster.name))
            listener(same)
            continue
        began = time.monotonic()
        try:
            trained = forecaster.fit(panel, until, seed)
            content = trained.save()
            file, sha256 = ports.shelf.keep(inputs.universe.name, forecaster.name, content)
            fault_point("models.after_file")
        except Exception as error:  # noqa: BLE001 - libraries raise anything on odd data; the others go on
            _log.exception("%s could not be trained on %s", forecaster.name, inputs.universe.name)
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:500]
            record = _ended(record, began, reason=reason)
            report.failed[forecaster.name] = reason
        else:
            metrics = {
                "bytes": len(content),
                "symbols": panel.bars["symbol"].n_unique(),
                "bars": panel.bars.height,
                **trained.learnt,
            }
            record = _ended(record, began, file=file, sha256=sha256, metrics=metrics)
        record = ports.store.record_model(record)
        if record.reason is None:
            report.trained[forecaster.name] = record
        ports.work.finish(training_of(forecaster.name), failed=record.reason is not None)
        listener(record)
    return report


def training_of(model: str) -> str:
    """The training of a model as a step of the work."""
    return f"training {model}"


def _blank(
    universe: Universe,
    until: date,
    forecaster: Forecaster,
    data_version: str,
    ports: TrainingPorts,
    seed: int,
) -> ModelRecord:
    return ModelRecord(
        universe=universe.name,
        model=forecaster.name,
        version=forecaster.version,
        seed=seed,
        trained_until=until,
        trained_at=ports.clock(),
        data_version=data_version,
        code_version=ports.code_version,
        seconds=0.0,
    )


def _is_kept(record: ModelRecord, shelf: ModelStore) -> bool:
    """Whether its file is there and whole."""
    if record.file is None or record.sha256 is None:
        return False
    try:
        shelf.read(record.file, record.sha256)
    except ConfigurationError as error:
        _log.warning("%s", error)
        return False
    return True


def _identity(record: ModelRecord) -> tuple[object, ...]:
    return (
        record.model,
        record.version,
        record.seed,
        record.trained_until,
        record.data_version,
        record.code_version,
    )


def _ended(record: ModelRecord, began: float, **outcome: object) -> ModelRecord:
    return replace(record, seconds=round(time.monotonic() - began, 3), **outcome)  # type: ignore[arg-type]
