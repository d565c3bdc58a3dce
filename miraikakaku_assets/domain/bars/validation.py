"""Which daily bars may be stored, which are refused, and by what rule.

Every row that comes in goes out exactly once: accepted (perhaps with a flag) or refused with one rule.
Rules are tried in the order of `RULES`; the first that fits names the row.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.domain.bars.duplicates import mark_duplicates
from miraikakaku_assets.domain.bars.frame import ACTIONS, PRICES, RAW_DAILY, STORED_BARS, empty
from miraikakaku_assets.domain.bars.limit_moves import judge_by_limits
from miraikakaku_assets.domain.bars.moves import CURRENCIES, SHARES, Judge, judge_by_factor
from miraikakaku_assets.domain.bars.neighbours import Moves, mark_moves
from miraikakaku_assets.domain.bars.rules import BEYOND_LIMIT, OUTSIDE_RANGE, RULES, SUPERSEDING_RULES
from miraikakaku_assets.domain.market import price_limits
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table, trading_hours

__all__ = ["BEYOND_LIMIT", "RULES", "SUPERSEDING_RULES", "DailyContext", "ValidatedBars", "validate_daily"]

DUST = 1e-9
"""Part of a price by which high may lie below close, or low above open. Prices that were adjusted at download are
products of rounded factors: 358 bars of four ``Ticker.history()`` files are off by 2e-16 of the price."""

_DEAR = 20.0  # yen, forint and rupees a dollar are quoted to the hundredth, Swiss francs and pesos are not
_VOLUME_BELOW = 2.0**63  # what a bigint holds; garbage beyond it would fail a whole delivery
_STAMP_SLACK = timedelta(hours=2)  # sources stamp the running bar minutes after the close (15:45:03 seen)
_QUOTED_LATE = timedelta(minutes=10)  # ``exchangeDataDelayedBy`` of a recorded answer about a COMEX future


@dataclass(frozen=True)
class DailyContext:
    """What is known besides the bars themselves.

    Attributes:
        universe: Whose sessions and price limits apply.
        now: The moment of the collection (UTC); later sessions are refused, unfinished ones provisional.
        known_symbols: Symbols of the master; None skips the rule ``not_in_master``.
        stored: Stored bars around the delivery (schema `STORED_BARS`), of its symbols only.
        whole: Symbols whose whole stored history is in `stored`.
        actions: Dividends and splits, delivered with the bars and stored (schema `ACTIONS`).
    """

    universe: Universe
    now: datetime
    known_symbols: frozenset[str] | None = None
    stored: pl.DataFrame = field(default_factory=lambda: empty(STORED_BARS))
    whole: frozenset[str] = frozenset()
    actions: pl.DataFrame = field(default_factory=lambda: empty(ACTIONS))


@dataclass(frozen=True)
class ValidatedBars:
    """The two halves of a delivery, and what it changes about the bars around it.

    Attributes:
        accepted: Schema `RAW_DAILY` without ``refusal``, plus ``ts`` (UTC open of the session), ``status``
            (``final`` or ``provisional``) and ``flag``; sorted by symbol and session, one row per session.
        refused: Schema `RAW_DAILY` without ``refusal``, plus ``ts`` (UTC open, or UTC midnight of a day
            without session), ``rule`` and ``detail``.
        reconsidered: Schema `STORED_BARS`: bars that are stored or held, are not in the delivery, and whose ``rule`` or
            ``flag`` is now as given here.
        cut: Symbols whose stored bars at hand do not suffice: validate them again with their whole history.
    """

    accepted: pl.DataFrame
    refused: pl.DataFrame
    reconsidered: pl.DataFrame = field(default_factory=lambda: empty(STORED_BARS))
    cut: tuple[str, ...] = ()


def validate_daily(raw: pl.DataFrame, context: DailyContext) -> ValidatedBars:
    """Splits a delivery of daily bars into accepted and refused rows.

    Args:
        raw: Schema `RAW_DAILY`, any order, any number of symbols. Prices in the universe's currency, as
            the source quotes them (raw).
        context: What is known besides.
    """
    bars = _ordered(raw).join(_sessions(context), on="session", how="left", maintain_order="left")
    bars = bars.with_columns(rule=_row_rule(bars, context))
    official = (pl.col("stamp") == pl.col("opens")) | pl.col("stamp").is_null() | _at_midnight(context)
    bars = mark_duplicates(bars, "session", official)
    moves = mark_moves(bars, "session", context.stored, context.whole, _judge(context))
    return _split(moves, context)


def _sessions(context: DailyContext) -> pl.DataFrame:
    """The calendar, each session with the first price of the next."""
    calendar = context.universe.calendar
    return session_table(calendar).with_columns(followed=trading_hours(calendar)["opens"].shift(-1))


def _judge(context: DailyContext) -> Judge:
    if context.universe.has_price_limits:
        today = context.now.astimezone(_zone(context)).date()
        return partial(judge_by_limits, actions=context.actions, today=today)
    tolerance = SHARES if context.universe.has_volume else CURRENCIES
    return partial(judge_by_factor, actions=context.actions, tolerance=tolerance)


def _ordered(raw: pl.DataFrame) -> pl.DataFrame:
    """Sorted by symbol and session; a file that is sorted already (the usual case) is only looked through."""
    symbol, session = pl.col("symbol"), pl.col("session")
    later = (symbol > symbol.shift(1)) | ((symbol == symbol.shift(1)) & (session >= session.shift(1)))
    if raw.select(later.fill_null(value=True).all()).item():
        return raw
    return raw.sort("symbol", "session", maintain_order=True)


def _row_rule(bars: pl.DataFrame, context: DailyContext) -> pl.Expr:
    """First rule that a row breaks by itself, null for none."""
    checks: list[tuple[str, pl.Expr]] = [
        *price_rules(_range_slack(context)),
        ("future_bar", pl.col("session") > context.now.astimezone(_zone(context)).date()),
        ("future_bar", pl.col("opens") > context.now),
        ("not_a_session", pl.col("opens").is_null()),
        ("wrong_time_zone", _stamped_elsewhere(context)),
    ]
    if context.known_symbols is not None:
        checks.insert(0, ("not_in_master", strangers(bars, context.known_symbols)))
    if context.universe.has_price_limits:
        checks.append(("price_out_of_range", beyond_any_price()))
    found = [pl.when(broken).then(pl.lit(rule)) for rule, broken in checks]
    return pl.coalesce(pl.col("refusal"), *found)


def strangers(bars: pl.DataFrame, known: frozenset[str]) -> pl.Expr:
    """Whether a symbol is in no master; the cost depends on the delivery, not on the size of the master."""
    unknown = set(bars["symbol"].unique().to_list()) - known
    return pl.col("symbol").is_in(sorted(unknown))


def beyond_any_price() -> pl.Expr:
    """Whether a price is higher than any share of an exchange with price limits was ever quoted."""
    return pl.any_horizontal(pl.col(name) > price_limits.HIGHEST_PRICE for name in PRICES)


def price_rules(slack: pl.Expr | None = None) -> list[tuple[str, pl.Expr]]:
    """What a row must fulfil whatever its timeframe, in the order of `RULES`.

    Args:
        slack: By how much open and close may lie outside high and low; None for dust only.
    """
    prices = [pl.col(name) for name in PRICES]
    missing = [price.is_null() | price.is_nan() for price in prices]
    volume = pl.col("volume").is_between(0, _VOLUME_BELOW, closed="left").fill_null(value=False)
    return [
        ("no_price", pl.all_horizontal(missing)),
        ("not_finite", ~pl.all_horizontal(price.is_finite().fill_null(value=False) for price in prices)),
        ("not_positive", pl.any_horizontal(price <= 0 for price in prices)),
        ("inconsistent_range", outside_range(slack)),
        ("bad_volume", ~volume),
    ]


def outside_range(slack: pl.Expr | None = None) -> pl.Expr:
    """Whether open or close lies outside high and low by more than dust, and by more than `slack`."""
    body_high, body_low = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    more = pl.lit(0.0) if slack is None else slack
    return (pl.col("high") + more < body_high * (1 - DUST)) | (pl.col("low") - more > body_low * (1 + DUST))


def _range_slack(context: DailyContext) -> pl.Expr | None:
    """The universe's increments in its prices: a pip is 0.01 yen and 0.0001 dollars."""
    if not context.universe.range_slack:
        return None
    return context.universe.range_slack * pl.when(pl.col("close") >= _DEAR).then(0.01).otherwise(0.0001)


