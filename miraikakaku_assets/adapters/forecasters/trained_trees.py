"""Trees that have been grown: what is kept of them, and how they forecast."""

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.baselines import with_reasons
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.frames import at_horizon, forecast_frame, origin_rows
from miraikakaku_assets.domain.forecasting.learning import Examples, inputs, of_sessions, session_means
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility
from miraikakaku_assets.domain.forecasting.serialization import packed, unpacked

if TYPE_CHECKING:
    import xgboost

Numbers = NDArray[np.float64]
Singles = NDArray[np.float32]

MARKET, CROSS_SECTIONAL = "market", "apart"
"""What a part forecasts: the mean move of the session, or the distances of instruments from it."""

_META = "parts.json"
_MANY = 20_000


@dataclass(frozen=True)
class Part:
    """Trees for one question and horizon.

    Attributes:
        of: `MARKET` or `CROSS_SECTIONAL`.
        horizon: Sessions ahead.
        share: How much of their forecasts is believed, above 0.
        trees: XGBoost's UBJSON.
    """

    of: str
    horizon: int
    share: float
    trees: bytes


@dataclass(frozen=True)
class TrainedTrees:
    """Trees with what is believed of them.

    Attributes:
        name: Of the forecaster.
        version: Of the forecaster.
        trained_until: First session that they may forecast from.
        seed: Of the training.
        passed: Columns of the panel among what they read.
        inputs: What they read, in order.
        parts: What is believed at all; without any, they forecast no change.
    """

    name: str
    version: str
    trained_until: date
    seed: int
    passed: tuple[str, ...]
    inputs: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def learnt(self) -> Mapping[str, float]:
        """As in the contract: how much of each part is believed, per horizon; 0 is no change."""
        believed = {(part.of, part.horizon): part.share for part in self.parts}
        return {
            f"believed_{of}_{h}": believed.get((of, h), 0.0)
            for of in (MARKET, CROSS_SECTIONAL)
            for h in HORIZONS
        }

    def save(self) -> bytes:
        """As in the contract: an archive of XGBoost's own files and what they are."""
        meta = {"inputs": self.inputs, "parts": [_described(part) for part in self.parts]}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            # A ZipInfo of its own carries no clock: the same training gives the same bytes.
            archive.writestr(zipfile.ZipInfo(_META), json.dumps(meta))
            for part in self.parts:
                archive.writestr(zipfile.ZipInfo(_file(_described(part))), part.trees)
        return packed(self, content.getvalue())

    def predict(self, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract.

        The market is what the panel has at the origin: give all its instruments.
        """
        known = panel.until(max(origins)) if origins else panel
        bars = with_reasons(known).with_columns(sigma=ewma_volatility(), at=pl.int_range(pl.len()))
        rows = origin_rows(Panel(bars, panel.sessions, panel.unpriced), origins)
        rows = rows.with_columns(reason=pl.coalesce("reason", "unfit"))
        made = rows.filter(pl.col("reason").is_null())
        points = self._standardised(known, made["at"].to_numpy(), made["ordinal"].to_numpy())
        columns = {f"point_{h}": points[:, place] for place, h in enumerate(HORIZONS)}
        rows = rows.join(
            made.select("symbol", "as_of").with_columns(**columns), on=["symbol", "as_of"], how="left"
        )
        sd = pl.col("sigma") * pl.col("horizon").cast(pl.Float64).sqrt()
        return forecast_frame(panel, rows, self, {"point": at_horizon("point") * sd, "sd": sd})

    def _standardised(self, panel: Panel, at: NDArray[np.int64], session: NDArray[np.int64]) -> Numbers:
        """Forecasts in standard deviations, per row of the panel's bars and horizon."""
        forecasts = np.zeros((len(at), len(HORIZONS)))
        if not self.parts or not len(at):
            return forecasts
        rows = Examples(session, self._inputs(panel, at), forecasts.astype(np.float32))
        days = of_sessions(rows)
        day = np.searchsorted(days.session, session)
        for part in self.parts:
            place, trees = HORIZONS.index(part.horizon), _booster(part.trees)
            if part.of == MARKET:
                forecasts[:, place] += part.share * trees.inplace_predict(days.inputs)[day]
            else:
                forecasts[:, place] += (
                    part.share * distances(trees.inplace_predict(rows.inputs)[:, None], session)[:, 0]
                )
        return forecasts

    def _inputs(self, panel: Panel, at: NDArray[np.int64]) -> Singles:
        known = inputs(panel, self.passed)
        absent = sorted(set(self.inputs) - set(known.columns))
        if absent:
            raise ConfigurationError(
                f"{self.name} was trained with {absent}, which this panel does not give; give it the same columns"
            )
        return known.select(self.inputs)[at].to_numpy()


def distances(forecast: Singles, session: NDArray[np.int64]) -> Singles:
    """Less the mean of the session: what only sets instruments apart."""
    if not len(session):
        return forecast
    means = [session_means(column, session)[session] for column in forecast.T]
    return np.asarray(forecast - np.stack(means, axis=1), dtype=np.float32)


def threads_for(rows: int, most: int) -> int:
    """One for few rows: threads wait for each other by spinning, which on busy cores took 10 times as long."""
    return most if rows >= _MANY else 1


def loaded(saved: bytes, name: str, version: str, passed: tuple[str, ...]) -> TrainedTrees:
    """What `TrainedTrees.save` has kept.

    Raises:
        ConfigurationError: The bytes are of another model or version, or damaged.
    """
    kept = unpacked(saved, name, version)
    try:
        with zipfile.ZipFile(io.BytesIO(kept.content)) as archive:
            meta = json.loads(archive.read(_META))
            parts = tuple(Part(**part, trees=archive.read(_file(part))) for part in meta["parts"])
            names = tuple(meta["inputs"])
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"The saved {name} is damaged: train it again") from error
    return TrainedTrees(name, version, kept.trained_until, kept.seed, passed, names, parts)


def library() -> ModuleType:
    """XGBoost, whose waiting threads sleep: spinning, two of them took ten times the processor on a busy machine."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when its OpenMP library is loaded
    import xgboost

    return xgboost


def _booster(trees: bytes) -> "xgboost.Booster":
    booster: xgboost.Booster = library().Booster({"nthread": 1})  # 4,178 rows take 3 ms
    booster.load_model(bytearray(trees))
    return booster


def _described(part: Part) -> dict[str, Any]:
    return {"of": part.of, "horizon": part.horizon, "share": part.share}


def _file(described: dict[str, Any]) -> str:
    return f"{described['of']}_{described['horizon']}.ubj"
