"""The record of a price source: everything by which the rest of the system goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # records are read to draw assets and help: the ports bring Polars
    from collections.abc import Callable, Mapping
    from datetime import date, timedelta

    from miraikakaku_assets.application.ports import PriceSource
    from miraikakaku_assets.application.ports.probes import ProbedSource
    from miraikakaku_assets.application.ports.rate_limit import RateLimiter
    from miraikakaku_assets.domain.market.instruments import Timeframe


class Installation(Protocol):
    """What a source is made from; nothing is opened before it is asked for."""

    @property
    def settings(self) -> Any:
        """The settings: a source's own, and those of requests in general."""

    @property
    def rate_limiter(self) -> RateLimiter:
        """The one rate at which this installation asks the source."""


@dataclass(frozen=True, kw_only=True)
class PriceVendor:
    """A price source before it is made.

    Attributes:
        name: Its name in the settings and beside stored bars.
        title: Its name for people.
        origin: Where its prices come from, as an asset's description says it.
        pool: Dagster's pool of the runs that ask it, which bounds how many do so at once.
        kinds: Dagster's tags of the assets that it fills.
        limit_row: Row of the rate limit; sources that share a server share one.
        make: Makes the source.
        make_probe: Makes what asks it for the canaries, the symbols of CANARY_SYMBOLS; None where nobody is asked.
        may_be_simulated: Whether a simulated exchange may answer at its address, which is asked; otherwise its
            prices are real.
        lookback: How far back it serves bars of a timeframe; those without an entry go back to its beginning.
        first_day: First exchange date it is asked for when a symbol has no bars yet; None stands for HISTORY_START.
    """

    name: str
    title: str
    origin: str
    pool: str
    kinds: frozenset[str]
    limit_row: str
    make: Callable[[Installation], PriceSource]
    make_probe: Callable[[Installation], ProbedSource] | None = None
    may_be_simulated: bool = False
    lookback: Mapping[Timeframe, timedelta] = field(default_factory=dict)
    first_day: date | None = None
