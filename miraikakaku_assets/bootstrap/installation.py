"""What everything else stands on: the settings, the clock and the database."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from miraikakaku_assets.adapters.storage.collection.price_origin import PostgresOrigin
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.application.ports import Clock
    from miraikakaku_assets.application.work_progress import WorkProgress
    from miraikakaku_assets.settings import Settings


def utc_now() -> datetime:
    """The production clock."""
    return datetime.now(UTC)


def clock_of(settings: Settings) -> Clock:
    """The clock that the settings name: the machine's, or one that begins at MIRAIKAKAKU_NOW and goes on from there."""
    moment = settings.miraikakaku_now
    if moment is None:
        return utc_now
    begun = time.monotonic()
    return lambda: moment + timedelta(seconds=time.monotonic() - begun)


def stop_server(settings: Settings) -> bool:
    """Stops the embedded database server of a state folder; whether one was running.

    Raises:
        DependencyUnavailableError: It does not stop; its log is named.
    """
    from miraikakaku_assets.adapters.storage import embedded

    return embedded.stop(settings.home)


@dataclass(frozen=True)
class Installation:
    """The settings and the database of one installation.

    Attributes:
        settings: What the environment says.
        clock: Where the time comes from; a replay of the past brings its own.
        receiver: Address that takes Alertmanager's JSON in place of every channel. It is no setting: only a drill, on a
            demo of its own, hands one in.
        quota: Bytes that the state folder may take, where its volume is not to be filled: a drill's, too.
    """

    settings: Settings
    clock: Clock = utc_now
    receiver: str = ""
    quota: int | None = None

    @cached_property
    def work(self) -> WorkProgress:
        """How far the training, forecast or analysis of this process is."""
        from miraikakaku_assets.application.work_progress import WorkProgress

        return WorkProgress()

    @cached_property
    def database(self) -> Database:
        """The database with its newest schema; starts the embedded server if need be."""
        return self.upgraded[0]

    @property
    def full_disk(self) -> DependencyUnavailableError:
        """What is to be said when the database has no room left."""
        from miraikakaku_assets.adapters.storage.disk import disk_full

        return disk_full(None if self.settings.database_url else self.settings.home)

    @cached_property
    def origin(self) -> PostgresOrigin:
        """The mark whether the prices here are real or simulated."""
        from miraikakaku_assets.adapters.storage.collection.price_origin import PostgresOrigin

        return PostgresOrigin(self.database)

    @cached_property
    def opened(self) -> Database:
        """The database as it is; starts the embedded server if need be.

        Raises:
            ConfigurationError: The state folder cannot be made, or faults are ordered where prices are real.
            DependencyUnavailableError: The server cannot be started.
        """
        from miraikakaku_assets.adapters.files.cold_files import FolderColdFiles
        from miraikakaku_assets.adapters.storage.engine import open_database

        _make_folder(self.settings.home)
        url, home = self.settings.database_url, self.settings.home
        archive = home / "backups" / "wal" if self.settings.backup_wal == "on" else None
        database = open_database(home, url.get_secret_value() if url else None, archive)
        database.cold_files = FolderColdFiles(home)
        if self.settings.miraikakaku_faults:
            from miraikakaku_assets.bootstrap.faults import arm_faults

            arm_faults(self.settings, database)
        return database

    @cached_property
    def upgraded(self) -> tuple[Database, str | None, str]:
        """The database, and its schema's revision before and after it was opened here.

        Raises:
            ConfigurationError: The state folder cannot be made, or the schema is that of a newer program.
            DependencyUnavailableError: The database cannot be started or reached.
        """
        from miraikakaku_assets.adapters.storage.migrate import upgrade

        return self.opened, *upgrade(self.opened)

    def close(self) -> None:
        """Closes the connections to the database that are not in use, if it was opened; the server goes on."""
        if "opened" in vars(self):
            self.opened.close()


def _make_folder(home: Path) -> None:
    try:
        # Nobody else's: settings, reports and backups lie in it. One that is there keeps its mode.
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"MIRAIKAKAKU_HOME: {home} cannot be used as a folder ({error.strerror}); name another one"
        ) from error
