"""``restore --to-time``, and how base backups are shown."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.words import lasting
from miraikakaku_assets.faces.cli.output import print_json, show_line
from miraikakaku_assets.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports.operations.wal import BaseBackup

_MIB = 2**20


def went_back(to_time: str, *, confirmed: bool, as_json: bool) -> None:
    """Takes the embedded server back to a moment, and says what came of it.

    Raises:
        ConfigurationError: It is no moment with an offset, or BACKUP_WAL is off.
    """
    from miraikakaku_assets.application.backups.keep_log import go_back

    moment = _moment(to_time)
    use = ports()
    if use.backups.base_backups is None:
        raise ConfigurationError(
            "--to-time needs BACKUP_WAL=on and a base backup from before that moment, on the embedded PostgreSQL"
        )
    with progress_bar("restore", use.work.read, shown=not as_json, noun="step"):
        result = go_back(moment, use.backups.base_backups, confirmed=confirmed)
    server = result.server
    if as_json:
        print_json(
            {
                "succeeded": True,
                "to_time": result.moment,
                "base": result.base.name,
                "last_change_at": server.last_change_at,
                "replaced": server.replaced and str(server.replaced),
                "following": base_facts(result.following),
                "seconds": result.seconds,
            }
        )
        return
    last = (
        f"its last change is of {_shown(server.last_change_at)}"
        if server.last_change_at
        else "nothing had changed"
    )
    show_line(
        f"{_shown(result.moment)} is in force, from the base backup {result.base.name}; {last}; "
        f"{lasting(result.seconds)}"
    )
    if server.replaced is not None:
        show_line(
            f"what was there lies in {server.replaced}, until the next such restore; remove it to have its room"
        )
    show_base(result.following)


def base_facts(base: "BaseBackup") -> dict[str, Any]:
    """A base backup in JSON."""
    return {
        "name": base.name,
        "folder": str(base.folder),
        "from": base.ended_at,
        "bytes": base.bytes,
        "seconds": base.seconds,
    }


def show_base(base: "BaseBackup") -> None:
    """A base backup as a line."""
    show_line(
        f"base backup {base.name}: any moment since {_shown(base.ended_at)}, {base.bytes / _MIB:,.1f} MiB"
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"--to-time {text}: it is no moment like 2026-11-30T12:00Z") from error
    if moment.tzinfo is None:
        raise ConfigurationError(f"--to-time {text}: it needs an offset, as in {text}Z or {text}+09:00")
    return moment


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
