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
    lead_levels,
    night_returns,
    with_nights,
    with_other_markets,
)
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.forecasting.timing.known_at import (
    morning_moments,
    official_known_at,
    settlement_known_at,
)
from miraikakaku_assets.domain.market.instruments import COPPER, FX, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table, sessions_back

HISTORY = 750
"""Sessions before the first origin that are read: three years. An EWMA volatility of λ = 0.94 has forgotten all but
10⁻²⁰ of what lies before, and no model looks back further than a year."""

FOREIGN = ("us_ret_1", "us_ret_5", "usdjpy_ret_1", "usdjpy_ret_5")
"""Columns of other markets: log returns over one and five of their sessions, null where nothing is known of them."""

NIGHT = ("us_night", "hg_night", "hg_lead")
"""What came between the own close and the moment of the forecast: log returns of Wall Street's median issue and of
COMEX copper, and the log of the latter's settlement; null where nothing came."""

_INPUTS = {
    "us": "us_ret_1",
    "usdjpy": "usdjpy_ret_1",
    "us_night": "us_night",
    "hg_night": "hg_night",
    "hg_lead": "hg_lead",
}
"""Name of an input as it is stored with a forecast → the column that tells whether it was known."""
_NIGHT_MARKETS = {"us_night": US, "hg_night": COPPER}
_DOLLAR = "USDJPY=X"
_COMEX = "HG=F"
_NUMBERS = ("open", "close", "high", "low", "volume")
_USUAL = 21  # sessions, the newest among them: an archive may end in a few issues that go on alone
_FEWEST = 20  # issues of another market that a mean of it is made of


@dataclass(frozen=True)
class ForecastInputs:
    """Everything that models are trained on and forecast from.

    Attributes:
        universe: Whose instruments.
        own: Bars of the universe on the adjusted basis, with ``open``, ``high``, ``low``, ``volume``, ``event``
            (whether a dividend or a split took place) and ``sector`` (null where no list names it), and the other
            markets with the moments at which they were known.
        raw: The same bars as quoted (split-adjusted, not dividend-adjusted), with ``session``.
        actions: Dividends and splits, schema `ACTIONS`.
        clock: When forecasts are made from them.
    """

    universe: Universe
    own: FeatureInputs
    raw: pl.DataFrame
    actions: pl.DataFrame
    clock: ForecastClock = ForecastClock.EVENING

    @cached_property
    def panel(self) -> Panel:
        """The bars with `FOREIGN`: what forecasters are given."""
        return with_foreign(self.own)

    @property
    def closes(self) -> pl.DataFrame:
        """Columns ``symbol``, ``as_of``, ``close`` as quoted."""
        return self.raw.select("symbol", "close", as_of="session")

    @cached_property
    def known_inputs(self) -> pl.DataFrame:
        """Columns ``as_of`` and ``inputs``: names of what was known of other markets then, with commas."""
        known = self.panel.bars.select("session", *_INPUTS.values()).unique("session")
        names = [pl.when(pl.col(column).is_not_null()).then(pl.lit(name)) for name, column in _INPUTS.items()]
        listed = pl.concat_str(names, separator=",", ignore_nulls=True)
        return known.select(as_of="session", inputs=pl.when(listed != "").then(listed))

    def absent_inputs(self, as_of: date) -> dict[str, str]:
        """Input → why nothing is known of it in the morning after a session; empty in the evening.

        Args:
            as_of: Origin.
        """
        moments = self.own.made_at.filter(pl.col("session") == as_of)
        if self.clock is not ForecastClock.MORNING or moments.is_empty():
            return {}
        named = self.known_inputs.filter(pl.col("as_of") == as_of)["inputs"].to_list()
        known = set((named[0] or "").split(",")) if named else set()
        _, closed_at, made_at = moments.select("session", "closed_at", "made_at").row(0)
        return {
            name: _why_absent(market, closed_at, made_at)
            for name, market in _NIGHT_MARKETS.items()
            if name not in known
        }

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
    clock: ForecastClock = ForecastClock.EVENING,
) -> ForecastInputs:
    """Reads the panel for origins in a window.

    Args:
        universe: Whose instruments.
        first: First origin (exchange date).
        last: Last origin; no bar behind it is read.
        store: Holds the bars.
        symbols: Only these instruments; market and sector means are then of these.
        foreign: Whether other markets are read, too: models want them, outcomes do not.
        clock: When forecasts are made from them: it decides what was known.

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
    events = actions.select("symbol", session="ex_date", event=pl.lit(value=True)).unique()
    bars = bars.join(events, on=["symbol", "session"], how="left", maintain_order="left")
    bars = bars.with_columns(pl.col("event").fill_null(value=False))
    sessions = table.filter(pl.col("session") >= begin)["session"]
    moments = _made_at(universe, table, clock).filter(pl.col("session").is_between(begin, last))
    own = FeatureInputs(panel(bars, sessions), moments)
    own = _with_markets(own, universe, begin, store) if foreign else own
    return ForecastInputs(universe, own, raw, actions, clock)


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


def _made_at(universe: Universe, table: pl.DataFrame, clock: ForecastClock) -> pl.DataFrame:
    """Moments of the clock; London's official prices are older than the end of COMEX's day."""
    if clock is ForecastClock.MORNING:
        return morning_moments(table, universe.time_zone)
    moments = evening_moments(table)
    if universe == COPPER:
        moments = moments.with_columns(closed_at=official_known_at(pl.col("session")))
    return moments


def _with_markets(own: FeatureInputs, universe: Universe, begin: date, store: MarketBars) -> FeatureInputs:
    """With Wall Street's mean issue, the dollar in yen and COMEX copper, each from when it was known.

    Daily bars count from when they are final; COMEX's close is its settlement, known hours before its day ends.
    """
    since = datetime.combine(begin - timedelta(days=14), time(), UTC)
    cross: list[CrossMarket] = []
    nights: list[CrossMarket] = []
    leads: list[CrossMarket] = []
    if universe != US:
        table = session_table(US.calendar)
        level = _known(market_level(_dated(store.closes(US, since, None), table)), table)
        cross += [closes_known("us", level)] if not level.is_empty() else []
        nights += [night_returns("us", level)] if not level.is_empty() else []
    table = session_table(FX.calendar)
    dollar = _known(_dated(store.closes(FX, since, [_DOLLAR]), table).select("session", "close"), table)
    cross += [closes_known("usdjpy", dollar)] if not dollar.is_empty() else []
    if universe in (JP, COPPER):
        comex = _dated(store.closes(COPPER, since, [_COMEX]), session_table(COPPER.calendar))
        settled = comex.filter(pl.col("close") > 0).select(
            known_at=settlement_known_at(pl.col("session")), close=pl.col("close")
        )
        nights += [night_returns("hg", settled)] if universe == JP and not settled.is_empty() else []
        leads += [lead_levels("hg", settled)] if universe == COPPER and not settled.is_empty() else []
    return replace(own, cross=tuple(cross), nights=tuple(nights), leads=tuple(leads))


def _why_absent(market: Universe, closed_at: datetime, made_at: datetime) -> str:
    """Whether there was a session between two moments (UTC), or one that is not stored."""
    table = session_table(market.calendar)
    ended = table.filter(pl.col("closes") > closed_at, pl.col("closes") + FINAL_AFTER <= made_at)["session"]
    if ended.is_empty():
        return f"{market.name} had no session since the close"
    return f"the bars of {market.name} of {ended[-1]} are not stored (miraikakaku collect --universe {market.name})"


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
