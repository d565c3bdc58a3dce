"""How far a training or a forecast is, model by model, as whoever shows it reads it."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.forecasting.daily import ForecastPorts, predict_universe, train_universe
from miraikakaku_assets.application.work_progress import WorkProgress, WorkReading
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.forecasts.forecast_days import Days

READINGS = list[tuple[int, int, int, str]]


@dataclass(frozen=True)
class Untrainable(Drift):
    """The drift on a day on which it cannot be trained."""

    def fit(self, *_: object) -> "Drift":  # type: ignore[override]
        raise FloatingPointError("overflow")


class RecordedProgress(WorkProgress):
    """Remembers how far the work was whenever it said something new."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.readings: READINGS = []

    def start(self, step: str) -> None:
        super().start(step)
        self._remember()

    def finish(self, step: str, *, failed: bool = False) -> None:
        super().finish(step, failed=failed)
        self._remember()

    def _remember(self) -> None:
        reading = self.read()
        assert isinstance(reading, WorkReading)
        assert reading.seconds_left is not None  # from the first moment on
        self.readings.append((reading.processed, reading.total, reading.failed, reading.doing))


@pytest.fixture
def days(database: Database, tmp_path: Path) -> Days:
    days = Days(database, tmp_path)
    days.deliver_history()
    return days


def ports_with_progress(
    days: Days, models: tuple[Drift | RandomWalk, ...]
) -> tuple[ForecastPorts, RecordedProgress]:
    work, ports = RecordedProgress(), days.ports(models)
    training, prediction = replace(ports.training, work=work), replace(ports.prediction, work=work)
    return replace(ports, training=training, prediction=prediction), work


def test_a_training_tells_of_every_model_and_of_those_that_failed(days: Days) -> None:
    ports, work = ports_with_progress(days, (RandomWalk(), Untrainable()))

    train_universe(JP, ports)

    assert work.readings == [
        (0, 2, 0, "training random_walk"),
        (1, 2, 0, ""),
        (1, 2, 0, "training drift"),
        (2, 2, 1, ""),
    ]


def test_a_forecast_tells_of_its_trainings_of_every_model_and_of_the_ensemble(days: Days) -> None:
    ports, work = ports_with_progress(days, (RandomWalk(), Drift()))

    predict_universe(JP, ports)

    assert [doing for *_, doing in work.readings if doing] == [
        "training random_walk",
        "training drift",
        "forecasts of random_walk",
        "forecasts of drift",
        "forecasts of ensemble",
    ]
    assert work.readings[-1] == (5, 5, 0, "")
