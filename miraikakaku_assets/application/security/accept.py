"""Living with a finding for a while: who does so says why, and until when."""

from datetime import datetime, timedelta

from miraikakaku_assets.application.alerting.alert_rule import AlertPorts
from miraikakaku_assets.application.alerting.conditions.security_alerts import judge_security
from miraikakaku_assets.application.ports.operations.security import (
    Acceptance,
    SecurityFindings,
    StoredFinding,
)
from miraikakaku_assets.domain.errors import ConfigurationError

LONGEST = timedelta(days=366)
"""An acceptance ends within a year: then somebody has to say again that it is bearable."""


def accept_finding(
    finding: str, reason: str, until: datetime, findings: SecurityFindings, alerting: AlertPorts
) -> StoredFinding:
    """Accepts a standing finding and ends its alert, unless others of the same target keep that up.

    Args:
        finding: Its id.
        reason: Why it is bearable.
        until: When the acceptance ends (UTC).
        findings: Where findings are kept.
        alerting: How people are told.

    Raises:
        ConfigurationError: No finding of that id stands, there is no reason, or the end is past or too far away.
    """
    now = alerting.clock()
    if not reason.strip():
        raise ConfigurationError("--reason is empty; say in one sentence why the finding is bearable")
    if until <= now:
        raise ConfigurationError(f"--until {until:%Y-%m-%d} is over; name a later day")
    if until - now > LONGEST:
        raise ConfigurationError(
            f"--until {until:%Y-%m-%d} is more than {LONGEST.days} days away; name an earlier day"
        )
    stored = findings.accept(finding, Acceptance(reason.strip(), now, until))
    if stored is None:
        raise ConfigurationError(
            f"No finding {finding!r} stands; `miraikakaku security findings` lists those that do, with their ids"
        )
    judge_security(findings, alerting)
    return stored
