"""Which daily bars may be stored, which are refused, and by what rule.

Every row that comes in goes out exactly once: accepted (perhaps with a flag) or refused with one rule.
Rules are tried in the order of `RULES`; the first that fits names the row.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.domain.bars.frame import ACTIONS, PRICES, RAW_DAILY, empty
from miraikakaku_assets.domain.market import price_limits
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table

RULES = {
    "not_in_master": "the symbol is in no stock master",
    "other_file_preferred": "another file of the archive holds this symbol",
    "no_price": "the source sent a row without any price",
    "not_finite": "a price is missing, NaN or infinite",
    "not_positive": "a price is zero or negative",
    "inconsistent_range": "high and low do not enclose open and close",
    "bad_volume": "the volume is missing, negative, not finite or beyond any count of shares",
    "future_bar": "the session has not begun yet",
    "not_a_session": "the exchange was closed on that day",
    "wrong_time_zone": "the time stamp lies outside the session it is dated to",
    "duplicate_bar": "the same bar came twice",
    "provisional_duplicate": "a running bar beside the official bar of its session",
    "conflicting_duplicate": "two different bars claim the same session",
    "price_out_of_range": "no share of this exchange was ever quoted that high",
    "limit_absurd": "the move is beyond the expanded daily limit and no later session confirms it",
    "limit_undone": "the move is beyond any daily limit and the next session takes it back",
}
"""Rule → what it says. Names are stored in ``quarantined_bars`` and printed in reports."""

SUPERSEDING_RULES = ("price_out_of_range", "limit_absurd", "limit_undone", "not_a_session")
"""Rules that judge a bar by its neighbours or the calendar: a stored bar equal to it is withdrawn."""

BEYOND_LIMIT = "beyond_price_limit"
"""Flag of an accepted bar whose close moved beyond the daily limit without a corporate action."""

_VOLUME_BELOW = 2.0**63  # what a bigint holds; garbage beyond it would fail a whole delivery
_TAKEN_BACK = 0.25  # of the move: an undone spike ends this near to where it began
_STAMP_SLACK = timedelta(hours=2)  # Yahoo stamps the running bar minutes after the close (15:45:03 seen)
_SPLIT_SLACK = timedelta(days=4)  # a split may be dated to a holiday beside the session that shows it


@dataclass(frozen=True)
class DailyContext:
    """What is known besides the bars themselves.

    Attributes:
        universe: Whose sessions and price limits apply.
        now: The moment of the collection (UTC); later sessions are refused, unfinished ones provisional.
        known_symbols: Symbols of the master; None skips the rule ``not_in_master``.
        previous: Columns ``symbol``, ``previous`` (close of the last stored bar before the delivery).
        actions: Dividends and splits delivered with the bars (schema `ACTIONS`).
    """

    universe: Universe
    now: datetime
    known_symbols: frozenset[str] | None = None
    previous: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"symbol": pl.String, "previous": pl.Float64})
    )
    actions: pl.DataFrame = field(default_factory=lambda: empty(ACTIONS))


@dataclass(frozen=True)
class ValidatedBars:
    """The two halves of a delivery.

    Attributes:
        accepted: Schema `RAW_DAILY` without ``refusal``, plus ``ts`` (UTC open of the session), ``status``
            (``final`` or ``provisional``) and ``flag``; sorted by symbol and session, one row per session.
        refused: Schema `RAW_DAILY` without ``refusal``, plus ``ts`` (UTC open, or UTC midnight of a day
            without session), ``rule`` and ``detail``.
    """

    accepted: pl.DataFrame
    refused: pl.DataFrame


def validate_daily(raw: pl.DataFrame, context: DailyContext) -> ValidatedBars:
    """Splits a delivery of daily bars into accepted and refused rows.

    Args:
        raw: Schema `RAW_DAILY`, any order, any number of symbols. Prices in the universe's currency, as
            the source quotes them (raw).
        context: What is known besides.
    """
    table = session_table(context.universe.calendar)
    bars = _ordered(raw).join(table, on="session", how="left", maintain_order="left")
    bars = bars.with_columns(rule=_row_rule(bars, context))
    bars = _mark_duplicates(bars, context)
    if context.universe.has_price_limits:
        bars = _mark_price_moves(bars, context)
    else:
        bars = bars.with_columns(flag=pl.lit(None, pl.String))
    return _split(bars, context)


def _ordered(raw: pl.DataFrame) -> pl.DataFrame:
    """Sorted by symbol and session; a file that is sorted already (the usual case) is only looked through."""
    symbol, session = pl.col("symbol"), pl.col("session")
    later = (symbol > symbol.shift(1)) | ((symbol == symbol.shift(1)) & (session >= session.shift(1)))
    if raw.select(later.fill_null(value=True).all()).item():
        return raw
    return raw.sort("symbol", "session", maintain_order=True)


def _row_rule(bars: pl.DataFrame, context: DailyContext) -> pl.Expr:
    """First rule that a row breaks by itself, null for none."""
    prices = [pl.col(name) for name in PRICES]
    missing = [price.is_null() | price.is_nan() for price in prices]
    body_high, body_low = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    checks: list[tuple[str, pl.Expr]] = [
        ("no_price", pl.all_horizontal(missing)),
        ("not_finite", ~pl.all_horizontal(price.is_finite().fill_null(value=False) for price in prices)),
        ("not_positive", pl.any_horizontal(price <= 0 for price in prices)),
        ("inconsistent_range", (pl.col("high") < body_high) | (pl.col("low") > body_low)),
        ("bad_volume", ~pl.col("volume").is_between(0, _VOLUME_BELOW, closed="left").fill_null(value=False)),
        ("future_bar", pl.col("session") > context.now.astimezone(_zone(context)).date()),
        ("future_bar", pl.col("opens") > context.now),
        ("not_a_session", pl.col("opens").is_null()),
        ("wrong_time_zone", _stamped_elsewhere(context)),
    ]
    if context.known_symbols is not None:
        strangers = set(bars["symbol"].unique().to_list()) - context.known_symbols
        checks.insert(0, ("not_in_master", pl.col("symbol").is_in(sorted(strangers))))
    if context.universe.has_price_limits:
        checks.append(
            ("price_out_of_range", pl.any_horizontal(p > price_limits.HIGHEST_PRICE for p in prices))
        )
    found = [pl.when(broken).then(pl.lit(rule)) for rule, broken in checks]
    return pl.coalesce(pl.col("refusal"), *found)


def _zone(context: DailyContext) -> ZoneInfo:
    return ZoneInfo(context.universe.time_zone)


def _stamped_elsewhere(context: DailyContext) -> pl.Expr:
    """A stamp is the session's midnight (exchange time) or lies between its open and shortly after its close."""
    inside = pl.col("stamp").is_between(pl.col("opens"), pl.col("closes") + _STAMP_SLACK)
    return (pl.col("stamp").is_not_null() & ~(_at_midnight(context) | inside)).fill_null(value=False)


