"""Training and forecasting a whole market through the front door, and what the forecasts of the past were worth."""

import json
import os
import subprocess
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


STORED = Path(__file__).resolve().parent / "scoreboard.json"
"""The newest run of the untouched parts, with its commit: `python -m benchmarks.untouched` makes it."""


def stored_figures() -> tuple[dict[str, float], str]:
    """Figures of the stored run, and which commit and size they are of.

    Raises:
        FileNotFoundError: There was no run yet.
    """
    run = json.loads(STORED.read_text(encoding="utf-8"))
    known = {name: value for name, value in run["figures"].items() if value is not None}
    return known, f"stored run of {run['commit']}, size {run['size']}"


def run_untouched(data: Path, *, quick: bool, names: str = "") -> dict[str, Any]:
    """Judges the untouched part of every set, as the command does it."""
    words = [str(_MIRAIKAKAKU), "scoreboard", "--data", str(data), "--part", "untouched", "--json"]
    words += [*(["--quick"] if quick else []), *(["--universe", names] if names else [])]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(
            f"the scoreboard ended with {ran.returncode}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
        )
    made: dict[str, Any] = json.loads(ran.stdout)
    return made


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
