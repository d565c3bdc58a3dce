"""Ports of forecasting: what models are made from, where they and their forecasts are kept, and how they came out.

A forecast is written once. What came is written once, when the session that was forecast has ended; both stay, and
every figure of performance can be counted again from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

import polars as pl

from miraikakaku_assets.domain.forecasting.contract import FORECASTS
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import Universe

PREDICTIONS: dict[str, pl.DataType] = (
    FORECASTS
    | {
        "close": pl.Float64(),  # at the origin, split-adjusted as of the day it was made: what people saw
        "calibration": pl.String(),  # a `bands.Calibration`; null where there is no forecast
        "calibration_scores": pl.Int64(),  # how many past errors made the bands
        "quantiles": pl.List(pl.Float64()),  # nine log returns at `bands.QUANTILES`; null in old forecasts
        "model_id": pl.Int64(),  # the training behind it; null for an ensemble
        "inputs": pl.String(),  # names of what was known of other markets, with commas; null where none were asked for
    }
)
"""A forecast as it is stored."""

OUTCOMES: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "as_of": pl.Date(),
    "horizon": pl.Int64(),
    "target": pl.Date(),
    "actual": pl.Float64(),  # log return from the origin to the target; null: no trade on either, for good
    "naive": pl.Float64(),  # mean size of the one-session log returns up to the origin, which scales MASE
}
"""What came; one row for all models."""

PERFORMANCE: dict[str, pl.DataType] = {
    "segment_kind": pl.String(),  # universe, sector or symbol
    "segment": pl.String(),  # the universe's name, the sector's, the symbol
    "model": pl.String(),
    "horizon": pl.Int64(),
    "window": pl.Int64(),  # origins that count, back from the newest with an outcome; 1 is a day of its own
    "until": pl.Date(),  # newest target that counts
    "n": pl.Int64(),
    "days": pl.Int64(),
    "missing": pl.Int64(),
    "mae": pl.Float64(),
    "rmse": pl.Float64(),
    "mape": pl.Float64(),
    "mase": pl.Float64(),
    "mae_no_change": pl.Float64(),
    "mape_no_change": pl.Float64(),
    "mae_to_no_change": pl.Float64(),
    "skill": pl.Float64(),
    "dm_p_better": pl.Float64(),
    "calls": pl.Int64(),
    "hit_rate": pl.Float64(),
    "hit_low": pl.Float64(),
    "hit_high": pl.Float64(),
    "always_up": pl.Float64(),
    "coverage_80": pl.Float64(),
    "coverage_95": pl.Float64(),
    "width_80": pl.Float64(),
    "width_95": pl.Float64(),
}
"""Scores of a segment, see `domain.forecasting.scores.score`; unique by the first six columns."""


@dataclass(frozen=True)
class ModelRecord:
    """A training, whether or not it came to something.

    Attributes:
        universe: Name of whose instruments.
        model: Name of the model.
        version: Of the model's definition.
        seed: Of the training.
        trained_until: Last session whose closes it could see.
        trained_at: When (UTC).
        data_version: Digest of what it was trained on: bars, corporate actions, sectors, other markets.
        code_version: Of this package.
        seconds: Wall time.
        file: Name below ``models/``; None if the training failed.
        sha256: Of the file.
        metrics: Figures for people: rows, symbols, bytes, and what the model says of itself.
        reason: Why there is no model; None if there is one.
        id: Number in the table; None before it is recorded.
    """

    universe: str
    model: str
    version: str
    seed: int
    trained_until: date
    trained_at: datetime
    data_version: str
    code_version: str
    seconds: float
    file: str | None = None
    sha256: str | None = None
    metrics: Mapping[str, object] = field(default_factory=dict)
    reason: str | None = None
    id: int | None = None


@dataclass(frozen=True)
class Decision:
    """Why an ensemble weighs as it does, or who is champion.

    Attributes:
        universe: Name of whose forecasts.
        kind: ``weights`` or ``champion``.
        as_of: Origin from which on it holds.
        horizon: Sessions ahead.
        outcome: The champion's name, or the models with their weights.
        evidence: What it was made from.
    """

    universe: str
    kind: str
    as_of: date
    horizon: int
    outcome: Mapping[str, object]
    evidence: Mapping[str, object]


class MarketBars(Protocol):
    """Daily bars of a whole universe."""

    def daily(
        self, universe: Universe, since: datetime | None, symbols: Sequence[str] | None
    ) -> pl.DataFrame:
        """Final daily bars since a moment (UTC): ``symbol``, ``ts``, the prices and ``volume``, raw, sorted."""

    def closes(
        self, universe: Universe, since: datetime | None, symbols: Sequence[str] | None
    ) -> pl.DataFrame:
        """Of the same bars ``symbol``, ``ts`` and ``close`` only: a whole market's closes are half of its bars."""

    def actions(self, universe: Universe) -> pl.DataFrame:
        """Dividends and splits without a flag, schema `ACTIONS`."""

    def sectors(self, universe: Universe) -> pl.DataFrame:
        """Columns ``symbol`` and ``sector`` of what is listed; no rows where no list names sectors."""


