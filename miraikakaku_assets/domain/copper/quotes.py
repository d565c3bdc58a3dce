"""Quotes of the curve: in which frame they travel, when they became known, and which are refused by what rule."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from miraikakaku_assets.domain.copper.units import is_likely, usd_per_tonne
from miraikakaku_assets.domain.market.sessions import FIRST_DAY, session_table, utc_of
from miraikakaku_assets.domain.market.universes.copper import COMEX, LME, LME_SYMBOLS

OFFICIAL_HOUR, SETTLEMENT_HOUR = 13, 13
"""O'clock in London when the LME's official prices are known, and in New York when COMEX settles copper."""
_FRIDAY = 5  # ISO weekday

RAW_QUOTES: dict[str, pl.DataType] = {
    "contract": pl.String(),  # LME-CU-CASH, HGZ26.CMX, or as a file names it
    "tenor": pl.String(),  # cash, 3M, or the month of delivery, e.g. 2026-12
    "session": pl.Date(),  # exchange date; null where the row has none
    "price": pl.Float64(),
    "unit": pl.String(),  # see `Unit`
    "volume": pl.Int64(),  # contracts; null where nobody counts them
    "expires": pl.Date(),  # last trading day; null of the LME's tenors
    "row": pl.Int64(),  # 1-based position in the file, page or answer
}
"""A price of one contract on one day, as a source sent it: nothing is checked."""

QUOTES: dict[str, pl.DataType] = {
    **{name: kind for name, kind in RAW_QUOTES.items() if name != "row"},
    "usd_per_tonne": pl.Float64(),  # null in yuan
    "known_at": pl.Datetime("us", "UTC"),
}
"""A price that may be stored, one per contract and session."""

REFUSED_QUOTES: dict[str, pl.DataType] = {
    "contract": pl.String(),
    "place": pl.String(),  # the session, or the row of one without a date
    "rule": pl.String(),
    "price": pl.Float64(),
    "unit": pl.String(),
    "detail": pl.String(),
}
"""A price that was refused, with the rule."""

RAW_STOCKS: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "tonnes": pl.Float64(),
    "row": pl.Int64(),
}
"""Copper in the warehouses of the LME, as a source sent it."""

QUOTE_RULES = {
    "no_date": "the row has no date",
    "not_a_session": "the exchange was closed on that day",
    "future_quote": "the price was not known yet when it was delivered",
    "no_price": "the row has no price",
    "not_positive": "the price is zero or negative",
    "wrong_unit": "no copper was ever quoted near this price in its unit: it is in another one",
    "second_quote": "the source sent another price of this contract and day before it",
}
"""Rule of a refused quote → what it says, in the order in which they are tried."""


@dataclass(frozen=True)
class JudgedQuotes:
    """A delivery in two halves: schemas `QUOTES` and `REFUSED_QUOTES`, both sorted."""

    accepted: pl.DataFrame
    refused: pl.DataFrame


def judge_quotes(raw: pl.DataFrame, now: datetime) -> JudgedQuotes:
    """Splits quotes into those that may be stored and those that are refused.

    Args:
        raw: Schema `RAW_QUOTES`.
        now: When they were delivered (UTC).
    """
    order = pl.int_range(pl.len()).over("contract", "session", order_by="row")
    rows = raw.with_columns(known_at=known_at(), place=_place(), trades=_trades())
    broken = {
        "no_date": pl.col("session").is_null(),
        "not_a_session": ~pl.col("trades"),
        "future_quote": pl.col("known_at") > now,
        "no_price": pl.col("price").is_null() | pl.col("price").is_nan(),
        "not_positive": pl.col("price") <= 0,
        "wrong_unit": ~is_likely(),
    }
    rule = pl.coalesce(pl.when(condition).then(pl.lit(name)) for name, condition in broken.items())
    rows = rows.with_columns(rule=rule)
    good = rows.filter(pl.col("rule").is_null()).with_columns(order=order)
    twice = good.filter(pl.col("order") > 0).with_columns(rule=pl.lit("second_quote"))
    refused = pl.concat([rows.filter(pl.col("rule").is_not_null()), twice.drop("order")])
    refused = refused.with_columns(detail=pl.col("rule").replace_strict(QUOTE_RULES, return_dtype=pl.String))
    accepted = good.filter(pl.col("order") == 0).with_columns(usd_per_tonne=usd_per_tonne())
    return JudgedQuotes(
        accepted.select(*QUOTES).sort("contract", "session"),
        refused.select(*REFUSED_QUOTES).unique().sort("contract", "place", "rule"),
    )


def judge_stocks(raw: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The stocks that may be stored: one of 0 or more tonnes per session of the LME.

    Args:
        raw: Schema `RAW_STOCKS`.
        now: When they were delivered (UTC).

    Returns:
        Columns ``session``, ``tonnes`` and ``known_at``, sorted.
    """
    known = raw.filter(pl.col("tonnes") >= 0, pl.col("session").is_not_null())
    known = known.unique("session", keep="first", maintain_order=True).sort("session")
    held = known.filter(pl.col("session").is_in(session_table(LME.calendar)["session"].implode()))
    held = held.with_columns(known_at=utc_of(pl.col("session"), OFFICIAL_HOUR, "Europe/London"))
    return held.filter(pl.col("known_at") <= now).select("session", "tonnes", "known_at")


def known_at() -> pl.Expr:
    """When the price of ``contract`` and ``session`` became known (UTC).

    The LME's official prices at 13:00 in London, COMEX's settlement at 13:00 in New York; of any other exchange not
    before the day has ended in London.
    """
    session = pl.col("session")
    official = utc_of(session, OFFICIAL_HOUR, "Europe/London")
    settlement = utc_of(session, SETTLEMENT_HOUR, "America/New_York")
    return (
        pl.when(_is_official()).then(official).when(_is_comex()).then(settlement)
        .otherwise(utc_of(session, 24, "Europe/London"))
    )  # fmt: skip


def _place() -> pl.Expr:
    return pl.coalesce(pl.col("session").dt.to_string("%Y-%m-%d"), pl.format("row {}", "row"))


def _trades() -> pl.Expr:
    """Whether the exchange of a contract traded; before the calendars begin, and of others, on every weekday."""
    session = pl.col("session")
    dated = session >= date.fromisoformat(FIRST_DAY)
    own = {
        name: session.is_in(session_table(name)["session"].implode())
        for name in (LME.calendar, COMEX.calendar)
    }
    return (
        pl.when(dated & _is_official()).then(own[LME.calendar])
        .when(dated & _is_comex()).then(own[COMEX.calendar])
        .otherwise(session.dt.weekday() <= _FRIDAY)
    )  # fmt: skip


def _is_official() -> pl.Expr:
    return pl.col("contract").is_in(LME_SYMBOLS)


def _is_comex() -> pl.Expr:
    return pl.col("contract").str.ends_with(".CMX")
