"""Bands that hold what they say, whatever the distribution: rolling split-conformal prediction.

The score of a past forecast is the size of its error in units of what was to be expected at its origin: the learnt size
of the move (`expected_moves`), or σ √h of EWMA where none is given. The band of a new forecast reaches as far as the
scores of the last year did with the wanted frequency. Only scores whose outcome was known at the origin count. Scores
of calm and of wild issues differ even after this scaling, so the score set is that of the same volatility regime where
it is large enough. After a break bands would miss until a year has passed; so the frequency that is asked for is moved
by what was missed of late.

Source: Papadopoulos et al., Inductive confidence machines for regression, ECML 2002, 345-356; Lei et al.,
Distribution-free predictive inference for regression, JASA 113 (2018) 1094-1111; Gibbs and Candès, Adaptive conformal
inference under distribution shift, NeurIPS 34 (2021) 1660-1672.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.density.adaptive import CENTRAL, AskedShares
from miraikakaku_assets.domain.forecasting.frames import at_horizon
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility

Numbers = NDArray[np.float64]

LEVELS = {0.80: ("lo80", "hi80"), 0.95: ("lo95", "hi95")}
"""Bands that people are shown: share of outcomes that they hold → names of their ends."""

QUANTILES = (0.025, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.975)
"""Levels of the nine quantiles of a forecast, ascending; the one in the middle is the point."""

MEDIAN = 0.5

_THIRDS = 3
_RANKED = 60
"""Volatilities among which one can be called low or high."""


class Calibration(StrEnum):
    """Which scores a band was made from."""

    REGIME = "regime"
    """Those of the same volatility regime."""
    POOLED = "pooled"
    """Those of all regimes, because the regime has too few or is not known."""
    NONE = "none"
    """There are too few, or the volatility is not known: the model's own band stands."""


_CODES = tuple(Calibration)


class Regimes(StrEnum):
    """What a volatility is compared with; regimes are the thirds."""

    ACROSS = "across"
    """With those of the other instruments on the same session: unknown with fewer than 60."""
    OWN_PAST = "own_past"
    """With the instrument's own in the window: unknown before 60."""
    NONE = "none"
    """With nothing: there is one regime."""


@dataclass(frozen=True)
class ConformalRule:
    """How the score set is chosen.

    Attributes:
        window: Sessions whose origins count, back from the newest with a known outcome.
        fewest: Scores that a set must have; 95 % cannot be told from fewer than 19.
        regimes: How volatility regimes are told apart. Thirds across instruments are of one size on every day. Thirds
            of the own past are not: in a turbulent market nearly all issues are in the upper one, whose scores are
            from the turbulence before.
        speed: By how much the share that is asked for follows what was missed of late (γ of Gibbs and Candès, a
            horizon's share of it, since outcomes overlap); 0 not at all.
    """

    window: int = 250
    fewest: int = 100
    regimes: Regimes = Regimes.ACROSS
    speed: float = 0.0


DEFAULT_RULE = ConformalRule(speed=0.02)


