"""Rules about backups: one is missing, or the newest is not known to be good."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from miraikakaku_assets.application.alerting.alert_rule import AlertRule, Evaluation, Finding, evaluate
from miraikakaku_assets.application.backups.list_backups import newest_good, newest_trouble
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.application.ports.operations.backups import (
    BackupAttempt,
    BackupHistory,
    BackupShelf,
    BackupStatus,
    Manifest,
)
from miraikakaku_assets.application.ports.operations.wal import ArchiveState, WalArchive
from miraikakaku_assets.domain.backups.retention import LONGEST_AGE
from miraikakaku_assets.domain.tokyo_time import jst

LONGEST_WAIT = timedelta(minutes=15)
"""Three times the time after which the log is archived at the latest."""
_MIB = 2**20
_RUNNING_FOR = timedelta(hours=6)
_JUDGED = 20  # attempts that are looked at


@dataclass(frozen=True)
class WatchedBackups:
    """What rules about backups look at.

    Attributes:
        now: UTC.
        newest: The newest verified one that lies in its place.
        newest_attempt: The newest attempt that has ended, or should have.
        data_since: When the first data came; None where there are none to lose.
        log: How far the archive of the write-ahead log is; None where it is off.
        trouble: Why the newest one is not whole any more; empty where it is.
    """

    now: datetime
    newest: Manifest | None
    newest_attempt: BackupAttempt | None
    data_since: datetime | None
    log: ArchiveState | None = None
    trouble: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """There is one place for backups."""
        return {}


def backup_evaluations(
    shelf: BackupShelf, history: BackupHistory, now: datetime, archive: WalArchive | None = None
) -> list[Evaluation]:
    """What the rules say of the age of the newest good backup and of how the newest attempt went.

    Args:
        shelf: Where backups lie.
        history: Account of the attempts.
        now: UTC.
        archive: Archive of the write-ahead log; None where it is off.
    """
    attempts = (attempt for attempt in history.newest(_JUDGED) if _is_over(attempt, now))
    log = None if archive is None else archive.state()
    newest, since = newest_good(shelf), history.data_since()
    watched = WatchedBackups(now, newest, next(attempts, None), since, log, newest_trouble(shelf))
    return evaluate(BACKUP_RULES, [watched])


def _is_over(attempt: BackupAttempt, now: datetime) -> bool:
    return attempt.status is not BackupStatus.RUNNING or now - attempt.started_at > _RUNNING_FOR


def _missed(watched: WatchedBackups) -> Finding | None:
    newest, since = watched.newest, watched.data_since
    if since is None:
        return None
    reference = since if newest is None else newest.dump.taken_at
    age = watched.now - reference
    if age <= LONGEST_AGE:
        return None
    hours = age.total_seconds() / 3600
    facts = (
        [f"検証済みバックアップ: なし(データの開始 {jst(since)})"]
        if newest is None
        else [f"最新の検証済みバックアップ: {newest.name}({jst(newest.dump.taken_at)})"]
    )
    return Finding(
        f"検証済みバックアップが{hours:.0f}時間ありません",
        [
            *facts,
            f"上限: {LONGEST_AGE.total_seconds() / 3600:.0f}時間",
            *_attempt_lines(watched.newest_attempt),
        ],
        {"newest": newest and newest.name, "age_hours": round(hours, 1)},
    )


def _unverified(watched: WatchedBackups) -> Finding | None:
    attempt = watched.newest_attempt
    if attempt is None or attempt.status is BackupStatus.GOOD:
        return None
    if watched.newest is not None and watched.newest.started_at > attempt.started_at:
        return None
    return Finding(
        f"最新のバックアップは検証されていません: {attempt.name}",
        _attempt_lines(attempt),
        {"name": attempt.name, "status": attempt.status.value},
    )


def _wal_behind(watched: WatchedBackups) -> Finding | None:
    log, since = watched.log, watched.data_since
    if log is None:
        return None
    waited = timedelta(0) if log.waiting_since is None else watched.now - log.waiting_since
    reference = log.newest_base_at or since
    base_age = timedelta(0) if reference is None else watched.now - reference
    if not log.is_on:
        title = "WALのアーカイブが有効になっていません(サーバーの再起動が必要です)"
    elif waited > LONGEST_WAIT:
        title = f"WALのアーカイブが{waited.total_seconds() / 60:.0f}分遅れています"
    elif base_age > LONGEST_AGE:
        title = f"ベースバックアップが{base_age.total_seconds() / 3600:.0f}時間ありません"
    else:
        return None
    return Finding(
        title,
        [
            f"待機中のセグメント: {log.waiting:,}({log.waiting_bytes / _MIB:,.0f} MiB、成功するまで増え続けます)",
            f"最後の成功: {jst(log.last_archived_at) if log.last_archived_at else 'なし'}",
            f"最後の失敗: {jst(log.last_failed_at) if log.last_failed_at else 'なし'}",
            f"最新のベースバックアップ: {jst(log.newest_base_at) if log.newest_base_at else 'なし'}",
        ],
        {"waiting": log.waiting, "waiting_bytes": log.waiting_bytes, "is_on": log.is_on},
    )


def _damaged(watched: WatchedBackups) -> Finding | None:
    if not watched.trouble:
        return None
    return Finding(
        "最新のバックアップが破損しています", [f"理由: {watched.trouble}"], {"trouble": watched.trouble}
    )


def _attempt_lines(attempt: BackupAttempt | None) -> Iterable[str]:
    if attempt is None:
        return ["最後の試行: なし"]
    lines = [f"最後の試行: {attempt.name}({_STATUS_JA[attempt.status]}、開始 {jst(attempt.started_at)})"]
    return [*lines, f"理由: {attempt.error}"] if attempt.error else lines


_STATUS_JA = {
    BackupStatus.RUNNING: "終了していません",
    BackupStatus.GOOD: "成功",
    BackupStatus.UNVERIFIED: "未検証",
    BackupStatus.FAILED: "失敗",
    BackupStatus.INTERRUPTED: "中断",
}

BACKUP_RULES = (
    AlertRule[WatchedBackups](
        key="backup/missed",
        severities=(Severity.CRITICAL,),
        when=f"the newest verified backup is older than {LONGEST_AGE.total_seconds() / 3600:.0f} hours, "
        "or there is none so long after the first data",
        over="there is a newer one",
        find=_missed,
        remedy="Run `miraikakaku backup`, and read why the schedule `daily_backup` did not.",
    ),
    AlertRule[WatchedBackups](
        key="backup/unverified",
        severities=(Severity.WARNING,),
        when="the newest attempt at a backup failed, was broken off, or could not be verified",
        over="one is verified",
        find=_unverified,
        remedy="Read the reason in `backups` or in the run, remove it, and run `miraikakaku backup`.",
    ),
    AlertRule[WatchedBackups](
        key="backup/wal_behind",
        severities=(Severity.CRITICAL,),
        when="with BACKUP_WAL=on: a segment of the write-ahead log has waited for its archive for more than "
        f"{LONGEST_WAIT.total_seconds() / 60:.0f} minutes, the server does not archive at all, or the newest base "
        f"backup is older than {LONGEST_AGE.total_seconds() / 3600:.0f} hours",
        over="the log is archived and there is a newer base backup",
        find=_wal_behind,
        remedy="Look for the archiver's reason at the end of `postgres/log`, mostly no room in `backups/wal`: what "
        "waits stays in `postgres/pg_wal` and fills the disk. `miraikakaku db stop` where the server was started "
        "before BACKUP_WAL was on; then `miraikakaku backup`.",
    ),
    AlertRule[WatchedBackups](
        key="backup/damaged",
        severities=(Severity.CRITICAL,),
        when="the newest backup cannot be read any more, lacks a file, or has one of another size",
        over="the newest one is whole",
        find=_damaged,
        remedy="Run `miraikakaku backup`: the new one takes its place; then find out who has touched the folder.",
        escalates_from=2,
    ),
)
"""Rules about backups."""
