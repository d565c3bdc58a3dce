"""Prices of many instruments over the sessions of one exchange: what forecasters read."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError, PermanentSymbolError

DECAY = 0.94
"""λ of the daily EWMA volatility: J.P. Morgan/Reuters, RiskMetrics - Technical Document, 4th ed. 1996, ch. 5."""


@dataclass(frozen=True)
class Panel:
    """Bars that have a price, sorted by symbol and session; made by `panel`.

    Attributes:
        bars: ``symbol``, ``session`` (exchange date), ``close`` (adjusted), ``ordinal`` (number of the session in
            the calendar), ``log_close``, ``ret`` (log return from the bar before, null for the first), ``elapsed``
            (sessions since that bar: 1 without a gap), and the further columns that were given.
        sessions: All sessions of the exchange (Date, ascending), past and at least five to come.
        unpriced: ``symbol``, ``session`` of bars whose close is no price.
    """

    bars: pl.DataFrame
    sessions: pl.Series
    unpriced: pl.DataFrame

    @property
    def calendar(self) -> pl.DataFrame:
        """Columns ``session`` and ``ordinal``."""
        return pl.DataFrame({"session": self.sessions}).with_columns(
            ordinal=pl.int_range(pl.len(), dtype=pl.Int64())
        )

    def until(self, session: date) -> "Panel":
        """Without the bars after a session; the calendar is known in advance and stays."""
        known = pl.col("session") <= session
        return Panel(self.bars.filter(known), self.sessions, self.unpriced.filter(known))

    def only(self, symbols: list[str]) -> "Panel":
        """Only some instruments."""
        chosen = pl.col("symbol").is_in(symbols)
        return Panel(self.bars.filter(chosen), self.sessions, self.unpriced.filter(chosen))


def panel(bars: pl.DataFrame, sessions: pl.Series) -> Panel:
    """A panel from the bars of one universe.

    A close that is null, NaN, infinite, zero or negative is no price (adjusted closes of delisted issues are at
    times): its bar counts as missing and is remembered as such, the next return spans the gap.

    Args:
        bars: ``symbol``, ``session`` (Date), ``close``, and further columns that are kept; final bars, adjusted
            for splits (and dividends, if a dividend is not to look like a fall), in any one currency per symbol.
        sessions: All sessions of the exchange (Date), at least from the first bar until five after the last.

    Raises:
        ConfigurationError: A column is missing, or the sessions are not ascending.
        PermanentSymbolError: A symbol has two bars on a session, or one on a day without session.
    """
    absent = {"symbol", "session", "close"} - set(bars.columns)
    if absent:
        raise ConfigurationError(f"A panel needs the columns {sorted(absent)}; give them with the bars")
    if sessions.dtype != pl.Date() or not sessions.is_sorted() or sessions.n_unique() < len(sessions):
        raise ConfigurationError("The sessions of a panel must be dates, ascending, none twice")
    calendar = Panel(bars, sessions, bars).calendar
    rows = bars.sort("symbol", "session").join(calendar, on="session", how="left", maintain_order="left")
    _refuse(rows, pl.col("ordinal").is_null(), "not_a_session", "is no session of the panel's calendar")
    twice = pl.struct("symbol", "session").is_duplicated()
    _refuse(rows, twice, "session_twice", "has two bars; keep the final one")
    close = pl.col("close").cast(pl.Float64)
    priced = close.is_finite().fill_null(value=False) & (close > 0).fill_null(value=False)
    known = rows.filter(priced).with_columns(close, log_close=close.log())
    steps = (pl.col("log_close").diff().alias("ret"), pl.col("ordinal").diff().alias("elapsed"))
    return Panel(
        known.with_columns(step.over("symbol") for step in steps),
        sessions,
        rows.filter(~priced).select("symbol", "session"),
    )


def _refuse(rows: pl.DataFrame, broken: pl.Expr, kind: str, explanation: str) -> None:
    refused = rows.filter(broken)
    if not refused.is_empty():
        raise PermanentSymbolError(refused["symbol"][0], kind, f"{refused['session'][0]} {explanation}")


def ewma_volatility(decay: float = DECAY) -> pl.Expr:
    """Standard deviation of the log return of one session, over `Panel.bars`, per symbol.

    The mean is taken as 0, as RiskMetrics does, and the weights λ^age are scaled to a sum of 1, so that no seed is
    needed. A return over a gap of k sessions counts with its square divided by k.
    """
    squared = pl.col("ret").pow(2) / pl.col("elapsed")
    return squared.ewm_mean(alpha=1 - decay, adjust=True, ignore_nulls=True).sqrt().over("symbol")


def sample_volatility(window: int) -> pl.Expr:
    """The same with equal weights over the last so many returns."""
    squared = pl.col("ret").pow(2) / pl.col("elapsed")
    return squared.rolling_mean(window, min_samples=1).sqrt().over("symbol")
