"""What operations work with: backups, the search for damage, maintenance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

from pydantic import SecretStr

from miraikakaku_assets.domain.backups.retention import Keeping

if TYPE_CHECKING:
    from pathlib import Path

    from miraikakaku_assets.adapters.files.backups.shelf import FolderBackups
    from miraikakaku_assets.adapters.storage.backups.copies import PostgresCopies
    from miraikakaku_assets.adapters.storage.backups.history import PostgresBackupHistory, PostgresIntegrity
    from miraikakaku_assets.adapters.storage.backups.integrity import PostgresIntegrityCheck
    from miraikakaku_assets.adapters.storage.backups.wal import EmbeddedWal
    from miraikakaku_assets.application.backups.keep_log import LogPorts
    from miraikakaku_assets.application.backups.make_backup import BackupPorts
    from miraikakaku_assets.application.cold.move_bars import ColdPorts
    from miraikakaku_assets.application.maintenance.run_maintenance import MaintenancePorts
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.settings import Settings


@dataclass(frozen=True)
class Backups:
    """Backups of this installation."""

    installation: Installation

    @property
    def keeping(self) -> Keeping:
        """How many backups the settings keep."""
        chosen = self.installation.settings
        return Keeping(chosen.backup_keep_daily, chosen.backup_keep_weekly, chosen.backup_keep_monthly)

    def shelf(self, folder: Path | None = None) -> FolderBackups:
        """Where backups lie: ``backups/`` of the state folder, or another folder."""
        from miraikakaku_assets.adapters.files.backups.shelf import FolderBackups

        home = self.installation.settings.home
        return FolderBackups((folder or home / "backups").expanduser().resolve(), home)

    @cached_property
    def copies(self) -> PostgresCopies:
        """Copies of the database."""
        from miraikakaku_assets.adapters.storage.backups.copies import PostgresCopies

        return PostgresCopies(self.installation.database)

    @cached_property
    def history(self) -> PostgresBackupHistory:
        """Account of the backups."""
        from miraikakaku_assets.adapters.storage.backups.history import PostgresBackupHistory

        return PostgresBackupHistory(self.installation.database)

    @cached_property
    def integrity_check(self) -> PostgresIntegrityCheck:
        """Search for damage."""
        from miraikakaku_assets.adapters.storage.backups.integrity import PostgresIntegrityCheck

        return PostgresIntegrityCheck(self.installation.database)

    @property
    def cold(self) -> ColdPorts:
        """What cold storage needs."""
        from miraikakaku_assets.adapters.files.cold_files import FolderColdFiles
        from miraikakaku_assets.adapters.storage.cold.store import PostgresCold
        from miraikakaku_assets.application.cold.move_bars import ColdPorts

        chosen, files = self.installation.settings, FolderColdFiles(self.installation.settings.home)
        # An earlier state of the database reads the files that it names, back to the oldest base backup.
        kept = timedelta(days=chosen.backup_wal_days + 7)
        store = PostgresCold(self.installation.database, files)
        return ColdPorts(
            store, files, chosen.cold_after_days, kept, self.installation.clock, self.installation.work
        )

    @cached_property
    def integrity(self) -> PostgresIntegrity:
        """Account of the searches for damage."""
        from miraikakaku_assets.adapters.storage.backups.history import PostgresIntegrity

        return PostgresIntegrity(self.installation.database)

    def backup_ports(self, folder: Path | None = None) -> BackupPorts:
        """What making and restoring backups needs.

        Args:
            folder: Where they lie; None for the state folder's.
        """
        from miraikakaku_assets.adapters.files.service_lock import services_kept_out
        from miraikakaku_assets.adapters.storage.migrate import known_revisions
        from miraikakaku_assets.application.backups.make_backup import BackupPorts

        return BackupPorts(
            self.copies,
            self.shelf(folder),
            self.history,
            self.cold.store,
            self.installation.clock,
            _without_secrets(self.installation.settings),
            version("miraikakaku-assets"),
            known_revisions,
            self.installation.settings.database_url is None,
            self.keeping,
            self.installation.work,
            lambda: services_kept_out(self.installation.settings.home),
        )

    @property
    def base_backups(self) -> LogPorts | None:
        """What point-in-time recovery needs; None where BACKUP_WAL is off."""
        from miraikakaku_assets.adapters.files.service_lock import services_kept_out
        from miraikakaku_assets.application.backups.keep_log import LogPorts

        home, archive = self.installation.settings.home, self.wal_archive
        if archive is None:
            return None
        kept = timedelta(days=self.installation.settings.backup_wal_days)
        return LogPorts(archive, kept, self.installation.work, lambda: services_kept_out(home))

    @property
    def wal_archive(self) -> EmbeddedWal | None:
        """Archive of the embedded server's write-ahead log; None where BACKUP_WAL is off."""
        from miraikakaku_assets.adapters.storage.backups.wal import EmbeddedWal

        if self.installation.settings.backup_wal == "off":
            return None
        return EmbeddedWal(self.installation.settings.home, self.installation.settings.home / "backups")

    @property
    def maintenance(self) -> MaintenancePorts:
        """What maintenance needs."""
        from miraikakaku_assets.adapters.files.old_files import FolderOldFiles
        from miraikakaku_assets.adapters.storage.maintenance.rows import PostgresOldRows
        from miraikakaku_assets.application.maintenance.run_maintenance import MODELS, MaintenancePorts
        from miraikakaku_assets.application.ports.operations import maintenance as kinds
        from miraikakaku_assets.application.work_progress import WorkProgress

        chosen = self.installation.settings
        days = {
            kinds.REPORTS: chosen.report_retention_days,
            kinds.LOGS: chosen.log_retention_days,
            kinds.MASTERS: chosen.master_retention_days,
            kinds.LEDGER: chosen.ledger_retention_days,
            kinds.CYCLES: chosen.cycle_retention_days,
            kinds.ALERTS: chosen.alert_retention_days,
            kinds.PROBES: chosen.probe_retention_days,
            kinds.JOBS: chosen.bulk_job_retention_days,
            kinds.RESULTS: chosen.bulk_result_retention_days,
            MODELS: chosen.model_retention_days,
        }
        return MaintenancePorts(
            PostgresOldRows(self.installation.database),
            FolderOldFiles(chosen.home),
            self.backup_ports(),
            replace(self.cold, work=WorkProgress()),  # its files are no parts of the maintenance
            {part: timedelta(days=count) for part, count in days.items()},
            self.installation.clock,
            self.installation.work,
        )

    def create_database(self) -> None:
        """Makes the database of DATABASE_URL if its server has none of that name."""
        from miraikakaku_assets.adapters.storage.backups.copies import PostgresCopies
        from miraikakaku_assets.adapters.storage.engine import Database

        url = self.installation.settings.database_url
        if url is not None:
            PostgresCopies(Database(url.get_secret_value())).ensure_exists()


def _without_secrets(settings: Settings) -> dict[str, str]:
    """Settings by variable; secrets and what is unset are left out, addresses lose their credentials."""
    from miraikakaku_assets.application.ports.redact_url import shown  # its package brings Polars

    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {
        name.upper(): shown(str(value))
        for name, value in values.items()
        if value is not None and not isinstance(value, SecretStr) and str(value)
    }
