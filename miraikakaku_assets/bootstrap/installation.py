"""What everything else stands on: the settings, the clock and the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.application.ports import Clock
    from miraikakaku_assets.application.work_progress import WorkProgress
    from miraikakaku_assets.settings import Settings


def utc_now() -> datetime:
    """The production clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """The settings and the database of one installation.

    Attributes:
        settings: What the environment says.
        clock: Where the time comes from; a replay of the past brings its own.
    """

    settings: Settings
    clock: Clock = utc_now

    @cached_property
    def work(self) -> WorkProgress:
        """How far the training, forecast or analysis of this process is."""
        from miraikakaku_assets.application.work_progress import WorkProgress

        return WorkProgress()

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


def _make_folder(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"MIRAIKAKAKU_HOME: {home} cannot be used as a folder ({error.strerror}); name another one"
        ) from error
