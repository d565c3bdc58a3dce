"""How the installation itself is watched."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from miraikakaku_assets.adapters.storage.operations.asset_health import PostgresAssetHealth
    from miraikakaku_assets.adapters.storage.operations.heartbeats import PostgresHeartbeats
    from miraikakaku_assets.adapters.storage.operations.metrics import PostgresSystemMetrics
    from miraikakaku_assets.adapters.storage.operations.review_books import PostgresReviewBooks
    from miraikakaku_assets.adapters.storage.operations.run_leases import PostgresRunLeases
    from miraikakaku_assets.adapters.storage.operations.server_review import PostgresServerReview
    from miraikakaku_assets.application.monitoring.health import HealthPorts, StoredHealth
    from miraikakaku_assets.bootstrap.backups import Backups
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.bootstrap.notices import Notices
    from miraikakaku_assets.bootstrap.sources import Sources
    from miraikakaku_assets.bootstrap.stores import Stores
    from miraikakaku_assets.domain.operations.run_lease import LeaseRules


@dataclass(frozen=True)
class Operations:
    """Health, heartbeats, metrics and reviews."""

    installation: Installation
    stores: Stores
    sources: Sources
    notices: Notices
    backups: Backups

    @cached_property
    def heartbeats(self) -> PostgresHeartbeats:
        """Which services are there."""
        from miraikakaku_assets.adapters.storage.operations.heartbeats import PostgresHeartbeats

        return PostgresHeartbeats(self.installation.database)

    def beat(self, service: str, *, state: str = "running", address: str = "", health_path: str = "") -> None:
        """Records that a service of this process is there, or has stopped in order; to be called every 15 seconds.

        Args:
            service: E.g. ``watch``, ``api``, ``dashboard``.
            state: ``running`` or ``stopped``.
            address: Where it answers HTTP, e.g. ``http://127.0.0.1:8000``; empty where it does not.
            health_path: What health checks ask there, e.g. ``/health``.
        """
        from miraikakaku_assets.application.ports.operations.system import ServiceBeat

        self.heartbeats.beat(
            [ServiceBeat(service, socket.gethostname(), os.getpid(), state, address, health_path)]
        )

    @cached_property
    def run_leases(self) -> PostgresRunLeases:
        """Which worker does which run."""
        from miraikakaku_assets.adapters.storage.operations.run_leases import PostgresRunLeases

        return PostgresRunLeases(self.installation.database)

    @property
    def lease_rules(self) -> LeaseRules:
        """For how long a worker that is silent is waited for."""
        from miraikakaku_assets.domain.operations.run_lease import LeaseRules

        return LeaseRules(self.installation.settings.run_lost_after)

    @cached_property
    def system_metrics(self) -> PostgresSystemMetrics:
        """Samples of the health checks."""
        from miraikakaku_assets.adapters.storage.operations.metrics import PostgresSystemMetrics

        return PostgresSystemMetrics(self.installation.database)

    @cached_property
    def asset_health_snapshot(self) -> PostgresAssetHealth:
        """How the assets were when Dagster was looked at last."""
        from miraikakaku_assets.adapters.storage.operations.asset_health import PostgresAssetHealth

        return PostgresAssetHealth(self.installation.database)

    @cached_property
    def server_review(self) -> PostgresServerReview:
        """PostgreSQL's own statistics."""
        from miraikakaku_assets.adapters.storage.operations.server_review import PostgresServerReview

        return PostgresServerReview(self.installation.database)

    @cached_property
    def review_books(self) -> PostgresReviewBooks:
        """Account of performance reviews."""
        from miraikakaku_assets.adapters.storage.operations.review_books import PostgresReviewBooks

        return PostgresReviewBooks(self.installation.database)

    @property
    def metrics_kept(self) -> timedelta:
        """How long samples and reviews are kept."""
        return timedelta(days=self.installation.settings.system_metrics_retention_days)

    @property
    def newest_backup(self) -> datetime | None:
        """Moment whose contents the newest verified backup holds (UTC); None without any."""
        from miraikakaku_assets.application.backups.list_backups import newest_good

        newest = newest_good(self.backups.shelf())
        return None if newest is None else newest.dump.taken_at

    @property
    def health(self) -> HealthPorts:
        """What a health check needs; it starts no server."""
        from miraikakaku_assets.adapters.machine.usage import MachineUse
        from miraikakaku_assets.adapters.machine.web_probe import HttpProbe
        from miraikakaku_assets.adapters.storage import embedded
        from miraikakaku_assets.adapters.storage.engine import Database
        from miraikakaku_assets.adapters.storage.operations.door import PostgresDoor
        from miraikakaku_assets.application.monitoring.health import HealthPorts

        home, external = self.installation.settings.home, self.installation.settings.database_url
        if external is None:
            data = embedded.data_folder(home)
            door = PostgresDoor(lambda: embedded.url_if_running(home), f"embedded PostgreSQL in {data}")
            folders: list[tuple[str, Path]] = [("state folder", home), ("database", data)]
        else:
            database = Database(external.get_secret_value())
            door = PostgresDoor(lambda: database.url, f"database {database.shown}")
            folders = [("state folder", home)]
        return HealthPorts(
            MachineUse(folders), door, self._stored_health, HttpProbe(), self.installation.clock
        )

    def metrics_text(self) -> str:
        """Everything that is stored about this installation, as Prometheus reads it."""
        from miraikakaku_assets.adapters.metrics.exposition import exposition
        from miraikakaku_assets.adapters.storage.operations.figures import PostgresFigures
        from miraikakaku_assets.application.monitoring.metrics import metric_families

        now = self.installation.clock()
        return exposition(
            metric_families(
                PostgresFigures(self.installation.database).figures(now),
                self.system_metrics.newest(1),
                self.heartbeats.services(),
                self.sources.rate_limiter.state(),
                self.newest_backup,
                now,
            )
        )

    def _stored_health(self) -> StoredHealth:
        from sqlalchemy.exc import OperationalError

        from miraikakaku_assets.adapters.storage.operations.backlog import PostgresBacklog
        from miraikakaku_assets.application.monitoring.health import StoredHealth
        from miraikakaku_assets.application.monitoring.status import source_status

        try:
            backlog = PostgresBacklog(self.installation.database)
            return StoredHealth(
                self.heartbeats.services(),
                backlog.backlog(self.installation.clock(), tuple(self.notices.channels)),
                source_status(self.sources.rate_limiter, self.stores.probes, self.installation.clock),
                self.newest_backup,
            )
        except OperationalError as error:
            self.installation.database.check()  # says in one sentence that it cannot be reached
            raise DependencyUnavailableError(
                "The database went away; start it and run the same command again"
            ) from error
