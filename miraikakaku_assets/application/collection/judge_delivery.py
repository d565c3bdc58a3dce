"""A delivery judged among the stored bars around it, with the splits and dividends that are known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from miraikakaku_assets.application.ports import BarStore, Delivery
from miraikakaku_assets.domain.bars.actions import ValidatedActions, validate_actions
from miraikakaku_assets.domain.bars.frame import ACTIONS
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.bars.settling import AT_HAND
from miraikakaku_assets.domain.bars.validation import DailyContext, ValidatedBars, validate_daily
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


@dataclass(frozen=True)
class Judge:
    """What deliveries are judged by.

    Attributes:
        universe: Where the symbols belong.
        timeframe: Of the bars.
        known: Symbols of the master.
        store: Holds the bars around them.
    """

    universe: Universe
    timeframe: Timeframe
    known: frozenset[str]
    store: BarStore

    def __call__(
        self, delivery: Delivery, now: datetime, replaced: Collection[str] = ()
    ) -> tuple[ValidatedBars, ValidatedActions]:
        """Accepted and refused bars and actions, and what the delivery changes about stored ones.

        Args:
            delivery: What came.
            now: When (UTC).
            replaced: Symbols whose stored history is on another scale and replaced as a whole.
        """
        windows = {
            symbol: window for symbol, window in self._windows(delivery).items() if symbol not in replaced
        }
        stored = self._around(windows, AT_HAND)
        actions, whole = self._actions(delivery, stored)
        bars = None
        while bars is None or bars.cut:
            whole |= frozenset(bars.cut if bars else ())
            stored = self._with_whole(stored, windows, whole)
            bars = self._validated(delivery, now, stored, whole, actions)
        return bars, validate_actions(delivery.actions, bars.accepted, _previous(stored, windows))

    def _windows(self, delivery: Delivery) -> dict[str, tuple[date, date]]:
        """Symbol → exchange dates of its first and last delivered row."""
        session = pl.col("session")
        if self.timeframe is not Timeframe.D1:
            session = pl.col("stamp").dt.convert_time_zone(self.universe.time_zone).dt.date()
        ends = delivery.bars.group_by("symbol").agg(first=session.min(), last=session.max()).drop_nulls()
        return {symbol: (first, last) for symbol, first, last in ends.iter_rows()}

    def _around(self, windows: Mapping[str, tuple[date, date]], bars: int | None) -> pl.DataFrame:
        return self.store.neighbours(self.universe, self.timeframe, windows, bars)

    def _actions(self, delivery: Delivery, stored: pl.DataFrame) -> tuple[pl.DataFrame, frozenset[str]]:
        """Known actions of the symbols, and those of which a split is new: it may explain moves of any year."""
        if stored.is_empty() or self.timeframe is not Timeframe.D1:
            return delivery.actions, frozenset()
        symbols = stored["symbol"].unique().to_list()
        known = self.store.actions(self.universe, symbols)
        splits = delivery.actions.filter((pl.col("kind") == "split") & pl.col("symbol").is_in(symbols))
        new = splits.join(known, on=[*ACTIONS], how="anti")["symbol"]
        together = pl.concat([known.select(*ACTIONS), delivery.actions.select(*ACTIONS)])
        return together.unique(["symbol", "ex_date", "kind"], keep="last", maintain_order=True), frozenset(
            new
        )

    def _with_whole(
        self, stored: pl.DataFrame, windows: Mapping[str, tuple[date, date]], whole: frozenset[str]
    ) -> pl.DataFrame:
        if not whole:
            return stored
        histories = self._around({symbol: windows[symbol] for symbol in whole if symbol in windows}, None)
        return pl.concat([stored.filter(~pl.col("symbol").is_in(sorted(whole))), histories])

    def _validated(
        self,
        delivery: Delivery,
        now: datetime,
        stored: pl.DataFrame,
        whole: frozenset[str],
        actions: pl.DataFrame,
    ) -> ValidatedBars:
        if self.timeframe is Timeframe.D1:
            daily = DailyContext(self.universe, now, self.known, stored, whole, actions)
            return validate_daily(delivery.bars, daily)
        shorter = BarContext(self.universe, now, self.known, stored, whole)
        return validate_intraday(delivery.bars, shorter)


def _previous(stored: pl.DataFrame, windows: Mapping[str, tuple[date, date]]) -> pl.DataFrame:
    """Close of the last stored bar before each symbol's first delivered one."""
    first = pl.DataFrame(
        [(symbol, window[0]) for symbol, window in windows.items()],
        schema={"symbol": pl.String, "first": pl.Date},
        orient="row",
    )
    before = stored.filter(pl.col("rule").is_null()).join(first, on="symbol")
    before = before.filter(pl.col("session") < pl.col("first")).sort("symbol", "ts")
    return before.group_by("symbol").agg(previous=pl.col("close").last())
