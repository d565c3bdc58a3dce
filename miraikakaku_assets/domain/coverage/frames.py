"""Columns of the frames in which coverage is handed on."""

import polars as pl

GAPS: dict[str, pl.DataType] = {
    "instrument_id": pl.Int32(),
    "symbol": pl.String(),
    "first_session": pl.Date(),
    "last_session": pl.Date(),
    "sessions": pl.Int32(),
    "missing_bars": pl.Int64(),
    "cause": pl.String(),
}
"""Columns of gaps: neighbouring sessions of one issue that miss bars for one cause."""
DAYS: dict[str, pl.DataType] = {
    "sector": pl.String(),
    "session": pl.Date(),
    "expected_bars": pl.Int64(),
    "stored_bars": pl.Int64(),
}
"""Columns of what is expected and stored per sector and session."""
REFUSED: dict[str, pl.DataType] = {
    "instrument_id": pl.Int32(),
    "session": pl.Date(),
    "without_trade": pl.Boolean(),
}
"""Columns of sessions with a refused bar, and whether all that came was rows without a price that say a volume of 0."""
ASKED: dict[str, pl.DataType] = {
    "instrument_id": pl.Int32(),
    "since": pl.Date(),
    "until": pl.Date(),
    "answered_at": pl.Datetime("us", "UTC"),
}
"""Columns of windows that the source was asked for and has answered; ``until`` is null for all up to that moment."""
