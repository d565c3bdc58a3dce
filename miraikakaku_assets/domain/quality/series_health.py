"""Health of series of daily bars: whole universes at once, no loop over instruments."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.quality.series_rules import FACTOR, FLAT, HOLE, SERIES_RULES, SPIKE, STEP

FINDINGS: dict[str, pl.DataType] = {
    "rule": pl.String(),
    "symbol": pl.String(),
    "session": pl.Date(),  # of the first bar on the new side, of the spike, behind the hole, at the end of the run
    "value": pl.Float64(),  # in the unit of the rule
    "detail": pl.String(),
}
"""What breaks a rule; unique by rule, symbol and session."""

JUDGED = 20
"""Newest sessions whose bars are judged."""
LOOKED_AT = 100
"""Newest sessions that have to be at hand for that."""
_LEVEL = 5  # bars on each side of a step whose median is its level
_USUAL = 60  # sessions whose median volume is the usual one
_FEWEST_VOLUMES = 20
_NEAR = timedelta(days=5)  # around a corporate action, which explains a step
_RATIOS = np.log([2, 2.5, 3, 4, 5, 6, 8, 10, 20, 25, 50, 100])
_LEVEL_TOLERANCE = 0.15  # of the logarithm: what prices move by themselves in a few sessions


def broken_series(
    universe: Universe, bars: pl.DataFrame, actions: pl.DataFrame, sessions: pl.Series, since: date
) -> pl.DataFrame:
    """What breaks the rules over series.

    Args:
        universe: Whose parameters apply.
        bars: ``symbol``, ``session``, ``open``, ``close`` (raw), ``volume``; final, sorted by symbol and session.
        actions: Stored dividends and splits, schema `ACTIONS`, also doubtful ones.
        sessions: Those of the calendar that the bars may lie on, ascending.
        since: First session that is judged; bars before it are what it is compared with.

    Returns:
        Schema `FINDINGS`, the largest values of each rule first.
    """
    if bars.is_empty():
        return pl.DataFrame(schema=FINDINGS)
    explained = _beside_actions(bars, actions)
    measured = _measured(bars, sessions).with_columns(is_explained=explained)
    exceptions = [
        measured.filter((pl.col("session") >= since) & condition).select(
            rule=pl.lit(rule), symbol="symbol", session="session", value=value.cast(pl.Float64), detail=detail
        )
        for rule, condition, value, detail in _conditions(universe)
    ]
    rows = pl.concat(exceptions).cast(FINDINGS)  # type: ignore[arg-type]
    return rows.sort("rule", "value", "symbol", descending=[False, True, False])


def _measured(bars: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """What the rules ask for, beside each bar."""
    place = np.searchsorted(sessions.to_numpy(), bars["session"].to_numpy())
    log_close = pl.col("close").log()
    level_before = log_close.rolling_median(_LEVEL, min_samples=1).shift(1).over("symbol")
    level_after = log_close.reverse().rolling_median(_LEVEL, min_samples=1).reverse().over("symbol")
    usual_volume = (
        pl.col("volume").rolling_median(_USUAL, min_samples=_FEWEST_VOLUMES).shift(1).over("symbol")
    )
    previous = pl.col("close").shift(1).over("symbol")
    measured = bars.with_columns(
        previous=previous,
        gap=(pl.col("open") / previous).log(),
        move=(pl.col("close") / previous).log(),
        level=level_after - level_before,
        usual_volume=usual_volume,
        missing=pl.Series(place).diff() - 1,
        is_first=pl.col("symbol") != pl.col("symbol").shift(1),
        moves=(pl.col("close") != previous).fill_null(value=True)
        | ((pl.col("volume") == 0) & (pl.col("volume").max() > 0)),
    )
    measured = measured.with_columns(run=pl.col("moves").cum_sum().over("symbol"))
    length = pl.len().over("symbol", "run")
    is_end = (pl.col("run") != pl.col("run").shift(-1).over("symbol")).fill_null(value=True)
    # Of the logarithm of a jump: which split's it is nearest to, whichever way it goes.
    jumps = measured["gap"].fill_null(0.0).to_numpy()
    nearest = _RATIOS[np.abs(np.abs(jumps)[:, None] - _RATIOS).argmin(axis=1)]
    return measured.with_columns(
        run_length=length,
        is_run_end=is_end,
        ratio=pl.Series(np.exp(nearest)),
        from_ratio=pl.Series(np.abs(np.abs(jumps) - nearest)),
        level_from_ratio=(pl.col("level").abs() - pl.Series(nearest)).abs(),
    )


def _conditions(universe: Universe) -> list[tuple[str, pl.Expr, pl.Expr, pl.Expr]]:
    """Rule, what breaks it, how far, and in words."""
    limit = {rule.name: rule.limits(universe).limit for rule in SERIES_RULES}
    prices = _text(pl.col("previous").round(4), " → ", pl.col("close").round(4))
    like_split = (
        (pl.col("from_ratio") <= limit[FACTOR])
        & (pl.col("level_from_ratio") <= _LEVEL_TOLERANCE)
        & ((pl.col("level") > 0) == (pl.col("gap") > 0))
        & ~pl.col("is_explained")
    ).fill_null(value=False)
    least = float(np.log(limit[STEP]))
    stays = (pl.col("move").abs() >= least) & (pl.col("level").abs() >= least)
    spike = (pl.col("volume") >= limit[SPIKE] * pl.col("usual_volume")) & (pl.col("usual_volume") > 0)
    hole = (pl.col("missing") >= limit[HOLE]) & ~pl.col("is_first").fill_null(value=True)
    flat = pl.col("is_run_end") & (pl.col("run_length") >= limit[FLAT])
    conditions = {
        STEP: (stays & ~pl.col("is_explained") & ~like_split, pl.col("level").abs().exp(), prices),
        FACTOR: (like_split, pl.col("ratio"), prices),
        SPIKE: (
            spike,
            pl.col("volume") / pl.col("usual_volume"),
            _text(pl.col("volume"), ", usually ", pl.col("usual_volume").round(0)),
        ),
        HOLE: (hole, pl.col("missing"), _text(pl.col("missing"), " sessions are missing before it")),
        FLAT: (flat, pl.col("run_length"), _text(pl.col("run_length"), " closes of ", pl.col("close"))),
    }
    return [(rule.name, *conditions[rule.name]) for rule in SERIES_RULES if rule.applies(universe)]


def _text(*parts: pl.Expr | str) -> pl.Expr:
    """Columns and words as one text; `pl.format` panics on a frame without rows."""
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part.cast(pl.String) for part in parts])


def _beside_actions(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.Series:
    """Whether a corporate action of the symbol is near each bar."""
    days = actions.select("symbol", near="ex_date").unique().sort("near")
    matched = (
        bars.select("symbol", "session")
        .with_row_index("place")
        .sort("session")
        .join_asof(
            days,
            left_on="session",
            right_on="near",
            by="symbol",
            strategy="nearest",
            tolerance=_NEAR,
            check_sortedness=False,
        )
    )
    return matched.sort("place")["near"].is_not_null()
