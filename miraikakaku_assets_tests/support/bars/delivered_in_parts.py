"""A store of bars in memory, for histories that come in parts: what is accepted, flagged and held afterwards."""

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from miraikakaku_assets.domain.bars.frame import ACTIONS, STORED_BARS, empty
from miraikakaku_assets.domain.bars.rules import MOVE_RULES
from miraikakaku_assets.domain.bars.settling import AT_HAND
from miraikakaku_assets.domain.bars.validation import DailyContext, validate_daily
from miraikakaku_assets.domain.market.instruments import Universe

_KEY = ["symbol", "session"]


@dataclass
class Shelf:
    """Keeps what validation says, as the tables do.

    Attributes:
        bars: Schema `STORED_BARS`: one row per session, accepted or held.
        actions: Schema `ACTIONS`.
        withdrawn: Sessions of accepted bars that were refused later, in their order.
    """

    universe: Universe
    now: datetime
    bars: pl.DataFrame = field(default_factory=lambda: empty(STORED_BARS))
    actions: pl.DataFrame = field(default_factory=lambda: empty(ACTIONS))
    withdrawn: list[tuple[str, date]] = field(default_factory=list)

    def deliver(self, raw: pl.DataFrame, actions: pl.DataFrame | None = None) -> None:
        """Takes a delivery in; `raw` has schema `RAW_DAILY`."""
        came = empty(ACTIONS) if actions is None else actions
        new = came.filter(pl.col("kind") == "split").join(self.actions, on=[*ACTIONS], how="anti")["symbol"]
        self.actions = pl.concat([self.actions, came]).unique(maintain_order=True)
        whole = frozenset(new)
        while True:
            stored = self._around(raw, whole)
            context = DailyContext(self.universe, self.now, None, stored, whole, self.actions)
            judged = validate_daily(raw, context)
            if not judged.cut:
                break
            whole |= set(judged.cut)
        blank = {"source": pl.lit("test"), "rule": pl.lit(None, pl.String)}
        held = judged.refused.filter(pl.col("rule").is_in(MOVE_RULES))
        held = held.with_columns(status=pl.lit("final"), flag=pl.lit(None, pl.String), source=pl.lit("test"))
        written = [
            judged.reconsidered,
            judged.accepted.with_columns(**blank).select(*STORED_BARS),
            held.select(*STORED_BARS),
        ]
        new_rows = pl.concat(written)
        kept = self.bars.join(new_rows, on=_KEY, how="anti")
        good = self.bars.filter(pl.col("rule").is_null()).select(_KEY)
        self.withdrawn += good.join(new_rows.drop_nulls("rule"), on=_KEY).select(_KEY).rows()
        self.bars = pl.concat([kept, new_rows]).sort(_KEY)

    def _around(self, raw: pl.DataFrame, whole: frozenset[str]) -> pl.DataFrame:
        windows = raw.group_by("symbol").agg(first=pl.col("session").min(), last=pl.col("session").max())
        mine = self.bars.join(windows, on="symbol")
        at_hand = pl.col("symbol").is_in(sorted(whole))
        good = pl.col("rule").is_null()
        before, after = pl.col("session") < pl.col("first"), pl.col("session") > pl.col("last")
        older = (good & before).cum_sum(reverse=True).over("symbol") <= AT_HAND
        newer = (good & after).cum_sum().over("symbol") <= AT_HAND
        return mine.filter(at_hand | (older & newer)).select(*STORED_BARS)

    def verdicts(self) -> list[tuple[str, date, float, str | None, str | None]]:
        """Symbol, session, close, flag and rule of every bar."""
        return self.bars.select(*_KEY, "close", "flag", "rule").rows()
