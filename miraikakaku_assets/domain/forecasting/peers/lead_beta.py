"""London's official price follows COMEX, which trades on for five hours after it has been fixed.

The ratio of COMEX's settlement to the official price, both known when the forecast is made, lies above its usual
relation when New York has risen since London's ring, and London's next official price makes up for it.
"""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from miraikakaku_assets.domain.forecasting.contract import HORIZONS, Look, Profile
from miraikakaku_assets.domain.forecasting.frames import at_horizon
from miraikakaku_assets.domain.forecasting.peers.leading_signal import LeadingSignal

LEAD_COLUMN = "hg_lead"
"""Log of the leading market's price, newer than the own close; null where it is not."""

HALF_LIFE = 4
"""Bars over which the usual relation is remembered: contract months and premiums move it. Of 2, 3, 4, 5, 7, and means
and medians over 5, 10, 20 and 40 bars, this one had the smallest error one session ahead on 2010–2019."""

WINDOW = 500
"""Bars that the regressions are made of."""

FEWEST_PAIRS = 60
"""Outcomes before a regression is believed."""

_TYPICAL = 20  # bars whose median relation says which unit a price is in
_UNIT_CHANGE = 0.25  # a deviation (log) that no day of trading brings about


@dataclass(frozen=True)
class LeadBeta(LeadingSignal):
    """For each horizon a rolling regression through the origin on the deviation from the usual relation; σ √h.

    Without a newer price of the leading market, or with one in another unit, there is no lead: no change.
    """

    word: ClassVar[str] = "lead_beta"
    profile: ClassVar[Profile] = Profile(Look("Lead", "#0f766e", "d", "◆"), universes=("copper",))

    column: ClassVar[str] = LEAD_COLUMN

    def with_slopes(self, bars: pl.DataFrame) -> pl.DataFrame:
        """As in `LeadingSignal`."""
        return with_leads(bars, self.column)

    def point(self) -> pl.Expr:
        """As in `LeadingSignal`."""
        return at_horizon("beta") * pl.col("deviation")


def with_leads(bars: pl.DataFrame, lead: str) -> pl.DataFrame:
    """Bars with ``deviation`` of the leading market from its usual relation, and ``beta_1`` to ``beta_5`` to it.

    Args:
        bars: As of `Panel.bars`, with the log of the leading price.
        lead: Name of that column.

    Returns:
        The bars; null where there is no lead, or too few outcomes.
    """
    quoted = bars.with_columns(_ratio=pl.col(lead) - pl.col("log_close"))
    typical = pl.col("_ratio").rolling_median(_TYPICAL, min_samples=1).over("symbol")
    # One price in another unit must not be the usual relation of the weeks behind it.
    quoted = quoted.with_columns(
        _ratio=pl.when((pl.col("_ratio") - typical).abs() < _UNIT_CHANGE).then("_ratio")
    )
    usual = pl.col("_ratio").ewm_mean(half_life=HALF_LIFE, ignore_nulls=True).over("symbol")
    known = quoted.with_columns(deviation=pl.col("_ratio") - usual)
    for h in HORIZONS:
        # What came over h bars until this one, and what was known of the lead h bars ago.
        x = pl.col("deviation").shift(h).over("symbol")
        y = pl.col("log_close").diff(h).over("symbol")
        pairs = {
            "_xy": pl.when(x.is_not_null() & y.is_not_null()).then(x * y),
            "_xx": pl.when(y.is_not_null()).then(x**2),
        }
        known = known.with_columns(**pairs)
        xy, xx = (pl.col(name).rolling_sum(WINDOW, min_samples=FEWEST_PAIRS).over("symbol") for name in pairs)
        known = known.with_columns(pl.when(xx > 0).then(xy / xx).alias(f"beta_{h}"))
    return known.drop("_ratio", "_xy", "_xx")
