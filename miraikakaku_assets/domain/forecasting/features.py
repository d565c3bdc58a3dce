"""What is known of an instrument when a forecast is made: the inputs of models that learn.

The bar at the origin is known, and nothing that another market made known later than the moment at which the
forecast is made. Other markets are joined on that moment, never on dates: the US session of the same date closes
15 hours after Tokyo's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility
from miraikakaku_assets.domain.forecasting.timing.known_at import AsOfJoin, known_then, since_then

LAGS = 5
"""Single past returns."""

SPANS = (5, 20, 60)
"""Bars, about a week, a month and a quarter, of sums and realised volatilities."""

RSI = 14
"""Returns of Wilder's relative strength index (New Concepts in Technical Trading Systems, 1978)."""

MACD = (12, 26)
"""Closes of Appel's two exponential means."""

BOLLINGER = 20
"""Closes of Bollinger's bands, and of the means of volume and of unchanged closes."""

LONG_AGO = 250
"""Sessions after which an event counts as no longer felt."""

_NO_SPREAD = 1e-9  # a running standard deviation of equal closes is rounding, not 0


@dataclass(frozen=True)
class CrossMarket:
    """Values from elsewhere: a foreign index, a currency, an interest rate.

    Attributes:
        name: Prefix of the features.
        values: ``known_at`` (UTC: when the value could first be read, e.g. the US close, not the start of its bar)
            and columns of numbers, in any order.
        max_age: Older values count as unknown; a stale one would pass for calm.
    """

    name: str
    values: pl.DataFrame
    max_age: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class FeatureInputs:
    """All that features are made of.

    Attributes:
        panel: Bars; ``high`` and ``low`` (range), ``open``, ``volume``, ``sector`` (sector means) and ``event``
            (whether a dividend or a split took place) are used where they are there.
        made_at: ``session`` and ``made_at`` (UTC): when forecasts from that origin are made, after its close and
            before the next session opens. A forecast made the next morning knows the US close of the night. With
            `nights`, ``closed_at`` (UTC), too: the own market's close at the origin.
        passed: Columns of the panel that are features as they are, e.g. indicators of the bar's own session on a
            scale that means the same for every instrument.
        cross: Other markets.
        nights: Returns of other markets that are summed from the own close to the moment of the forecast, and not
            taken as the newest one: each has the one column ``night``, a log return per session of that market.
        leads: Levels of other markets that are newer than the own close: each has the one column ``lead``.
    """

    panel: Panel
    made_at: pl.DataFrame
    passed: tuple[str, ...] = ()
    cross: tuple[CrossMarket, ...] = ()
    nights: tuple[CrossMarket, ...] = ()
    leads: tuple[CrossMarket, ...] = ()


def closes_known(name: str, closes: pl.DataFrame, max_age: timedelta = timedelta(days=7)) -> CrossMarket:
    """Another market's last log return and that of its last five closes.

    Args:
        name: Prefix of the features, e.g. ``us``.
        closes: ``known_at`` (UTC) and ``close`` (above 0, adjusted), one per session of that market.
        max_age: As in `CrossMarket`.
    """
    log = pl.col("close").log()
    values = closes.sort("known_at").select("known_at", ret_1=log.diff(), ret_5=log.diff(5))
    return CrossMarket(name, values, max_age)


def night_returns(name: str, closes: pl.DataFrame) -> CrossMarket:
    """Another market's log return of each of its sessions, to be summed over the night.

    Args:
        name: Prefix of the columns.
        closes: As in `closes_known`.
    """
    values = closes.sort("known_at").select("known_at", night=pl.col("close").log().diff())
    return CrossMarket(name, values)


def lead_levels(name: str, closes: pl.DataFrame) -> CrossMarket:
    """Another market's log close, of which only one newer than the own close tells anything.

    Args:
        name: Prefix of the column.
        closes: As in `closes_known`.
    """
    return CrossMarket(name, closes.sort("known_at").select("known_at", lead=pl.col("close").log()))


