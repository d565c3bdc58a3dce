"""The security scan: makes its checks, stores what they find and raises the alerts that follow."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from miraikakaku_assets.application.alerting.alert_rule import AlertPorts
from miraikakaku_assets.application.alerting.conditions.security_alerts import judge_security
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.security import (
    CheckOutcome,
    PackageAudit,
    SecurityFacts,
    SecurityFindings,
    StoredFinding,
)
from miraikakaku_assets.application.security.dependencies import check_dependencies
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError, InputFileError
from miraikakaku_assets.domain.security.database_roles import role_findings
from miraikakaku_assets.domain.security.exposure import listening_findings, permission_findings
from miraikakaku_assets.domain.security.finding import Check, distinct
from miraikakaku_assets.domain.words import named_in

KEPT = timedelta(days=400)
"""Findings that are mended, and scans, are kept for a year and a month: a yearly review sees the one before."""

_USUAL_SECONDS = {Check.DEPENDENCIES: 20.0, Check.CODE: 5.0, Check.SECRETS: 10.0}


@dataclass(frozen=True)
class ScanPorts:
    """What a scan needs.

    Attributes:
        packages: Installed packages and what is known of them.
        facts: About this machine and installation.
        findings: Where they are kept.
        alerting: How people are told.
        clock: Where the time comes from.
        longest: Age of a dump of advisories from which on it is too old.
    """

    packages: PackageAudit
    facts: SecurityFacts
    findings: SecurityFindings
    alerting: AlertPorts
    clock: Clock
    longest: timedelta


@dataclass(frozen=True)
class ScanReport:
    """What came of a scan.

    Attributes:
        at: When it was made (UTC).
        outcomes: Of its checks.
        standing: Everything of the checked kinds that stands, worst first; accepted findings, too.
        new: Ids that did not stand before.
        resolved: Ids that are mended.
    """

    at: datetime
    outcomes: tuple[CheckOutcome, ...]
    standing: tuple[StoredFinding, ...]
    new: frozenset[str]
    resolved: frozenset[str]

    @property
    def open(self) -> tuple[StoredFinding, ...]:
        """What stands and nobody has accepted."""
        return tuple(stored for stored in self.standing if stored.is_open(self.at))

    @property
    def failed(self) -> tuple[CheckOutcome, ...]:
        """Checks that could not be made."""
        return tuple(outcome for outcome in self.outcomes if outcome.trouble)

    @property
    def succeeded(self) -> bool:
        """Whether every check was made and nothing is open."""
        return not self.open and not self.failed


def chosen_checks(only: str) -> tuple[Check, ...]:
    """The checks that a list with commas names, in their order; all for an empty one.

    Raises:
        ConfigurationError: One of them does not exist.
    """
    names = named_in(only)
    unknown = [name for name in names if name not in set(Check)]
    if unknown:
        raise ConfigurationError(
            f"--only {', '.join(unknown)}: there is no such check; available: {', '.join(Check)}"
        )
    return tuple(check for check in Check if not names or check in names)


def scan_security(
    checks: Collection[Check], ports: ScanPorts, work: WorkProgress | None = None
) -> ScanReport:
    """Makes checks, stores what they find and judges it.

    A check that cannot be made is named with its reason and leaves what earlier scans found; the others go on.

    Args:
        checks: Which.
        ports: What it needs.
        work: Told how far it is.
    """
    now = ports.clock()
    makers = _makers(ports, now)
    work = work or WorkProgress()
    work.plan({check: _USUAL_SECONDS.get(check, 1.0) for check in checks})
    outcomes = []
    for check in checks:
        work.start(check)
        outcomes.append(_made(check, makers[check]))
        work.finish(check, failed=bool(outcomes[-1].trouble))
    recorded = ports.findings.record(outcomes, now)
    ports.findings.prune(now - KEPT)
    judge_security(ports.findings, ports.alerting)
    kinds = {kind for check in checks for kind in check.kinds}
    standing = tuple(
        stored for stored in ports.findings.listed(only_standing=True) if stored.finding.kind in kinds
    )
    return ScanReport(now, tuple(outcomes), standing, recorded.new, recorded.resolved)


def _made(check: Check, make: Callable[[], CheckOutcome]) -> CheckOutcome:
    try:
        outcome = make()
    except (ConfigurationError, DependencyUnavailableError, InputFileError) as error:
        return CheckOutcome(check, trouble=str(error))
    return replace(outcome, findings=tuple(distinct(outcome.findings)))


def _makers(ports: ScanPorts, now: datetime) -> Mapping[Check, Callable[[], CheckOutcome]]:
    facts = ports.facts

    def code() -> CheckOutcome:
        findings, files = facts.weaknesses()
        return CheckOutcome(Check.CODE, tuple(findings), "bandit", files)

    def secrets() -> CheckOutcome:
        findings, files = facts.secrets()
        return CheckOutcome(
            Check.SECRETS, tuple(findings), "detect-secrets and the settings' own secrets", files
        )

    def permissions() -> CheckOutcome:
        modes = facts.modes()
        return CheckOutcome(
            Check.PERMISSIONS, tuple(permission_findings(modes)), "modes", len(modes), "file or folder"
        )

    def listening() -> CheckOutcome:
        listeners = facts.listeners()
        return CheckOutcome(
            Check.LISTENING, tuple(listening_findings(listeners)), "open ports", len(listeners), "open port"
        )

    def roles() -> CheckOutcome:
        access = facts.access()
        read = (
            "grants and pg_hba.conf"
            if access.rules is not None
            else "grants; pg_hba.conf is not ours to read"
        )
        return CheckOutcome(Check.ROLES, tuple(role_findings(access)), read, 1, "database")

    return {
        Check.DEPENDENCIES: lambda: check_dependencies(ports.packages, now, ports.longest),
        Check.CODE: code,
        Check.SECRETS: secrets,
        Check.PERMISSIONS: permissions,
        Check.LISTENING: listening,
        Check.ROLES: roles,
    }