def _at_midnight(context: DailyContext) -> pl.Expr:
    return pl.col("stamp").dt.convert_time_zone(context.universe.time_zone).dt.time() == pl.time(0)


def _mark_duplicates(bars: pl.DataFrame, context: DailyContext) -> pl.DataFrame:
    """One row per session stays: the one stamped at midnight or the open, the first of equal ones."""
    valid = pl.col("rule").is_null()
    key = ["symbol", "session"]
    candidates = bars.with_row_index("position").filter(valid)
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key).fill_null(value=False)
    doubled = candidates.filter(
        same | same.shift(-1, fill_value=False)
    )  # rows are sorted: doubles are neighbours
    if doubled.is_empty():
        return bars
    on_grid = (pl.col("stamp") == pl.col("opens")) | pl.col("stamp").is_null() | _at_midnight(context)
    content = pl.struct(*PRICES, "volume")
    doubled = (
        doubled.with_columns(official=on_grid.fill_null(value=True))
        .with_columns(officials=pl.col("official").sum().over(key))
        .with_columns(competes=pl.col("official") | (pl.col("officials") == 0))
        .with_columns(
            nth=pl.col("position").rank("ordinal").over([*key, "competes"]),
            variants=content.n_unique().over([*key, "competes"]),
        )
    )
    rule = (
        pl.when(~pl.col("competes"))
        .then(pl.lit("provisional_duplicate"))
        .when(pl.col("variants") > 1)
        .then(pl.lit("conflicting_duplicate"))
        .when(pl.col("nth") > 1)
        .then(pl.lit("duplicate_bar"))
    )
    verdicts = doubled.select("position", second_rule=rule)
    return (
        bars.with_row_index("position")
        .join(verdicts, on="position", how="left")
        .with_columns(rule=pl.coalesce("rule", "second_rule"))
        .drop("position", "second_rule")
    )


