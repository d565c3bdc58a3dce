"""How the installation is watched, from inside Dagster and from outside."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.bootstrap.backups import Backups
from miraikakaku_assets.bootstrap.forecasting import Forecasting
from miraikakaku_assets.bootstrap.security import Security
from miraikakaku_assets.bootstrap.sources import Sources
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


class Watching(Sources, Forecasting, Backups, Security):
    """What watchers look at, and whom they tell."""

    def watched(self, orchestrator: Orchestrator) -> WatchPorts:
        """What a watcher looks at.

        Args:
            orchestrator: Runs, checks, ticks, schedules and services.
        """
        from miraikakaku_assets.adapters.storage.collection.market_account import PostgresMarketAccount
        from miraikakaku_assets.adapters.storage.collection.watch_positions import PostgresWatchPositions
        from miraikakaku_assets.application.alerting.conditions.installation_alerts import InstallationAccount
        from miraikakaku_assets.application.alerting.watch import Floors, WatchPorts

        mark = self.origin.read()
        is_real = mark is None or not mark.simulated
        listed = [name for name, universe in UNIVERSES.items() if universe.has_master and is_real]
        floors = {name: self.settings.least_issues(name) for name in listed}
        return WatchPorts(
            orchestrator=orchestrator,
            positions=PostgresWatchPositions(self.database),
            markets=PostgresMarketAccount(self.database),
            rate=self.rate_limiter,
            probes=self.probes,
            floors=Floors(floors, self.settings.min_etfs),
            installation=InstallationAccount(
                self.disk,
                self.integrity,
                self.backup_shelf(),
                self.backup_history,
                self.security_findings,
                self.wal_archive,
            ),
            alerting=self.alerting,
            curve=self.curve,
        )

    @property
    def disk(self) -> DiskSpace | None:
        """Room under the state folder; None where the database is elsewhere, which watches its own."""
        from miraikakaku_assets.adapters.storage.disk import LEAST_FREE, free_bytes
        from miraikakaku_assets.application.alerting.conditions.database_alerts import DiskSpace

        if self.settings.database_url is not None:
            return None
        home, free = self.settings.home, free_bytes(self.settings.home)
        if self.quota is not None:
            used = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
            free = min(free, self.quota - used)
        return DiskSpace(str(home), free, LEAST_FREE)

    @cached_property
    def dead_mans_switch(self) -> HealthcheckPings:
        """Who raises the alarm when nothing is heard from here; nobody of a demo."""
        from miraikakaku_assets.adapters.notify.healthchecks import HealthcheckPings

        url = self.settings.healthcheck_url
        return HealthcheckPings("" if url is None or self.outage_file.is_demo() else url.get_secret_value())

    @cached_property
    def outage_file(self) -> OutageFile:
        """What is remembered while the database is out of reach."""
        from miraikakaku_assets.adapters.files.outage_file import OutageFile

        return OutageFile(self.settings.home)

    @property
    def outage(self) -> OutagePorts:
        """What telling of an outage needs: nothing of it is in the database."""
        from miraikakaku_assets.application.alerting.conditions.database_alerts import UNREACHABLE
        from miraikakaku_assets.application.alerting.outage import OutagePorts
        from miraikakaku_assets.domain.alerting.levels import Level
        from miraikakaku_assets.domain.alerting.routes import parse_routes

        channels: Channels = self.channels_of_settings
        routes = parse_routes(self.settings.alert_routes, tuple(channels))
        reached = routes.channels(Level.HIGH, UNREACHABLE.key.partition("/")[0], UNREACHABLE.escalates_from)
        return OutagePorts(self.outage_file, channels, reached, self.clock)

    @property
    def has_database(self) -> bool:
        """Whether a database was ever made here, or is named."""
        from miraikakaku_assets.adapters.storage.embedded import data_folder

        home = self.settings.home
        return self.settings.database_url is not None or (data_folder(home) / "PG_VERSION").exists()

    def require_answer(self) -> None:
        """Asks the database whether it answers, and starts none.

        Raises:
            DependencyUnavailableError: It does not.
        """
        from miraikakaku_assets.adapters.storage.embedded import url_if_running
        from miraikakaku_assets.adapters.storage.engine import answers

        url = self.settings.database_url
        address = url.get_secret_value() if url else url_if_running(self.settings.home)
        if address is None:
            raise DependencyUnavailableError(
                f"The embedded PostgreSQL of {self.settings.home} is not running; start it: `miraikakaku db start`"
            )
        answers(address)
