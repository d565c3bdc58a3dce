"""The metal: daily bars of the futures that COPPER_SYMBOLS names, in US dollars a pound (LME: US dollars a tonne).

COMEX lists dozens of contract months; the price source joins them to one history.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.master import ListedIssue
from miraikakaku_assets.domain.market.universes.record import Default, OwnCalendar, Universe

if TYPE_CHECKING:
    import polars as pl

_PRODUCTS = {"HG": "Copper", "QC": "E-mini Copper", "MHG": "Micro Copper"}
"""COMEX's copper futures by product code, all quoted in US dollars a pound (contract specifications of CME Group)."""
_NEW_YORK = "America/New_York"
_GLOBEX_OPENS, _GLOBEX_CLOSES = 18, 17  # hours in New York (contract specifications of CME Group)


def _future(symbol: str) -> ListedIssue:
    """The future of a symbol like ``HG=F`` as a line of a list.

    Its history is that of the nearest contract month, joined without adjustment for the roll. One contract month
    (``HGZ26.CMX``) is not read: it ends within months.

    Raises:
        ConfigurationError: It is no copper future that is quoted in US dollars a pound.
    """
    code = symbol.removesuffix("=F")
    if code not in _PRODUCTS or code == symbol:
        known = ", ".join(f"{product}=F" for product in _PRODUCTS)
        raise ConfigurationError(f"{symbol!r} is no COMEX copper future; choose from: {known}")
    return ListedIssue(
        code=code,
        name=f"{_PRODUCTS[code]}, nearest contract month",
        market="COMEX futures",
        exchange="COMEX",
        symbol=symbol,
        security_type="future",
    )


def _days() -> pl.DataFrame:
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


def _hours(table: pl.DataFrame) -> pl.DataFrame:
    """From 18:00 in New York on the evening before."""
    import polars as pl

    from miraikakaku_assets.domain.market.sessions import utc_of

    return table.with_columns(opens=utc_of(pl.col("session") - timedelta(days=1), _GLOBEX_OPENS, _NEW_YORK))


COPPER = Universe(
    name="copper",
    title="COMEX copper futures, US dollars a pound",
    calendar="CMX",
    time_zone=_NEW_YORK,
    currency="USD",
    partitions="copper_contracts",
    example="HG=F",
    symbol_shape=r"[A-Z0-9]{1,4}=F",
    symbols_like="copper futures like HG=F",
    named=Default(("HG=F",), "COPPER_SYMBOLS"),
    named_issue=_future,
    unit="pound",
    own_calendar=OwnCalendar(_days, _hours),
)
