"""What the API asks: small questions over connections of one event loop, and Dagster's web server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from miraikakaku_assets.bootstrap.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from miraikakaku_assets.adapters.dagster_graphql.console import DagsterConsole
    from miraikakaku_assets.adapters.dagster_graphql.launcher import DagsterLauncher
    from miraikakaku_assets.adapters.storage.async_database import AsyncDatabase
    from miraikakaku_assets.adapters.storage.coverage_gaps import PostgresGapLists
    from miraikakaku_assets.adapters.storage.jobs.store import PostgresJobStore
    from miraikakaku_assets.adapters.storage.masters.lists import PostgresMasterLists
    from miraikakaku_assets.adapters.storage.rate_limit.keys import PostgresKeyLimits
    from miraikakaku_assets.application.bulk.jobs import BulkPorts
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.bootstrap.roles import NarrowRoles


@dataclass(frozen=True)
class Serving:
    """Adapters for one event loop; nothing is opened before it is asked for."""

    installation: Installation
    roles: NarrowRoles

    @cached_property
    def async_database(self) -> AsyncDatabase:
        """The database for many short questions at once, in the role of the API; its schema is taken as it is."""
        from miraikakaku_assets.adapters.storage.async_database import AsyncDatabase
        from miraikakaku_assets.adapters.storage.engine import Database

        url = self.roles.narrow_settings(Role.API).database_url
        narrow = self.installation.opened if url is None else Database(url.get_secret_value())
        return AsyncDatabase(narrow.url, narrow.shown)

    @cached_property
    def job_store(self) -> PostgresJobStore:
        """Bulk jobs, for clients."""
        from miraikakaku_assets.adapters.storage.jobs.store import PostgresJobStore

        return PostgresJobStore(self.async_database)

    def result_path(self, name: str) -> Path | None:
        """The file of a name among the results of bulk jobs; None if there is none."""
        from miraikakaku_assets.adapters.files.result_path import result_path

        return result_path(self.installation.settings.home / "results", name)

    @property
    def results_kept(self) -> timedelta:
        """How long the files of bulk jobs stay."""
        return timedelta(days=self.installation.settings.bulk_result_retention_days)

    @cached_property
    def launcher(self) -> DagsterLauncher:
        """Dagster's web server."""
        from miraikakaku_assets.adapters.dagster_graphql.launcher import DagsterLauncher

        return DagsterLauncher(self.installation.settings.dagster_url)

    @cached_property
    def console(self) -> DagsterConsole:
        """What Dagster's web server shows of itself."""
        from miraikakaku_assets.adapters.dagster_graphql.console import DagsterConsole

        return DagsterConsole(self.installation.settings.dagster_url)

    @cached_property
    def bulk(self) -> BulkPorts:
        """What the use cases of bulk jobs need."""
        from miraikakaku_assets.application.bulk.jobs import BulkPorts

        return BulkPorts(self.job_store, self.launcher)

    @cached_property
    def master_lists(self) -> PostgresMasterLists:
        """Pages of the stock master, and its updates."""
        from miraikakaku_assets.adapters.storage.masters.lists import PostgresMasterLists

        return PostgresMasterLists(self.async_database)

    @cached_property
    def gap_lists(self) -> PostgresGapLists:
        """Pages of the coverage gaps."""
        from miraikakaku_assets.adapters.storage.coverage_gaps import PostgresGapLists

        return PostgresGapLists(self.async_database)

    @cached_property
    def key_limits(self) -> PostgresKeyLimits:
        """How many requests each key may still send."""
        from miraikakaku_assets.adapters.storage.rate_limit.keys import PostgresKeyLimits

        return PostgresKeyLimits(self.async_database, self.installation.settings.rate_limit_per_minute)

    @property
    def listen_to_jobs(
        self,
    ) -> Callable[[Callable[[str], None], Callable[[], None]], Coroutine[Any, Any, None]]:
        """Hears of progress and changes of state until it is cancelled; see `AsyncDatabase.listen`."""
        from functools import partial

        from miraikakaku_assets.adapters.storage.jobs.statements import CHANNEL

        return partial(self.async_database.listen, CHANNEL)