def features(inputs: FeatureInputs) -> pl.DataFrame:
    """The features of every bar as an origin.

    Args:
        inputs: Bars and other markets.

    Returns:
        ``symbol``, ``session`` (the origin) and the features, sorted by both; null where they are not known. Returns
        are log returns of bars as they follow each other (``elapsed`` says how many sessions the last one spans).

    Raises:
        ConfigurationError: A passed column is not in the panel, or two features have one name.
    """
    bars = inputs.panel.bars
    absent = set(inputs.passed) - set(bars.columns)
    if absent:
        raise ConfigurationError(f"The panel has no columns {sorted(absent)} that were to be passed on")
    own = _own() | _indicators()
    own |= _range() if {"high", "low"} <= set(bars.columns) else {}
    own |= _volume() if "volume" in bars.columns else {}
    own |= _open() if "open" in bars.columns else {}
    own |= _events() if "event" in bars.columns else {}
    rows = bars.with_columns(**own).with_columns(**_means(bars.columns))
    names = ["symbol", "session", "elapsed", *own, *_means(bars.columns)]
    twice = sorted(set(inputs.passed) & set(names))
    if twice:
        raise ConfigurationError(f"The panel's columns {twice} have names of features; rename them")
    rows = rows.select(*names, *inputs.passed)
    rows = rows.join(_calendar(inputs.panel), on="session", how="left", maintain_order="left")
    return with_nights(with_other_markets(rows, inputs.made_at, inputs.cross), inputs)


def _own() -> dict[str, pl.Expr]:
    """From the instrument's own closes."""
    columns = {f"ret_lag_{lag}": pl.col("ret").shift(lag).over("symbol") for lag in range(LAGS)}
    for bars in SPANS:
        columns[f"ret_sum_{bars}"] = pl.col("log_close").diff(bars).over("symbol")
        squared = pl.col("ret").pow(2) / pl.col("elapsed")
        columns[f"volatility_{bars}"] = squared.rolling_mean(bars).sqrt().over("symbol")
    columns["volatility_ewma"] = ewma_volatility()
    return columns


def _indicators() -> dict[str, pl.Expr]:
    """Of log closes and without a unit, so that they mean the same for every instrument and do not feel a split.

    Weights are scaled to a sum of 1, where the recursions of TA-Lib begin with a seed: close to those, not equal.
    """
    ret, log_close = pl.col("ret"), pl.col("log_close")
    # Wilder's smoothing has 1/n as its weight; as a share of all moves the index lies within 0 and 1.
    up = ret.clip(lower_bound=0).ewm_mean(alpha=1 / RSI, ignore_nulls=True).over("symbol")
    moves = ret.abs().ewm_mean(alpha=1 / RSI, ignore_nulls=True).over("symbol")
    fast, slow = (log_close.ewm_mean(span=span).over("symbol") for span in MACD)
    mean = log_close.rolling_mean(BOLLINGER).over("symbol")
    spread = log_close.rolling_std(BOLLINGER).over("symbol")
    columns = {
        "rsi": pl.when(moves > 0).then(up / moves),
        "macd": pl.when(ewma_volatility() > 0).then((fast - slow) / ewma_volatility()),
        "bollinger": pl.when(spread > _NO_SPREAD).then((log_close - mean) / spread),
        "unchanged_20": (ret == 0).cast(pl.Float64).rolling_mean(BOLLINGER).over("symbol"),
    }
    place = pl.int_range(pl.len()).over("symbol")
    warm = {"rsi": RSI, "macd": MACD[1]}
    return columns | {name: pl.when(place >= bars).then(columns[name]) for name, bars in warm.items()}


def _volume() -> dict[str, pl.Expr]:
    """Log of the volume over its mean, and of the median value traded in the currency; null without a trade."""
    volume = pl.col("volume").cast(pl.Float64)
    mean = volume.rolling_mean(BOLLINGER).over("symbol")
    value = (volume * pl.col("close")).rolling_median(BOLLINGER, min_samples=1).over("symbol")
    return {
        "volume_to_mean": pl.when((volume > 0) & (mean > 0)).then((volume / mean).log()),
        "turnover": pl.when(value > 0).then(value.log()),
    }


