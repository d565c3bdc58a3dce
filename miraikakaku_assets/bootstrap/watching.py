"""How the installation is watched, from inside Dagster and from outside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.domain.market.instruments import UNIVERSES

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.files.outage_file import OutageFile
    from miraikakaku_assets.adapters.notify.channels import Channels
    from miraikakaku_assets.adapters.notify.healthchecks import HealthcheckPings
    from miraikakaku_assets.application.alerting.conditions.database_alerts import DiskSpace
    from miraikakaku_assets.application.alerting.outage import OutagePorts
    from miraikakaku_assets.application.alerting.watch import WatchPorts
    from miraikakaku_assets.application.ports.operations.watching import Orchestrator
    from miraikakaku_assets.bootstrap.backups import Backups
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.bootstrap.notices import Notices
    from miraikakaku_assets.bootstrap.security import Security
    from miraikakaku_assets.bootstrap.sources import Sources
    from miraikakaku_assets.bootstrap.stores import Stores


@dataclass(frozen=True)
class Watching:
    """What watchers look at, and whom they tell."""

    installation: Installation
    stores: Stores
    sources: Sources
    notices: Notices
    backups: Backups
    security: Security

    def watched(self, orchestrator: Orchestrator) -> WatchPorts:
        """What a watcher looks at.

        Args:
            orchestrator: Runs, checks, ticks, schedules and services.
        """
        from miraikakaku_assets.adapters.storage.collection.market_account import PostgresMarketAccount
        from miraikakaku_assets.adapters.storage.collection.watch_positions import PostgresWatchPositions
        from miraikakaku_assets.application.alerting.conditions.installation_alerts import InstallationAccount
        from miraikakaku_assets.application.alerting.watch import Floors, WatchPorts

        mark = self.installation.origin.read()
        is_real = mark is None or not mark.simulated
        listed = [name for name, universe in UNIVERSES.items() if universe.has_master and is_real]
        floors = {name: self.installation.settings.least_issues(name) for name in listed}
        return WatchPorts(
            orchestrator=orchestrator,
            positions=PostgresWatchPositions(self.installation.database),
            markets=PostgresMarketAccount(self.installation.database),
            rate=self.sources.rate_limiter,
            probes=self.stores.probes,
            floors=Floors(floors, self.installation.settings.min_etfs),
            installation=InstallationAccount(
                self.disk,
                self.backups.integrity,
                self.backups.shelf(),
                self.backups.history,
                self.security.findings,
                self.backups.wal_archive,
            ),
            alerting=self.notices.alerting,
            curve=self.stores.curve,
        )

    @property
    def disk(self) -> DiskSpace | None:
        """Room under the state folder; None where the database is elsewhere, which watches its own."""
        from miraikakaku_assets.adapters.storage.disk import LEAST_FREE, free_bytes
        from miraikakaku_assets.application.alerting.conditions.database_alerts import DiskSpace

        if self.installation.settings.database_url is not None:
            return None
        home, free = self.installation.settings.home, free_bytes(self.installation.settings.home)
        if self.installation.quota is not None:
            used = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
            free = min(free, self.installation.quota - used)
        return DiskSpace(str(home), free, LEAST_FREE)

    @cached_property
    def dead_mans_switch(self) -> HealthcheckPings:
        """Who raises the alarm when nothing is heard from here; nobody of a demo."""
        from miraikakaku_assets.adapters.notify.healthchecks import HealthcheckPings

        url = self.installation.settings.healthcheck_url
        return HealthcheckPings("" if url is None or self.outage_file.is_demo() else url.get_secret_value())

    @cached_property
    def outage_file(self) -> OutageFile:
        """What is remembered while the database is out of reach."""
        from miraikakaku_assets.adapters.files.outage_file import OutageFile

        return OutageFile(self.installation.settings.home)

    @property
    def outage(self) -> OutagePorts:
        """What telling of an outage needs: nothing of it is in the database."""
        from miraikakaku_assets.application.alerting.conditions.database_alerts import UNREACHABLE
        from miraikakaku_assets.application.alerting.outage import OutagePorts
        from miraikakaku_assets.domain.alerting.levels import Level
        from miraikakaku_assets.domain.alerting.routes import parse_routes

        channels: Channels = self.notices.channels_of_settings
        routes = parse_routes(self.installation.settings.alert_routes, tuple(channels))
        reached = routes.channels(Level.HIGH, UNREACHABLE.key.partition("/")[0], UNREACHABLE.escalates_from)
        return OutagePorts(self.outage_file, channels, reached, self.installation.clock)

    @property
    def has_database(self) -> bool:
        """Whether a database was ever made here, or is named."""
        from miraikakaku_assets.adapters.storage.embedded import data_folder

        settings = self.installation.settings
        return settings.database_url is not None or (data_folder(settings.home) / "PG_VERSION").exists()

    def require_answer(self) -> None:
        """Asks the database whether it answers, and starts none.

        Raises:
            DependencyUnavailableError: It does not.
        """
        from miraikakaku_assets.adapters.storage.embedded import url_if_running
        from miraikakaku_assets.adapters.storage.engine import answers

        url, home = self.installation.settings.database_url, self.installation.settings.home
        address = url.get_secret_value() if url else url_if_running(home)
        if address is None:
            raise DependencyUnavailableError(
                f"The embedded PostgreSQL of {home} is not running; start it: `miraikakaku db start`"
            )
        answers(address)
