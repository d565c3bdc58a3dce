"""Rules about the database and the disk below it. A database that is out of reach is told of by `tell_outage`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from miraikakaku_assets.application.alerting.alert_rule import AlertKind, AlertRule, Finding
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.tokyo_time import jst

_MIB = 1 << 20
_EVERYTHING = (
    "check/*",
    "collection/*",
    "coverage/*",
    "cycle/*",
    "forecast/*",
    "master/*",
    "run/*",
    "schedule/*",
    "service/*",
    "source/*",
    "tick/*",
)
"""Whatever is read from the database, or needs it."""


@dataclass(frozen=True)
class DatabaseIntegrity:
    """What a search for damage has found.

    Attributes:
        searched_at: When it ended.
        damages: What is damaged, one line each.
        searched: How much was looked at, in words.
    """

    searched_at: datetime
    damages: tuple[str, ...] = ()
    searched: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """None: there is one database."""
        return {}


@dataclass(frozen=True)
class DiskSpace:
    """Room where the state folder is.

    Attributes:
        folder: The state folder.
        free: Bytes.
        least: Bytes without which the database cannot go on.
    """

    folder: str
    free: int
    least: int

    @property
    def labels(self) -> dict[str, str]:
        """None: there is one state folder."""
        return {}


def _damaged(integrity: DatabaseIntegrity) -> Finding | None:
    if not integrity.damages:
        return None
    lines = [
        f"確認: {jst(integrity.searched_at)}",
        *([integrity.searched] if integrity.searched else []),
        *integrity.damages[:20],
    ]
    return Finding(
        f"データベースが破損しています: {len(integrity.damages)}件",
        lines,
        {"damages": list(integrity.damages[:100])},
    )


def _full(disk: DiskSpace) -> Finding | None:
    if disk.free >= disk.least:
        return None
    lines = [
        f"フォルダ: {disk.folder}",
        f"空き: {disk.free // _MIB:,} MiB",
        f"必要: {disk.least // _MIB:,} MiB",
    ]
    return Finding("ディスクの空きがありません", lines, {"free_mib": disk.free // _MIB})


UNREACHABLE = AlertKind(
    key="database/unreachable",
    severities=(Severity.CRITICAL,),
    when="`miraikakaku watch` cannot reach the database for two rounds; it tells the channels itself",
    over="the database answers again",
    remedy="Start the server (`miraikakaku db start`) or mend DATABASE_URL; its log is `postgres/log` in the "
    "state folder.",
    inhibits=_EVERYTHING,
    respond_within=timedelta(minutes=10),
    escalates_from=2,
)
"""It is stored when the database is back, raised and over; `watch` has told of it meanwhile."""

DATABASE_RULES = (
    AlertRule[DatabaseIntegrity](
        key="database/damaged",
        severities=(Severity.CRITICAL,),
        when="the search for damage found some in tables or indexes",
        over="a search finds none",
        find=_damaged,
        remedy="Stop the schedules, keep a copy of the data folder, then `REINDEX` what is an index and restore the "
        "newest verified backup for what is a table.",
        inhibits=("check/operations/integrity/nothing_damaged/failed", "run/integrity_job/failed"),
        respond_within=timedelta(minutes=10),
        escalates_from=3,
    ),
)
"""Rules about the contents of the database."""

DISK_RULES = (
    AlertRule[DiskSpace](
        key="disk/full",
        severities=(Severity.CRITICAL,),
        when="less room is free under the state folder than the database needs to go on",
        over="there is room",
        find=_full,
        remedy="Make room under the state folder (old `backups/`, `reports/`, `logs/`); nothing that was "
        "committed is lost.",
        inhibits=("run/*/failed", "collection/*", "cycle/*"),
        respond_within=timedelta(minutes=10),
        escalates_from=2,
    ),
)
"""Rules about the disk."""
