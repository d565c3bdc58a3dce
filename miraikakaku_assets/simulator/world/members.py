"""Who belongs to a world: every symbol that Yahoo knows, and the lists that the exchanges publish."""

from dataclasses import dataclass
from datetime import date
from itertools import islice

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.core.noise import Noise
from miraikakaku_assets.simulator.core.sessions import (
    WORLD_BEGINS,
    SessionGrid,
    currency_grid,
    exchange_grid,
    metals_grid,
)
from miraikakaku_assets.simulator.listings.issues import CANARIES, PINNED_ISSUES, Listing, Trading, listings
from miraikakaku_assets.simulator.listings.jpx_workbook import list_day
from miraikakaku_assets.simulator.listings.us_listings import UsListing, us_listings
from miraikakaku_assets.simulator.prices.instruments import (
    CURRENCY_SYMBOLS,
    Instrument,
    copper_instrument,
    currency_instrument,
    currency_pair,
    tokyo_instrument,
    us_instrument,
)
from miraikakaku_assets.simulator.prices.price_model import (
    COPPER,
    PriceModel,
    copper_model,
    currency_model,
    tse_model,
    us_model,
)


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One symbol that Yahoo knows.

    Attributes:
        instrument: What Yahoo's ``meta`` says about it.
        model: What its prices do.
        noise: Its noise.
        listed: First trading day.
        fills_holidays: Whether Yahoo shows a bar on holidays of its exchange.
    """

    instrument: Instrument
    model: PriceModel
    noise: Noise
    listed: date
    fills_holidays: bool = False


class Members:
    """The members of a world.

    Args:
        config: Seed and sizes.
        now: Clock at the start, UTC seconds: decides who is listed.
        last_year: Last year with sessions.

    Raises:
        ConfigurationError: Too few codes exist on that day.
    """

    def __init__(self, config: SimulatorConfig, now: int, last_year: int) -> None:
        self._seed = config.seed
        self.tokyo = exchange_grid("XTKS", last_year)
        self.new_york = exchange_grid("XNYS", last_year)
        self.metals = metals_grid(last_year)
        self.currencies = currency_grid(last_year)
        self.listings = _tokyo_listings(config, list_day(self.tokyo, now))
        canaries = islice(listings(config.seed), PINNED_ISSUES)
        self._tokyo = {canary.symbol: canary for canary in canaries if canary.code in CANARIES}
        self._tokyo |= {listing.symbol: listing for listing in self.listings}
        today = self.new_york.local_day(now)
        self.us_listings = _new_york_listings(config, today)
        # AAPL is in every world, even one whose list of US issues is empty: it is a canary.
        self._us = {listing.symbol: listing for listing in islice(us_listings(config.seed), 1)}
        self._us |= {listing.symbol: listing for listing in self.us_listings}
        self._symbols = {
            "jp": [listing.symbol for listing in self.listings],
            "us": [listing.symbol for listing in self.us_listings if listing.is_listed(today)],
            "fx": list(CURRENCY_SYMBOLS),
            "copper": [COPPER],
        }

    @property
    def grids(self) -> tuple[SessionGrid, ...]:
        """Sessions of all exchanges."""
        return self.tokyo, self.new_york, self.metals, self.currencies

    def symbols(self) -> dict[str, list[str]]:
        """Return the Yahoo symbols by universe; of US issues those listed at the start."""
        return self._symbols

    def find(self, symbol: str, now: int) -> Member | None:
        """Return a symbol that Yahoo knows at an instant, ``None`` for any other."""
        if symbol.endswith(".T"):
            return self._in_tokyo(symbol, now)
        listing = self._us.get(symbol)
        if listing is not None:
            return self._in_new_york(listing, now)
        if symbol == COPPER:
            noise = Noise(self._seed, symbol)
            return Member(copper_instrument(self.metals), copper_model(), noise, WORLD_BEGINS)
        pair = currency_pair(symbol)
        if not symbol.endswith("=X") or f"{pair}=X" not in CURRENCY_SYMBOLS:
            return None
        instrument = currency_instrument(symbol, self.currencies)
        return Member(instrument, currency_model(pair), Noise(self._seed, f"{pair}=X"), WORLD_BEGINS)

    def _in_tokyo(self, symbol: str, now: int) -> Member | None:
        listing = self._tokyo.get(symbol)
        if listing is None or listing.trading is Trading.UNKNOWN:
            return None
        if not listing.is_listed(self.tokyo.local_day(now)):
            return None
        return Member(
            instrument=tokyo_instrument(symbol, self.tokyo, listing.market),
            model=tse_model(self._seed, listing),
            noise=Noise(self._seed, symbol),
            listed=listing.listed,
            fills_holidays=listing.fills_holidays,
        )

    def _in_new_york(self, listing: UsListing, now: int) -> Member | None:
        if not listing.is_listed(self.new_york.local_day(now)):
            return None
        symbol = listing.symbol
        return Member(
            instrument=us_instrument(symbol, self.new_york, listing),
            model=us_model(self._seed, symbol, listing.kind),
            noise=Noise(self._seed, symbol),
            listed=listing.listed,
        )


def _tokyo_listings(config: SimulatorConfig, day: date) -> list[Listing]:
    made: list[Listing] = []
    listed = 0
    for listing in listings(config.seed):
        made.append(listing)
        listed += listing.is_listed(day)
        if listed == config.symbols:
            return sorted(made, key=lambda listing: listing.code)
    raise ConfigurationError(
        f"simulator: symbols={config.symbols} cannot be listed on {day}; only {listed} codes exist then, "
        "ask for fewer."
    )


def _new_york_listings(config: SimulatorConfig, day: date) -> list[UsListing]:
    """Return the issues of the world until enough are listed on a day, in the order they are made in."""
    made: list[UsListing] = []
    missing = config.us_symbols
    source = us_listings(config.seed)
    while missing:
        listing = next(source)
        made.append(listing)
        missing -= listing.is_listed(day)
    return made
