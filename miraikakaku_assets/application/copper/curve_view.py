"""Use case: the copper curve as people read it; command line, REST API and dashboard share it."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from miraikakaku_assets.application.ports.copper import CurveStore
from miraikakaku_assets.domain.copper.curve import (
    Regime,
    RegimeSpan,
    Roll,
    fronts,
    percentile,
    regime_spans,
    roll_yield,
    rolls,
    slope,
    spreads,
)
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.universes.copper import LME_3M, LME_CASH

SHOWN_REGIMES, SHOWN_ROLLS = 12, 8
_STALE = timedelta(days=7)  # a contract whose newest price is older is not of the curve
_MONTHS = 3


@dataclass(frozen=True)
class CurvePoint:
    """One price of the curve.

    Attributes:
        contract: E.g. ``LME-CU-3M`` or ``HGZ26.CMX``.
        tenor: ``cash``, ``3M`` or the month of delivery.
        session: Exchange date of the price.
        price: As quoted.
        unit: Of `price`.
        usd_per_tonne: The same in US dollars a tonne; None in yuan.
        volume: Contracts; None where nobody counts them.
        expires: Last trading day; None of the LME's tenors.
        known_at: When the price became known (UTC).
        source: Where it came from.
    """

    contract: str
    tenor: str
    session: date
    price: float
    unit: str
    usd_per_tonne: float | None
    volume: int | None
    expires: date | None
    known_at: datetime
    source: str


@dataclass(frozen=True)
class SpreadView:
    """Cash over three months at the LME, USD/t.

    Attributes:
        session: Newest session with both prices.
        cash: Cash settlement.
        three_months: Price for three months.
        spread: Cash minus three months, above 0 in backwardation.
        percentile: Share of all stored sessions with a smaller spread, 0 to 1.
        least: Smallest stored spread.
        greatest: Greatest.
        sessions: Stored sessions.
        backwardation_share: Share of them in backwardation.
        regime: Shape of the curve.
        since: First session of this shape without interruption.
        regime_sessions: Sessions since then.
        roll_yield: Of selling three months and buying cash, a year.
    """

    session: date
    cash: float
    three_months: float
    spread: float
    percentile: float
    least: float
    greatest: float
    sessions: int
    backwardation_share: float
    regime: Regime
    since: date
    regime_sessions: int
    roll_yield: float


@dataclass(frozen=True)
class ComexView:
    """The contract months of COMEX.

    Attributes:
        session: Newest session.
        front: Contract with the most volume.
        back: The next one.
        slope: Growth of the price a year along the curve, log points; None for fewer than two contracts.
        roll_yield: (front − back)/front × 365/days; None without a back contract.
        over_lme: Front minus LME three months, USD/t; None without an LME price of the session.
        rolls: When the volume moved on, newest first.
    """

    session: date
    front: str
    back: str | None
    slope: float | None
    roll_yield: float | None
    over_lme: float | None
    rolls: tuple[Roll, ...]


@dataclass(frozen=True)
class StockView:
    """Copper in the LME's warehouses, tonnes.

    Attributes:
        session: Newest session.
        tonnes: Held then.
        change_1: Since the session before; None without one.
        change_20: Since 20 sessions before; None without so many.
    """

    session: date
    tonnes: float
    change_1: float | None
    change_20: float | None


@dataclass(frozen=True)
class CurveView:
    """The curve at one moment.

    Attributes:
        as_of: Newest session of any contract.
        points: The curve: LME tenors, then contract months by expiry.
        spread: Cash over three months; None without LME prices.
        comex: Contract months; None without any.
        stocks: Of the LME; None without any.
        regimes: Newest spans of one shape, newest first.
        history: ``session``, ``cash``, ``three_months``, ``spread`` (USD/t) and ``regime``, all stored sessions.
        stock_history: ``session`` and ``tonnes``.
        comex_history: ``session``, ``contract``, ``usd_per_tonne`` of the front contract, and ``over_lme``.
    """

    as_of: date
    points: tuple[CurvePoint, ...]
    spread: SpreadView | None
    comex: ComexView | None
    stocks: StockView | None
    regimes: tuple[RegimeSpan, ...]
    history: pl.DataFrame
    stock_history: pl.DataFrame
    comex_history: pl.DataFrame

    def document(self, newest: int = 250) -> dict[str, Any]:
        """The view as one JSON document.

        Args:
            newest: Sessions of history in it.
        """
        return {
            "as_of": self.as_of,
            "points": [asdict(point) for point in self.points],
            "spread": self.spread and asdict(self.spread),
            "comex": self.comex and asdict(self.comex),
            "stocks": self.stocks and asdict(self.stocks),
            "regimes": [asdict(span) for span in self.regimes],
            "history": self.history.tail(newest).to_dicts(),
            "stock_history": self.stock_history.tail(newest).to_dicts(),
            "comex_history": self.comex_history.tail(newest).to_dicts(),
        }


def curve_view(store: CurveStore, until: date | None = None) -> CurveView:
    """The curve of the newest session, and its history.

    Args:
        store: Holds quotes and stocks.
        until: Last session that counts; None for all.

    Raises:
        ConfigurationError: No quote is stored up to then.
    """
    last = until or date.max
    quotes = store.quotes().filter(pl.col("session") <= last)
    if quotes.is_empty():
        raise ConfigurationError(
            "There are no quotes of copper's curve yet: materialize copper/futures_curve, or `miraikakaku copper "
            "collect`"
        )
    as_of: date = quotes["session"].max()  # type: ignore[assignment]
    newest = quotes.filter(pl.col("session") >= as_of - _STALE).group_by("contract").agg(pl.all().last())
    newest = newest.filter(pl.col("expires").is_null() | (pl.col("expires") >= as_of))
    history = spreads(quotes)
    spans = regime_spans(history)
    stocks = store.stocks().filter(pl.col("session") <= last)
    front = fronts(quotes)
    comex_history = _comex_history(quotes, front, history)
    return CurveView(
        as_of=as_of,
        points=tuple(CurvePoint(**row) for row in _ordered(newest).iter_rows(named=True)),
        spread=_spread(history, spans),
        comex=_comex(quotes, front, comex_history),
        stocks=_stocks(stocks),
        regimes=tuple(reversed(spans[-SHOWN_REGIMES:])),
        history=history,
        stock_history=stocks,
        comex_history=comex_history,
    )


def _ordered(newest: pl.DataFrame) -> pl.DataFrame:
    place = pl.col("contract").replace_strict({LME_CASH: 0, LME_3M: 1}, default=2, return_dtype=pl.Int64)
    names = [*CurvePoint.__dataclass_fields__]
    return newest.sort(place, pl.col("expires").fill_null(date.max), "contract").select(names)


def _spread(history: pl.DataFrame, spans: list[RegimeSpan]) -> SpreadView | None:
    if history.is_empty():
        return None
    newest, spread = history.row(-1, named=True), history["spread"]
    return SpreadView(
        session=newest["session"],
        cash=newest["cash"],
        three_months=newest["three_months"],
        spread=newest["spread"],
        percentile=percentile(spread, newest["spread"]),
        least=float(spread.min()),  # type: ignore[arg-type]
        greatest=float(spread.max()),  # type: ignore[arg-type]
        sessions=history.height,
        backwardation_share=float((spread > 0).mean()),  # type: ignore[arg-type]
        regime=spans[-1].regime,
        since=spans[-1].since,
        regime_sessions=spans[-1].sessions,
        roll_yield=roll_yield(
            newest["cash"], newest["three_months"], _days_of_three_months(newest["session"])
        ),
    )


def _days_of_three_months(session: date) -> int:
    """Calendar days from a session to the same day three months later."""
    later: date = pl.select(pl.lit(session).dt.offset_by(f"{_MONTHS}mo")).item()
    return (later - session).days


def _comex_history(quotes: pl.DataFrame, front: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    prices = quotes.select("contract", "session", "usd_per_tonne")
    joined = front.join(prices, on=["contract", "session"], how="inner")
    lme = history.select("session", "three_months")
    joined = joined.join(lme, on="session", how="left").sort("session")
    over = pl.col("usd_per_tonne") - pl.col("three_months")
    return joined.select("session", "contract", "usd_per_tonne", over_lme=over)


def _comex(quotes: pl.DataFrame, front: pl.DataFrame, history: pl.DataFrame) -> ComexView | None:
    if front.is_empty() or history.is_empty():
        return None
    session, contract, expires = front.row(-1)
    months = quotes.filter(pl.col("session") == session, pl.col("expires").is_not_null()).sort("expires")
    later = months.filter(pl.col("expires") > expires)
    own = months.filter(pl.col("contract") == contract)
    back = later.row(0, named=True) if later.height else None
    earned = None
    if back is not None and own.height:
        earned = roll_yield(own["usd_per_tonne"][0], back["usd_per_tonne"], (back["expires"] - expires).days)
    return ComexView(
        session=session,
        front=contract,
        back=None if back is None else back["contract"],
        slope=slope(months, session),
        roll_yield=earned,
        over_lme=history.row(-1, named=True)["over_lme"],
        rolls=tuple(reversed(rolls(front)[-SHOWN_ROLLS:])),
    )


def _stocks(stocks: pl.DataFrame) -> StockView | None:
    if stocks.is_empty():
        return None
    tonnes = stocks["tonnes"]

    def change(sessions: int) -> float | None:
        return float(tonnes[-1] - tonnes[-1 - sessions]) if stocks.height > sessions else None

    return StockView(stocks["session"][-1], float(tonnes[-1]), change(1), change(20))
