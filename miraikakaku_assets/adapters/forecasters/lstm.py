"""One LSTM for all instruments of a panel: Keras on JAX trains it, NumPy applies it.

A forecast needs neither library: the network is small enough to be written down in ten lines, and JAX would first
have to be loaded and compile.
"""

import functools
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, ClassVar
from zipfile import BadZipFile

import numpy as np
import polars as pl

from miraikakaku_assets.adapters.forecasters.lstm_windows import (
    CHANNELS,
    LENGTH,
    Numbers,
    Places,
    Samples,
    Single,
    batch,
    beliefs,
    beside_the_market,
    channels,
    held_out,
    samples,
    with_volatility,
)
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS, Look, Needs, Profile, TrainedForecaster
from miraikakaku_assets.domain.forecasting.frames import at_horizon, forecast_frame, origin_rows
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.forecasting.serialization import packed, unpacked

# 3e-3 fitted more closely and was worse on the sessions held out (600 TSE issues, one seed).
_LEARNING_RATE = 1e-3
# Larger products are split among threads that wait for each other: 17 µs a window, with 512 270 on two busy cores.
_TOGETHER = 128
_JUDGED = 200_000  # windows that the shrinkage is fitted on, at most


@dataclass(frozen=True)
class Network:
    """The weights as Keras lays them out: channels, and units, × 4 gates (in, forget, cell, out); units × horizons."""

    kernel: Single
    recurrent: Single
    bias: Single
    head: Single
    head_bias: Single

    def standardised(self, values: Single, rows: Places) -> Single:
        """Forecasts in standard deviations, windows × horizons.

        Args:
            values: `lstm_windows.channels`.
            rows: Last bars of the windows.
        """
        units = len(self.recurrent)
        # A sigmoid is a tanh of half the size: one function for all four gates, and none that overflows.
        half = np.full(4 * units, 0.5, np.float32)
        half[2 * units : 3 * units] = 1
        kernel, recurrent, bias = self.kernel * half, self.recurrent * half, self.bias * half
        forecasts = np.empty((len(rows), len(HORIZONS)), np.float32)
        for start in range(0, len(rows), _TOGETHER):
            chunk = rows[start : start + _TOGETHER]
            state, cell = np.zeros((2, len(chunk), units), np.float32)
            for back in range(LENGTH - 1, -1, -1):
                gates = np.tanh(values[chunk - back] @ kernel + state @ recurrent + bias)
                enter, keep, new, leave = np.split(gates, 4, axis=1)
                cell = (0.5 + 0.5 * keep) * cell + (0.5 + 0.5 * enter) * new
                state = (0.5 + 0.5 * leave) * np.tanh(cell)
            forecasts[start : start + _TOGETHER] = state @ self.head + self.head_bias
        return forecasts


