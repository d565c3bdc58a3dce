"""Which dividends and splits may be stored: judged by each other and by the raw prices around them.

Prices say much about a dividend: on its ex-date a share falls by about what it pays. Adjusted closes are not
needed and not taken from any source; ours are derived from raw bars and the actions accepted here.
"""

from dataclasses import dataclass
from datetime import timedelta
from math import log

import polars as pl

from miraikakaku_assets.domain.bars.frame import ACTIONS
from miraikakaku_assets.domain.bars.rules import ACTION_FLAGS, ACTION_RULES

# The evidence for each number is in docs/decisions/0006-plausibility.md.
_LARGE = 0.08  # of the price before: what is smaller, a day's trading can hide
_VERY_LARGE = 0.2
_SEEN = 1 / 3  # of the amount; the least that 20 genuine large dividends showed is 0.66 (KMR.L 2023-04-13)
_AGAIN = timedelta(
    days=5
)  # SAND 2024-01-12 and, after a long weekend, 2024-01-16; weekly payers are 7 days apart
_AGAIN_SESSIONS = 2
_SAME_AMOUNT = 0.1  # of a logarithm: KAP.L was repeated converted at another day's rate (1.81, 1.95)
_HUNDRED = log(100)
_FEW = 2  # of two dividends nobody knows which is wrong
_EXACTLY = 0.05  # CALM's variable dividend was once 0.006 and then 0.755: not exactly a hundred times
_SPLIT_DAYS = 10
_TINY = 0.0005  # of the price: whether a small dividend was paid a hundredfold shows in many of them only
_MANY = 8
_SIGMAS = 2.0
_EX_BAR_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class ValidatedActions:
    """The corporate actions of a delivery.

    Attributes:
        accepted: Schema `ACTIONS`: every row that is not refused, in the order of the delivery.
        refused: Schema `ACTIONS` plus ``rule`` and ``detail``.
        flagged: Schema `ACTIONS` plus ``rule`` (the flag) and ``detail``; its rows are accepted, too.
    """

    accepted: pl.DataFrame
    refused: pl.DataFrame
    flagged: pl.DataFrame


def validate_actions(
    actions: pl.DataFrame, bars: pl.DataFrame, previous: pl.DataFrame | None = None
) -> ValidatedActions:
    """Splits corporate actions into accepted and refused ones.

    Args:
        actions: Schema `ACTIONS`, any order, any number of symbols; dividends in the currency of the prices,
            per share of today, as sources send them.
        bars: Columns ``symbol``, ``session``, ``open``, ``low``, ``close``, ``volume``: the accepted daily bars
            of the same delivery (raw prices), one per session. Actions without bars around them are judged by
            each other only.
        previous: Columns ``symbol``, ``previous``: close before the first of these bars.
    """
    if actions.is_empty():  # as in all answers of a five-minute cycle: it saves them 60 empty queries
        nothing = actions.select(*ACTIONS)
        unnamed = nothing.with_columns(pl.lit(None, pl.String).alias(name) for name in ("rule", "detail"))
        return ValidatedActions(nothing, unnamed, unnamed)
    known = _with_bars(actions.select(*ACTIONS).with_row_index("row"), bars, previous)
    known = known.with_columns(rule=_first(_refusals(known), ACTION_RULES))
    kept = known.filter(pl.col("rule").is_null())
    flags = kept.with_columns(rule=_first(_flags(kept, bars), ACTION_FLAGS)).drop_nulls("rule")
    return ValidatedActions(
        kept.sort("row").select(*ACTIONS),
        _named(known.drop_nulls("rule"), ACTION_RULES),
        _named(flags, ACTION_FLAGS),
    )


