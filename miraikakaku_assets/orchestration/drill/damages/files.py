"""Damages of files: backups, settings, reports, room on the disk."""

from dataclasses import replace

from miraikakaku_assets.application.backups.make_backup import make_backup
from miraikakaku_assets.application.drill.frame import Damage
from miraikakaku_assets.application.ports.operations.backups import BackupKind
from miraikakaku_assets.application.security.scan import scan_security
from miraikakaku_assets.domain.security.finding import Check
from miraikakaku_assets.orchestration.drill.damages.spans import DAY, HOUR, QUARTER_DAY, WATCHED
from miraikakaku_assets.orchestration.drill.grounds import Grounds

_BACKUP_AGE = 26 * HOUR
_BALLAST_MIB = 96


def _backup(site: Grounds) -> None:
    make_backup(BackupKind.MANUAL, site.ports.backup_ports())


def _cut_backup(site: Grounds) -> None:
    newest = site.ports.backup_shelf().opened("latest")
    file = max((newest.folder / "database").iterdir(), key=lambda path: path.stat().st_size)
    with file.open("r+b") as content:
        content.truncate(file.stat().st_size // 2)


def _let_backups_age(site: Grounds) -> None:
    site.clock.advance(_BACKUP_AGE)


def _open_settings(site: Grounds) -> None:
    file = site.home / ".env"
    file.write_text("LOG_LEVEL=INFO\n", encoding="utf-8")
    file.chmod(0o644)


def _close_settings(site: Grounds) -> None:
    (site.home / ".env").chmod(0o600)


def _scan(site: Grounds) -> None:
    use = site.ports
    facts = replace(use.security_facts, working_folder=site.home)
    scan_security((Check.PERMISSIONS,), replace(use.security_scan, facts=facts))


def _spoil_reports(site: Grounds) -> None:
    reports = site.home / "reports"
    reports.rename(site.home / "reports-before")
    reports.write_bytes(b"\0" * 100)


def _mend_reports(site: Grounds) -> None:
    reports = site.home / "reports"
    reports.unlink()
    (site.home / "reports-before").rename(reports)


def _report(site: Grounds) -> None:
    site.run_job("coverage_report_job")


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
        "reports_spoiled",
        "the folder of reports has become a file",
        clock=QUARTER_DAY + WATCHED,
        alerts=("run/coverage_report_job/failed",),
        damage=_spoil_reports,
        look=_report,
        every=QUARTER_DAY,
        repair=_mend_reports,
        step="Mend what the run's last events say, and re-execute it",
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
        "no backup is made for 26 hours",
        clock=WATCHED,
        alerts=("backup/missed",),
        damage=_let_backups_age,
        repair=_backup,
        step="Run `miraikakaku backup`",
    ),
)
"""Room is that of a quota of the drill's: nobody's real disk is filled."""
