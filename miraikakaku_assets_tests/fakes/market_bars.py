"""Daily bars of a small Tokyo with its neighbours, as a store would hand them out."""

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import polars as pl

from miraikakaku_assets.domain.bars.frame import ACTIONS
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import session_table, sessions_back

LAST = date(2025, 9, 30)
TOKYO = ("1301.T", "6758.T", "7203.T")


class Bars:
    """Implements the port `MarketBars`: random walks of some Tokyo issues and of the dollar.

    Attributes:
        days: Sessions with bars, the last of them `LAST`.
        events: Corporate actions: symbol, date, kind and value.
        sector: Of 1301.T.
        dear: Session on which the dollar costs twice as much; None for none.
    """

    def __init__(
        self,
        days: int,
        events: Sequence[tuple[str, date, str, float]] = (),
        sector: str = "a",
        dear: date | None = None,
    ) -> None:
        self.days = days
        self.events = events
        self.sector = sector
        self.dear = dear

    def daily(
        self, universe: Universe, _since: datetime | None, symbols: Sequence[str] | None
    ) -> pl.DataFrame:
        """The bars, all of them whatever the moment."""
        names = {"jp": TOKYO, "fx": ("USDJPY=X",)}.get(universe.name, ())
        first = sessions_back(universe.calendar, LAST, self.days - 1)
        table = session_table(universe.calendar).filter(pl.col("session").is_between(first, LAST))
        issues = [_issue(name, seed, table["opens"]) for seed, name in enumerate(names)]
        bars = pl.concat(issues or [_issue("", 0, table["opens"]).clear()])
        dear = (pl.col("symbol") == "USDJPY=X") & pl.col("ts").is_in(
            table.filter(pl.col("session").is_in([self.dear]))["opens"].implode()
        )
        bars = bars.with_columns(close=pl.when(dear).then(2 * pl.col("close")).otherwise("close"))
        return bars if symbols is None else bars.filter(pl.col("symbol").is_in(symbols))

    def closes(
        self, universe: Universe, since: datetime | None, symbols: Sequence[str] | None
    ) -> pl.DataFrame:
        """The same with closes only."""
        return self.daily(universe, since, symbols).select("symbol", "ts", "close")

    def actions(self, universe: Universe) -> pl.DataFrame:
        """The actions, all of them in Tokyo."""
        return pl.DataFrame(self.events if universe.name == "jp" else (), schema=ACTIONS, orient="row")

    def sectors(self, _universe: Universe) -> pl.DataFrame:
        """A sector for each issue."""
        return pl.DataFrame({"symbol": TOKYO, "sector": [self.sector, "b", "b"]})


def _issue(name: str, seed: int, opens: pl.Series) -> pl.DataFrame:
    noise = np.random.default_rng(seed).normal(0, 0.02, len(opens))
    close = 1_000 * np.exp(noise.cumsum())
    prices = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
    return pl.DataFrame({"symbol": name, "ts": opens, **prices, "volume": 1_000 + np.arange(len(opens))})
