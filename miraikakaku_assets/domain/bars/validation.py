"""Which daily bars may be stored, which are refused, and by what rule.

Every row that comes in goes out exactly once: accepted (perhaps with a flag) or refused with one rule.
Rules are tried in the order of `QUALITY_RULES`; the first that fits names the row.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.domain.bars.duplicates import mark_duplicates
from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY, STORED_BARS, empty
from miraikakaku_assets.domain.bars.limit_moves import judge_by_limits
from miraikakaku_assets.domain.bars.moves import CURRENCIES, SHARES, Judge, judge_by_factor
from miraikakaku_assets.domain.bars.neighbours import Moves, mark_moves
from miraikakaku_assets.domain.bars.quality_rule import BarContext, Check, first_broken
from miraikakaku_assets.domain.bars.row_rules import ROW_RULES, at_midnight, outside_range
from miraikakaku_assets.domain.bars.rules import OUTSIDE_RANGE, RULES
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table, trading_hours

_QUOTED_LATE = timedelta(minutes=10)  # ``exchangeDataDelayedBy`` of a recorded answer about a COMEX future


@dataclass(frozen=True)
class DailyContext(BarContext):
    """What is known besides the bars themselves.

    Attributes:
        actions: Dividends and splits, delivered with the bars and stored (schema `ACTIONS`).
    """

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
    bars = _with_sessions(_ordered(raw), context)
    rule = first_broken(ROW_RULES, Check.DAILY, bars, context)
    bars = bars.with_columns(rule=pl.coalesce("refusal", rule))
    official = (pl.col("stamp") == pl.col("opens")) | pl.col("stamp").is_null() | at_midnight(context)
    bars = mark_duplicates(bars, "session", official)
    moves = mark_moves(bars, "session", context.stored, context.whole, _judge(context))
    return _split(moves, context)


def _with_sessions(bars: pl.DataFrame, context: DailyContext) -> pl.DataFrame:
    """The bars with their sessions, each with the first price of the next; null on days on which there was none."""
    universe = context.universe
    if not universe.markets:
        return bars.join(_sessions(universe.calendar), on="session", how="left", maintain_order="left")
    calendars = {symbol: universe.calendar_of(symbol) for symbol in bars["symbol"].unique()}
    tables = [_sessions(name).with_columns(calendar=pl.lit(name)) for name in sorted(set(calendars.values()))]
    if not tables:
        return bars.join(_sessions(universe.calendar), on="session", how="left", maintain_order="left")
    own = bars.with_columns(calendar=pl.col("symbol").replace_strict(calendars, return_dtype=pl.String))
    keys = ["calendar", "session"]
    return own.join(pl.concat(tables), on=keys, how="left", maintain_order="left").drop("calendar")


def _sessions(calendar: str) -> pl.DataFrame:
    """A calendar, each session with the first price of the next."""
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


def _zone(context: DailyContext) -> ZoneInfo:
    return ZoneInfo(context.universe.time_zone)


def _trades_again(context: DailyContext) -> pl.Expr:
    """Whether the next session has begun on the bar's own date: the source's running bar may be of that one by now.

    Copper does so at 18:00 in New York, and a recorded answer about COMEX names a trading period that lasts
    until midnight. On 2025-07-13, a Sunday, the source kept a bar of the evening under that date.
    """
    today = context.now.astimezone(_zone(context)).date()
    return (pl.col("session") == today) & (pl.col("followed") + _QUOTED_LATE <= context.now)


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
    back = _with_sessions(moves.reconsidered, context)
    own = pl.when(pl.col("rule").is_null()).then(own)
    back = enclosing(back.with_columns(status=pl.coalesce("status", status), flag=own)).select(*STORED_BARS)
    return ValidatedBars(accepted, refused, back, moves.cut)


def enclosing(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with high and low widened by the dust that keeps them from enclosing open and close.

    A price without a range stays without one.
    """
    high, low = pl.max_horizontal("high", "open", "close"), pl.min_horizontal("low", "open", "close")
    return bars.with_columns(
        high=pl.when(pl.col("high").is_not_null()).then(high),
        low=pl.when(pl.col("low").is_not_null()).then(low),
    )
