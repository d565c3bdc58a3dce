"""Where prices and lists come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from miraikakaku_assets.application.reference.price_origin import admit_files, admit_list, admit_prices
from miraikakaku_assets.bootstrap.lists import LISTS
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.domain.market.instruments import COPPER, Timeframe
from miraikakaku_assets.domain.market.universes.copper import LME_SYMBOLS
from miraikakaku_assets.settings import PRICE_SOURCES

if TYPE_CHECKING:
    from pathlib import Path

    from miraikakaku_assets.adapters.sources.vendor import PriceVendor
    from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
    from miraikakaku_assets.application.ports import MasterSource, PriceSource
    from miraikakaku_assets.application.ports.copper import QuoteSource
    from miraikakaku_assets.application.ports.probes import ProbedSource
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.domain.market.instruments import Universe
    from miraikakaku_assets.settings import Settings


_WAITING = timedelta(days=1)
"""What passes while a collection waits: a source is asked for that much less than it serves."""


def price_vendors() -> dict[str, PriceVendor]:
    """The records of all registered price sources, by name."""
    return {name: import_module(source.record).VENDOR for name, source in PRICE_SOURCES.items()}


@dataclass(frozen=True)
class _Source:
    """What a source is made from, with sizes of its own."""

    settings: Settings
    rate_limiter: PostgresRateLimiter


@dataclass(frozen=True)
class Sources:
    """Published lists and prices, as the settings name them.

    Whoever asks a source has it admitted first: simulated and real prices never meet in one database.
    """

    installation: Installation

    @property
    def settings(self) -> Settings:
        """The settings, by which a source is made; beside `rate_limiter` they are all that its record asks for."""
        return self.installation.settings

    def exchange_at(self, address: str) -> str | None:
        """What a simulated exchange at an address says of itself; see `simulated_exchange`."""
        from miraikakaku_assets.adapters.sources.simulated_exchange import simulated_exchange

        return simulated_exchange(address)

    def admit_lists(self, universe: Universe) -> None:
        """Admits the published lists of a universe.

        Raises:
            ConfigurationError: They are real and the prices here are simulated, or the other way round.
        """
        for location in self.master_source(universe).locations if universe.has_master else ():
            admit_list(location, self.installation.origin, self.exchange_at)

    def admit_prices(self) -> None:
        """Admits the price source that the settings name, and marks this installation as real or simulated.

        Raises:
            ConfigurationError: The source is real and the prices here are simulated, or the other way round.
        """
        location = str(self.settings.price_location or self.vendor.name)
        if self.vendor.may_be_simulated:
            admit_prices(location, self.installation.origin, self.exchange_at)
        else:
            admit_files(location, self.installation.origin)
        self.admit_official_prices()

    def admit_files(self, name: str) -> None:
        """Admits bars that are imported from files, and marks this installation as real.

        Raises:
            ConfigurationError: The prices here are simulated.
        """
        admit_files(name, self.installation.origin)

    def master_source(self, universe: Universe) -> MasterSource:
        """What the exchanges of a universe publish about their listings.

        Raises:
            ConfigurationError: No exchange publishes a list of it.
        """
        if universe.name in LISTS:
            return LISTS[universe.name](self.settings)
        raise ConfigurationError(
            f"Universe {universe.name} has no published list; the settings name its symbols"
        )

    @cached_property
    def vendor(self) -> PriceVendor:
        """The record of the price source that MIRAIKAKAKU_PRICE_SOURCE names."""
        return price_vendors()[self.settings.miraikakaku_price_source]

    @cached_property
    def prices(self) -> PriceSource:
        """The price source that MIRAIKAKAKU_PRICE_SOURCE names.

        Raises:
            ConfigurationError: What it needs is not there.
        """
        return self._with_official_prices(self.vendor.make(_Source(self._sized_settings, self.rate_limiter)))

    @property
    def configured_sizes(self) -> dict[str, int]:
        """Setting → the size that it names, of those that the performance review may lower."""
        return {"BATCH_SIZE": self.settings.batch_size, "MAX_WORKERS": self.settings.max_workers}

    @property
    def _sized_settings(self) -> Settings:
        """The settings with the sizes that the performance review has left in force."""
        from miraikakaku_assets.adapters.storage.operations.review_books import PostgresReviewBooks
        from miraikakaku_assets.application.monitoring.review import sizes_in_force

        try:
            sizes = sizes_in_force(PostgresReviewBooks(self.installation.database), self.configured_sizes)
        except (
            DependencyUnavailableError
        ):  # whoever needs the database says so; a source can be made without it
            return self.settings
        return self.settings.model_copy(update={setting.lower(): size for setting, size in sizes.items()})

    @property
    def official_quotes(self) -> QuoteSource | None:
        """Where the LME's official prices come from, by LME_PRICE_SOURCE; None where files hold all prices.

        Raises:
            ConfigurationError: What it needs is not named.
        """
        from miraikakaku_assets.bootstrap.official_prices import official_quotes

        is_archive = self.vendor.make_probe is None
        return official_quotes(self.settings, lambda: self.installation.database, is_archive=is_archive)

    @property
    def has_curve_sources(self) -> bool:
        """Whether there is any; nothing is opened."""
        return self.settings.lme_price_source != "auto" or self.vendor.make_probe is not None

    @property
    def curve_sources(self) -> list[QuoteSource]:
        """Where the copper curve comes from: official prices, and contract months of the chosen source of prices."""
        from miraikakaku_assets.adapters.sources.contract_months import ContractMonthQuotes

        official = self.official_quotes
        sources: list[QuoteSource] = [] if official is None else [official]
        # Files hold no contract months of their own: the drop folder may.
        if self.vendor.make_probe is not None:
            start = self.history_start(COPPER, Timeframe.D1)
            sources.append(ContractMonthQuotes(self.vendor.make(self), self.installation.clock, start))
        return sources

    def admit_official_prices(self) -> None:
        """Admits the source of the LME's official prices.

        Raises:
            ConfigurationError: It is real and the prices here are simulated, or the other way round.
        """
        source = self.official_quotes
        if source is None:
            return
        if source.name == "westmetall":
            admit_prices(self.settings.official_prices_url, self.installation.origin, self.exchange_at)
        elif (
            self.settings.miraikakaku_now is None
        ):  # a rehearsal may drop files beside its simulated exchange
            admit_files(source.name, self.installation.origin)

    def _with_official_prices(self, usual: PriceSource) -> PriceSource:
        official = self.official_quotes
        if official is None:
            return usual
        from miraikakaku_assets.adapters.sources.official_prices import OfficialPrices
        from miraikakaku_assets.application.collection.routed_prices import RoutedPrices

        return RoutedPrices(usual, dict.fromkeys(LME_SYMBOLS, OfficialPrices(official)))

    @cached_property
    def prompt_prices(self) -> PriceSource:
        """The same source, which hands on what has come about every second: for work that may be held."""
        sized = self._sized_settings
        a_second = max(1, min(int(sized.requests_per_second), sized.batch_size))
        settings = sized.model_copy(update={"batch_size": a_second})
        return self._with_official_prices(self.vendor.make(_Source(settings, self.rate_limiter)))

    @cached_property
    def rate_limiter(self) -> PostgresRateLimiter:
        """The one rate at which this installation asks its price source."""
        from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
        from miraikakaku_assets.application.ports.rate_limit import LimitRules

        chosen, row = self.settings, self.vendor.limit_row
        # A trial that is lost with its process is over when its request must have been.
        rules = LimitRules(retry_delay=chosen.retry_delay, trial_seconds=2 * chosen.worker_timeout)
        return PostgresRateLimiter(
            self.installation.database, row, chosen.requests_per_second, chosen.burst_limit, rules
        )

    @cached_property
    def probe(self) -> ProbedSource:
        """The smallest question to the price source, at the rate of everything else.

        Raises:
            ConfigurationError: The source is none that is asked.
        """
        if self.vendor.make_probe is None:
            raise ConfigurationError(
                f"The price source {self.vendor.name} has no canaries; name another as MIRAIKAKAKU_PRICE_SOURCE"
            )
        return self.vendor.make_probe(self)

    def archive(
        self,
        location: Path,
        timeframe: Timeframe = Timeframe.D1,
        *,
        zone: str = "",
        symbol: str = "",
        most_rows: int | None = None,
    ) -> PriceSource:
        """A price source over a file or folder the user names.

        Args:
            location: File or folder.
            timeframe: 1d or 5m, what the rows are.
            zone: IANA zone of 5-minute stamps without an offset; empty for the exchange's.
            symbol: Whose bars are in files that name no symbol; empty for the file's own name.
            most_rows: Rows that are taken from one file; None for the usual limit.

        Raises:
            InputFileError: There is no bar file in the folder.
        """
        from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource, FileOptions
        from miraikakaku_assets.adapters.sources.files.table_files import MOST_ROWS

        return ArchiveSource(location, FileOptions(timeframe, zone, symbol, most_rows or MOST_ROWS))

    def history_start(self, universe: Universe, timeframe: Timeframe) -> date:
        """First exchange date asked for when a symbol has no bars yet."""
        start = self.vendor.first_day or date.fromisoformat(self.settings.history_start)
        lookback = self.vendor.lookback.get(timeframe)
        if lookback is None:
            return start
        # At the exchange: midnight in Tokyo is nine hours earlier than in UTC, and sources count in seconds.
        oldest = self.installation.clock() - lookback + _WAITING
        return max(start, oldest.astimezone(ZoneInfo(universe.time_zone)).date())
