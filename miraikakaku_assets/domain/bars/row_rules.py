"""Rules that a row breaks by itself, in the order in which they are tried."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.domain.bars.frame import PRICES
from miraikakaku_assets.domain.bars.quality_rule import BarContext, Check, Condition, QualityRule
from miraikakaku_assets.domain.market import price_limits
from miraikakaku_assets.domain.market.sessions import SLOT
from miraikakaku_assets.domain.market.universes.record import Market

DUST = 1e-9
"""Part of a price by which high may lie below close, or low above open. Prices adjusted at download are
products of rounded factors: 358 bars of four ``Ticker.history()`` files are off by 2e-16 of the price."""

_DEAR = 20.0  # yen, forint and rupees a dollar are quoted to the hundredth, Swiss francs and pesos are not
_VOLUME_BELOW = 2.0**63  # what a bigint holds; garbage beyond it would fail a whole delivery
_STAMP_SLACK = timedelta(hours=2)  # sources stamp the running bar minutes after the close (15:45:03 seen)

_PRICES = [pl.col(name) for name in PRICES]
_EMPTY = pl.all_horizontal(price.is_null() | price.is_nan() for price in _PRICES)
_FLAT = pl.all_horizontal(price == pl.col("close") for price in _PRICES) & (pl.col("volume") == 0)
_STAMP = pl.col("stamp")


def outside_range(slack: pl.Expr | None = None) -> pl.Expr:
    """Whether open or close lies outside high and low by more than dust, and by more than `slack`."""
    body_high, body_low = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    more = pl.lit(0.0) if slack is None else slack
    return (pl.col("high") + more < body_high * (1 - DUST)) | (pl.col("low") - more > body_low * (1 + DUST))


def at_midnight(context: BarContext) -> pl.Expr:
    """Whether a bar is stamped with the session's midnight, exchange time."""
    return _STAMP.dt.convert_time_zone(context.universe.time_zone).dt.time() == pl.time(0)


def _strangers(bars: pl.DataFrame, context: BarContext) -> pl.Expr | None:
    """Symbols in no master; the cost depends on the delivery, not on the size of the master."""
    if context.known_symbols is None:
        return None
    unknown = set(bars["symbol"].unique().to_list()) - context.known_symbols
    return pl.col("symbol").is_in(sorted(unknown))


def _outside_quoted_range(_: pl.DataFrame, context: BarContext) -> pl.Expr:
    """The universe's increments are in its prices: a pip is 0.01 yen and 0.0001 dollars."""
    increment = pl.when(pl.col("close") >= _DEAR).then(0.01).otherwise(0.0001)
    slack = context.universe.range_slack
    return outside_range(slack * increment if slack else None)


def _before_its_session(_: pl.DataFrame, context: BarContext) -> pl.Expr:
    today = context.now.astimezone(ZoneInfo(context.universe.time_zone)).date()
    return (pl.col("session") > today) | (pl.col("opens") > context.now)


def _stamped_elsewhere(_: pl.DataFrame, context: BarContext) -> pl.Expr:
    """A stamp is the session's midnight (exchange time) or lies between its open and shortly after its close.

    It is never later than the next session's first price: copper trades again an hour after its close.
    """
    latest = pl.min_horizontal(pl.col("closes") + _STAMP_SLACK, "followed")
    inside = _STAMP.is_between(pl.col("opens"), latest)
    return (_STAMP.is_not_null() & ~(at_midnight(context) | inside)).fill_null(value=False)


def _off_grid(_: pl.DataFrame, context: BarContext) -> pl.Expr:
    slot = pl.col("ts")
    running = pl.col("newest") & (slot + SLOT + context.universe.settling > context.now)
    return (slot != _STAMP) & ~running


def _beyond_any_price(_: pl.DataFrame, context: BarContext) -> pl.Expr | None:
    if not context.universe.has_price_limits:
        return None
    return pl.any_horizontal(price > price_limits.HIGHEST_PRICE for price in _PRICES)


