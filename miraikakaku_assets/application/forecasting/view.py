"""Use case: the newest forecasts of some symbols as prices, with what their direction has been worth so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.application.forecasting.score import WINDOWS
from miraikakaku_assets.application.ports.forecasts import ForecastStore
from miraikakaku_assets.domain.forecasting.edges import LEVEL, NO_EDGE, directions, edge_words, with_edges
from miraikakaku_assets.domain.forecasting.frames import in_prices
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted

YEAR = 250
"""Sessions of origins whose calls are counted."""


@dataclass(frozen=True)
class ShownForecast:
    """One horizon of one symbol; prices in the instrument's unit, on the basis of its close.

    Attributes:
        symbol: Whose.
        as_of: Origin.
        target: Session that is forecast.
        horizon: Sessions ahead.
        close: At the origin.
        median: Forecast of the ensemble; null numbers where there is a reason.
        lo80: Lower end of the band that holds four of five outcomes.
        hi80: Its upper end.
        lo95: The same for nineteen of twenty.
        hi95: Its upper end.
        reason: Why there is no forecast, or None.
        edge: 優位性なし unless the direction was called better than by luck, as `edges.with_edges` says; None if so.
        inputs: Names of what was known of other markets when it was made, with commas; None for nothing.
    """

    symbol: str
    as_of: date
    target: date
    horizon: int
    close: float | None
    median: float | None
    lo80: float | None
    hi80: float | None
    lo95: float | None
    hi95: float | None
    reason: str | None
    edge: str | None
    inputs: str | None = None


@dataclass(frozen=True)
class Standing:
    """How a universe's forecasts stand.

    Attributes:
        as_of: Newest origin.
        symbols: Instruments that the ensemble has forecast from it, or has a reason not to.
        days: Newest days of targets that the figures are of, one session ahead; 0 while none is scored.
        until: The newest of them.
        mae_to_no_change: Error of the ensemble over that of no change.
        coverage_80: Share of outcomes within its band of 80 %.
    """

    as_of: date
    symbols: int
    days: int = 0
    until: date | None = None
    mae_to_no_change: float | None = None
    coverage_80: float | None = None


def standing(universe: Universe, store: ForecastStore) -> Standing | None:
    """The newest forecasts of a universe, and what the ensemble was worth over a month; None without any."""
    as_of = store.newest_origin(universe)
    if as_of is None:
        return None
    symbols = store.predicted(universe, as_of).get(ENSEMBLE, 0)
    month = store.performance(universe, min(WINDOWS), sessions_back(universe.calendar, as_of, YEAR))
    own = month.filter(pl.col("model") == ENSEMBLE, pl.col("horizon") == 1).sort("until")
    if own.is_empty():
        return Standing(as_of, symbols)
    newest = own.row(-1, named=True)
    figures = {name: newest[name] for name in ("days", "until", "mae_to_no_change", "coverage_80")}
    return Standing(as_of, symbols, **figures)


def in_words(figures: Standing) -> str:
    """What the ensemble was worth, as a sentence."""
    if not figures.days or figures.mae_to_no_change is None or figures.coverage_80 is None:
        return "none of them has been scored"
    days = f"{counted(figures.days, 'day')} until {figures.until}"
    return (
        f"one session ahead, over {days}, the ensemble's error was "
        f"{figures.mae_to_no_change:.3f} of that of no change, and its 80 % band held {percent(figures.coverage_80)}"
    )


def standings_in_words(universe: Universe, store: ForecastStore) -> str:
    """What the ensembles were worth, as a sentence; clocks are named where any forecast is of the morning."""
    stands = {clock: standing(universe, store.at(clock)) for clock in ForecastClock}
    known = {clock: in_words(figures) for clock, figures in stands.items() if figures is not None}
    if not known:
        return "nothing is forecast yet"
    if list(known) == [ForecastClock.EVENING]:
        return known[ForecastClock.EVENING]
    return "; ".join(f"{clock}: {words}" for clock, words in known.items())


def show_forecasts(
    universe: Universe, store: ForecastStore, as_of: date, symbols: Sequence[str]
) -> list[ShownForecast]:
    """Forecasts of the ensemble from a session, sorted by symbol and horizon.

    Args:
        universe: Whose instruments.
        store: Holds forecasts and outcomes.
        as_of: Origin.
        symbols: Which ones.
    """
    rows = store.predictions(universe, as_of, as_of, symbols, [ENSEMBLE])
    if rows.is_empty():  # also of a day before the first session there is
        return []
    prices = in_prices(rows.drop("close"), rows.select("symbol", "as_of", "close").unique())
    edges = direction_edges(universe, store, as_of, symbols)
    return [
        ShownForecast(
            symbol=row["symbol"],
            as_of=row["as_of"],
            target=row["target"],
            horizon=row["horizon"],
            close=row["close"],
            median=row["point"],
            lo80=row["lo80"],
            hi80=row["hi80"],
            lo95=row["lo95"],
            hi95=row["hi95"],
            reason=row["reason"],
            edge=edges.get((row["symbol"], row["horizon"]), NO_EDGE),
            inputs=row["inputs"],
        )
        for row in prices.sort("symbol", "horizon").iter_rows(named=True)
    ]


def newest_forecasts(universe: Universe, store: ForecastStore, most: int) -> list[ShownForecast]:
    """The newest forecasts of the ensemble, of the first symbols by name that have one; empty without any.

    Args:
        universe: Whose instruments.
        store: Holds forecasts and outcomes.
        most: How many symbols.
    """
    as_of = store.newest_origin(universe)
    if as_of is None:
        return []
    rows = store.predictions(universe, as_of, as_of, None, [ENSEMBLE])
    symbols = rows.filter(pl.col("reason").is_null())["symbol"].unique().sort().head(most)
    return show_forecasts(universe, store, as_of, symbols.to_list()) if len(symbols) else []


def direction_edges(
    universe: Universe, store: ForecastStore, as_of: date, symbols: Sequence[str], model: str = ENSEMBLE
) -> dict[tuple[str, int], str | None]:
    """Symbol and horizon → 優位性なし, or None where the direction of a model has been worth something.

    Args:
        universe: Whose instruments.
        store: Holds forecasts and outcomes.
        as_of: Outcomes up to this session count, of a year of origins.
        symbols: Which ones.
        model: Whose calls.
    """
    since = sessions_back(universe.calendar, as_of, YEAR)
    own = with_edges(directions(store.directions(universe, since, as_of, model, symbols)))
    # The correction only raises: where nothing would be an edge by itself, a year of the market need not be read.
    if (own["p_edge"] > LEVEL).all():
        return edge_words(own.with_columns(edge=pl.lit(value=False)))
    whole = with_edges(directions(store.directions(universe, since, as_of, model)))
    return edge_words(whole.filter(pl.col("symbol").is_in(symbols)))