def _range() -> dict[str, pl.Expr]:
    """Log of high over low, and its mean; null for prices without a logarithm."""
    high, low = pl.col("high").cast(pl.Float64), pl.col("low").cast(pl.Float64)
    span = pl.when((low > 0) & high.is_finite() & (high >= low)).then((high / low).log())
    return {"range": span, "range_5": span.rolling_mean(5).over("symbol")}


def _open() -> dict[str, pl.Expr]:
    """Log returns from the close before to the open, and from the open to the close; null without an open."""
    opened = pl.col("open").cast(pl.Float64)
    log_open = pl.when((opened > 0) & opened.is_finite()).then(opened.log())
    return {
        "overnight": log_open - pl.col("log_close") + pl.col("ret"),
        "intraday": pl.col("log_close") - log_open,
    }


def _events() -> dict[str, pl.Expr]:
    """Sessions since the last dividend or split, `LONG_AGO` at most."""
    last = pl.when(pl.col("event")).then("ordinal").forward_fill().over("symbol")
    since = (pl.col("ordinal") - last).clip(upper_bound=LONG_AGO).fill_null(LONG_AGO)
    return {"since_event": since.cast(pl.Float64)}


def _means(columns: list[str]) -> dict[str, pl.Expr]:
    """Mean return of the market and the sector on the session, of instruments that traded on the one before."""
    fresh = pl.when(pl.col("elapsed") == 1).then(pl.col("ret"))
    market = {"market_ret": fresh.mean().over("session")}
    return market | ({"sector_ret": fresh.mean().over("session", "sector")} if "sector" in columns else {})


def _calendar(panel: Panel) -> pl.DataFrame:
    """What the calendar says in advance of the session after each: it is public long before."""
    following = pl.col("session").shift(-1)
    return panel.calendar.select(
        "session",
        next_weekday=following.dt.weekday().cast(pl.Int64),
        days_to_next=(following - pl.col("session")).dt.total_days(),
        next_is_month_end=following.dt.month() != following.shift(-1).dt.month(),
    )


def with_other_markets(
    rows: pl.DataFrame, made_at: pl.DataFrame, cross: Sequence[CrossMarket]
) -> pl.DataFrame:
    """Rows with what was known of other markets when forecasts from their session were made.

    Args:
        rows: Rows with ``session``; their order stays.
        made_at: As in `FeatureInputs`.
        cross: Other markets; their columns get the market's name in front.
    """
    moments = made_at.select("session", "made_at").unique()
    for market in cross:
        known = known_then(moments, _named(market), AsOfJoin(market.max_age))
        moments = known.drop("known_at")
    return rows.join(moments.drop("made_at"), on="session", how="left", maintain_order="left")


def with_nights(rows: pl.DataFrame, inputs: FeatureInputs) -> pl.DataFrame:
    """Rows with what other markets did between the own close and the moment of the forecast.

    Args:
        rows: Rows with ``session``; their order stays.
        inputs: Moments, nights and leads.

    Returns:
        The rows with ``<market>_night`` (log return, null without a session of that market in between),
        ``<market>_night_sessions`` and ``<market>_lead`` (null unless newer than the own close).
    """
    for market in inputs.nights:
        known = since_then(inputs.made_at, _named(market), f"{market.name}_night")
        rows = rows.join(known, on="session", how="left", maintain_order="left")
    for market in inputs.leads:
        moments = inputs.made_at.select("session", "closed_at", "made_at")
        known = known_then(moments, _named(market), AsOfJoin(market.max_age, after="closed_at"))
        level = known.select("session", f"{market.name}_lead")
        rows = rows.join(level, on="session", how="left", maintain_order="left")
    return rows


def _named(market: CrossMarket) -> pl.DataFrame:
    names = {name: f"{market.name}_{name}" for name in market.values.columns if name != "known_at"}
    return market.values.rename(names)