def _zone(context: DailyContext) -> ZoneInfo:
    return ZoneInfo(context.universe.time_zone)


def _stamped_elsewhere(context: DailyContext) -> pl.Expr:
    """A stamp is the session's midnight (exchange time) or lies between its open and shortly after its close.

    It is never later than the next session's first price: copper trades again an hour after its close.
    """
    latest = pl.min_horizontal(pl.col("closes") + _STAMP_SLACK, "followed")
    inside = pl.col("stamp").is_between(pl.col("opens"), latest)
    return (pl.col("stamp").is_not_null() & ~(_at_midnight(context) | inside)).fill_null(value=False)


def _trades_again(context: DailyContext) -> pl.Expr:
    """Whether the next session has begun on the bar's own date: the source's running bar may be of that one by now.

    Copper does so at 18:00 in New York, and a recorded answer about COMEX names a trading period that lasts
    until midnight. On 2025-07-13, a Sunday, the source kept a bar of the evening under that date.
    """
    today = context.now.astimezone(_zone(context)).date()
    return (pl.col("session") == today) & (pl.col("followed") + _QUOTED_LATE <= context.now)


def _at_midnight(context: DailyContext) -> pl.Expr:
    return pl.col("stamp").dt.convert_time_zone(context.universe.time_zone).dt.time() == pl.time(0)


def _split(moves: Moves, context: DailyContext) -> ValidatedBars:
    bars = moves.bars
    columns = [name for name in RAW_DAILY if name != "refusal"]
    final = (pl.col("closes") <= context.now - FINAL_AFTER) & ~_trades_again(context)
    status = pl.when(final).then(pl.lit("final")).otherwise(pl.lit("provisional"))
    ts = pl.coalesce("opens", pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    own = pl.coalesce("flag", pl.when(outside_range()).then(pl.lit(OUTSIDE_RANGE)))
    kept = bars.filter(pl.col("rule").is_null()).with_columns(flag=own)
    accepted = enclosing(kept).select(*columns, ts=ts, status=status, flag="flag")
    refused = bars.filter(pl.col("rule").is_not_null()).select(
        *columns, ts=ts, rule="rule", detail=pl.col("rule").replace_strict(RULES, return_dtype=pl.String)
    )
    back = moves.reconsidered.join(_sessions(context), on="session", how="left", maintain_order="left")
    own = pl.when(pl.col("rule").is_null()).then(own)
    back = enclosing(back.with_columns(status=pl.coalesce("status", status), flag=own)).select(*STORED_BARS)
    return ValidatedBars(accepted, refused, back, moves.cut)


def enclosing(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with high and low widened by the dust that keeps them from enclosing open and close."""
    return bars.with_columns(
        high=pl.max_horizontal("high", "open", "close"), low=pl.min_horizontal("low", "open", "close")
    )