def _mark_price_moves(bars: pl.DataFrame, context: DailyContext) -> pl.DataFrame:
    """Judges moves of the close against the daily limits; refused bars do not serve as a base price.

    Per symbol the earliest refused bar is taken out before its successors are judged again: the bar after a
    spike moves as far as the spike did, and as the newest bar it has no later session to vouch for it.
    """
    valid = bars.filter(pl.col("rule").is_null()).select("symbol", "session", "close", "volume")
    found, settled = [], []
    while True:
        large = _large_moves(valid, context)
        worst = large.filter(pl.col("verdict").is_not_null()).unique("symbol", keep="first")
        pending = pl.col("symbol").is_in(worst["symbol"].implode())
        settled.append(large.filter(~pending))
        if worst.is_empty():
            break
        found.append(worst.select("symbol", "session", "verdict"))
        valid = valid.filter(pending).join(worst, on=["symbol", "session"], how="anti", maintain_order="left")
    flags = pl.concat(settled).filter(pl.col("beyond")).select("symbol", "session", flag=pl.lit(BEYOND_LIMIT))
    if not found and flags.is_empty():
        return bars.with_columns(flag=pl.lit(None, pl.String))
    refused = pl.concat(found or [worst.select("symbol", "session", "verdict")])
    marks = refused.join(flags, on=["symbol", "session"], how="full", coalesce=True)
    marked = bars.join(marks, on=["symbol", "session"], how="left", maintain_order="left")
    unmarked = pl.col("rule").is_null()
    return marked.with_columns(
        rule=pl.coalesce("rule", "verdict"), flag=pl.when(unmarked & pl.col("verdict").is_null()).then("flag")
    ).drop("verdict")


def _large_moves(bars: pl.DataFrame, context: DailyContext) -> pl.DataFrame:
    """The few bars whose move could be beyond a limit, with ``beyond`` and ``verdict`` (rule or null)."""
    close, base, after = pl.col("close"), pl.col("base"), pl.col("after")
    previous = dict(context.previous.iter_rows())
    neighbours = bars.with_columns(base=close.shift(1).over("symbol"), after=close.shift(-1).over("symbol"))
    if previous:
        stored = pl.col("symbol").replace_strict(previous, default=None, return_dtype=pl.Float64)
        neighbours = neighbours.with_columns(base=pl.when(base.is_null()).then(stored).otherwise(base))
    move = (close - base).abs()
    candidates = neighbours.filter(move > price_limits.SMALLEST_FRACTION * base)
    tick = price_limits.tick_size(pl.max_horizontal("close", "base"))
    width = price_limits.limit_width(base)
    expanded = move > price_limits.EXPANDED * width + tick
    confirmed = ((after - close).abs() <= price_limits.limit_width(close) + tick).fill_null(value=False)
    undone = ((after - base).abs() <= _TAKEN_BACK * move).fill_null(value=False)
    impossible = expanded | (pl.col("volume") == 0) | (move > price_limits.LARGEST_FRACTION * base)
    judged = candidates.with_columns(_near_split(candidates, context.actions)).with_columns(
        beyond=(move > width + tick) & ~pl.col("split")
    )
    verdict = (
        pl.when(pl.col("beyond") & undone & impossible)
        .then(pl.lit("limit_undone"))
        .when(pl.col("beyond") & expanded & ~confirmed)
        .then(pl.lit("limit_absurd"))
    )
    return judged.select("symbol", "session", "beyond", verdict=verdict)


def _near_split(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.Series:
    """Whether a split of the symbol is dated at or shortly before the bar."""
    splits = actions.filter(pl.col("kind") == "split").select("symbol", "ex_date").sort("ex_date")
    if splits.is_empty() or bars.is_empty():
        return pl.Series("split", [False] * bars.height, dtype=pl.Boolean)
    ordered = bars.select("symbol", "session").with_row_index("position").sort("session")
    near = ordered.join_asof(
        splits,
        left_on="session",
        right_on="ex_date",
        by="symbol",
        strategy="backward",
        tolerance=_SPLIT_SLACK,
        check_sortedness=False,
    )
    return near.sort("position")["ex_date"].is_not_null().alias("split")


def _split(bars: pl.DataFrame, context: DailyContext) -> ValidatedBars:
    columns = [name for name in RAW_DAILY if name != "refusal"]
    final = pl.col("closes") <= context.now - FINAL_AFTER
    ts = pl.coalesce("opens", pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    accepted = bars.filter(pl.col("rule").is_null()).select(
        *columns,
        ts=ts,
        status=pl.when(final).then(pl.lit("final")).otherwise(pl.lit("provisional")),
        flag="flag",
    )
    refused = bars.filter(pl.col("rule").is_not_null()).select(
        *columns, ts=ts, rule="rule", detail=pl.col("rule").replace_strict(RULES, return_dtype=pl.String)
    )
    return ValidatedBars(accepted, refused)
