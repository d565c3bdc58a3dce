"""Rules about what the security scan found, and the use case that applies them.

Findings of one target (a package, a file, a process) are one alert, of the level of the worst of them. It stands
until a scan no longer finds them, or somebody has accepted all of them. The level is part of its key: what stands is
only counted, so a target that gets worse is another alert, and people hear of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from miraikakaku_assets.application.alerting.alert_rule import (
    AlertChanges,
    AlertPorts,
    AlertRule,
    Evaluation,
    Finding,
    evaluate,
    reconcile,
)
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.application.ports.operations.security import (
    CheckOutcome,
    RecordedScan,
    SecurityFindings,
    StoredFinding,
)
from miraikakaku_assets.domain.security.finding import Check, Kind, Level, worst
from miraikakaku_assets.domain.tokyo_time import jst

_SHOWN = 10  # findings of a target that a message names
_AT_ONCE = timedelta(0)
_BREAK_IN = 3
"""Level of escalation of what may mean that somebody has broken in, or that data is lost."""
OVERDUE = timedelta(days=3)
"""Age of the newest scan of a kind from which on nobody is looking."""

INCIDENT: Mapping[Level, Severity] = {
    Level.CRITICAL: Severity.CRITICAL,
    Level.HIGH: Severity.CRITICAL,
    Level.MEDIUM: Severity.WARNING,
    Level.LOW: Severity.INFO,
}
"""Severity of what lets somebody in now."""
PLANNED: Mapping[Level, Severity] = {
    Level.CRITICAL: Severity.WARNING,
    Level.HIGH: Severity.WARNING,
    Level.MEDIUM: Severity.INFO,
    Level.LOW: Severity.INFO,
}
"""Severity of what is mended by a planned change."""
_TITLES: Mapping[Kind, str] = {
    Kind.DEPENDENCIES: "依存パッケージに既知の脆弱性があります",
    Kind.MALICIOUS: "悪意のあるパッケージが入っています",
    Kind.ADVISORIES: "脆弱性情報が足りないか古くなっています",
    Kind.CODE: "プログラムのコードにセキュリティ上の問題があります",
    Kind.SECRETS: "秘密情報が置かれてはならない場所にあります",
    Kind.PERMISSIONS: "ファイルの権限が広すぎます",
    Kind.LISTENING: "プロセスが外部からの接続を受け付けています",
    Kind.ROLES: "データベースのロールまたは接続設定が広すぎます",
}
_REMEDIES: Mapping[Kind, str] = {
    Kind.DEPENDENCIES: "`miraikakaku security upgrade` で修正版のロックを用意し、内容を確認して反映してください。",
    Kind.MALICIOUS: "直ちにアクセスを制限し、パッケージを削除して、この機械の秘密情報をすべて変更してください。",
    Kind.ADVISORIES: "新しいOSVダンプをadvisories/に置くか、pip-auditが接続できるようにしてください。",
    Kind.CODE: "該当箇所を修正してください。",
    Kind.SECRETS: "その秘密情報を無効にして作り直し、置かれた場所から取り除いてください。",
    Kind.PERMISSIONS: "直ちに権限を狭め、他の利用者が読んでいないか確認してください。",
    Kind.LISTENING: "直ちに127.0.0.1に限定し、認証付きのリバースプロキシを前に置いてください。",
    Kind.ROLES: "ロールと接続設定を狭めてください(`miraikakaku db roles`)。",
}


@dataclass(frozen=True)
class WatchedTarget:
    """What rules about findings look at.

    Attributes:
        kind: Of its findings.
        target: What has to be mended.
        level: Of its alert.
        findings: Those that are open, worst first, if the worst is of this level; none if it is of another, or over.
    """

    kind: Kind
    target: str
    level: Level
    findings: tuple[StoredFinding, ...]

    @property
    def labels(self) -> dict[str, str]:
        """The level and the target."""
        return {"level": self.level.value, "target": self.target}


@dataclass(frozen=True)
class WatchedCheck:
    """What rules about the scan itself look at.

    Attributes:
        check: Which part of the scan.
        scan: Its newest one; None if it was never made.
        now: Present moment (UTC).
    """

    check: Check
    scan: RecordedScan | None
    now: datetime

    @property
    def labels(self) -> dict[str, str]:
        """The check."""
        return {"check": self.check.value}


def judge_security(findings: SecurityFindings, ports: AlertPorts) -> AlertChanges:
    """Raises or ends alerts by all findings as they are stored, after a scan or an acceptance.

    Args:
        findings: Where they are kept.
        ports: What it needs.
    """
    scans = findings.latest(tuple(Check))
    return reconcile(_evaluations(findings.listed(), scans, ports.clock()), ports)


def security_evaluations(findings: SecurityFindings, now: datetime) -> list[Evaluation]:
    """What the rules say of the findings that stand, and of the age of the scans; asked every minute.

    Every scan judges all findings at its end. What the newest ones have resolved is judged here, too: they may have
    been killed before.

    Args:
        findings: Where they are kept.
        now: UTC.
    """
    scans = findings.latest(tuple(Check))
    since = min((scan.at for scan in scans.values()), default=None)
    return _evaluations(findings.listed(only_standing=True, resolved_since=since), scans, now)


def _evaluations(
    findings: Iterable[StoredFinding], scans: Mapping[Check, RecordedScan], now: datetime
) -> list[Evaluation]:
    open_of: dict[tuple[Kind, str], list[StoredFinding]] = defaultdict(list)
    for stored in findings:
        place = (stored.finding.kind, stored.finding.target)
        open_of[place] += [stored] if stored.is_open(now) else []
    targets = [
        WatchedTarget(kind, target, level, tuple(stored) if level is _level(stored) else ())
        for (kind, target), stored in open_of.items()
        for level in Level
    ]
    checks = [WatchedCheck(check, scan, now) for check, scan in scans.items()]
    return [*evaluate(FINDING_RULES, targets), *evaluate(SCAN_RULES, checks)]


def _level(stored: Iterable[StoredFinding]) -> Level | None:
    levels = [each.finding.level for each in stored]
    return worst(levels) if levels else None


def _say(severities: Mapping[Level, Severity], watched: WatchedTarget) -> Finding | None:
    if not watched.findings:
        return None
    named = [stored.finding for stored in watched.findings]
    lines = [f"対象: {watched.target}"]
    for stored in watched.findings[:_SHOWN]:
        finding = stored.finding
        lines += [
            f"・[{finding.level}] {finding.what}",
            f"  場所: {finding.place}",
            f"  対処: {finding.fix}",
            f"  ID: {stored.id}(初回 {jst(stored.first_seen_at)})",
        ]
    if len(named) > _SHOWN:
        lines.append(f"他{len(named) - _SHOWN}件(`miraikakaku security findings`)")
    lines.append(_REMEDIES[watched.kind])
    return Finding(
        title=f"{_TITLES[watched.kind]}: {watched.target}",
        lines=lines,
        details={"kind": watched.kind.value, "findings": [stored.id for stored in watched.findings]},
        severity=severities[watched.level],
    )


def _not_made(watched: WatchedCheck) -> Finding | None:
    trouble = _trouble(watched)
    if not trouble:
        return None
    return Finding(
        title=f"セキュリティ検査を実行できませんでした: {watched.check}",
        lines=[f"検査: {watched.check}", f"理由: {trouble}", "前回の検査結果はそのまま残っています。"],
        details={"check": watched.check.value},
    )


def _trouble(watched: WatchedCheck) -> str:
    outcomes: Iterable[CheckOutcome] = () if watched.scan is None else watched.scan.outcomes
    return next((outcome.trouble for outcome in outcomes if outcome.check is watched.check), "")


def _overdue(watched: WatchedCheck) -> Finding | None:
    if watched.scan is None or watched.now - watched.scan.at <= OVERDUE:
        return None
    return Finding(
        title=f"セキュリティ検査が{OVERDUE.days}日以上行われていません: {watched.check}",
        lines=[f"検査: {watched.check}", f"最後の検査: {jst(watched.scan.at)}"],
        details={"check": watched.check.value, "at": watched.scan.at.isoformat()},
    )


def _incident(kind: Kind, when: str, remedy: str) -> AlertRule[WatchedTarget]:
    return AlertRule[WatchedTarget](
        key=f"security/{kind}/<level>/<target>",
        severities=(Severity.CRITICAL, Severity.WARNING, Severity.INFO),
        when=when,
        over="a scan no longer finds it, or it is accepted",
        find=partial(_say, INCIDENT),
        judges=lambda watched: watched.kind is kind,
        remedy=remedy,
        respond_within=_AT_ONCE,
        escalates_from=_BREAK_IN,
    )


def _planned(kind: Kind, when: str, remedy: str) -> AlertRule[WatchedTarget]:
    return AlertRule[WatchedTarget](
        key=f"security/{kind}/<level>/<target>",
        severities=(Severity.WARNING, Severity.INFO),
        when=when,
        over="a scan no longer finds it, or it is accepted",
        find=partial(_say, PLANNED),
        judges=lambda watched: watched.kind is kind,
        remedy=remedy,
    )


FINDING_RULES = (
    _planned(
        Kind.DEPENDENCIES,
        "an installed package has a known vulnerability",
        "`miraikakaku security upgrade` prepares a tested lock with the fixed version; read it and put it into force.",
    ),
    _incident(
        Kind.MALICIOUS,
        "an installed package is known to be hostile",
        "Cut the machine off, uninstall the package and change every secret that this machine knows.",
    ),
    _planned(
        Kind.ADVISORIES,
        "packages were looked up nowhere, or the newest advisory is older than `OSV_DUMP_MAX_AGE_DAYS`",
        "Put a newer OSV dump into the drop folder, or let pip-audit reach its service.",
    ),
    _planned(
        Kind.CODE,
        "bandit finds a weakness in the source of this program",
        "Mend the place that is named.",
    ),
    _incident(
        Kind.SECRETS,
        "a secret stands in the tree, in a file of settings that is shared, or in what was written",
        "Revoke the secret, make a new one and remove it from where it stands.",
    ),
    _incident(
        Kind.PERMISSIONS,
        "others can read or change `.env`, the state folder or a backup",
        "Narrow the mode as the message says, and find out who has read it.",
    ),
    _incident(
        Kind.LISTENING,
        "a process of this installation listens on another address than loopback",
        "Bind it to 127.0.0.1 and put a reverse proxy with a login before it.",
    ),
    _incident(
        Kind.ROLES,
        "an external server is used as superuser, PUBLIC has rights, or somebody gets in without a password",
        "Narrow roles and pg_hba.conf as the message says; `miraikakaku db roles` makes narrow ones.",
    ),
)
"""Rules about findings of one target; the severity is that of the worst."""

SCAN_RULES = (
    AlertRule[WatchedCheck](
        key="security/scan/<check>",
        severities=(Severity.WARNING,),
        when="a check of the security scan could not be made; the reason stands in it",
        over="it is made",
        find=_not_made,
        remedy="Do what the reason says, then `miraikakaku security scan`.",
    ),
    AlertRule[WatchedCheck](
        key="security/overdue/<check>",
        severities=(Severity.WARNING,),
        when=f"a check of the security scan was not made for {OVERDUE.days} days",
        over="it is made",
        find=_overdue,
        remedy="Look whether the schedule `security_scan` is on and the daemon runs.",
    ),
)
"""Rules about the scan itself."""
