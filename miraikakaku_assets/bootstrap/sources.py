"""Where prices and lists come from."""

from __future__ import annotations

import math
import os
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from miraikakaku_assets.application.reference.price_origin import admit_files, admit_list, admit_prices
from miraikakaku_assets.bootstrap.installation import Installation
from miraikakaku_assets.bootstrap.lists import LISTS
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.market.instruments import Timeframe

if TYPE_CHECKING:
    from pathlib import Path

    from miraikakaku_assets.adapters.sources.yahoo.probe import YahooProbe
    from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
    from miraikakaku_assets.application.ports import MasterSource, PriceSource
    from miraikakaku_assets.domain.market.instruments import Universe


_SYMBOLS_PER_PROCESS = 60  # a second; beyond it one interpreter cannot fetch, validate and store as well

INTRADAY_LOOKBACK = {Timeframe.M5: timedelta(days=59)}
"""How far back Yahoo serves shorter bars: 60 days, less the one that passes while a collection waits."""


class Sources(Installation):
    """Published lists and prices, as the settings name them.

    Whoever asks a source has it admitted first: simulated and real prices never meet in one database.
    """

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
            admit_list(location, self.origin, self.exchange_at)

    def admit_prices(self) -> None:
        """Admits the price source that the settings name, and marks this installation as real or simulated.

        Raises:
            ConfigurationError: The source is real and the prices here are simulated, or the other way round.
        """
        if self.settings.miraikakaku_price_source == "archive":
            admit_files(str(self.settings.miraikakaku_archive_dir), self.origin)
        else:
            admit_prices(self.settings.yahoo_base_url, self.origin, self.exchange_at)

    def admit_files(self, name: str) -> None:
        """Admits bars that are imported from files, and marks this installation as real.

        Raises:
            ConfigurationError: The prices here are simulated.
        """
        admit_files(name, self.origin)

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
    def prices(self) -> PriceSource:
        """The price source that MIRAIKAKAKU_PRICE_SOURCE names.

        Raises:
            ConfigurationError: The archive is not named or not there.
        """
        if self.settings.miraikakaku_price_source == "archive":
            folder = self.settings.miraikakaku_archive_dir
            if folder is None or not folder.expanduser().exists():
                shown = "is not set" if folder is None else f"names {folder}, which does not exist"
                raise ConfigurationError(
                    f"MIRAIKAKAKU_ARCHIVE_DIR {shown}; name a file or folder of Parquet or CSV bars"
                )
            try:
                return self.archive(folder.expanduser())
            except InputFileError as error:
                raise ConfigurationError(f"MIRAIKAKAKU_ARCHIVE_DIR: {error}") from None
        from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy
        from miraikakaku_assets.adapters.sources.yahoo.source import YahooOptions, YahooSource

        said = self.settings
        politeness = RetryPolicy(
            said.worker_timeout, said.max_retries, said.retry_delay, said.backoff_multiplier
        )
        wanted = math.ceil(said.requests_per_second / _SYMBOLS_PER_PROCESS)
        processes = max(1, min(os.cpu_count() or 1, wanted, said.max_workers))
        options = YahooOptions(said.yahoo_base_url, politeness, said.max_workers, said.batch_size, processes)
        return YahooSource(options, self.yahoo_limit)

    @cached_property
    def yahoo_limit(self) -> PostgresRateLimiter:
        """The one rate at which this installation asks Yahoo."""
        from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
        from miraikakaku_assets.application.ports.rate_limit import LimitRules

        said = self.settings
        # A trial that is lost with its process is over when its request must have been.
        rules = LimitRules(retry_delay=said.retry_delay, trial_seconds=2 * said.worker_timeout)
        return PostgresRateLimiter(self.database, "yahoo", said.requests_per_second, said.burst_limit, rules)

    @cached_property
    def yahoo_probe(self) -> YahooProbe:
        """The smallest question to Yahoo, at the rate of everything else."""
        from miraikakaku_assets.adapters.sources.yahoo.probe import YahooProbe
        from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy

        said = self.settings
        politeness = RetryPolicy(said.worker_timeout, 0, said.retry_delay, said.backoff_multiplier)
        return YahooProbe(said.yahoo_base_url, politeness, self.yahoo_limit)

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
        """First exchange date asked for when a symbol has no bars yet; an archive is read from its beginning."""
        if self.settings.miraikakaku_price_source == "archive":
            return date.min
        start = date.fromisoformat(self.settings.history_start)
        reach = INTRADAY_LOOKBACK.get(timeframe)
        if reach is None:
            return start
        # At the exchange: midnight in Tokyo is nine hours earlier than in UTC, and Yahoo counts in seconds.
        return max(start, (self.clock() - reach).astimezone(ZoneInfo(universe.time_zone)).date())