def _not_finite(bars: pl.DataFrame, context: BarContext) -> pl.Expr:
    """Of an official price only the close is asked for; a range that is there has to be whole."""
    finite = [price.is_finite().fill_null(value=False) for price in _PRICES]
    rangeless = _symbols(bars, [market for market in context.universe.markets if not market.has_range])
    if not rangeless:
        return ~pl.all_horizontal(finite)
    absent = pl.all_horizontal(pl.col(name).is_null() for name in ("open", "high", "low"))
    single = pl.col("symbol").is_in(rangeless) & absent & pl.col("close").is_finite().fill_null(value=False)
    return ~(pl.all_horizontal(finite) | single)


def _in_another_unit(bars: pl.DataFrame, context: BarContext) -> pl.Expr | None:
    """A price that is hundreds of times off is one in cents, in yuan, a pound or a tonne."""
    broken = []
    for market in context.universe.markets:
        least, greatest = market.likely_prices
        off = pl.any_horizontal(~price.is_between(least, greatest) for price in _PRICES).fill_null(
            value=False
        )
        broken.append(pl.col("symbol").is_in(_symbols(bars, [market])) & off)
    return pl.any_horizontal(broken) if broken else None


def _symbols(bars: pl.DataFrame, markets: list[Market]) -> list[str]:
    """Symbols of a delivery that belong to some parts of the universe."""
    if not markets:
        return []
    return sorted(
        symbol for symbol in bars["symbol"].unique() if any(market.holds(symbol) for market in markets)
    )


def _any_length(condition: Condition) -> dict[Check, Condition]:
    return {Check.DAILY: condition, Check.INTRADAY: condition}


ROW_RULES = (
    QualityRule("not_in_master", "the symbol is in no stock master", _any_length(_strangers)),
    QualityRule(
        "lunch_break",
        "an empty row in the exchange's lunch break",
        {Check.INTRADAY: _EMPTY & pl.col("paused")},
        is_expected=True,
    ),
    QualityRule(
        "closing_call",
        "an empty row while orders are collected for the closing price",
        {Check.INTRADAY: _EMPTY & pl.col("called")},
        is_expected=True,
    ),
    QualityRule(
        "closing_print",
        "the closing price as the source repeats it at or after the close, without a trade",
        {Check.INTRADAY: _FLAT & pl.col("after_close")},
        is_expected=True,
    ),
    QualityRule("no_price", "the source sent a row without any price", _any_length(_EMPTY)),
    QualityRule(
        "not_finite",
        "a price is missing, NaN or infinite",
        _any_length(_not_finite),
    ),
    QualityRule(
        "not_positive",
        "a price is zero or negative",
        _any_length(pl.any_horizontal(price <= 0 for price in _PRICES)),
    ),
    QualityRule(
        "wrong_unit",
        "no copper was ever quoted near this price in the unit of the symbol: it is in another unit",
        {Check.DAILY: _in_another_unit},
    ),
    QualityRule(
        "inconsistent_range",
        "high and low do not enclose open and close",
        {Check.DAILY: _outside_quoted_range, Check.INTRADAY: outside_range()},
    ),
    QualityRule(
        "bad_volume",
        "the volume is missing, negative, not finite or beyond any count of shares",
        _any_length(~pl.col("volume").is_between(0, _VOLUME_BELOW, closed="left").fill_null(value=False)),
    ),
    QualityRule(
        "future_bar",
        "the bar has not begun yet",
        {Check.DAILY: _before_its_session, Check.INTRADAY: lambda _, context: context.now < _STAMP},
    ),
    QualityRule(
        "not_a_session",
        "the exchange was closed on that day",
        {Check.DAILY: pl.col("opens").is_null(), Check.INTRADAY: ~pl.col("trades")},
        contradicts_stored=True,
    ),
    QualityRule(
        "outside_hours",
        "the bar lies before the open, after the close or in the break",
        {Check.INTRADAY: ~pl.col("trading")},
    ),
    QualityRule(
        "wrong_time_zone",
        "the time stamp lies outside the session it is dated to",
        {Check.DAILY: _stamped_elsewhere},
    ),
    QualityRule(
        "off_grid",
        "the time stamp is no multiple of five minutes, and the bar is not the running one",
        {Check.INTRADAY: _off_grid},
    ),
    QualityRule(
        "price_out_of_range",
        "no share of this exchange was ever quoted that high",
        _any_length(_beyond_any_price),
        contradicts_stored=True,
    ),
)
