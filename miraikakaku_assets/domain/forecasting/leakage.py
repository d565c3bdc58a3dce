"""Does a feature know the future? Whatever happens after the origin must not change it.

The future is changed in two ways: it is cut off, and it is replaced by another one. A feature that is not what it
was is reported by name. The test is only as deep as the computation: a column that was worked out beforehand and
handed over with the panel looks innocent; work it out within `build`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from zlib import crc32

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.features import CrossMarket, FeatureInputs
from miraikakaku_assets.domain.forecasting.panel import Panel, panel

FeatureBuilder = Callable[[FeatureInputs], pl.DataFrame]
"""From inputs to ``symbol``, ``session`` and features."""

ROUNDING = 1e-9
"""Relative difference that counts as none: sums of other lengths round differently, another future moves far more."""

_KEYS = ["symbol", "session"]
_DERIVED = ("ordinal", "log_close", "ret", "elapsed")
_SWAY = 0.3


def leak_test(build: FeatureBuilder, inputs: FeatureInputs, origins: Iterable[date]) -> dict[str, date]:
    """Features that are not the same when the future is cut off, or is another one.

    Args:
        build: What is put to the test.
        inputs: Bars and other markets; what lies behind an origin is its future: later sessions, and values of
            other markets that were known after the forecast was made.
        origins: Where to look; a few are enough for a systematic leak. Sessions whose ``made_at`` is known, with
            bars on them and behind them.

    Returns:
        Offending column → first origin at which it showed; empty for features that do not look ahead.

    Raises:
        ConfigurationError: An origin has no features to compare, or a column no value at any of them: a test over
            nothing passes nothing.
    """
    leaks: dict[str, date] = {}
    everything = build(inputs)
    unseen = {name for name in everything.columns if name not in _KEYS}
    for origin in sorted(origins):
        whole = everything.filter(pl.col("session") == origin)
        if whole.is_empty():
            raise ConfigurationError(f"No features at {origin}: choose origins with bars")
        unseen = {name for name in unseen if whole[name].null_count() == whole.height}
        for future in (_cut, _swayed):
            other = build(future(inputs, origin)).filter(pl.col("session") == origin)
            for name in _different(whole, other):
                leaks.setdefault(name, origin)
    if unseen:
        raise ConfigurationError(f"{sorted(unseen)} are not known at any of these origins: choose later ones")
    return leaks


def _different(whole: pl.DataFrame, other: pl.DataFrame) -> list[str]:
    pairs = whole.join(other, on=_KEYS, how="full", coalesce=True, suffix="|other")
    names = [name for name in whole.columns if name not in _KEYS]
    missing = [name for name in names if name not in other.columns]
    return missing + [name for name in names if name not in missing and _differs(pairs, name)]


def _differs(pairs: pl.DataFrame, name: str) -> bool:
    left, right = pairs[name], pairs[f"{name}|other"]
    if not left.dtype.is_numeric() or not right.dtype.is_numeric():
        return not left.eq_missing(right).all()
    left, right = left.cast(pl.Float64), right.cast(pl.Float64)
    size = pl.select(pl.max_horizontal(left.abs(), right.abs())).to_series()
    near = ((left - right).abs() <= ROUNDING * size).fill_null(value=False)
    return not (left.eq_missing(right) | near).all()


def _moment(inputs: FeatureInputs, origin: date) -> datetime:
    moments = inputs.made_at.filter(pl.col("session") == origin)["made_at"].to_list()
    if not moments:
        raise ConfigurationError(f"made_at does not say when forecasts from {origin} are made")
    moment: datetime = moments[0]
    return moment


def _cut(inputs: FeatureInputs, origin: date) -> FeatureInputs:
    """Nothing has happened yet."""
    moment = _moment(inputs, origin)

    def known(markets: tuple[CrossMarket, ...]) -> tuple[CrossMarket, ...]:
        return tuple(
            replace(market, values=market.values.filter(pl.col("known_at") <= moment)) for market in markets
        )

    return replace(
        inputs,
        panel=inputs.panel.until(origin),
        cross=known(inputs.cross),
        nights=known(inputs.nights),
        leads=known(inputs.leads),
    )


def _swayed(inputs: FeatureInputs, origin: date) -> FeatureInputs:
    """Everything comes differently: all later numbers are pulled up or down, each by its own part."""
    moment, bars = _moment(inputs, origin), inputs.panel.bars.drop(_DERIVED)
    changed = _pulled(bars, pl.col("session") > origin, pl.col("symbol").hash() ^ pl.col("session").hash())
    late, seed = pl.col("known_at") > moment, pl.col("known_at").hash()

    def pulled(markets: tuple[CrossMarket, ...]) -> tuple[CrossMarket, ...]:
        return tuple(replace(market, values=_pulled(market.values, late, seed)) for market in markets)

    again = panel(changed, inputs.panel.sessions)
    return replace(
        inputs,
        panel=Panel(again.bars, again.sessions, inputs.panel.unpriced),
        cross=pulled(inputs.cross),
        nights=pulled(inputs.nights),
        leads=pulled(inputs.leads),
    )


def _pulled(rows: pl.DataFrame, future: pl.Expr, seed: pl.Expr) -> pl.DataFrame:
    """All numbers of a row times its factor, and a little more, so that a zero moves too; texts stay."""
    numbers = [name for name, kind in rows.schema.items() if kind.is_numeric()]
    part = (seed % 1009).cast(pl.Float64) / 1009 - 0.5

    def other(name: str) -> pl.Expr:
        own = (crc32(name.encode()) % 97) / 9700  # columns of one row part ways
        factor = (_SWAY * part + own).exp()
        return pl.when(future).then(pl.col(name) * factor + 1e-6 * factor).otherwise(pl.col(name)).alias(name)

    return rows.with_columns(other(name) for name in numbers)
