"""What the rules about the installation itself say: its database, its backups, its weak places."""

from dataclasses import dataclass
from datetime import datetime

from miraikakaku_assets.application.alerting.alert_rule import Evaluation, evaluate
from miraikakaku_assets.application.alerting.conditions.backup_alerts import backup_evaluations
from miraikakaku_assets.application.alerting.conditions.database_alerts import (
    DATABASE_RULES,
    DISK_RULES,
    DatabaseIntegrity,
    DiskSpace,
)
from miraikakaku_assets.application.alerting.conditions.security_alerts import security_evaluations
from miraikakaku_assets.application.ports.operations.backups import BackupHistory, BackupShelf
from miraikakaku_assets.application.ports.operations.integrity import IntegrityReport, IntegrityStore
from miraikakaku_assets.application.ports.operations.security import SecurityFindings
from miraikakaku_assets.application.ports.operations.wal import WalArchive


@dataclass(frozen=True)
class InstallationAccount:
    """What is known of an installation.

    Attributes:
        disk: Room under the state folder; None where the database is elsewhere.
        integrity: Searches for damage.
        backups: Where backups lie.
        attempts: Account of the attempts at them.
        findings: What the security scan has found.
        archive: Archive of the write-ahead log; None where it is off.
    """

    disk: DiskSpace | None
    integrity: IntegrityStore
    backups: BackupShelf
    attempts: BackupHistory
    findings: SecurityFindings
    archive: WalArchive | None = None


def installation_evaluations(account: InstallationAccount, now: datetime) -> list[Evaluation]:
    """What the rules say of an installation.

    Args:
        account: What is known of it.
        now: UTC.
    """
    search = account.integrity.newest()
    return [
        *evaluate(DISK_RULES, [] if account.disk is None else [account.disk]),
        *evaluate(DATABASE_RULES, [] if search is None else [_integrity(search)]),
        *backup_evaluations(account.backups, account.attempts, now, account.archive),
        *security_evaluations(account.findings, now),
    ]


def _integrity(search: IntegrityReport) -> DatabaseIntegrity:
    damages = [f"{relation}: {trouble}" for relation, trouble in search.damaged.items()]
    if search.checksum_failures:
        damages.append(f"{search.checksum_failures}ページのチェックサムが一致しません")
    return DatabaseIntegrity(search.checked_at, tuple(damages), f"確認した表と索引: {search.relations:,}")
