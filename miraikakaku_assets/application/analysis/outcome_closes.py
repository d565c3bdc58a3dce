"""The closes by which outcomes of signals are measured: one way for those that are told and those that are shown."""

from datetime import datetime, timedelta

import polars as pl

from miraikakaku_assets.application.ports.analysis import AnalysisStore
from miraikakaku_assets.domain.bars.frame import PRICES
from miraikakaku_assets.domain.bars.intervals import with_ends
from miraikakaku_assets.domain.bars.price_basis import PriceBasis, on_basis
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.patterns.track_record import NEXT_72_BARS, NEXT_SESSION, Horizon

_COVERING = timedelta(days=14)  # longer than any time without a session: a bar covers the first signal


def horizon_of(universe: Universe) -> Horizon:
    """How far the outcomes of its signals look: currency pairs have neither a common market nor a session's close."""
    return NEXT_72_BARS if universe.currency is None else NEXT_SESSION


def outcome_closes(universe: Universe, first: datetime, store: AnalysisStore) -> pl.DataFrame:
    """What `track_record` measures by, on the bars of `horizon_of`.

    Args:
        universe: Whose signals.
        first: When the first of them became known (UTC).
        store: Daily closes of the whole universe are adjusted for dividends; five-minute closes of currencies have
            none.

    Returns:
        Columns ``symbol``, ``ts``, ``ends`` (UTC) and ``close``.
    """
    timeframe = Timeframe.M5 if horizon_of(universe) is NEXT_72_BARS else Timeframe.D1
    closes = store.market(universe, timeframe, first - _COVERING)
    if timeframe is Timeframe.D1:
        whole = closes.with_columns(pl.col("close").alias(name) for name in PRICES)
        closes = on_basis(whole, PriceBasis.ADJUSTED, timeframe, universe, store.actions(universe))
    return with_ends(closes.select("symbol", "ts", "close"), timeframe, universe)
