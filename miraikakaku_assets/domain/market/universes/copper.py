"""The metal: COMEX futures in US dollars a pound, and the LME's official prices in US dollars a tonne.

COPPER_SYMBOLS names what is collected. COMEX lists dozens of contract months; the price source joins them to one
history. The two exchanges close on different holidays: a day is a session of the universe when one of them trades, and
each instrument has sessions of its own (`Market`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.master import ListedIssue
from miraikakaku_assets.domain.market.universes.record import Default, Market, OwnCalendar, Universe

if TYPE_CHECKING:
    import polars as pl

LME_CASH, LME_3M = "LME-CU-CASH", "LME-CU-3M"
LME_SYMBOLS = (LME_CASH, LME_3M)
"""The LME's official prices of copper: settlement for cash, and for delivery in three months."""

_PRODUCTS = {"HG": "Copper", "QC": "E-mini Copper", "MHG": "Micro Copper"}
"""COMEX's copper futures by product code, all quoted in US dollars a pound (contract specifications of CME Group)."""
_OFFICIAL = {
    LME_CASH: ("CU-CASH", "LME Copper, official cash settlement"),
    LME_3M: ("CU-3M", "LME Copper, official price for three months"),
}
"""Symbol → code and name of an official price."""
_NEW_YORK, _LONDON = "America/New_York", "Europe/London"
_GLOBEX_OPENS, _GLOBEX_CLOSES = 18, 17  # hours in New York (contract specifications of CME Group)
_RING_OPENS, _OFFICIAL_PRICES = 11, 13  # hours in London: the second Ring ends with the official prices
_FRIDAY = 5  # ISO weekday
_OPEN_HOLIDAYS = frozenset({date(2022, 9, 19)})
"""Bank holidays on which the LME made official prices all the same: the file of its prices has them."""


def _is_official(symbol: str) -> bool:
    return symbol in _OFFICIAL


def _is_future(symbol: str) -> bool:
    return symbol.endswith("=F")


def _issue(symbol: str) -> ListedIssue:
    """The instrument of a symbol like ``HG=F`` or ``LME-CU-3M`` as a line of a list.

    The history of a future is that of the nearest contract month, joined without adjustment for the roll. One contract
    month (``HGZ26.CMX``) is not read: it ends within months, and belongs to the curve.

    Raises:
        ConfigurationError: It is no copper that is known here.
    """
    if _is_official(symbol):
        code, name = _OFFICIAL[symbol]
        return ListedIssue(
            code=code,
            name=name,
            market="LME official prices",
            exchange="LME",
            symbol=symbol,
            security_type="forward",
        )
    code = symbol.removesuffix("=F")
    if code not in _PRODUCTS or code == symbol:
        known = ", ".join([*(f"{product}=F" for product in _PRODUCTS), *LME_SYMBOLS])
        raise ConfigurationError(
            f"{symbol!r} is no COMEX copper future and no LME price; choose from: {known}"
        )
    return ListedIssue(
        code=code,
        name=f"{_PRODUCTS[code]}, nearest contract month",
        market="COMEX futures",
        exchange="COMEX",
        symbol=symbol,
        security_type="future",
    )


def _unit(symbol: str) -> tuple[str, str]:
    return "USD", "USD per tonne" if _is_official(symbol) else "USD per pound"


def _comex_days() -> pl.DataFrame:
    """Days of New York's stock exchange from midnight there until 17:00, when Globex ends its day.

    The price source has one copper bar for each of them and none for the shortened Globex sessions of holidays: of
    its 6,400 bars of HG=F from 2000-08-30 to 2026-02-23, 11 lie on no session of XNYS and 18 sessions have none;
    against CMES, the calendar of Globex, it is 5 and 176 (7 in 2024, 5 in 2025). Of the 11, one is a Sunday evening,
    six are holidays that have no bar in other years, and four are days on which only the stock exchange was closed.
    It dates the bars by midnight in New York. Half days end earlier than 17:00, which makes their bars final late,
    never early.
    """
    import polars as pl

    from miraikakaku_assets.domain.market.sessions import session_table, utc_of

    day = pl.col("session")
    return session_table("XNYS").select(
        "session", opens=utc_of(day, 0, _NEW_YORK), closes=utc_of(day, _GLOBEX_CLOSES, _NEW_YORK)
    )


