"""The frames of a forecaster: bars at origins in, forecasts out, on the scale of log returns or in prices."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import (
    FORECASTS,
    HORIZONS,
    NUMBERS,
    Z_80,
    Z_95,
    Reason,
    Signature,
)
from miraikakaku_assets.domain.forecasting.panel import Panel


def origin_rows(panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
    """Every symbol at every origin, with its bar there.

    Args:
        panel: Bars.
        origins: Sessions of its calendar.

    Returns:
        The columns of `Panel.bars`, of the bar at the origin (null without one), ``as_of``, and ``reason``
        (`Reason.NO_BAR`, `Reason.BAD_PRICE` or null); sorted by symbol and as_of. Symbols without any bar by an
        origin, with a price or without, have no row there.

    Raises:
        ConfigurationError: An origin is no session of the panel's calendar.
    """
    chosen = pl.DataFrame({"as_of": sorted(set(origins))}, schema={"as_of": pl.Date()})
    unknown = chosen.filter(~pl.col("as_of").is_in(panel.sessions.implode()))
    if not unknown.is_empty():
        raise ConfigurationError(f"{unknown['as_of'][0]} is no session of the panel's calendar")
    seen = pl.concat([panel.bars.select("symbol", "session"), panel.unpriced])
    listed = seen.group_by("symbol").agg(first=pl.col("session").min())
    unpriced = panel.unpriced.select("symbol", as_of="session", bad=True)
    reason = (
        pl.when(pl.col("bad").is_not_null())
        .then(pl.lit(Reason.BAD_PRICE.value))
        .when(pl.col("ordinal").is_null())
        .then(pl.lit(Reason.NO_BAR.value))
    )
    return (
        listed.join(chosen, how="cross")
        .filter(pl.col("first") <= pl.col("as_of"))
        .join(panel.bars.rename({"session": "as_of"}), on=["symbol", "as_of"], how="left")
        .join(unpriced, on=["symbol", "as_of"], how="left")
        .with_columns(reason=reason)
        .drop("first", "bad")
        .sort("symbol", "as_of")
    )


def forecast_frame(
    panel: Panel, rows: pl.DataFrame, trained: Signature, numbers: dict[str, pl.Expr]
) -> pl.DataFrame:
    """Five rows per symbol and origin from one, with the horizon as a column to compute with.

    Args:
        panel: Whose calendar names the targets.
        rows: One row per symbol and origin as of `origin_rows`, with what `numbers` refers to; ``reason`` is set
            where there is no forecast.
        trained: Whose forecasts they are.
        numbers: ``point`` and ``sd``, perhaps the ends of the bands, as expressions over `rows` and ``horizon``;
            bands that are not given are those of a normal distribution.

    Returns:
        Schema `FORECASTS`; numbers are null where there is a reason.

    Raises:
        ConfigurationError: As `TrainedForecaster.predict` says.
    """
    early = rows.filter(pl.col("as_of") < trained.trained_until)
    if not early.is_empty():
        raise ConfigurationError(
            f"{trained.name} was trained until {trained.trained_until} and cannot forecast from "
            f"{early['as_of'][0]}: "
            "it knows what came; train it on less"
        )
    frame = (
        rows.join(pl.DataFrame({"horizon": HORIZONS}, schema={"horizon": pl.Int64()}), how="cross")
        .join(_targets(panel, rows), on=["as_of", "horizon"], how="left")
        .with_columns(model=pl.lit(trained.name), version=pl.lit(trained.version))
        .with_columns(point=numbers["point"], sd=numbers["sd"])
    )
    point, sd = pl.col("point"), pl.col("sd")
    normal = {"lo80": point - Z_80 * sd, "hi80": point + Z_80 * sd}
    normal |= {"lo95": point - Z_95 * sd, "hi95": point + Z_95 * sd}
    frame = frame.with_columns(**{name: numbers.get(name, band) for name, band in normal.items()})
    shown = pl.when(pl.col("reason").is_null())
    frame = frame.with_columns(shown.then(pl.col(name)).alias(name) for name in NUMBERS)
    return frame.select(pl.col(name).cast(kind) for name, kind in FORECASTS.items()).sort(
        "symbol", "as_of", "horizon"
    )


def at_horizon(name: str) -> pl.Expr:
    """Of ``<name>_1`` to ``<name>_5``, the one of the row's ``horizon``."""
    return pl.coalesce(pl.when(pl.col("horizon") == h).then(pl.col(f"{name}_{h}")) for h in HORIZONS)


def _targets(panel: Panel, rows: pl.DataFrame) -> pl.DataFrame:
    """Columns ``as_of``, ``horizon``, ``target``."""
    calendar = panel.calendar
    origins = rows.select("as_of").unique().join(calendar, left_on="as_of", right_on="session")
    late = origins.filter(pl.col("ordinal") + max(HORIZONS) >= calendar.height)
    if not late.is_empty():
        raise ConfigurationError(
            f"The calendar ends on {panel.sessions[-1]}, less than {max(HORIZONS)} sessions after the origin "
            f"{late['as_of'][0]}; give the panel later sessions"
        )
    ahead = [
        origins.select("as_of", ordinal=pl.col("ordinal") + h, horizon=pl.lit(h, pl.Int64()))
        for h in HORIZONS
    ]
    return pl.concat(ahead).join(calendar.rename({"session": "target"}), on="ordinal").drop("ordinal")


def in_prices(forecasts: pl.DataFrame, closes: pl.DataFrame) -> pl.DataFrame:
    """Forecasts as prices, in the currency and on the basis of the closes.

    Args:
        forecasts: Schema `FORECASTS`; further columns are kept.
        closes: ``symbol``, ``as_of``, ``close`` at the origin, on the basis that is to be shown.

    Returns:
        The forecasts with ``close``, and ``point``, ``lo80``, ``hi80``, ``lo95``, ``hi95`` as prices (the point is
        the median); ``sd`` stays on the scale of log returns.
    """
    prices = [(pl.col("close") * pl.col(name).exp()).alias(name) for name in NUMBERS if name != "sd"]
    priced = closes.select("symbol", "as_of", "close")
    return forecasts.join(priced, on=["symbol", "as_of"], how="left", maintain_order="left").with_columns(
        prices
    )
