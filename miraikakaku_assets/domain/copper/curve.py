"""What the curve says: its shape, the spread of cash over three months, roll yields, and when volume moves on.

In backwardation the nearer delivery costs more (cash above three months); in contango the later one does.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import polars as pl

from miraikakaku_assets.domain.market.universes.copper import LME_3M, LME_CASH

DAYS_PER_YEAR = 365
_FEWEST_POINTS = 2


class Regime(StrEnum):
    """Shape of the curve."""

    BACKWARDATION = "backwardation"
    CONTANGO = "contango"
    FLAT = "flat"


@dataclass(frozen=True)
class RegimeSpan:
    """A run of sessions with one shape.

    Attributes:
        regime: The shape.
        since: Its first session.
        until: Its last.
        sessions: How many there were.
    """

    regime: Regime
    since: date
    until: date
    sessions: int


@dataclass(frozen=True)
class Roll:
    """The session from which on a later contract has the most volume.

    Attributes:
        session: Exchange date.
        left: Contract that had the most before.
        entered: Contract that has it now.
    """

    session: date
    left: str
    entered: str


def spreads(quotes: pl.DataFrame) -> pl.DataFrame:
    """Cash over three months on every session of the LME that has both prices.

    Args:
        quotes: Schema `QUOTES`.

    Returns:
        Columns ``session``, ``cash``, ``three_months``, ``spread`` (USD/t) and ``regime``, sorted.
    """
    official = quotes.filter(pl.col("contract").is_in([LME_CASH, LME_3M]))
    wide = [
        official.filter(pl.col("contract") == contract).select("session", pl.col("usd_per_tonne").alias(name))
        for contract, name in ((LME_CASH, "cash"), (LME_3M, "three_months"))
    ]
    both = wide[0].join(wide[1], on="session").sort("session")
    both = both.with_columns(spread=pl.col("cash") - pl.col("three_months"))
    return both.with_columns(
        regime=pl.when(pl.col("spread") > 0).then(pl.lit(Regime.BACKWARDATION.value))
        .when(pl.col("spread") < 0).then(pl.lit(Regime.CONTANGO.value))
        .otherwise(pl.lit(Regime.FLAT.value))
    )  # fmt: skip


def percentile(history: pl.Series, value: float) -> float:
    """Share of a history (0 to 1) that lies below a value; equal ones count half."""
    below, equal = float((history < value).sum()), float((history == value).sum())
    return (below + equal / 2) / len(history)


def regime_spans(history: pl.DataFrame) -> list[RegimeSpan]:
    """Runs of one shape, oldest first; of what `spreads` returns."""
    number = (pl.col("regime") != pl.col("regime").shift()).fill_null(value=True).cum_sum()
    runs = history.group_by(number.alias("run"), maintain_order=True).agg(
        pl.col("regime").first(),
        since=pl.col("session").first(),
        until=pl.col("session").last(),
        sessions=pl.len(),
    )
    return [
        RegimeSpan(Regime(regime), since, until, sessions)
        for _, regime, since, until, sessions in runs.iter_rows()
    ]


def roll_yield(front: float, back: float, days: int) -> float:
    """What holding the back contract earns a year while prices stay: (front − back)/front × 365/days.

    Args:
        front: Price of the nearer delivery, above 0.
        back: Price of the later one, in the same unit.
        days: Calendar days between the two, above 0.
    """
    return (front - back) / front * DAYS_PER_YEAR / days


def slope(points: pl.DataFrame, session: date) -> float | None:
    """Growth of the price a year along the curve: least squares of its logarithm on the years until expiry.

    Args:
        points: Columns ``usd_per_tonne`` and ``expires`` of one session.
        session: Which.

    Returns:
        Log points a year, negative in backwardation; None for fewer than two contracts.
    """
    dated = points.drop_nulls(["usd_per_tonne", "expires"])
    if dated["expires"].n_unique() < _FEWEST_POINTS:
        return None
    years = (dated["expires"] - session).dt.total_days().to_numpy() / DAYS_PER_YEAR
    centred = years - years.mean()
    prices = np.log(dated["usd_per_tonne"].to_numpy())
    return float((centred * prices).sum() / (centred**2).sum())


def fronts(quotes: pl.DataFrame) -> pl.DataFrame:
    """The contract month with the most volume; a later one takes its place when it leads on two sessions in a row.

    It never goes back to an earlier month.

    Args:
        quotes: Schema `QUOTES`; contracts without a volume or an expiry are left out.

    Returns:
        Columns ``session``, ``contract`` and ``expires``, sorted; sessions on which nobody traded are left out.
    """
    traded = quotes.filter(pl.col("volume") > 0, pl.col("expires").is_not_null())
    ranked = traded.sort("session", "volume", "expires", descending=[False, True, False])
    busiest = ranked.unique("session", keep="first", maintain_order=True).sort("session")
    confirmed = pl.min_horizontal("expires", pl.col("expires").shift())
    latest = busiest.with_columns(reached=confirmed.cum_max())
    months = traded.select("contract", "expires").unique("expires", keep="first")
    named = latest.select("session", expires="reached").join(months, on="expires", how="left")
    return named.select("session", "contract", "expires").sort("session")


def rolls(front: pl.DataFrame) -> list[Roll]:
    """Sessions on which the volume moved on; of what `fronts` returns."""
    moved = front.with_columns(left=pl.col("contract").shift()).filter(pl.col("left") != pl.col("contract"))
    rows = moved.select("session", "left", "contract").iter_rows()
    return [Roll(session, left, entered) for session, left, entered in rows]
