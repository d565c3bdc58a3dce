"""Who else can get at an installation: modes of files, addresses that processes listen on."""

import ipaddress
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from miraikakaku_assets.domain.security.finding import Finding, Kind, Level

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_READ = stat.S_IRGRP | stat.S_IROTH
_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PASS = stat.S_IXGRP | stat.S_IXOTH


class Holding(StrEnum):
    """What a file or folder holds."""

    SETTINGS = "settings"
    STATE = "the state folder"
    BACKUPS = "backups"
    BACKUP = "a backup"


@dataclass(frozen=True)
class FileMode:
    """Who may do what with a file or folder.

    Attributes:
        path: Absolute path.
        holding: What it holds.
        mode: Permission bits.
        is_folder: Whether it is a folder.
        passed_by_server: Whether the embedded database, running as another user, has to pass through it.
        is_ours: Whether it belongs to this process's user.
    """

    path: str
    holding: Holding
    mode: int
    is_folder: bool
    passed_by_server: bool = False
    is_ours: bool = True

    @property
    def narrowest(self) -> int:
        """The mode it should have at most."""
        if not self.is_folder:
            return stat.S_IRUSR | stat.S_IWUSR
        return stat.S_IRWXU | (_PASS if self.passed_by_server else 0)


def permission_findings(modes: Iterable[FileMode]) -> list[Finding]:
    """Files and folders that others may read, change or enter."""
    findings = []
    for file in modes:
        if not file.is_ours:
            findings.append(
                _permission(
                    file,
                    "foreign_owner",
                    Level.MEDIUM,
                    "belongs to another user",
                    f"chown it to your user: {file.path}",
                )
            )
        excess = file.mode & _OTHERS & ~file.narrowest
        if not excess:
            continue
        fix = f"chmod {file.narrowest:o} {file.path}"
        if excess & _WRITE:
            findings.append(
                _permission(file, "writable_by_others", Level.CRITICAL, "can be changed by others", fix)
            )
        elif excess & _READ:
            level = Level.MEDIUM if file.holding is Holding.STATE else Level.HIGH
            findings.append(_permission(file, "readable_by_others", level, "can be read by others", fix))
        else:
            findings.append(
                _permission(file, "entered_by_others", Level.LOW, "can be entered by others", fix)
            )
    return findings


def _permission(file: FileMode, rule: str, level: Level, trouble: str, fix: str) -> Finding:
    return Finding(
        Kind.PERMISSIONS,
        rule,
        file.path,
        level,
        f"{file.holding} {trouble} (mode {stat.S_IMODE(file.mode):04o})",
        file.path,
        fix,
        {"mode": f"{stat.S_IMODE(file.mode):04o}", "allowed": f"{file.narrowest:04o}"},
    )


@dataclass(frozen=True)
class Listener:
    """A process of this installation that waits for connections.

    Attributes:
        process: What it is, e.g. ``web UI``.
        pid: Its number.
        address: IP address it listens on.
        port: TCP port.
        is_web_ui: Whether it is the web UI, which has no login.
        is_read_only: Whether that was started with ``--read-only``.
    """

    process: str
    pid: int
    address: str
    port: int
    is_web_ui: bool = False
    is_read_only: bool = False


def listening_findings(listeners: Iterable[Listener]) -> list[Finding]:
    """Processes that answer to other machines: nothing here has a login of its own."""
    findings = []
    for listener in listeners:
        if is_loopback(listener.address):
            continue
        exposed = "answers to other machines"
        level = Level.HIGH
        if listener.is_web_ui and not listener.is_read_only:
            exposed = "lets everybody who reaches it start and stop runs"
            level = Level.CRITICAL
        findings.append(
            Finding(
                Kind.LISTENING,
                "not_on_loopback",
                f"{listener.process}:{listener.port}",
                level,
                f"{listener.process} on {listener.address}:{listener.port} {exposed}",
                f"process {listener.pid}",
                "bind it to 127.0.0.1 and put a reverse proxy with a login before it (docs/security.md)",
                {"address": listener.address, "port": listener.port, "pid": listener.pid},
            )
        )
    return findings


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
