"""Sessions that are unlike others every time: weekdays, ends of months, rebalancing of indexes, half days."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import session_table

LAST = 0
"""In `Rebalance.week`: the last session of the month, not a weekday of it."""
_FRIDAY = 4
_SHORT = 0.8  # of the usual length


@dataclass(frozen=True)
class Rebalance:
    """Days on which indexes are put together anew or derivatives expire, all of a market's funds trade at the close.

    Attributes:
        universes: Where it shows.
        months: In which.
        week: Which Friday of the month, or `LAST`; the session before where that is none.
        of: What, for people.
    """

    universes: tuple[str, ...]
    months: tuple[int, ...]
    week: int
    of: str


REBALANCES = (
    Rebalance(("jp", "us"), (2, 5, 8, 11), LAST, "MSCI index review"),
    Rebalance(("jp",), (3, 6, 9, 12), 2, "special quotation of futures and options"),
    Rebalance(("jp",), (3, 9), LAST, "Nikkei 225 review"),
    Rebalance(("jp",), (1, 4, 7, 10), LAST, "TOPIX weights"),
    Rebalance(("us",), (3, 6, 9, 12), 3, "S&P and Nasdaq rebalancing, expiry of futures and options"),
    Rebalance(("us",), (6,), 4, "Russell reconstitution"),
)
"""One row an event; docs/validation.md prints them."""

FLAGS = ("month_end", "rebalance", "half_day", "beside_holiday")
"""Columns of `seasons` that are true or not; the weekday is a number."""


def seasons(universe: Universe, until: date) -> pl.DataFrame:
    """What kind of session each is.

    Args:
        universe: Whose calendar.
        until: Last session that is described (exchange date).

    Returns:
        Columns ``session``, ``opens`` and ``closes`` (UTC), ``weekday`` (1 is Monday), ``month_end``, ``rebalance``,
        ``half_day`` and ``beside_holiday`` (a weekday before or after it is no session), ascending.
    """
    table = session_table(universe.calendar)
    day = pl.col("session")
    month_end = (day.dt.month() != day.shift(-1).dt.month()).fill_null(value=False)
    length = (pl.col("closes") - pl.col("opens")).dt.total_seconds()
    weekday = day.dt.weekday()
    before = pl.when(weekday == 1).then(timedelta(days=3)).otherwise(timedelta(days=1))
    after = pl.when(weekday == _FRIDAY + 1).then(timedelta(days=3)).otherwise(timedelta(days=1))
    beside = (day.diff() > before) | (day.shift(-1) - day > after)
    described = table.with_columns(
        weekday=weekday,
        month_end=month_end,
        rebalance=day.is_in(_rebalances(universe, table["session"]).implode()),
        half_day=length < _SHORT * length.rolling_median(60, min_samples=1),
        beside_holiday=beside.fill_null(value=False),
    )
    return described.filter(day <= until)


def _rebalances(universe: Universe, sessions: pl.Series) -> pl.Series:
    """The sessions on which an event of the universe falls."""
    months = sessions.dt.truncate("1mo").unique().sort()
    nominal = [
        _nominal(month, event.week)
        for event in REBALANCES
        if universe.name in event.universes
        for month in months
        if month.month in event.months
    ]
    wanted = pl.DataFrame({"day": pl.Series(nominal, dtype=pl.Date)}).sort("day")
    trading = sessions.to_frame("session").sort("session")
    return wanted.join_asof(trading, left_on="day", right_on="session", strategy="backward")[
        "session"
    ].drop_nulls()


def _nominal(month: date, week: int) -> date:
    if week == LAST:
        following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
        return following - timedelta(days=1)
    first = month + timedelta(days=(_FRIDAY - month.weekday()) % 7)
    return first + timedelta(weeks=week - 1)
