"""Figures and tables of the scoreboard as Markdown: how every number is written, in one place."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE
from miraikakaku_assets.domain.percent import in_percent, percent

NOTHING = "–"
_LEAST_CHANCE = 0.001
LEVEL = 0.05
"""Of the tests, after the correction."""


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; every row as long as the names."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratio(value: float | None, digits: int = 3) -> str:
    """An error over another one."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def chance(value: float | None) -> str:
    """A p-value."""
    if value is None:
        return NOTHING
    return f"{value:.3f}" if value >= _LEAST_CHANCE else f"< {_LEAST_CHANCE}"


def hits(row: Mapping[str, Any] | None) -> str:
    """Hit rate with its interval."""
    if row is None or row["hit_rate"] is None or row["hit_low"] is None or row["hit_high"] is None:
        return NOTHING
    low, high = (in_percent(row[name], 1) for name in ("hit_low", "hit_high"))
    return f"{percent(row['hit_rate'], 1)} ({low:.1f}–{high:.1f})"


def judged(text: str, *, holds: bool | None) -> str:
    """A figure with what it says about its line; None for nothing."""
    return text if holds is None else f"{text} {'✓' if holds else '✗'}"


def within(value: float | None, ends: tuple[float, float]) -> bool | None:
    """Whether a figure lies within both ends; None without a figure."""
    return None if value is None else ends[0] <= value <= ends[1]


def score_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Error, test, direction and MAPE of a row of scores, as `SCORE_NAMES` names them."""
    tested = NOTHING if row["model"] == NO_CHANGE else chance(row["p_holm"])
    return (
        ratio(row["mae_to_no_change"]),
        tested,
        f"{row['calls']:,}",
        hits(row),
        percent(row["always_up"], 1),
        percent(row["mape"], 2),
        percent(row["coverage_80"], 1),
        percent(row["coverage_95"], 1),
    )


SCORE_NAMES = (
    *("MAE to no change", "p", "calls", "direction right", "always up", "MAPE"),
    *("80 % band", "95 % band"),
)
