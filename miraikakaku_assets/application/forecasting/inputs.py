"""What forecasts of a universe are made from: its bars as a panel, with what was known of other markets."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import polars as pl

from miraikakaku_assets.application.ports.forecasts import MarketBars
from miraikakaku_assets.domain.bars.price_basis import PriceBasis, on_basis
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.features import (
    CrossMarket,
    FeatureInputs,
    closes_known,
    with_nights,
    with_other_markets,
)
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets.domain.market.instruments import FX, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table, sessions_back

HISTORY = 750
"""Sessions before the first origin that are read: three years. An EWMA volatility of λ = 0.94 has forgotten all but
10⁻²⁰ of what lies before, and no model looks back further than a year."""

FOREIGN = ("us_ret_1", "us_ret_5", "usdjpy_ret_1", "usdjpy_ret_5")
"""Columns of other markets: log returns over one and five of their sessions, null where nothing is known of them."""

NIGHT = ("us_night", "hg_night", "hg_lead")
"""What came between the own close and the moment of the forecast: log returns of Wall Street's median issue and of
COMEX copper, and the log of the latter's settlement; null where nothing came."""

_DOLLAR = "USDJPY=X"
_NUMBERS = ("close", "high", "low", "volume")
_USUAL = 21  # sessions, the newest among them: an archive may end in a few issues that go on alone
_FEWEST = 20  # issues of another market that a mean of it is made of


@dataclass(frozen=True)
class ForecastInputs:
    """Everything that models are trained on and forecast from.

    Attributes:
        universe: Whose instruments.
        own: Bars of the universe on the adjusted basis, with ``high``, ``low``, ``volume`` and ``sector`` (null where
            no list names it), and the other markets with the moments at which they were known.
        raw: The same bars as quoted (split-adjusted, not dividend-adjusted), with ``session``.
        actions: Dividends and splits, schema `ACTIONS`.
    """

    universe: Universe
    own: FeatureInputs
    raw: pl.DataFrame
    actions: pl.DataFrame

    @cached_property
    def panel(self) -> Panel:
        """The bars with `FOREIGN`: what forecasters are given."""
        return with_foreign(self.own)

    @property
    def closes(self) -> pl.DataFrame:
        """Columns ``symbol``, ``as_of``, ``close`` as quoted."""
        return self.raw.select("symbol", "close", as_of="session")

    def newest_origin(self) -> date:
        """The newest session that is collected: at least half as many instruments have a bar as in the days before."""
        counts = self.raw.group_by("session").len().sort("session").tail(_USUAL)
        usual = counts["len"].max()
        enough = counts.filter(pl.col("len") * 2 >= usual)
        newest: date = enough["session"][-1]
        return newest

    def until(self, session: date) -> "ForecastInputs":
        """Without the bars after a session."""
        own = replace(self.own, panel=self.own.panel.until(session))
        return replace(self, own=own, raw=self.raw.filter(pl.col("session") <= session))

    def only(self, symbols: Sequence[str]) -> "ForecastInputs":
        """Only some instruments."""
        own = replace(self.own, panel=self.own.panel.only(list(symbols)))
        return replace(self, own=own, raw=self.raw.filter(pl.col("symbol").is_in(list(symbols))))

    def data_version(self, until: date) -> str:
        """SHA-256 of all that a training up to a session reads, to tell whether another one read the same.

        Bars as quoted with the actions that had taken place, not adjusted ones: a later dividend scales all closes
        before it, and moves no return.
        """
        known = self.panel.until(until).bars
        parts = (
            self.raw.filter(pl.col("session") <= until).select("symbol", "session", *_NUMBERS),
            self.actions.filter(pl.col("ex_date") <= until),
            known.select("symbol", "sector").unique(),
            known.select("session", *FOREIGN).unique("session"),
        )
        digest = hashlib.sha256()
        for part in parts:
            for column in part.sort(pl.all(), nulls_last=True):
                digest.update(_content(column))
        return digest.hexdigest()


def _content(column: pl.Series) -> bytes:
    """The values of a column, and which of them are null."""
    if column.dtype == pl.String():
        return "\n".join(column.fill_null("\t")).encode()
    values, null = column.to_physical().fill_null(0), column.is_null()
    return bytes(values.to_numpy().tobytes() + null.to_numpy().tobytes())


