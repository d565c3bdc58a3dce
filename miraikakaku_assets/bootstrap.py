"""Composition root: settings → concrete ports. Dagster, the command line and other faces get theirs here.

Nothing is opened before it is used; importing this module costs no more than the settings.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.settings import Settings, settings

if TYPE_CHECKING:
    from pathlib import Path

    from miraikakaku_assets.adapters.notify.channels import Channels
    from miraikakaku_assets.adapters.pattern_pictures import PatternPictures
    from miraikakaku_assets.adapters.shelves import FolderFileShelf, FolderReportShelf
    from miraikakaku_assets.adapters.sources.intraday_files import NamedBarFiles
    from miraikakaku_assets.adapters.sources.yahoo_probe import YahooProbe
    from miraikakaku_assets.adapters.storage.alerts import PostgresAlerts
    from miraikakaku_assets.adapters.storage.analysis import PostgresAnalysis
    from miraikakaku_assets.adapters.storage.bars import PostgresBars
    from miraikakaku_assets.adapters.storage.coverage import PostgresCoverage
    from miraikakaku_assets.adapters.storage.cycles import PostgresCycles
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.adapters.storage.ledger import PostgresLedger
    from miraikakaku_assets.adapters.storage.masters import PostgresMasters
    from miraikakaku_assets.adapters.storage.probes import PostgresProbes
    from miraikakaku_assets.adapters.storage.rate_limit import PostgresRateLimit
    from miraikakaku_assets.adapters.storage.status import PostgresStatus
    from miraikakaku_assets.application.deliver_notifications import DeliveryPorts
    from miraikakaku_assets.application.ports import Clock, MasterSource, PriceSource
    from miraikakaku_assets.application.watch_cycles import CycleRules, WatchPorts
    from miraikakaku_assets.domain.market.instruments import Universe


_SYMBOLS_PER_PROCESS = 60  # a second; beyond it one interpreter cannot fetch, validate and store as well

REACH = {Timeframe.M5: timedelta(days=59)}
"""How far back Yahoo serves shorter bars: 60 days, less the one that passes while a collection waits."""


def utc_now() -> datetime:
    """The production clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Ports:
    """The ports of one installation, made when first asked for.

    Attributes:
        settings: What the environment says.
        clock: Where the time comes from; a replay of the past brings its own.
    """

    settings: Settings
    clock: Clock = utc_now

    @cached_property
    def database(self) -> Database:
        """The database with its newest schema; starts the embedded server if need be."""
        return self.upgraded[0]

    @cached_property
    def upgraded(self) -> tuple[Database, str | None, str]:
        """The database, and its schema's revision before and after it was opened here.

        Raises:
            ConfigurationError: The state folder cannot be made.
            DependencyUnavailableError: The database cannot be started or reached.
        """
        from miraikakaku_assets.adapters.storage.engine import open_database
        from miraikakaku_assets.adapters.storage.migrate import upgrade

        _make_folder(self.settings.home)
        url = self.settings.database_url
        database = open_database(self.settings.home, url.get_secret_value() if url else None)
        return database, *upgrade(database)

    @cached_property
    def masters(self) -> PostgresMasters:
        """Stock master and instruments."""
        from miraikakaku_assets.adapters.storage.masters import PostgresMasters

        return PostgresMasters(self.database)

    @cached_property
    def bars(self) -> PostgresBars:
        """Bars, corporate actions and the quarantine."""
        from miraikakaku_assets.adapters.storage.bars import PostgresBars

        return PostgresBars(self.database)

    @cached_property
    def analysis(self) -> PostgresAnalysis:
        """Marks, derived bars, indicators and signals."""
        from miraikakaku_assets.adapters.storage.analysis import PostgresAnalysis

        return PostgresAnalysis(self.database)

    @cached_property
    def ledger(self) -> PostgresLedger:
        """Account of collections."""
        from miraikakaku_assets.adapters.storage.ledger import PostgresLedger

        return PostgresLedger(self.database)

    @cached_property
    def coverage(self) -> PostgresCoverage:
        """Holdings and coverage reports."""
        from miraikakaku_assets.adapters.storage.coverage import PostgresCoverage

        return PostgresCoverage(self.database)

    @cached_property
    def status(self) -> PostgresStatus:
        """Figures for the operator."""
        from miraikakaku_assets.adapters.storage.status import PostgresStatus

        return PostgresStatus(self.database)

    def master_source(self, universe: Universe) -> MasterSource:
        """What the exchanges of a universe publish about their listings.

        Raises:
            ConfigurationError: No exchange publishes a list of it.
        """
        if universe.name == "jp":
            from miraikakaku_assets.adapters.sources.jpx import JpxList

            return JpxList(self.settings.worker_timeout, self.settings.jpx_list_url)
        if universe.name == "us":
            from miraikakaku_assets.adapters.sources.us_directories import UsAddresses, UsDirectories

            key = self.settings.alpha_vantage_api_key
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
            return self.archive(folder.expanduser())
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

    @cached_property
    def yahoo_probe(self) -> YahooProbe:
        """The smallest question to Yahoo, at the rate of everything else."""
        from miraikakaku_assets.adapters.sources.yahoo_probe import YahooProbe
        from miraikakaku_assets.adapters.sources.yahoo_session import Politeness

        said = self.settings
        politeness = Politeness(said.worker_timeout, 0, said.retry_delay, said.backoff_multiplier)
        return YahooProbe(said.yahoo_base_url, politeness, self.yahoo_limit)

    @cached_property
    def probes(self) -> PostgresProbes:
        """Account of the probes."""
        from miraikakaku_assets.adapters.storage.probes import PostgresProbes

        return PostgresProbes(self.database)

    @cached_property
    def alerts(self) -> PostgresAlerts:
        """Alerts and the outbox of their notifications."""
        from miraikakaku_assets.adapters.storage.alerts import PostgresAlerts

        return PostgresAlerts(self.database)

    @cached_property
    def cycles(self) -> PostgresCycles:
        """Account of the cycles."""
        from miraikakaku_assets.adapters.storage.cycles import PostgresCycles

        return PostgresCycles(self.database)

    @cached_property
    def channels(self) -> Channels:
        """Where people are told, by name."""
        from miraikakaku_assets.adapters.notify.channels import Addresses, Channels

        said = self.settings
        secrets = (said.discord_webhook_url, said.slack_webhook_url, said.email_password, said.notify_urls)
        discord, slack, password, others = ("" if one is None else one.get_secret_value() for one in secrets)
        addresses = Addresses(
            discord,
            slack,
            said.smtp_server,
            said.smtp_port,
            said.from_email,
            said.mail_recipients,
            password or None,
            tuple(others.split()),
        )
        return Channels(addresses)

    @cached_property
    def pictures(self) -> PatternPictures:
        """Charts that go with the messages about signals."""
        from miraikakaku_assets.adapters.pattern_pictures import PatternPictures

        return PatternPictures(self.bars, self.analysis)

    @property
    def delivery(self) -> DeliveryPorts:
        """What a delivery of notifications needs."""
        from miraikakaku_assets.application.deliver_notifications import DeliveryPorts

        return DeliveryPorts(
            self.alerts, self.alerts, self.channels, self.clock, time.sleep, self.pictures.of
        )

    @property
    def watch(self) -> WatchPorts:
        """What watching the cycles needs."""
        from miraikakaku_assets.application.watch_cycles import WatchPorts

        return WatchPorts(self.cycles, self.alerts, self.channels.names_for, self.clock)

    @property
    def cycle_rules(self) -> CycleRules:
        """What the settings call a good cycle."""
        from miraikakaku_assets.application.watch_cycles import CycleRules

        said = self.settings
        return CycleRules(said.max_processing_time, said.min_success_rate, said.max_error_count)

    def archive(self, location: Path) -> PriceSource:
        """A price source over a file or folder the user names.

        Raises:
            ConfigurationError: There is no such file, or no bar file in the folder.
        """
        from miraikakaku_assets.adapters.sources.archive import ArchiveSource

        return ArchiveSource(location)

    @cached_property
    def bar_files(self) -> NamedBarFiles:
        """Bars from a file that a user names, to try something on."""
        from miraikakaku_assets.adapters.sources.intraday_files import NamedBarFiles

        return NamedBarFiles()

    @cached_property
    def files(self) -> FolderFileShelf:
        """Published lists as they came in."""
        from miraikakaku_assets.adapters.shelves import FolderFileShelf

        return FolderFileShelf(self.settings.home)

    @cached_property
    def reports(self) -> FolderReportShelf:
        """JSON reports."""
        from miraikakaku_assets.adapters.shelves import FolderReportShelf

        return FolderReportShelf(self.settings.home)

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


_ports: Ports | None = None


def ports() -> Ports:
    """The ports of this process."""
    global _ports  # noqa: PLW0603 - one composition root per process
    if _ports is None:
        _ports = Ports(settings())
    return _ports


def use(chosen: Settings, clock: Clock = utc_now) -> Ports:
    """Makes these settings, and this clock, the ones of this process (the demo brings its own)."""
    global _ports  # noqa: PLW0603 - one composition root per process
    _ports = Ports(chosen, clock)
    return _ports


def _make_folder(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"MIRAIKAKAKU_HOME: {home} cannot be used as a folder ({error.strerror}); name another one"
        ) from error


def dagster_storage_url() -> str:
    """SQLAlchemy URL of the schema in which Dagster keeps runs, events and schedules."""
    return ports().database.dagster_url
