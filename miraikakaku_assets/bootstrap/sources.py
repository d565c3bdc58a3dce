"""Where prices and lists come from."""

from __future__ import annotations

import math
import os
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from miraikakaku_assets.application.price_origin import admit_files, admit_list, admit_prices
from miraikakaku_assets.bootstrap.installation import Installation
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Timeframe

if TYPE_CHECKING:
    from pathlib import Path

    from miraikakaku_assets.adapters.sources.yahoo_probe import YahooProbe
    from miraikakaku_assets.adapters.storage.rate_limit import PostgresRateLimit
    from miraikakaku_assets.application.ports import MasterSource, PriceSource
    from miraikakaku_assets.domain.market.instruments import Universe


_SYMBOLS_PER_PROCESS = 60  # a second; beyond it one interpreter cannot fetch, validate and store as well

REACH = {Timeframe.M5: timedelta(days=59)}
"""How far back Yahoo serves shorter bars: 60 days, less the one that passes while a collection waits."""


class Sources(Installation):
    """Published lists and prices, as the settings name them."""

    def master_source(self, universe: Universe) -> MasterSource:
        """What the exchanges of a universe publish about their listings.

        Raises:
            ConfigurationError: No exchange publishes a list of it, or prices here are simulated and the list is real.
        """
        if universe.name == "jp":
            from miraikakaku_assets.adapters.sources.jpx import JpxList

            self._admit_lists(self.settings.jpx_list_url)
            return JpxList(self.settings.worker_timeout, self.settings.jpx_list_url)
        if universe.name == "us":
            from miraikakaku_assets.adapters.sources.us_directories import UsAddresses, UsDirectories

            key = self.settings.alpha_vantage_api_key
            asked = [self.settings.alpha_vantage_base_url] if key else []
            self._admit_lists(self.settings.nasdaq_listed_url, self.settings.other_listed_url, *asked)
            addresses = UsAddresses(
                self.settings.nasdaq_listed_url,
                self.settings.other_listed_url,
                self.settings.alpha_vantage_base_url,
                key.get_secret_value() if key else "",
            )
            return UsDirectories(self.settings.worker_timeout, addresses)
        raise ConfigurationError(
            f"Universe {universe.name} has no published list; the settings name its symbols"
        )

    def _admit_lists(self, *locations: str) -> None:
        from miraikakaku_assets.adapters.sources.origin import simulated_exchange

        for location in locations:
            admit_list(location, self.origin, simulated_exchange)

    @property
    def prices(self) -> PriceSource:
        """The price source that MIRAIKAKAKU_PRICE_SOURCE names, admitted to this installation.

        Raises:
            ConfigurationError: The archive is not named or not there, or the source is simulated and the prices
                here are real, or the other way round.
        """
        source = self._configured_prices
        if self.settings.miraikakaku_price_source == "yahoo":
            self._admit_yahoo()
        return source

    def _admit_yahoo(self) -> None:
        """Settles once whether Yahoo's address is that of a simulated exchange; not before something answers there."""
        from miraikakaku_assets.adapters.sources.origin import simulated_exchange

        if "yahoo" not in self._admitted and admit_prices(
            self.settings.yahoo_base_url, self.origin, simulated_exchange
        ):
            self._admitted.add("yahoo")

    @cached_property
    def _admitted(self) -> set[str]:
        return set()

    @cached_property
    def _configured_prices(self) -> PriceSource:
        if self.settings.miraikakaku_price_source == "archive":
            folder = self.settings.miraikakaku_archive_dir
            if folder is None or not folder.expanduser().exists():
                shown = "is not set" if folder is None else f"names {folder}, which does not exist"
                raise ConfigurationError(
                    f"MIRAIKAKAKU_ARCHIVE_DIR {shown}; name a file or folder of Parquet or CSV bars"
                )
            return self.archive(folder.expanduser(), as_source=True)
        from miraikakaku_assets.adapters.sources.yahoo import YahooOptions, YahooSource
        from miraikakaku_assets.adapters.sources.yahoo_session import Politeness

        said = self.settings
        politeness = Politeness(
            said.worker_timeout, said.max_retries, said.retry_delay, said.backoff_multiplier
        )
        wanted = math.ceil(said.requests_per_second / _SYMBOLS_PER_PROCESS)
        processes = max(1, min(os.cpu_count() or 1, wanted, said.max_workers))
        options = YahooOptions(said.yahoo_base_url, politeness, said.max_workers, said.batch_size, processes)
        return YahooSource(options, self.yahoo_limit)

    @cached_property
    def yahoo_limit(self) -> PostgresRateLimit:
        """The one rate at which this installation asks Yahoo."""
        from miraikakaku_assets.adapters.storage.rate_limit import PostgresRateLimit
        from miraikakaku_assets.application.request_rate import LimitRules

        said = self.settings
        # A trial that is lost with its process is over when its request must have been.
        rules = LimitRules(retry_delay=said.retry_delay, trial_seconds=2 * said.worker_timeout)
        return PostgresRateLimit(self.database, "yahoo", said.requests_per_second, said.burst_limit, rules)

    @property
    def yahoo_probe(self) -> YahooProbe:
        """The smallest question to Yahoo, at the rate of everything else.

        Raises:
            ConfigurationError: Yahoo is simulated and the prices here are real, or the other way round.
        """
        self._admit_yahoo()
        from miraikakaku_assets.adapters.sources.yahoo_probe import YahooProbe
        from miraikakaku_assets.adapters.sources.yahoo_session import Politeness

        said = self.settings
        politeness = Politeness(said.worker_timeout, 0, said.retry_delay, said.backoff_multiplier)
        return YahooProbe(said.yahoo_base_url, politeness, self.yahoo_limit)

    def archive(
        self,
        location: Path,
        timeframe: Timeframe = Timeframe.D1,
        *,
        zone: str = "",
        symbol: str = "",
        most_rows: int | None = None,
        as_source: bool = False,
    ) -> PriceSource:
        """A price source over a file or folder the user names.

        Args:
            location: File or folder.
            timeframe: 1d or 5m, what the rows are.
            zone: IANA zone of 5-minute stamps without an offset; empty for the exchange's.
            symbol: Whose bars are in files that name no symbol; empty for the file's own name.
            most_rows: Rows that are taken from one file; None for the usual limit.
            as_source: Whether prices are collected from it, not imported once.

        Raises:
            ConfigurationError: There is no bar file in the folder, or the prices here are simulated.
        """
        from miraikakaku_assets.adapters.sources.archive import ArchiveSource, FileOptions
        from miraikakaku_assets.adapters.sources.table_files import MOST_ROWS

        source = ArchiveSource(location, FileOptions(timeframe, zone, symbol, most_rows or MOST_ROWS))
        admit_files(str(location), self.origin, as_source=as_source)
        return source

    def history_start(self, universe: Universe, timeframe: Timeframe) -> date:
        """First exchange date asked for when a symbol has no bars yet; an archive is read from its beginning."""
        if self.settings.miraikakaku_price_source == "archive":
            return date.min
        start = date.fromisoformat(self.settings.history_start)
        reach = REACH.get(timeframe)
        if reach is None:
            return start
        # At the exchange: midnight in Tokyo is nine hours earlier than in UTC, and Yahoo counts in seconds.
        return max(start, (self.clock() - reach).astimezone(ZoneInfo(universe.time_zone)).date())
