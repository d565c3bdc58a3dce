"""Frames in which bars travel from a source to the store, and what is promised about their columns.

Daily bars are keyed by ``session``, the exchange's date: sources stamp the same session differently
(midnight, the open, the last trade of the running day). ``ts``, the UTC start of the bar, is derived from
the calendar, so that one session can only be stored once.
"""

import polars as pl

RAW_DAILY: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "session": pl.Date(),  # exchange date
    "stamp": pl.Datetime("us", "UTC"),  # the source's own time stamp, null when it sent a date only
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "row": pl.Int64(),  # 1-based position in the file or answer, header lines counted
    "refusal": pl.String(),  # rule by which the source itself does not vouch for the row, null for none
}
"""A daily bar as a source sent it: nothing is checked, NaN and null mean what the source meant."""

RAW_INTRADAY: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "stamp": pl.Datetime(
        "us", "UTC"
    ),  # start of the bar as the source says it, or the running bar's last trade
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "row": pl.Int64(),  # 1-based position in the file or answer, header lines counted
    "refusal": pl.String(),  # rule by which the source itself does not vouch for the row, null for none
}
"""A bar shorter than a session as a source sent it: nothing is checked."""

STORED_BARS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "session": pl.Date(),  # exchange date
    "ts": pl.Datetime("us", "UTC"),  # start of the bar
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "status": pl.String(),  # final or provisional; null for a bar in quarantine
    "flag": pl.String(),
    "rule": pl.String(),  # by which it is held in quarantine, null for a stored bar
    "source": pl.String(),
}
"""Bars around a delivery: the stored ones, and those that one of `MOVE_RULES` holds in quarantine."""

ACTIONS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "ex_date": pl.Date(),
    "kind": pl.String(),  # dividend (currency per share) or split (new shares per old share)
    "value": pl.Float64(),
}
"""Dividends and splits as a source sent them."""

PRICES = ("open", "high", "low", "close")


def empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """A frame without rows in one of the schemas above."""
    return pl.DataFrame(schema=schema)
