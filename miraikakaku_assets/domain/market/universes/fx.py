"""Currency pairs: no exchange lists them and none has their hours; the settings name them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.master import ListedIssue
from miraikakaku_assets.domain.market.universes.record import Default, OwnCalendar, Universe

if TYPE_CHECKING:
    import polars as pl

_PAIR = re.compile(r"([A-Z]{3})([A-Z]{3})=X")
_FRIDAY = 5  # ISO weekday
_LAST_QUOTED_CHRISTMAS = 2024


def _pair(symbol: str) -> tuple[str, str]:
    """Base and quote currency (ISO 4217) of a symbol like ``USDJPY=X``.

    Raises:
        ConfigurationError: It is not written like that. The short form ``JPY=X`` is not read: a pair has
            one symbol.
    """
    pair = _PAIR.fullmatch(symbol)
    if pair is None or pair[1] == pair[2]:
        raise ConfigurationError(f"{symbol!r} is no currency pair; write it like USDJPY=X")
    return pair[1], pair[2]


def _issue(symbol: str) -> ListedIssue:
    base, quote = _pair(symbol)
    return ListedIssue(
        code=f"{base}{quote}",
        name=f"{base}/{quote}",
        market="Currency pairs",
        exchange="OTC",
        symbol=symbol,
        security_type="currency_pair",
    )


def _unit(symbol: str) -> tuple[str, str]:
    base, quote = _pair(symbol)
    return quote, f"{quote} per {base}"


def _days() -> pl.DataFrame:
    """Weekdays from London midnight to midnight, on Fridays to 22:00, which is 17:00 in New York.

    The price source dates its daily currency bars so. It has quoted Christmas and New Year's Day until 2024 and not
    since (bars of USD/JPY 2008-2026), so they count as holidays from then on.
    """
    import polars as pl

    from miraikakaku_assets.domain.market.sessions import FIRST_DAY, session_table, utc_of

    last = session_table("XNYS")["session"][-1]  # as far ahead as the exchanges' calendars look
    days = pl.date_range(date.fromisoformat(FIRST_DAY), last, "1d", eager=True).alias("session").to_frame()
    day = pl.col("session")
    fixed = ((day.dt.month() == 12) & (day.dt.day() == 25)) | ((day.dt.month() == 1) & (day.dt.day() == 1))  # noqa: PLR2004
    quoted = (day.dt.weekday() <= _FRIDAY) & ~(fixed & (day.dt.year() > _LAST_QUOTED_CHRISTMAS))
    midnight = utc_of(day, 0, "Europe/London")
    hours = pl.when(day.dt.weekday() == _FRIDAY).then(22).otherwise(24)
    return days.filter(quoted).with_columns(opens=midnight, closes=midnight + pl.duration(hours=hours))


def _hours(table: pl.DataFrame) -> pl.DataFrame:
    """After a day without quotes from 17:00 in New York on the evening before; on Fridays until that hour.

    On Fridays that is 21:00 in London for the weeks in which only one of the two has changed its clocks.
    """
    import polars as pl

    session = pl.col("session")
    first = (session.diff() > timedelta(days=1)).fill_null(value=True)
    return table.with_columns(
        opens=pl.when(first).then(_new_york_close(session - timedelta(days=1))).otherwise("opens"),
        closes=pl.when(session.dt.weekday() == _FRIDAY).then(_new_york_close(session)).otherwise("closes"),
    )


def _new_york_days(hours: pl.DataFrame) -> pl.DataFrame:
    """Weekdays from 17:00 to 17:00, holidays too: two hours of Christmas Eve lie in New York's next day."""
    import polars as pl

    sessions, day = hours["session"], pl.col("day")
    days = pl.date_range(sessions[0], sessions[-1], "1d", eager=True).alias("day").to_frame()
    return days.filter(day.dt.weekday() <= _FRIDAY).select(
        begins=_new_york_close(day - timedelta(days=1)), ends=_new_york_close(day), breaks=pl.lit(value=False)
    )


def _new_york_close(day: pl.Expr) -> pl.Expr:
    from miraikakaku_assets.domain.market.sessions import utc_of

    return utc_of(day, 17, "America/New_York")


_PAIRS: tuple[str, ...] = (
    *("USDJPY=X", "EURJPY=X", "GBPJPY=X", "AUDJPY=X"),
    *("EURUSD=X", "GBPUSD=X", "AUDUSD=X", "USDCHF=X"),
)
_NAMED = Default(_PAIRS, "FX_PAIRS")
FX = Universe(
    name="fx",
    title="Currency pairs",
    calendar="FX",
    time_zone="Europe/London",
    currency=None,
    partitions="fx_pairs",
    intraday_partitions="fx_pairs",
    example="USDJPY=X",
    symbol_shape=r"[A-Z]{6}=X",
    symbols_like="currency pairs like USDJPY=X,EURUSD=X",
    named=_NAMED,
    named_issue=_issue,
    watched=_NAMED,
    unit_of=_unit,
    has_volume=False,
    range_slack=15,
    settling=timedelta(minutes=1),
    own_calendar=OwnCalendar(_days, _hours, _new_york_days),
)
