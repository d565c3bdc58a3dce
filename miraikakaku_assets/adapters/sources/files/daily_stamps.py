"""Whether bars that are read as daily ones are slices of a day: 1,459 official bars were once replaced by a slice each.

A daily bar is dated by a day, by a midnight (as written, or the exchange's), by the open of its session or by a moment
at or after the close. Yahoo dates the running day of a history by its last trade, so in a column called ``date`` one
moment within the session is believed on a symbol's last day. Columns called ``datetime`` or ``timestamp`` are how
bars within the day are dated (yfinance writes ``Date`` for days and ``Datetime`` for moments): there, the open and
moments within the session are slices, be it a single row. Midnight in UTC is Tokyo's open; written as a midnight it is
a day.
"""

from pathlib import Path

import polars as pl

from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import session_table

MOMENT_NAMES = ("datetime", "timestamp")


def refuse_intraday(path: Path, table: pl.DataFrame, universe: Universe, *, names_moments: bool) -> None:
    """Refuses a file of bars within the day.

    Args:
        path: For the message.
        table: Columns ``symbol``, ``session``, ``stamp`` (UTC, null for a plain day), ``row`` and ``is_midnight``
            (whether the stamp is a midnight as written).
        universe: Whose sessions they are.
        names_moments: Whether the column of the stamps is called like one of moments.

    Raises:
        InputFileError: With the first such row.
    """
    stamped = table.filter(pl.col("stamp").is_not_null() & ~pl.col("is_midnight"))
    if stamped.is_empty():
        return
    here = pl.col("stamp").dt.convert_time_zone(universe.time_zone)
    hours = session_table(universe.calendar).select("session", "opens", "closes")
    stamped = stamped.filter(here.dt.time() != pl.time(0)).join(hours, on="session", maintain_order="left")
    moment, group = pl.col("stamp"), ["symbol", "session"]
    at_open = pl.col("stamp") == pl.col("opens")
    within = (moment < pl.col("closes")) & ~at_open
    several = (moment.n_unique().over(group) > 1) & within.any().over(group)
    last = table.group_by("symbol").agg(last=pl.col("session").max())
    stamped = stamped.join(last, on="symbol", maintain_order="left")
    is_last = pl.col("session") == pl.col("last")
    sliced = (within | at_open) if names_moments else several | (within & ~is_last)
    slices = stamped.filter(sliced)
    if not slices.is_empty():
        first = slices.select("symbol", "row", at=here.dt.strftime("%Y-%m-%d %H:%M")).row(0, named=True)
        explanation = (
            f"these are intraday bars ({first['symbol']} at {first['at']}, and a day is wanted); say --timeframe 5m, "
            "or date daily bars by their day"
        )
        raise InputFileError(str(path), "intraday_bars", explanation, first["row"])
