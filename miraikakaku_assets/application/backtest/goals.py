"""Goals and figures of the ensemble side by side, and the two lines of the specification."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from miraikakaku_assets.application.backtest.cells import LEVEL, NOTHING, hits, judged, ratio, table, within
from miraikakaku_assets.application.backtest.tables import (
    DIRECTION_LINE,
    MAPE_LINE,
    POOLED,
    BacktestResult,
    pooled,
)
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE
from miraikakaku_assets.domain.percent import percent

LIMIT, STRETCH = 1.0, 0.995
"""Mean absolute error of the ensemble over that of no change: at most, and better."""

_DIGITS = 4  # that are shown and judged: an ensemble that is all but no change is 1 up to far smaller ones

RIGHT = {"80": (0.78, 0.82), "95": (0.935, 0.965)}
"""Band → what it has to cover."""

RIGHT_SHARE = 0.9
"""Of the instruments whose 80 % band has to cover within `scoreboard_tables.FAIR`."""


def reached(board: BacktestResult) -> dict[str, Any]:
    """What the ensemble reached on a set, all horizons together.

    Returns:
        ``mae_to_no_change``, ``stretch`` (horizons), ``coverage_80``, ``coverage_95`` and ``fair`` (share of the
        instruments, None for a few); None where there is no figure.
    """
    whole = pooled(board.scores).filter(pl.col("model") == ENSEMBLE)
    own = board.scores.filter(pl.col("model") == ENSEMBLE)
    better = own.filter((pl.col("mae_to_no_change") < STRETCH) & (pl.col("p_holm") < LEVEL))
    figures: dict[str, Any] = {
        name: whole[name].first() for name in ("mae_to_no_change", "coverage_80", "coverage_95")
    }
    fair = None
    if board.spread.height:
        mine = (pl.col("model") == ENSEMBLE) & (pl.col("horizon") == POOLED)
        fair = board.spread.filter(mine)["fair"].first()
    return figures | {"stretch": better["horizon"].sort().to_list(), "fair": fair}


def goals(boards: Mapping[str, BacktestResult]) -> str:
    """The marks of the ensemble, set by set."""
    rows = []
    for name, board in boards.items():
        own = reached(board)
        error, share = own["mae_to_no_change"], own["fair"]
        rows.append(
            (
                name,
                judged(
                    ratio(error, _DIGITS), holds=None if error is None else round(error, _DIGITS) <= LIMIT
                ),
                ", ".join(map(str, own["stretch"])) or "none",
                *(
                    judged(percent(own[f"coverage_{band}"], 1), holds=within(own[f"coverage_{band}"], ends))
                    for band, ends in RIGHT.items()
                ),
                judged(percent(share, 1), holds=None if share is None else share >= RIGHT_SHARE),
            )
        )
    bands = [f"{band} % band: {100 * low:g}–{100 * high:g} %" for band, (low, high) in RIGHT.items()]
    names = (
        "set",
        f"MAE to no change ≤ {LIMIT:.2f}",
        f"h with < {STRETCH} and p < {LEVEL}",
        *bands,
        f"instruments within 70–90 %: ≥ {100 * RIGHT_SHARE:g} %",
    )
    return f"### What the ensemble had to reach, all horizons together\n\n{table(names, rows)}"


def best_direction(board: BacktestResult, horizon: int) -> dict[str, Any] | None:
    """Scores of the model with the highest hit rate of those that call every other direction; None without any."""
    often = pl.col("calls") * 2 >= pl.col("n")
    scores = board.scores.filter(pl.col("horizon") == horizon, often).drop_nulls("hit_rate")
    ordered = scores.sort("hit_rate", "model", descending=[True, False])
    return ordered.row(0, named=True) if ordered.height else None


def spec_lines(boards: Mapping[str, BacktestResult], horizons: Sequence[int]) -> str:
    """The two lines, beside no change and always-up."""
    rows = []
    for name, board in boards.items():
        for horizon in horizons:
            scores = board.scores.filter(pl.col("horizon") == horizon, pl.col("n") > 0)
            mapes: list[Any] = [
                scores.filter(pl.col("model") == model)["mape"].first() for model in (NO_CHANGE, ENSEMBLE)
            ]
            best = best_direction(board, horizon)
            rows.append(
                (
                    name,
                    str(horizon),
                    *(
                        judged(percent(value, 2), holds=None if value is None else value < MAPE_LINE)
                        for value in mapes
                    ),
                    NOTHING if best is None else str(best["model"]),
                    NOTHING if best is None else judged(hits(best), holds=best["hit_low"] >= DIRECTION_LINE),
                    NOTHING if best is None else percent(best["always_up"], 1),
                )
            )
    title = (
        f"### The lines of the specification: MAPE < {percent(MAPE_LINE, 0)}, direction ≥ {percent(DIRECTION_LINE, 0)}"
        "\nDirection is that of the best of all models that call one every other time, which flatters it; its whole "
        "interval must lie above the line."
    )
    names = ("set", "h", "MAPE of no change", "MAPE of the ensemble", "best direction", "right", "always up")
    return f"{title}\n\n{table(names, rows)}"