@dataclass(frozen=True)
class Lstm:
    """A network that learns what comes after the last 30 bars, beside the market, in standard deviations.

    It minimises the mean absolute error over the older four fifths of the sessions. How far it is believed is
    measured on the newest fifth, which it has not seen: a factor from 0 to 1 per horizon. Where it was no better
    than no change there, or where there is too little to learn from or to judge by, the factor is 0 and the
    forecast is no change. The standard deviation over h sessions is σ √h, with the EWMA volatility as σ.

    Attributes:
        units: Cells of the network.
        batch: Windows per step.
        passes: Times that every window is learned from, at most.
        most: Windows that are learned from in all, counted again in every pass: 90 µs of CPU time each.
        fewest: Windows below which nothing is learned.
        fewest_sessions: Sessions held out below which nothing is believed.
        belief: The factor, if it is not to be measured.
    """

    units: int = 32
    batch: int = 1024
    passes: int = 4
    most: int = 3_000_000
    fewest: int = 1_000
    fewest_sessions: int = 20
    belief: float | None = None
    profile: ClassVar[Profile] = Profile(
        Look("LSTM", "#7c3aed", "v", "▼"), ("keras", "jax"), training_seconds=158
    )

    @property
    def name(self) -> str:
        """As in the contract."""
        return "lstm"

    @property
    def version(self) -> str:
        """As in the contract."""
        return "1-" + sha256(repr(self).encode()).hexdigest()[:8]

    @property
    def needs(self) -> Needs:
        """As in the contract; the volatility fades but never forgets."""
        return Needs(LENGTH, None, market=True)

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedForecaster:
        """As in the contract."""
        known = panel.until(until)
        bars = with_volatility(known)
        older, newer = held_out(samples(known, bars, until))
        enough = len(older.rows) >= self.fewest and len(np.unique(newer.ordinals)) >= self.fewest_sessions
        if not enough:
            return TrainedLstm(self, until, seed, None, np.zeros(len(HORIZONS)))
        values = channels(bars)
        network = self._learned(values, beside_the_market(older), seed)
        if self.belief is not None:
            return TrainedLstm(self, until, seed, network, np.full(len(HORIZONS), self.belief))
        if len(newer.rows) > _JUDGED:
            newer = newer.where(np.sort(np.random.default_rng(seed).permutation(len(newer.rows))[:_JUDGED]))
        return TrainedLstm(
            self, until, seed, network, beliefs(network.standardised(values, newer.rows), newer)
        )

    def _learned(self, values: Single, samples: Samples, seed: int) -> Network:
        """Adam, with a rate that falls to 0."""
        start, step = _training(self.units)
        weights, moments = start(seed)
        random = np.random.default_rng(seed)
        due, shown = min(self.most, self.passes * len(samples.rows)), 0
        while shown < due:
            order = random.permutation(len(samples.rows))[: due - shown]
            for begin in range(0, len(order), self.batch):
                chosen = samples.where(order[begin : begin + self.batch])
                rate = np.float32(1 - shown / due)
                weights, moments = step(weights, moments, *batch(values, chosen, self.batch), rate)
                shown += len(chosen.rows)
        return Network(*(np.asarray(weight) for weight in weights))

    def load(self, saved: bytes) -> TrainedForecaster:
        """As in the contract."""
        kept = unpacked(saved, self.name, self.version)
        try:
            with np.load(io.BytesIO(kept.content), allow_pickle=False) as arrays:
                factors = arrays["beliefs"]
                weights = {name: arrays[name] for name in arrays.files if name != "beliefs"}
            network = Network(**weights) if weights else None
        except (ValueError, KeyError, TypeError, OSError, EOFError, BadZipFile) as error:
            raise ConfigurationError("The saved lstm is damaged: train it again") from error
        return TrainedLstm(self, kept.trained_until, kept.seed, network, factors)