def with_foreign(own: FeatureInputs) -> Panel:
    """The panel with the columns of `FOREIGN` and `NIGHT`, each as it was known when its forecasts were made."""
    bars = with_nights(with_other_markets(own.panel.bars, own.made_at, own.cross), own)
    absent = [
        pl.lit(None, pl.Float64()).alias(name) for name in (*FOREIGN, *NIGHT) if name not in bars.columns
    ]
    return Panel(bars.with_columns(absent), own.panel.sessions, own.panel.unpriced)


def forecast_inputs(
    universe: Universe,
    first: date,
    last: date,
    store: MarketBars,
    symbols: Sequence[str] | None = None,
    *,
    foreign: bool = True,
) -> ForecastInputs:
    """Reads the panel for origins in a window.

    Args:
        universe: Whose instruments.
        first: First origin (exchange date).
        last: Last origin; no bar behind it is read.
        store: Holds the bars.
        symbols: Only these instruments; market and sector means are then of these.
        foreign: Whether other markets are read, too: models want them, outcomes do not.

    Raises:
        ConfigurationError: There are no bars.
    """
    table = session_table(universe.calendar)
    begin = sessions_back(universe.calendar, first, HISTORY)
    raw = _dated(store.daily(universe, _opens(table, begin), symbols), table).filter(
        pl.col("session") <= last
    )
    if raw.is_empty():
        raise ConfigurationError(
            f"There are no daily bars of {universe.name} from {begin} to {last}: collect them first "
            f"(miraikakaku collect --universe {universe.name})"
        )
    actions = store.actions(universe).filter(pl.col("symbol").is_in(raw["symbol"].unique().implode()))
    adjusted = on_basis(raw, PriceBasis.ADJUSTED, Timeframe.D1, universe, actions)
    bars = adjusted.select("symbol", "session", *_NUMBERS).join(
        store.sectors(universe), on="symbol", how="left"
    )
    sessions = table.filter(pl.col("session") >= begin)["session"]
    moments = evening_moments(table.filter(pl.col("session").is_between(begin, last)))
    cross = _foreign(universe, begin, store) if foreign else ()
    return ForecastInputs(universe, FeatureInputs(panel(bars, sessions), moments, (), cross), raw, actions)


def _opens(table: pl.DataFrame, session: date) -> datetime | None:
    return table.filter(pl.col("session") == session)["opens"].first()  # type: ignore[return-value]


def _dated(bars: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """With the exchange's date of each bar; a bar on no session (a calendar that was wrong then) is left out."""
    return bars.join(table.select("session", ts="opens"), on="ts", maintain_order="left")


def evening_moments(table: pl.DataFrame) -> pl.DataFrame:
    """When forecasts of the evening are made at the earliest: as soon as the bar at the origin is final.

    Args:
        table: ``session`` and ``closes`` (UTC).

    Returns:
        ``session``, ``closed_at`` and ``made_at`` (UTC).
    """
    return table.select("session", closed_at=pl.col("closes"), made_at=pl.col("closes") + FINAL_AFTER)


def _foreign(universe: Universe, begin: date, store: MarketBars) -> tuple[CrossMarket, ...]:
    """Wall Street's mean issue and the dollar in yen, each known when its session's bar is final."""
    since = datetime.combine(begin - timedelta(days=14), time(), UTC)
    markets = []
    if universe != US:
        markets.append(
            ("us", US, market_level(_dated(store.closes(US, since, None), session_table(US.calendar))))
        )
    dollar = _dated(store.closes(FX, since, [_DOLLAR]), session_table(FX.calendar))
    markets.append(("usdjpy", FX, dollar.select("session", "close")))
    return tuple(
        closes_known(name, _known(closes, session_table(market.calendar)))
        for name, market, closes in markets
        if not closes.is_empty()
    )


def market_level(bars: pl.DataFrame) -> pl.DataFrame:
    """The level of an index of all issues, weighed alike; splits are no moves, raw closes have none.

    The median return of each session, not the mean: one garbage tick among thousands does not move it.

    Args:
        bars: ``symbol``, ``session``, ``close``.

    Returns:
        ``session`` and ``close``, of sessions with at least twenty issues.
    """
    moves = bars.with_columns(ret=pl.col("close").log().diff().over("symbol", order_by="session"))
    daily = moves.group_by("session").agg(pl.col("ret").median(), issues=pl.col("ret").count())
    level = (
        daily.filter(pl.col("issues") >= _FEWEST).sort("session").with_columns(pl.col("ret").cum_sum().exp())
    )
    return level.select("session", close="ret")


def _known(closes: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    ends = table.select("session", known_at=pl.col("closes") + FINAL_AFTER)
    return closes.join(ends, on="session").filter(pl.col("close") > 0).select("known_at", "close")