def _named(rows: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    detail = pl.col("rule").replace_strict(names, return_dtype=pl.String)
    return rows.sort("row").select(*ACTIONS, "rule", detail=detail)


def _first(broken: dict[str, pl.Expr], names: dict[str, str]) -> pl.Expr:
    """Name of the first check that fits, in the order of the table."""
    return pl.coalesce(pl.when(broken[name]).then(pl.lit(name)) for name in names)


def _with_bars(actions: pl.DataFrame, bars: pl.DataFrame, previous: pl.DataFrame | None) -> pl.DataFrame:
    """The actions, sorted, each with its ex-date's bar and the close before it.

    Adds ``base`` (close before), ``nth`` (place of the ex-date's bar in its series), ``close_fall`` and
    ``low_fall``: what close and low lie below the base, the latter over two more bars if nobody traded.
    """
    mine = bars.join(actions.select("symbol").unique(), on="symbol", how="semi").sort("symbol", "session")
    before = pl.col("close").shift(1).over("symbol")
    if previous is not None and not previous.is_empty():
        mine = mine.join(
            previous.unique("symbol", keep="last"), on="symbol", how="left", maintain_order="left"
        )
        first = pl.col("session") == pl.col("session").first().over("symbol")
        before = pl.when(first).then("previous").otherwise(before)
    lows = pl.min_horizontal(pl.col("low").shift(-step).over("symbol") for step in range(3))
    seen = mine.select(
        "symbol",
        "session",
        base=before,
        nth=pl.int_range(pl.len()).over("symbol"),
        close_fall=before - pl.col("close"),
        low_fall=before - pl.when(pl.col("volume") > 0).then("low").otherwise(lows),
    )
    at = actions.sort("ex_date").join_asof(
        seen.sort("session"),
        left_on="ex_date",
        right_on="session",
        by="symbol",
        strategy="forward",
        tolerance=_EX_BAR_WITHIN,
        check_sortedness=False,
    )
    return at.sort("symbol", "kind", "ex_date", "value", "row")


def _refusals(known: pl.DataFrame) -> dict[str, pl.Expr]:
    dividend = pl.col("kind") == "dividend"
    amount, base = pl.col("value"), pl.col("base")
    large = dividend & (amount >= _VERY_LARGE * base)
    sound = amount.is_finite() & (amount > 0)
    return {
        "bad_amount": ~sound.fill_null(value=False),
        "duplicate_action": pl.struct(*ACTIONS).is_duplicated() & ~pl.struct(*ACTIONS).is_first_distinct(),
        "action_twice": pl.col("row").is_in(_repeated(known)["row"].implode()),
        "dividend_exceeds_price": dividend & (amount >= base),
        "dividend_without_drop": large & (pl.col("low_fall") < _SEEN * amount),
    }


def _repeated(known: pl.DataFrame) -> pl.DataFrame:
    """Of two alike actions within two sessions: the dividend that shows less in the price, the later split."""
    sound = known.filter(pl.col("value").is_finite() & (pl.col("value") > 0)).unique(
        list(ACTIONS), keep="first", maintain_order=True
    )
    key = ["symbol", "kind"]
    pairs = sound.with_columns(
        pl.col("ex_date", "value", "nth", "row", "close_fall").shift(-1).over(key).name.prefix("next_")
    )
    apart = pl.col("next_nth") - pl.col("nth")
    alike = (pl.col("next_value") / pl.col("value")).log().abs() <= _SAME_AMOUNT
    again = pairs.filter(
        alike
        & (pl.col("next_ex_date") - pl.col("ex_date") <= _AGAIN)
        & (apart.is_null() | (apart <= _AGAIN_SESSIONS))
    )
    shown, next_shown = (
        pl.col("close_fall") / pl.col("value"),
        pl.col("next_close_fall") / pl.col("next_value"),
    )
    first_is_wrong = (pl.col("kind") == "dividend") & (shown < next_shown).fill_null(value=False)
    return again.select(row=pl.when(first_is_wrong).then("row").otherwise("next_row"))


def _flags(kept: pl.DataFrame, bars: pl.DataFrame) -> dict[str, pl.Expr]:
    dividend = pl.col("kind") == "dividend"
    amount = pl.col("value")
    doubtful = dividend & (amount >= _LARGE * pl.col("base")) & (pl.col("low_fall") < _SEEN * amount)
    rows = pl.col("row")
    units = pl.concat([_off_by_hundred(kept), _paid_hundredfold(kept, bars)])
    return {
        "dividend_unit": rows.is_in(units.implode()),
        "dividend_before_split": rows.is_in(_on_old_shares(kept).implode()),
        "dividend_doubtful": doubtful,
    }


def _off_by_hundred(kept: pl.DataFrame) -> pl.Series:
    """Dividends exactly a hundred times off the one before or after, and off the two on each side.

    A dividend that the price shows is right, and its neighbours are not.
    """
    dividends = kept.filter(pl.col("kind") == "dividend")
    size = pl.col("value").log()
    gaps = [size.shift(step).over("symbol") - size for step in (1, -1, 2, -2)]
    exactly = pl.any_horizontal((gap.abs() - _HUNDRED).abs() <= _EXACTLY for gap in gaps[:2])
    lower, higher = (
        pl.all_horizontal((sign * gap > log(10)).fill_null(value=True) for gap in gaps) for sign in (1, -1)
    )
    several = pl.len().over("symbol") > _FEW
    seen = (pl.col("value") >= _LARGE * pl.col("base")) & (pl.col("low_fall") >= _SEEN * pl.col("value"))
    off = exactly.fill_null(value=False) & (lower | higher) & several & ~seen.fill_null(value=False)
    return dividends.filter(off)["row"]


def _paid_hundredfold(kept: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    """Tiny dividends whose ex-dates together show a fall of a hundred times the amount."""
    paid = pl.col("value") / pl.col("base")
    tiny = kept.filter((pl.col("kind") == "dividend") & (paid < _TINY)).with_columns(
        paid=paid, fell=pl.col("close_fall") / pl.col("base")
    )
    tiny = tiny.filter(pl.len().over("symbol") >= _MANY)
    usual = bars.join(tiny.select("symbol").unique(), on="symbol", how="semi").sort("symbol", "session")
    usual = usual.with_columns(change=pl.col("close") / pl.col("close").shift(1).over("symbol") - 1)
    usual = usual.join(kept, left_on=["symbol", "session"], right_on=["symbol", "ex_date"], how="anti")
    usual = usual.group_by("symbol").agg(spread=pl.col("change").std())
    together = (
        tiny.group_by("symbol").agg(pl.col("fell", "paid").mean(), count=pl.len()).join(usual, on="symbol")
    )
    certain = pl.col("fell") > _SIGMAS * pl.col("spread") / pl.col("count").sqrt()
    hundred = ((pl.col("fell") / pl.col("paid")).log() - _HUNDRED).abs() < log(2.5)
    symbols = together.filter(certain & hundred)["symbol"]
    return tiny.filter(pl.col("symbol").is_in(symbols.implode()))["row"]


def _on_old_shares(kept: pl.DataFrame) -> pl.Series:
    """Dividends beside a split that fit the issue's other dividends only when divided by it."""
    splits = kept.filter(pl.col("kind") == "split").select("symbol", split_date="ex_date", ratio="value")
    dividends = kept.filter(pl.col("kind") == "dividend").join(splits, on="symbol", how="inner")
    near = (pl.col("ex_date") - pl.col("split_date")).abs() <= timedelta(days=_SPLIT_DAYS)
    usual = pl.col("value").filter(~near).median().over("symbol", "split_date")
    off, ratio = (pl.col("value") / usual).log(), pl.col("ratio").log()
    fits = near & ((off - ratio).abs() <= 0.25 * ratio.abs()) & (off.abs() >= 0.75 * ratio.abs())
    large = ratio.abs() >= log(2)  # a dividend may well rise by half
    return dividends.filter((fits & large).fill_null(value=False))["row"].unique()
