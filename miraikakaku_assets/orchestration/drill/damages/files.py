"""Damages of files: backups, settings, reports, room on the disk."""

from dataclasses import replace

from miraikakaku_assets.application.backups.make_backup import make_backup
from miraikakaku_assets.application.drill.frame import Damage
from miraikakaku_assets.application.ports.operations.backups import BackupKind
from miraikakaku_assets.application.security.scan import scan_security
from miraikakaku_assets.domain.security.finding import Check
from miraikakaku_assets.orchestration.drill.damages.spans import DAY, WATCHED
from miraikakaku_assets.orchestration.drill.grounds import Grounds

_BALLAST_MIB = 96


def _backup(site: Grounds) -> None:
    make_backup(BackupKind.MANUAL, site.ports.backups.backup_ports())


def _cut_backup(site: Grounds) -> None:
    newest = site.ports.backups.shelf().opened("latest")
    file = max((newest.folder / "database").iterdir(), key=lambda path: path.stat().st_size)
    with file.open("r+b") as content:
        content.truncate(file.stat().st_size // 2)


def _lose_backups(site: Grounds) -> None:
    for backup in site.ports.backups.shelf().listed():
        site.ports.backups.shelf().remove(backup)
    site.sql("UPDATE miraikakaku.batch_executions SET start_time = start_time - interval '27 hours'")


def _open_settings(site: Grounds) -> None:
    file = site.home / ".env"
    file.write_text("LOG_LEVEL=INFO\n", encoding="utf-8")
    file.chmod(0o644)


def _close_settings(site: Grounds) -> None:
    (site.home / ".env").chmod(0o600)


def _scan(site: Grounds) -> None:
    use = site.ports
    facts = replace(use.security.facts, working_folder=site.home)
    scan_security((Check.PERMISSIONS,), replace(use.security.scan, facts=facts))


FILES = (
    Damage[Grounds](
        "settings_open",
        "`.env` may be read by everybody",
        clock=DAY + WATCHED,
        alerts=("security/permissions/*",),
        damage=_open_settings,
        look=_scan,
        every=DAY,
        repair=_close_settings,
        step="Narrow the mode as the message says: `chmod 600 .env`",
    ),
    Damage[Grounds](
        "disk_full",
        "a file fills the room that the demo may use",
        clock=WATCHED,
        alerts=("disk/full",),
        damage=lambda site: site.fill_disk(_BALLAST_MIB),
        repair=lambda site: site.clear_disk(),
        step="Make room under the state folder",
    ),
    Damage[Grounds](
        "backup_cut",
        "the newest backup is cut short",
        clock=WATCHED,
        alerts=("backup/damaged",),
        damage=_cut_backup,
        repair=_backup,
        step="Run `miraikakaku backup`: the new one takes its place",
    ),
    Damage[Grounds](
        "backup_missed",
        "every backup is removed, a day after the first data",
        clock=WATCHED,
        alerts=("backup/missed",),
        damage=_lose_backups,
        repair=_backup,
        step="Run `miraikakaku backup`",
    ),
)
"""Room is that of a quota of the drill's: nobody's real disk is filled."""