def volatility_regime(rule: ConformalRule) -> pl.Expr:
    """0, 1 or 2 over `Panel.bars` with a column ``sigma``, null where it is unknown; reads no later bar."""
    sigma = pl.col("sigma")
    if rule.regimes is Regimes.NONE:
        return pl.lit(None, pl.Int64())
    if rule.regimes is Regimes.ACROSS:
        place, count = sigma.rank("ordinal").over("session"), sigma.count().over("session")
        return pl.when(count >= _RANKED).then(((place - 1) * _THIRDS).cast(pl.Int64) // count)
    ends = [
        sigma.rolling_quantile(part / _THIRDS, "linear", rule.window, min_samples=min(_RANKED, rule.window))
        for part in (1, 2)
    ]
    # A sum over a list would count an unknown volatility as low.
    low, high = ((sigma > end).over("symbol") for end in ends)
    return low.cast(pl.Int64) + high.cast(pl.Int64)


def conformal_bands(
    forecasts: pl.DataFrame,
    panel: Panel,
    rule: ConformalRule = DEFAULT_RULE,
    pool: Sequence[str] = (),
    only: Sequence[date] | None = None,
    moves: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Forecasts with calibrated bands.

    Args:
        forecasts: Schema `contract.FORECASTS` of one universe, the past ones and the new; each is calibrated by
            those before it with the same model and horizon.
        panel: Bars of the same universe.
        rule: Choice of the score set.
        pool: Further columns of the forecasts within which scores are exchanged, e.g. ``universe``.
        only: Origins whose forecasts are wanted; the others give their scores. None for all.
        moves: `expected_moves.expected_moves` of the same panel, at least of every origin here; None: σ √h of EWMA.

    Returns:
        The forecasts in the same order with new ends of bands, ``calibration`` (`Calibration`, null without
        forecast), ``calibration_scores`` (how many) and ``quantiles`` (a list of nine log returns at `QUANTILES`;
        null without forecast, or where the model's own band stands and has no standard deviation). Bands are symmetric
        around the point; 80 % lies within 95 %, and their ends are quantiles.

    Raises:
        ConfigurationError: The rule allows fewer scores than a band of 95 % needs.
    """
    if rule.fewest < _least(max(LEVELS)):
        raise ConfigurationError(
            f"{rule.fewest} scores cannot give a band of 95 %; ask for at least {_least(max(LEVELS))}"
        )
    rows = _normalised(forecasts, panel, rule, pool, moves)
    is_chosen = pl.lit(value=True) if only is None else pl.col("as_of").is_in(list(only))
    rows = rows.with_columns(is_chosen=is_chosen).drop("as_of").sort("as_of_at", maintain_order=True)
    groups = rows.partition_by(*pool, "model", "horizon", maintain_order=True) or [rows]
    bands = pl.concat([_calibrated(group, rule) for group in groups]).sort("place")
    chosen = forecasts.filter(is_chosen).hstack(bands.drop("place"))
    ended = chosen.with_columns(*_ends(), quantiles=_quantiles())
    return ended.select(*forecasts.columns, "calibration", "calibration_scores", "quantiles")


def _quantiles() -> pl.Expr:
    """Nine quantiles: the ends of central intervals by past errors, else those of a normal distribution."""
    from scipy.special import ndtri

    normal = pl.col("point").is_not_null() & pl.col("sd").is_not_null()
    ends = []
    for level in QUANTILES:
        side, share = (-1, 1 - 2 * level) if level < MEDIAN else (1, 2 * level - 1)
        reach = pl.lit(0.0) if level == MEDIAN else side * pl.col(_reach(round(share, 4)))
        ends.append(
            pl.col("point") + pl.when(_by_errors()).then(reach).otherwise(pl.col("sd") * float(ndtri(level)))
        )
    return pl.when(pl.col("point").is_not_null() & (_by_errors() | normal)).then(pl.concat_list(ends))


def _by_errors() -> pl.Expr:
    return pl.col("calibration").is_in([Calibration.REGIME.value, Calibration.POOLED.value])


def _ends() -> list[pl.Expr]:
    known = _by_errors()
    ends = []
    for level, (low, high) in LEVELS.items():
        reach = pl.col(_reach(level))
        ends.append(pl.when(known).then(pl.col("point") - reach).otherwise(low).alias(low))
        ends.append(pl.when(known).then(pl.col("point") + reach).otherwise(high).alias(high))
    return ends


def _reach(level: float) -> str:
    return f"reach_{level:.2f}"


def _normalised(
    forecasts: pl.DataFrame,
    panel: Panel,
    rule: ConformalRule,
    pool: Sequence[str],
    moves: pl.DataFrame | None,
) -> pl.DataFrame:
    """What calibration reads, in few columns: a year of a large market has five million rows.

    Columns ``place`` (in the forecasts), ``model``, ``horizon``, `pool`, ``as_of``, ``as_of_at`` (its ordinal),
    ``unit`` (the expected size), ``regime`` (-1 for unknown), ``made``, ``score`` (null for none).
    """
    bars = panel.bars.select("symbol", "session", "ordinal", "log_close", sigma=ewma_volatility())
    state = bars.select(
        "symbol", "sigma", volatility_regime(rule).alias("regime"), as_of="session", origin_log="log_close"
    )
    ends = bars.select("symbol", target="session", target_log="log_close")
    actual = pl.col("target_log") - pl.col("origin_log")
    unit = pl.col("sigma") * pl.col("horizon").cast(pl.Float64).sqrt()
    if moves is not None:
        state = state.join(moves, on=["symbol", "as_of"], how="left", maintain_order="left")
        unit = at_horizon("move")
    calendar = panel.calendar.select(as_of="session", as_of_at="ordinal")
    return (
        forecasts.select(*pool, "symbol", "model", "horizon", "as_of", "target", "point")
        .with_row_index("place")
        .join(state, on=["symbol", "as_of"], how="left", maintain_order="left")
        .join(ends, on=["symbol", "target"], how="left", maintain_order="left")
        .join(calendar, on="as_of", how="left", maintain_order="left")
        .with_columns(unit=pl.when(unit > 0).then(unit))
        .select(
            *("place", *pool, "model", "horizon", "as_of", "as_of_at", "unit"),
            pl.col("regime").fill_null(-1),
            made=pl.col("point").is_not_null(),
            score=(actual - pl.col("point")).abs() / pl.col("unit"),
        )
    )


def _calibrated(group: pl.DataFrame, rule: ConformalRule) -> pl.DataFrame:
    """The wanted rows of one model and horizon, sorted by origin: ``place``, reaches, calibration and its size."""
    sets = _ScoreSets(group, rule)
    rows = group.filter("is_chosen")
    unit = rows["unit"].to_numpy()
    reach = {level: np.full(rows.height, np.nan) for level in CENTRAL}
    code = np.full(rows.height, _CODES.index(Calibration.NONE))
    counts = np.zeros(rows.height, dtype=np.int64)
    at, regimes = rows["as_of_at"].to_numpy(), rows["regime"].to_numpy()
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    ends = np.append(starts, rows.height)[1:]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        for regime in np.unique(regimes[start:end]).tolist():
            chosen = start + np.flatnonzero(regimes[start:end] == regime)
            calibration, count, reaches = sets.reaches(int(at[start]), int(regime))
            code[chosen], counts[chosen] = _CODES.index(calibration), count
            for level, value in reaches.items():
                reach[level][chosen] = value * unit[chosen]
    code[np.isnan(unit)] = _CODES.index(Calibration.NONE)  # nothing to scale by
    named = {_reach(level): values for level, values in reach.items()}
    named_code = pl.Series(code).replace_strict(
        list(range(len(_CODES))), list(_CODES), return_dtype=pl.String()
    )
    return rows.select("place", "made").with_columns(
        **named, calibration=named_code, calibration_scores=counts
    ).select(
        "place", *named, *(pl.when("made").then(name).alias(name) for name in ("calibration", "calibration_scores"))
    )  # fmt: skip


class _ScoreSets:
    """The scores of one model and horizon, by origin."""

    def __init__(self, group: pl.DataFrame, rule: ConformalRule) -> None:
        known = group.filter(pl.col("score").is_not_null())
        self._rule = rule
        self._horizon = int(group["horizon"][0]) if group.height else 1
        regimes = known["regime"].to_numpy()
        at, scores = known["as_of_at"].to_numpy(), known["score"].to_numpy()
        self._sets: dict[int | None, tuple[NDArray[np.int64], Numbers]] = {None: (at, scores)}
        for regime in range(0 if rule.regimes is Regimes.NONE else _THIRDS):
            own = regimes == regime
            self._sets[regime] = at[own], scores[own]
        self._asked: dict[int | None, AskedShares] = {}
        self._pooled: tuple[int, tuple[int, dict[float, float]]] | None = None

    def reaches(self, origin: int, regime: int) -> tuple[Calibration, int, dict[float, float]]:
        """Share of outcomes → reach in units of what was to be expected, for forecasts from a session (its ordinal)."""
        if regime in self._sets:
            count, reaches = self._quantiles(origin, regime)
            if reaches:
                return Calibration.REGIME, count, reaches
        if self._pooled is None or self._pooled[0] != origin:
            self._pooled = origin, self._quantiles(origin, None)
        count, reaches = self._pooled[1]
        return (Calibration.POOLED if reaches else Calibration.NONE), count, reaches

    def _quantiles(self, origin: int, regime: int | None) -> tuple[int, dict[float, float]]:
        at, scores = self._sets[regime]
        newest = origin - self._horizon  # the last origin whose target has closed
        first = np.searchsorted(at, newest - self._rule.window, side="right")
        window = scores[first : np.searchsorted(at, newest, side="right")]
        count = len(window)
        if count < self._rule.fewest:
            return count, {}
        shares = self._shares(origin, regime)
        ranks = {
            level: min(count, ceil(round((count + 1) * share, 9))) - 1 for level, share in shares.items()
        }
        ordered = np.partition(window, sorted(set(ranks.values())))
        return count, {level: float(ordered[rank]) for level, rank in ranks.items()}

    def _shares(self, origin: int, regime: int | None) -> dict[float, float]:
        """Central share → the one to ask for, so that of late it would have held what it says."""
        if self._rule.speed <= 0:
            return {level: level for level in CENTRAL}
        if regime not in self._asked:
            self._asked[regime] = AskedShares(
                *self._sets[regime], self._horizon, self._rule.window, self._rule.speed / self._horizon
            )
        return self._asked[regime].at(origin)


def _least(level: float) -> int:
    """Fewest scores n with ceil((n + 1) level) <= n: 19 for 95 %."""
    return ceil(round(level / (1 - level), 9))
