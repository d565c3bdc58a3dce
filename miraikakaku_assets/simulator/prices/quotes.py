"""What is known of one symbol at one instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from miraikakaku_assets.simulator.core.bars import Bars
from miraikakaku_assets.simulator.listings.us_listings import UsListing
from miraikakaku_assets.simulator.prices.instruments import Instrument


@dataclass(frozen=True, slots=True)
class SplitEvent:
    """A split as an answer carries it; the stamp is the open of the ex-session, UTC seconds."""

    stamp: int
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class DividendEvent:
    """A dividend as an answer carries it: split-adjusted amount per share."""

    stamp: int
    amount: float


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Everything a daily answer is made of.

    Attributes:
        instrument: Its static facts.
        daily: Finished daily bars, stamped at the open of their session.
        live: The running session, or one that Yahoo has not settled yet: one bar at its last trade.
        live_session_open: Opening stamp of that session, where its settled bar will be.
        splits: Splits known by now.
        dividends: Dividends known by now.
        first_trade: Opening stamp of its first session.
    """

    instrument: Instrument
    daily: Bars
    live: Bars | None
    live_session_open: int
    splits: tuple[SplitEvent, ...]
    dividends: tuple[DividendEvent, ...]
    first_trade: int


class Market(Protocol):
    """Where answers come from: a simulated world or an archive of real bars."""

    def quotes(self, symbol: str, now: int, since: int = 0) -> Quotes | None:
        """Return what is known of a symbol, ``None`` for one that Yahoo does not know (any more).

        The bars begin at ``since`` (UTC seconds) or earlier, at least a year ago where there are any.
        """

    def five_minutes(self, symbol: str, start: int, end: int, now: int) -> Bars:
        """Return 5-minute bars with ``start <= stamp < end``; empty for an unknown symbol."""

    def symbols(self) -> dict[str, list[str]]:
        """Return the Yahoo symbols by universe (``jp``, ``us``, ``fx``, ``copper``)."""

    def workbook(self, now: int, unlisted: frozenset[str]) -> bytes:
        """Return the JPX list as a BIFF8 workbook, without the issues of some Yahoo symbols."""

    def us_issues(self) -> Sequence[UsListing]:
        """Return the issues of the US directories, past and future ones included."""

    def check_clock(self, now: int) -> None:
        """Raise ConfigurationError for an instant the market has no sessions for."""
