"""Keeps a part of a history that comes from files from putting the stored one on two scales."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import polars as pl

from miraikakaku_assets.application.ports import BarStore, Delivery
from miraikakaku_assets.domain.bars.file_basis import FileBasis
from miraikakaku_assets.domain.bars.frame import PRICES
from miraikakaku_assets.domain.bars.rules import OTHER_SCALE
from miraikakaku_assets.domain.bars.stored_scale import on_stored_scale
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


@dataclass(frozen=True)
class ScaleKeeper:
    """Compares deliveries of files with what was stored when the import began.

    Attributes:
        universe: Where the symbols belong.
        store: Holds the bars around them.
    """

    universe: Universe
    store: BarStore

    def __call__(self, delivery: Delivery) -> Delivery:
        """The delivery on the scale of the stored histories that go on after it.

        What can be taken onto that scale by stored dividends is; rows of symbols that cannot carry a refusal, and
        their dividends and splits are left out.
        """
        symbols, first = self._ending_early(delivery)
        if not symbols:
            return delivery
        stored = self.store.read(self.universe, Timeframe.D1, symbols, first)
        stored = stored.filter(pl.col("status") == "final").select("symbol", "session", *PRICES)
        mine = pl.col("symbol").is_in(symbols)
        known = self.store.actions(self.universe, symbols)
        scale = on_stored_scale(delivery.bars.filter(mine), delivery.actions, stored, known)
        bars = pl.concat([delivery.bars.filter(~mine), scale.bars])
        delivery = replace(delivery, bars=bars, bases=_undone(delivery.bases, scale.undone))
        return off_scale(delivery, scale.off)

    def _ending_early(self, delivery: Delivery) -> tuple[list[str], date | None]:
        """Symbols whose stored history goes on after the delivery, and the first day delivered of one."""
        if not self._newest or delivery.bars.is_empty():
            return [], None
        taken = delivery.bars.filter(pl.col("refusal").is_null())
        ends = taken.group_by("symbol").agg(first=pl.col("session").min(), last=pl.col("session").max())
        newest = self._newest
        early = [
            (symbol, first) for symbol, first, last in ends.iter_rows() if last < newest.get(symbol, date.min)
        ]
        return sorted(symbol for symbol, _ in early), min((first for _, first in early), default=None)

    @cached_property
    def _newest(self) -> Mapping[str, date]:
        held = self.store.holdings(self.universe, Timeframe.D1)
        return {symbol: holding.newest for symbol, holding in held.items() if holding.newest is not None}


def off_scale(delivery: Delivery, symbols: AbstractSet[str]) -> Delivery:
    """The delivery with a refusal on each row of some symbols that has none."""
    if not symbols:
        return delivery
    others = ~pl.col("symbol").is_in(sorted(symbols))
    refusal = pl.when(others).then("refusal").otherwise(pl.coalesce("refusal", pl.lit(OTHER_SCALE)))
    return replace(
        delivery,
        bars=delivery.bars.with_columns(refusal=refusal),
        actions=delivery.actions.filter(others),
        bases=delivery.bases.filter(others),
    )


def _undone(bases: pl.DataFrame, later: Mapping[str, int]) -> pl.DataFrame:
    """The bases with the dividends that the store knew."""
    more = pl.col("symbol").replace_strict(dict(later), default=0, return_dtype=pl.Int64)
    undone = pl.when(more > 0).then(pl.lit(FileBasis.UNDONE.value)).otherwise("basis")
    return bases.with_columns(basis=undone, dividends=pl.col("dividends") + more) if later else bases
