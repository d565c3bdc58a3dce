"""Commands ``backup``, ``restore`` and ``backups``."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from miraikakaku_assets.bootstrap import Ports, ports, whole_file
from miraikakaku_assets.domain.errors import BackupError, ConfigurationError
from miraikakaku_assets.domain.words import counted, lasting, named_in
from miraikakaku_assets.faces.cli.operations.measured_page import read_page
from miraikakaku_assets.faces.cli.operations.point_in_time import base_facts, show_base, went_back
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line, show_table, utc_minute
from miraikakaku_assets.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from miraikakaku_assets.application.backups.keep_log import MadeBase
    from miraikakaku_assets.application.backups.list_backups import ListedBackup, Recovery
    from miraikakaku_assets.application.backups.make_backup import MadeBackup
    from miraikakaku_assets.application.backups.restore_backup import Restored

_MIB = 2**20
_OUT_OPTION = typer.Option("--out", help="Folder of backups (default: backups/ of the state folder).")


def add_commands(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    _add_backup(app)
    _add_restore(app)
    _add_backups(app)


def _add_backup(app: typer.Typer) -> None:
    @app.command(short_help="Makes a verified backup.")
    def backup(
        out: Annotated[Path | None, _OUT_OPTION] = None,
        *,
        measure: Annotated[
            Path | None,
            typer.Option(
                "--measure", help="Page whose recovery figures are written anew: docs/operations.md."
            ),
        ] = None,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Saves prices, forecasts, Dagster's books, models and settings without secrets.

        The copy is restored into a database of its own and compared before it counts. Older ones leave by
        BACKUP_KEEP_DAILY, BACKUP_KEEP_WEEKLY and BACKUP_KEEP_MONTHLY; the newest good one never does.
        """
        from miraikakaku_assets.application.backups.keep_log import make_base
        from miraikakaku_assets.application.backups.list_backups import BEGIN, END, measure_recovery
        from miraikakaku_assets.application.backups.make_backup import make_backup
        from miraikakaku_assets.application.ports.operations.backups import BackupKind

        text = None if measure is None else read_page(measure, BEGIN, END)
        use = ports()
        recovery, base = None, None
        with progress_bar("backup", use.work.read, shown=not as_json, noun="step"):
            if measure is None:
                made = make_backup(BackupKind.MANUAL, use.backups.backup_ports(out))
            else:
                made, recovery = measure_recovery(use.backups.backup_ports(out))
            if use.backups.base_backups is not None:
                base = make_base(use.backups.base_backups)
        if measure is not None and text is not None and recovery is not None:
            _write_page(measure, text, recovery)
        _show_made(made, base, as_json=as_json)
        if made.manifest.verified_at is None:
            raise BackupError(
                f"The backup {made.manifest.name} lies in its place and is not verified: "
                f"{made.manifest.unverified_because}"
            )