def _globex_hours(table: pl.DataFrame) -> pl.DataFrame:
    """From 18:00 in New York on the evening before."""
    import polars as pl

    from miraikakaku_assets.domain.market.sessions import utc_of

    return table.with_columns(opens=utc_of(pl.col("session") - timedelta(days=1), _GLOBEX_OPENS, _NEW_YORK))


def _lme_days() -> pl.DataFrame:
    """Weekdays without the bank holidays of England and Wales, until 13:00 in London.

    By then the official prices are known. A day begins with the universe's, at midnight in New York, which is hours
    before the first Ring: every bar of a date starts at the same moment.
    """
    import polars as pl

    from miraikakaku_assets.domain.market.bank_holidays import bank_holidays
    from miraikakaku_assets.domain.market.sessions import FIRST_DAY, session_table, utc_of

    first, last = date.fromisoformat(FIRST_DAY), session_table("XNYS")["session"][-1]
    days = pl.date_range(first, last, "1d", eager=True).alias("session").to_frame()
    closed = {day for year in range(first.year, last.year + 1) for day in bank_holidays(year)}
    day = pl.col("session")
    trades = (day.dt.weekday() <= _FRIDAY) & ~day.is_in(sorted(closed - _OPEN_HOLIDAYS))
    return days.filter(trades).with_columns(
        opens=utc_of(day, 0, _NEW_YORK), closes=utc_of(day, _OFFICIAL_PRICES, _LONDON)
    )


def _ring_hours(table: pl.DataFrame) -> pl.DataFrame:
    """From the first Ring on."""
    import polars as pl

    from miraikakaku_assets.domain.market.sessions import utc_of

    return table.with_columns(opens=utc_of(pl.col("session"), _RING_OPENS, _LONDON))


def _days() -> pl.DataFrame:
    """Days on which COMEX or the LME trades, each until the later of the two has ended."""
    import polars as pl

    from miraikakaku_assets.domain.market.sessions import session_table

    both = pl.concat([session_table(COMEX.calendar), session_table(LME.calendar)])
    return both.group_by("session").agg(pl.col("opens").min(), pl.col("closes").max()).sort("session")


COMEX = Market("CMX", OwnCalendar(_comex_days, _globex_hours), _is_future, likely_prices=(0.3, 30.0))
LME = Market(
    "LME",
    OwnCalendar(_lme_days, _ring_hours),
    _is_official,
    has_range=False,
    likely_prices=(1_000.0, 30_000.0),
)

COPPER = Universe(
    name="copper",
    title="Copper: COMEX futures, US dollars a pound; LME official prices, US dollars a tonne",
    calendar="COPPER",
    time_zone=_NEW_YORK,
    currency="USD",
    partitions="copper_contracts",
    example="HG=F",
    symbol_shape=r"[A-Z0-9]{1,4}=F|LME-CU-(CASH|3M)",
    symbols_like="copper like HG=F,LME-CU-3M",
    named=Default(("HG=F", *LME_SYMBOLS), "COPPER_SYMBOLS"),
    named_issue=_issue,
    unit="pound (COMEX) or tonne (LME)",
    unit_of=_unit,
    own_calendar=OwnCalendar(_days, _globex_hours),
    has_curve=True,
    markets=(COMEX, LME),
)

COMEX_COPPER = replace(COPPER, calendar=COMEX.calendar, own_calendar=COMEX.own_calendar, markets=())
"""The same of COMEX alone, on its own sessions: what evidence that holds only COMEX is walked through as."""
