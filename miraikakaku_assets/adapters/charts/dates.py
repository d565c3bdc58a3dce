"""Labels of a time axis on which bars stand side by side, without the time between them."""

import polars as pl

MOST = 10
"""Labels that fit beneath a chart."""

_CLOSEST = 16  # labels side by side touch each other

_HOUR = "%H:%M"


def _hours(count: int) -> pl.Expr:
    return pl.col("ts").dt.truncate(f"{count}h")


_UNITS: tuple[tuple[pl.Expr, str], ...] = (
    *((_hours(count), _HOUR) for count in (1, 2, 3, 6, 12)),
    (pl.col("ts").dt.date(), "%-m/%-d"),
    (pl.col("ts").dt.truncate("1w"), "%-m/%-d"),
    (pl.col("ts").dt.truncate("1mo"), "%Y-%m"),
    (pl.col("ts").dt.truncate("1q"), "%Y-%m"),
    (pl.col("ts").dt.truncate("1y"), "%Y"),
)
"""From the finest to the coarsest: what changes where a label stands, and how the label is written."""


def date_labels(starts: pl.Series) -> tuple[list[int], list[str]]:
    """Places and labels: the finest unit of time that changes at most `MOST` times.

    Args:
        starts: Starts of the bars in the exchange's zone, ascending.

    Returns:
        Index of the bar each label stands at, and its text; a label at a new day names the day, not the hour.
    """
    table = starts.alias("ts").to_frame()
    for unit, written in _UNITS:
        places = _changes(table.select(unit.alias("unit"))["unit"])
        if len(places) <= MOST:
            return _apart(places, _texts(table, places, written), starts.len() / _CLOSEST)
    places = _changes(table.select(_UNITS[-1][0].alias("unit"))["unit"])
    every = -(-len(places) // MOST)
    return places[::every], _texts(table, places[::every], "%Y")


def _changes(units: pl.Series) -> list[int]:
    """Bars at which a unit begins; the first bar is none, because its unit may have begun before."""
    changed: pl.Series = (units != units.shift(1)).fill_null(value=False)
    return changed.arg_true().to_list()


def _texts(table: pl.DataFrame, places: list[int], written: str) -> list[str]:
    if written != _HOUR:
        return [f"{moment:{written}}" for moment in table["ts"].gather(places)]
    starts = table["ts"].to_list()
    return [
        f"{starts[place]:{'%-m/%-d' if starts[place].date() != starts[place - 1].date() else _HOUR}}"
        for place in places
    ]


def _apart(places: list[int], texts: list[str], closest: float) -> tuple[list[int], list[str]]:
    """Leaves out what would touch: the last hour of a day gives way to the day, others to the one before."""
    kept: list[tuple[int, str]] = []
    for place, text in zip(places, texts, strict=True):
        if kept and place - kept[-1][0] < closest:
            if ":" in text or ":" not in kept[-1][1]:
                continue
            kept.pop()
        kept.append((place, text))
    return [place for place, _ in kept], [text for _, text in kept]