def _add_restore(app: typer.Typer) -> None:
    @app.command(short_help="Puts a backup in the place of what is there.")
    def restore(
        file: Annotated[str, typer.Argument(help="Name or folder of a backup, or `latest`.")] = "",
        into: Annotated[
            str,
            typer.Option(
                "--into", help="URL of another database, postgresql://… (default: this installation's)."
            ),
        ] = "",
        only: Annotated[
            str, typer.Option("--only", help="Parts, with commas between them: data, dagster, models.")
        ] = "",
        to_time: Annotated[
            str,
            typer.Option(
                "--to-time", help="Moment to go back to, with its offset: 2026-11-30T12:00Z (BACKUP_WAL=on)."
            ),
        ] = "",
        *,
        yes: Annotated[
            bool, typer.Option("--yes", help="Replace what is there; it is backed up first.")
        ] = False,
        out: Annotated[Path | None, _OUT_OPTION] = None,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Reads every byte of a backup, saves what is there, and exchanges the database for the restored one.

        Stop `up`, `schedule` and running commands first. Killed at any moment, the old contents are in force or the
        new ones; the same command goes on from there. With --to-time instead of a backup the whole embedded server
        is taken back to that moment.
        """
        if to_time:
            if file or into or only or out:
                raise ConfigurationError("--to-time takes no backup and no --into, --only or --out")
            went_back(to_time, confirmed=yes, as_json=as_json)
            return
        if not file:
            raise ConfigurationError("Name a backup, `latest`, or a moment with --to-time")
        from miraikakaku_assets.application.backups.restore_backup import RestoreRequest, restore_backup

        parts = tuple(named_in(only))
        use = _installation(into)
        shelf = out or (ports().settings.home / "backups" if into else None)
        with progress_bar("restore", use.work.read, shown=not as_json, noun="step"):
            restored = restore_backup(RestoreRequest(file, parts, yes), use.backups.backup_ports(shelf))
        _show_restored(restored, as_json=as_json)


def _add_backups(app: typer.Typer) -> None:
    @app.command(short_help="Lists the backups.")
    def backups(out: Annotated[Path | None, _OUT_OPTION] = None, *, as_json: bool = JSON_OPTION) -> None:
        """Lists the backups with their age and size, and until when they stay; the database need not be there."""
        from miraikakaku_assets.application.backups.list_backups import list_backups

        use = ports()
        shelf = use.backups.shelf(out)
        listed, unreadable = list_backups(shelf, use.backups.keeping, use.clock()), shelf.unreadable()
        bases = [] if use.backups.wal_archive is None else use.backups.wal_archive.bases()
        if as_json:
            broken = [{"folder": str(backup.folder), "trouble": backup.trouble} for backup in unreadable]
            print_json(
                {
                    "succeeded": True,
                    "backups": [_plain(entry) for entry in listed],
                    "unreadable": broken,
                    "bases": [base_facts(base) for base in bases],
                }
            )
            return
        if listed:
            columns = ("name", "age", "MiB", "kind", "verified", "kept until")
            show_table("backups", columns, [_row(entry) for entry in listed])
        elif not unreadable:
            show_line("there is no backup; `miraikakaku backup` makes one")
        for backup in unreadable:
            show_line(backup.trouble)
        for base in bases:
            show_base(base)


def _installation(into: str) -> Ports:
    if not into:
        return ports()
    from miraikakaku_assets.settings import with_database

    installation = Ports(with_database(ports().settings, into), ports().clock)
    installation.backups.create_database()
    return installation


def _write_page(page: Path, text: str, recovery: "Recovery") -> None:
    from miraikakaku_assets.application.backups.list_backups import with_recovery

    with whole_file(page) as unfinished:
        unfinished.write_text(with_recovery(text, recovery), encoding="utf-8")


def _show_made(made: "MadeBackup", base: "MadeBase | None", *, as_json: bool) -> None:
    manifest = made.manifest
    if as_json:
        print_json(
            {
                "succeeded": manifest.verified_at is not None,
                "name": manifest.name,
                "folder": str(made.backup.folder),
                "bytes": manifest.bytes,
                "rows": sum(table.rows for table in manifest.dump.tables.values()),
                "verified_at": manifest.verified_at,
                "unverified_because": manifest.unverified_because or None,
                "seconds": made.seconds,
                "phases": dict(manifest.seconds),
                "removed": list(made.removed),
                "base": base and base_facts(base.base),
            }
        )
        return
    rows = sum(table.rows for table in manifest.dump.tables.values())
    verified = "restored and compared" if manifest.verified_at else "not verified"
    show_line(
        f"{made.backup.folder}: {counted(len(manifest.dump.tables), 'table')}, {counted(rows, 'row')}, "
        f"{manifest.bytes / _MIB:,.1f} MiB in {lasting(made.seconds)}; {verified}"
    )
    if made.removed:
        show_line(f"removed: {', '.join(made.removed)}")
    if base is not None:
        show_base(base.base)


def _show_restored(restored: "Restored", *, as_json: bool) -> None:
    manifest, before = restored.manifest, restored.before
    if as_json:
        print_json(
            {
                "succeeded": True,
                "name": manifest.name,
                "taken_at": manifest.dump.taken_at,
                "parts": list(restored.parts),
                "rows": restored.rows,
                "models": restored.models,
                "cold_files": restored.cold,
                "before": before and before.manifest.name,
                "seconds": restored.seconds,
            }
        )
        return
    show_line(
        f"{manifest.name} of {_minute(manifest.dump.taken_at)} is in force: {counted(restored.rows, 'row')}, "
        f"{counted(restored.models, 'model file')} in {lasting(restored.seconds)}"
    )
    if before is not None:
        show_line(f"what was there is the backup {before.manifest.name}")


def _row(entry: "ListedBackup") -> tuple[Any, ...]:
    manifest = entry.backup.manifest
    return (
        manifest.name,
        _age(entry.age),
        manifest.bytes / _MIB,
        manifest.kind.replace("_", " "),
        manifest.verified_at is not None,
        str(entry.kept_until or "the next one"),
    )


def _plain(entry: "ListedBackup") -> dict[str, Any]:
    manifest = entry.backup.manifest
    return {
        "name": manifest.name,
        "folder": str(entry.backup.folder),
        "kept_until": entry.kept_until,
        "taken_at": manifest.dump.taken_at,
        "age_seconds": entry.age.total_seconds(),
        "bytes": manifest.bytes,
        "kind": manifest.kind,
        "verified": manifest.verified_at is not None,
        "verified_at": manifest.verified_at,
        "revision": manifest.dump.revision,
        "program": manifest.program,
        "unverified_because": manifest.unverified_because or None,
    }


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.0f} d"  # noqa: PLR2004 - three days


def _minute(moment: datetime) -> str:
    return f"{utc_minute(moment)} UTC"