class ForecastStore(Protocol):
    """Trainings, forecasts, outcomes and scores.

    Forecasts, scores and decisions are those of one clock; trainings and outcomes are everybody's.
    """

    @property
    def clock(self) -> ForecastClock:
        """Whose forecasts it holds."""

    def at(self, clock: ForecastClock) -> "ForecastStore":
        """The same store, of the forecasts that are made at another clock."""

    def record_model(self, record: ModelRecord) -> ModelRecord:
        """Records a training and returns it with its number.

        The same universe, model, version, seed, end of training, data and code is one training: it is recorded
        once; a failure gives way to a success, and a file to another one (it was lost, and made again).
        """

    def models(self, universe: Universe, until: date) -> list[ModelRecord]:
        """The newest training of every model that came to something and saw nothing behind a session, by name."""

    def trainings(self, universe: Universe, last: int | None) -> list[ModelRecord]:
        """The newest trainings of every model, all of them for None, failed ones included, newest first."""

    def save_predictions(self, universe: Universe, predictions: pl.DataFrame, made_at: datetime) -> int:
        """Stores forecasts in one transaction, and returns how many were written.

        What is there stays, but for forecasts that were missing: they may be made until the session of their
        target begins, which whoever calls has to judge.

        Args:
            universe: Whose instruments.
            predictions: Schema `PREDICTIONS`.
            made_at: UTC.
        """

    def predicted(self, universe: Universe, as_of: date) -> Mapping[str, int]:
        """Model → symbols that have a forecast from that session, or a reason why not."""

    def newest_origin(self, universe: Universe) -> date | None:
        """The newest session that anything was forecast from."""

    def predictions(
        self,
        universe: Universe,
        since: date,
        until: date,
        symbols: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Forecasts of origins in a window of exchange dates, both included: `PREDICTIONS` with ``made_at``, sorted."""

    def unscored(self, universe: Universe, until: date) -> pl.DataFrame:
        """Forecast targets up to a session without an outcome: ``symbol``, ``as_of``, ``horizon``, ``target``."""

    def save_outcomes(self, universe: Universe, outcomes: pl.DataFrame, scored_at: datetime) -> int:
        """Stores what came, schema `OUTCOMES`, in one transaction; what is there stays. Returns how many were new."""

    def scored(
        self,
        universe: Universe,
        since: date,
        until: date,
        symbols: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        sample: int | None = None,
    ) -> pl.DataFrame:
        """Forecasts of origins in a window with what came by `until`.

        Args:
            universe: Whose instruments.
            since: First origin (exchange date).
            until: Last origin; outcomes of later targets are not known yet.
            symbols: Only these.
            models: Only these.
            sample: At most about so many instruments, always the same ones: for quantiles over a whole market.

        Returns:
            Schema `PREDICTIONS` with ``actual`` and ``naive`` (null: nothing came by then), sorted by symbol, model,
            as_of, horizon.
        """

    def directions(
        self, universe: Universe, since: date, until: date, model: str, symbols: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Which way a model said that prices would go, and which way they went by `until`: lean enough for a market.

        Args:
            universe: Whose instruments.
            since: First origin (exchange date).
            until: Last origin; outcomes of later targets are not known yet.
            model: Whose forecasts.
            symbols: Only these.

        Returns:
            ``symbol``, ``model``, ``horizon``, ``as_of``, and as ``point`` and ``actual`` their signs (-1, 0, 1); only
            what was forecast and has come, in no order.
        """

    def days_to_score(self, universe: Universe, until: date) -> dict[date, int]:
        """Targets up to a session whose scores are not those of what is stored, with the numbers of their marks.

        Whoever stores outcomes, or forecasts that have their outcomes, marks the day in the same transaction.
        """

    def save_performance(
        self, universe: Universe, performance: pl.DataFrame, done: Mapping[date, int] | None = None
    ) -> int:
        """Stores scores, schema `PERFORMANCE`; the same segment, model, horizon, window and day is replaced.

        Args:
            universe: Whose forecasts.
            performance: The scores.
            done: What `days_to_score` handed out and is scored now; a day that was marked since then stays marked.
        """

    def performance(
        self, universe: Universe, window: int, since: date | None = None, segment_kind: str = "universe"
    ) -> pl.DataFrame:
        """Stored scores, schema `PERFORMANCE`, sorted by segment, model, horizon, until."""

    def record_decisions(self, decisions: Sequence[Decision]) -> None:
        """Stores decisions; one of the same universe, kind, origin and horizon stays as it was."""

    def decisions(self, universe: Universe, kind: str, until: date) -> list[Decision]:
        """The newest decision per horizon that held at an origin."""


class ModelStore(Protocol):
    """Files of trained models."""

    def keep(self, universe: str, model: str, content: bytes) -> tuple[str, str]:
        """Stores a file whole or not at all; returns its name below ``models/`` and its SHA-256.

        Raises:
            ConfigurationError: It cannot be written there.
        """

    def read(self, name: str, sha256: str) -> bytes:
        """A stored file.

        Raises:
            ConfigurationError: It is gone, or not what was stored: train again.
        """
