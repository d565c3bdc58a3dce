"""Training and forecasting a whole market through the front door, and what the forecasts of the past were worth."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.ingest import collect, put_in_force
from benchmarks.market import Year
from benchmarks.watched import Ran, Watched
from miraikakaku_assets.adapters.storage.engine import Database

_MIRAIKAKAKU = Path(sys.executable).with_name("miraikakaku")


def measure_day(database: Database, year: Year, folder: Path) -> dict[str, Any]:
    """Times the weekly training of all models and one day's forecasts by all of them, each as a command.

    Start-up, reading, bands, the ensemble, storage and Dagster's bookkeeping count.

    Returns:
        ``train_minutes``, ``predict_minutes``, ``peak_mib`` (highest of both, whole process tree), ``made`` (model →
        symbols with a forecast), ``trained`` (model → seconds).
    """
    put_in_force(database, year)
    collect(database, year)
    place = Watched(folder, {"DATABASE_URL": database.url, "MIRAIKAKAKU_HOME": str(folder / "home")})
    train, predict = (_stage(place, what) for what in ("train", "predict"))
    seconds = "SELECT model, seconds FROM miraikakaku.forecast_models WHERE reason IS NULL"
    with database.engine.connect() as connection:
        trained = {model: float(spent) for model, spent in connection.exec_driver_sql(seconds)}
    forecasts = json.loads(predict.out)["stages"][0]
    return {
        "train_minutes": train.seconds / 60,
        "predict_minutes": predict.seconds / 60,
        "peak_mib": max(train.peak_mib, predict.peak_mib),
        "made": forecasts["made"],
        "trained": trained,
    }


def _stage(place: Watched, what: str) -> Ran:
    ran = place.run([str(_MIRAIKAKAKU), what, "--universe", "jp", "--json"])
    if ran.code:
        raise RuntimeError(f"{what} ended with {ran.code}: {ran.err[-2000:]}")
    return ran


def real_data() -> Path | None:
    """The folder of real market data, if there is one."""
    named = os.environ.get("MIRAIKAKAKU_REAL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.exists() else None


def measure_scores(data: Path, folder: Path, *, quick: bool) -> dict[str, dict[str, float]]:
    """Runs the scoreboard of every universe; what the ensemble reached by set."""
    place = Watched(folder, {"MIRAIKAKAKU_HOME": str(folder / "home")})
    options = [
        "--data",
        str(data),
        "--universe",
        "jp,us,fx,copper",
        "--json",
        *(["--quick"] if quick else []),
    ]
    ran = place.run([str(_MIRAIKAKAKU), "scoreboard", *options])
    if ran.code:
        raise RuntimeError(f"the scoreboard ended with {ran.code}: {ran.err[-2000:]}")
    return {name: board["reached"] for name, board in json.loads(ran.out)["sets"].items()}
