"""Which 5-minute bars may be stored, which are refused, and by what rule.

Every row that comes in goes out exactly once, as in `miraikakaku_assets.domain.bars.validation`. A bar is keyed
by ``ts``, the start of its slot (UTC), and belongs to the session in whose trading hours it lies: a currency bar
of Sunday evening to Monday's.
"""

from datetime import timedelta
from functools import partial

import polars as pl

from miraikakaku_assets.domain.bars.duplicates import mark_duplicates
from miraikakaku_assets.domain.bars.frame import PRICES, RAW_INTRADAY
from miraikakaku_assets.domain.bars.moves import Tolerance, judge_by_factor
from miraikakaku_assets.domain.bars.neighbours import Moves, mark_moves
from miraikakaku_assets.domain.bars.quality_rule import BarContext, Check, first_broken
from miraikakaku_assets.domain.bars.row_rules import ROW_RULES
from miraikakaku_assets.domain.bars.rules import RULES
from miraikakaku_assets.domain.bars.validation import ValidatedBars, enclosing
from miraikakaku_assets.domain.market.sessions import SLOT, session_table, trading_hours

SHARES_5M = Tolerance(looked_at=1.2, undone=2.0, undone_untraded=1.2, absurd=10.0, jump=4.0)
CURRENCIES_5M = Tolerance(looked_at=1.05, undone=1.1, undone_untraded=1.1, absurd=2.0, jump=1.3)
# Largest moves seen from one 5-minute close to the next: 1.22 (50 TSE issues, over the night to 2025-04-07; 1.08
# within a session), 1.05 (AAPL, NVDA, SPY) and 1.05 (USD/JPY, over an 8-week hole). The crash of 2010-05-06, in
# which shares lost half within minutes and came back, is why a traded spike is only refused from a factor of 2.

_CLOSING_PRINT_WITHIN = timedelta(
    hours=2
)  # the source repeats the last price minutes after the close (15:45:03 seen)


def validate_intraday(raw: pl.DataFrame, context: BarContext) -> ValidatedBars:
    """Splits a delivery of 5-minute bars into accepted and refused rows.

    Args:
        raw: Schema `RAW_INTRADAY`, any order, any number of symbols. Prices in the universe's currency, as the
            source quotes them (raw). A missing volume counts as 0 where the universe has none.
        context: What is known besides.

    Returns:
        Frames as of daily bars: ``symbol``, ``session`` (exchange date), ``stamp``, the prices, ``volume``,
        ``row`` and ``ts`` (start of the slot, UTC); accepted ones with ``status`` and ``flag``, sorted by symbol
        and ``ts``; refused ones with ``rule`` and ``detail``, ``ts`` being the source's stamp. A bar is final
        `Universe.settling` after the end of its slot.
    """
    bars = raw.select(*RAW_INTRADAY).sort("symbol", "stamp", maintain_order=True)
    if not context.universe.has_volume:
        bars = bars.with_columns(pl.col("volume").fill_null(0.0).fill_nan(0.0))
    places = _places(bars["stamp"].unique(), context)
    bars = bars.join(places, on="stamp", how="left", maintain_order="left")
    bars = bars.with_columns(newest=pl.col("stamp") == pl.col("stamp").max().over("symbol"))
    rule = first_broken(ROW_RULES, Check.INTRADAY, bars, context)
    bars = bars.with_columns(rule=pl.coalesce("refusal", rule))
    bars = mark_duplicates(bars, "ts", pl.col("stamp") == pl.col("ts"))
    tolerance = SHARES_5M if context.universe.has_volume else CURRENCIES_5M
    judge = partial(judge_by_factor, actions=None, tolerance=tolerance)
    return _split(mark_moves(bars, "ts", context.stored, context.whole, judge), context)


def _places(stamps: pl.Series, context: BarContext) -> pl.DataFrame:
    """Where each stamp lies: worked out once per stamp, of which a whole market has few."""
    hours = trading_hours(context.universe.calendar)
    days = session_table(context.universe.calendar).select("session", trades=pl.lit(value=True))
    local = pl.col("stamp").dt.convert_time_zone(context.universe.time_zone).dt.date()
    at = (
        stamps.sort()
        .to_frame("stamp")
        .join_asof(hours, left_on="stamp", right_on="opens", strategy="backward")
    )
    before_close = (pl.col("stamp") < pl.col("closes")).fill_null(value=False)
    after_close = (pl.col("stamp") >= pl.col("closes")) & (
        pl.col("stamp") <= pl.col("closes") + _CLOSING_PRINT_WITHIN
    )
    paused = pl.col("stamp").is_between("break_start", "break_end", closed="left").fill_null(value=False)
    at = at.with_columns(
        session=pl.when(before_close | after_close).then("session").otherwise(local),
        after_close=after_close.fill_null(value=False),
        paused=paused,
        called=(pl.col("stamp") >= pl.col("call_start")).fill_null(value=False) & before_close,
        # Tokyo's morning ends with a print at 11:30: 4,041 of 4,101 had a volume.
        trading=before_close & (~paused | (pl.col("stamp") == pl.col("break_start"))),
        ts=pl.col("stamp").dt.truncate(SLOT),
    )
    at = at.join(days, on="session", how="left", maintain_order="left")
    return at.with_columns(pl.col("trades").fill_null(value=False)).select(
        "stamp", "session", "ts", "after_close", "paused", "called", "trading", "trades"
    )


def _split(moves: Moves, context: BarContext) -> ValidatedBars:
    bars = moves.bars
    columns = ["symbol", "session", "stamp", *PRICES, "volume", "row"]
    final = pl.col("ts") + SLOT + context.universe.settling <= context.now
    status = pl.when(final).then(pl.lit("final")).otherwise(pl.lit("provisional"))
    accepted = enclosing(bars.filter(pl.col("rule").is_null())).select(
        *columns,
        "ts",
        status=status,
        flag="flag",
    )
    refused = bars.filter(pl.col("rule").is_not_null()).select(
        *columns, ts="stamp", rule="rule", detail=pl.col("rule").replace_strict(RULES, return_dtype=pl.String)
    )
    back = enclosing(moves.reconsidered.with_columns(status=pl.coalesce("status", status)))
    return ValidatedBars(accepted, refused, back, moves.cut)