@dataclass(frozen=True)
class TrainedLstm:
    """A trained network.

    Attributes:
        of: How it was trained.
        trained_until: Last session whose closes the training could see.
        seed: Of the first weights and of the order of the windows.
        network: None if there was too little to learn from.
        beliefs: Factors of its forecasts, one per horizon.
    """

    of: Lstm
    trained_until: date
    seed: int
    network: Network | None
    beliefs: Numbers

    @property
    def name(self) -> str:
        """As in the contract."""
        return self.of.name

    @property
    def version(self) -> str:
        """As in the contract."""
        return self.of.version

    def predict(self, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        bars = with_volatility(panel)
        rows = origin_rows(Panel(bars, panel.sessions, panel.unpriced), origins)
        rows = rows.with_columns(reason=pl.coalesce("reason", "unfit"))
        able = rows.filter(pl.col("reason").is_null())
        forecasts = np.zeros((able.height, len(HORIZONS)))
        if self.network is not None and self.beliefs.any():
            forecasts = self.network.standardised(channels(bars), able["row"].to_numpy()) * self.beliefs
        names = [f"standardised_{h}" for h in HORIZONS]
        known = able.select("symbol", "as_of").with_columns(**dict(zip(names, forecasts.T, strict=True)))
        rows = rows.join(known, on=["symbol", "as_of"], how="left")
        sd = pl.col("sigma") * pl.col("horizon").cast(pl.Float64).sqrt()
        return forecast_frame(panel, rows, self, {"point": at_horizon("standardised") * sd, "sd": sd})

    @property
    def learnt(self) -> Mapping[str, float]:
        """As in the contract: how much of its forecasts is believed, per horizon; 0 is no change."""
        return {
            f"believed_{h}": round(float(belief), 4) for h, belief in zip(HORIZONS, self.beliefs, strict=True)
        }

    def save(self) -> bytes:
        """As in the contract."""
        arrays = {} if self.network is None else vars(self.network)
        content = io.BytesIO()
        np.savez(content, beliefs=self.beliefs, **arrays)
        return packed(self, content.getvalue())


def _keras() -> Any:
    """Keras on JAX, on the CPU.

    The library reads its backend once, while it is imported, and a file in the home directory, which it else would
    write there; a home that is no directory keeps it from both.

    Raises:
        ConfigurationError: Something else has loaded it with another backend.
    """
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["KERAS_HOME"] = os.devnull
    import jax

    jax.config.update("jax_platforms", "cpu")  # type: ignore[no-untyped-call]
    import keras  # type: ignore[import-untyped]
    from absl import logging

    # Its handler closes the stream it was made with whenever logging is configured anew (each run of Dagster does,
    # and each server), unless that stream is the process's own: a stream put in its place by others lost its file.
    logging.get_absl_handler().python_handler.setStream(sys.__stderr__)
    if keras.backend.backend() != "jax":
        raise ConfigurationError(
            "Keras runs on another backend than jax here: train the lstm in its own process"
        )
    return keras


@functools.cache
def _training(units: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Functions that make first weights and optimiser state from a seed, and that do one step.

    They are kept, because JAX compiles a function again whenever it is a new one.
    """
    keras = _keras()
    import jax
    import jax.numpy as jnp

    def network(seed: int) -> Any:
        # Keras draws from one global generator unless every layer has its own seed.
        first = keras.initializers
        seeds = (np.random.SeedSequence(seed).generate_state(4) >> 1).tolist()  # JAX takes 31 bits
        cells = keras.layers.LSTM(
            units,
            kernel_initializer=first.GlorotUniform(seed=seeds[0]),
            recurrent_initializer=first.Orthogonal(seed=seeds[1]),
            seed=seeds[2],
            dtype="float32",
        )
        head = keras.layers.Dense(
            len(HORIZONS), kernel_initializer=first.RandomNormal(stddev=0.01, seed=seeds[3]), dtype="float32"
        )
        return keras.Sequential([keras.Input((LENGTH, len(CHANNELS)), dtype="float32"), cells, head])

    pattern = network(0)
    adam = keras.optimizers.Adam(_LEARNING_RATE, clipnorm=1.0)
    adam.build(pattern.trainable_variables)
    fixed = [variable.value for variable in pattern.non_trainable_variables]

    def loss(weights: Any, seen: Any, ahead: Any) -> Any:
        forecasts, _ = pattern.stateless_call(weights, fixed, seen)
        known = ~jnp.isnan(ahead)
        # Twice: the gradient of what is masked only afterwards would be NaN.
        error = jnp.where(known, jnp.abs(jnp.where(known, ahead, 0.0) - forecasts), 0.0)
        return error.sum() / jnp.maximum(known.sum(), 1)

    def step(weights: Any, moments: Any, seen: Any, ahead: Any, rate: Any) -> Any:
        changed, moments = adam.stateless_apply(moments, jax.grad(loss)(weights, seen, ahead), weights)
        return [old + rate * (new - old) for old, new in zip(weights, changed, strict=True)], moments

    def start(seed: int) -> Any:
        return [variable.value for variable in network(seed).trainable_variables], [
            variable.value for variable in adam.variables
        ]

    return start, jax.jit(step)
