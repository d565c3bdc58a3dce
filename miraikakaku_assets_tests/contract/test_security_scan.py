"""A scan from facts to alerts, with a real store: new, mended, accepted, back again, and checks that cannot be made."""

from datetime import UTC, datetime, timedelta

import pytest

from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.security.store import PostgresSecurityFindings
from miraikakaku_assets.application.alerting.alert_rule import AlertPorts, reconcile
from miraikakaku_assets.application.alerting.conditions.security_alerts import (
    judge_security,
    security_evaluations,
)
from miraikakaku_assets.application.alerting.rules import ALERTS
from miraikakaku_assets.application.ports.notices import Alert
from miraikakaku_assets.application.ports.operations.security import (
    AdvisoryDump,
    CheckOutcome,
    OnlineAudit,
    StoredFinding,
)
from miraikakaku_assets.application.security.accept import accept_finding
from miraikakaku_assets.application.security.scan import (
    KEPT,
    ScanPorts,
    ScanReport,
    chosen_checks,
    scan_security,
)
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.security.advisories import advisories_of
from miraikakaku_assets.domain.security.exposure import FileMode, Holding, Listener
from miraikakaku_assets.domain.security.finding import Check, Finding, Kind, Level
from miraikakaku_assets.domain.security.vulnerabilities import Vulnerability
from miraikakaku_assets_tests.fakes.security_facts import SaidFacts, SaidPackages
from miraikakaku_assets_tests.support.osv_documents import GHSA

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
OPEN_ENV = FileMode("/e/.env", Holding.SETTINGS, 0o644, is_folder=False)
WEB_UI = Listener("web UI", 7, "0.0.0.0", 3000, is_web_ui=True)  # noqa: S104
DUMP = AdvisoryDump("all.zip", tuple(advisories_of(GHSA)), NOW - timedelta(days=1), 20_000)


class Installation:
    """An installation whose clock stands a day later after every scan."""

    def __init__(self, database: Database) -> None:
        self.packages, self.facts = SaidPackages(dumped=DUMP), SaidFacts()
        self.findings, self.alerts = PostgresSecurityFindings(database), PostgresAlerts(database)
        self.now = NOW
        self.alerting = AlertPorts(self.alerts, lambda: self.now)

    def scan(self, only: str = "") -> ScanReport:
        ports = ScanPorts(
            self.packages, self.facts, self.findings, self.alerting, lambda: self.now, timedelta(days=7)
        )
        report = scan_security(chosen_checks(only), ports)
        self.now += timedelta(days=1)
        return report

    def standing(self) -> dict[str, str]:
        return {alert.key: alert.severity.value for alert in self.alerts.listed(only_standing=True)}

    def alert(self, key: str) -> Alert:
        return next(alert for alert in self.alerts.listed() if alert.key == key)

    def accept(self, finding: str, days: float, reason: str = "behind a firewall") -> StoredFinding:
        return accept_finding(finding, reason, self.now + timedelta(days=days), self.findings, self.alerting)


@pytest.fixture
def installation(database: Database) -> Installation:
    return Installation(database)


def test_a_finding_is_new_once_stands_and_is_mended(installation: Installation) -> None:
    installation.facts.files = [OPEN_ENV]
    first = installation.scan("permissions")
    second = installation.scan("permissions")
    installation.facts.files = []
    third = installation.scan("permissions")

    (stored,) = second.standing
    assert [set(report.new) for report in (first, second, third)] == [{stored.id}, set(), set()]
    assert (stored.first_seen_at, stored.last_seen_at) == (NOW, NOW + timedelta(days=1))
    assert (first.succeeded, third.succeeded, set(third.resolved)) == (False, True, {stored.id})
    (mended,) = installation.findings.listed()
    assert mended.resolved_at == NOW + timedelta(days=2)


def test_what_comes_back_after_it_was_mended_keeps_the_day_it_was_seen_first(
    installation: Installation,
) -> None:
    for files in ([OPEN_ENV], [], [OPEN_ENV]):
        installation.facts.files = files
        report = installation.scan("permissions")

    (stored,) = report.standing
    assert report.new == {stored.id}
    assert (stored.first_seen_at, stored.resolved_at) == (NOW, None)


def test_findings_of_a_target_are_one_alert_and_a_target_that_gets_worse_is_told_again(
    installation: Installation,
) -> None:
    weak = [
        Finding(Kind.CODE, f"B{number}", "a.py", level, "bad", "a.py:1", "mend it")
        for number, level in enumerate((Level.MEDIUM, Level.MEDIUM, Level.HIGH))
    ]
    keys = []
    for found in (weak[:1], weak[:2], weak, weak[:2], []):
        installation.facts.code = found
        installation.scan("code")
        keys.append(installation.standing())

    assert keys == [
        {"security/code/medium/a.py": "INFO"},
        {"security/code/medium/a.py": "INFO"},
        {"security/code/high/a.py": "WARNING"},
        {"security/code/medium/a.py": "INFO"},
        {},
    ]


def test_what_lets_somebody_in_is_an_incident_and_a_known_vulnerability_is_planned(
    installation: Installation,
) -> None:
    installation.facts.ports, installation.facts.files = [WEB_UI], [OPEN_ENV]

    installation.scan()

    assert installation.standing() == {
        "security/listening/critical/web UI:3000": "CRITICAL",
        "security/permissions/high//e/.env": "CRITICAL",
        "security/dependencies/medium/requests": "INFO",  # 5.6 by CVSS
    }
    rules = {kind.key: kind for kind in ALERTS}
    at_once = rules["security/listening/<level>/<target>"]
    assert (at_once.respond_within, at_once.escalates_from) == (timedelta(0), 3)
    assert rules["security/dependencies/<level>/<target>"].respond_within is None
    message = installation.alert("security/permissions/high//e/.env").message
    assert "chmod 600 /e/.env" in message
    assert "settings can be read by others (mode 0644)" in message


def test_another_scan_says_nothing_about_kinds_it_did_not_look_at(installation: Installation) -> None:
    installation.facts.files = [OPEN_ENV]
    installation.scan("permissions")
    other = installation.scan("listening,roles")

    assert other.standing == ()
    assert other.succeeded
    assert "security/permissions/high//e/.env" in installation.standing()


def test_a_check_that_cannot_be_made_is_named_and_resolves_nothing(installation: Installation) -> None:
    installation.facts.code = [Finding(Kind.CODE, "B1", "a.py", Level.HIGH, "bad", "a.py:1", "mend it")]
    installation.scan("code")
    installation.facts.bandit_is_there = False
    report = installation.scan("code,permissions")

    assert [outcome.check for outcome in report.failed] == [Check.CODE]
    assert len(report.standing) == 1
    assert installation.standing() == {"security/code/high/a.py": "WARNING", "security/scan/code": "WARNING"}
    assert "bandit is not installed" in installation.alert("security/scan/code").message
    installation.facts.bandit_is_there = True
    installation.scan("code")
    assert installation.standing() == {"security/code/high/a.py": "WARNING"}


def test_without_service_and_dump_the_check_of_dependencies_was_not_made(installation: Installation) -> None:
    installation.scan("dependencies")
    installation.packages.dumped = None
    report = installation.scan("dependencies")

    (outcome,) = report.failed
    assert outcome.trouble.startswith(
        "nobody could say anything about the installed packages (pip-audit: no connection)"
    )
    assert "security/dependencies/medium/requests" in installation.standing()


def test_a_broken_dump_is_named_where_the_service_answers(installation: Installation) -> None:
    known = Vulnerability(
        "requests", "2.31.0", frozenset({"PYSEC-2024-60", "CVE-2024-35195"}), "", None, "2.32.0"
    )
    installation.packages.answer = OnlineAudit(frozenset({"requests", "numpy"}), (known,))
    installation.packages.dumped = InputFileError("all.zip", "not_a_zip", "it is no zip")
    report = installation.scan("dependencies")

    assert report.failed == ()
    assert report.outcomes[0].used == (
        "pip-audit online for 2 packages; not the dump (all.zip: it is no zip [rule not_a_zip])"
    )
    assert [stored.finding.level for stored in report.standing] == [Level.HIGH]
    installation.packages.dumped = DUMP  # it knows the same weakness, and how bad it is
    rated = installation.scan("dependencies")
    assert [stored.finding.level for stored in rated.standing] == [Level.MEDIUM]
    assert "OSV dump all.zip of 2026-11-29 (20,000 advisories)" in rated.outcomes[0].used


def test_the_age_of_the_only_dump_is_alerted_and_a_newer_one_ends_it(installation: Installation) -> None:
    installation.now = NOW + timedelta(days=7)
    installation.scan("dependencies")
    assert installation.standing()["security/advisories/medium/dump"] == "INFO"
    installation.packages.dumped = AdvisoryDump("all.zip", (), installation.now, 20_000)
    installation.scan("dependencies")
    assert installation.standing() == {}


def test_an_accepted_finding_is_no_alert_and_no_failure_until_its_day(installation: Installation) -> None:
    installation.facts.files = [OPEN_ENV]
    (stored,) = installation.scan("permissions").standing

    accepted = installation.accept(stored.id, days=0.5)

    assert accepted.acceptance is not None
    assert accepted.acceptance.reason == "behind a firewall"
    assert installation.standing() == {}
    assert installation.scan("permissions").succeeded  # a day later
    assert installation.standing() == {}
    over = installation.scan("permissions")  # two days later
    assert not over.succeeded
    assert over.new == frozenset()
    assert installation.standing() == {"security/permissions/high//e/.env": "CRITICAL"}


@pytest.mark.parametrize(
    ("finding", "days", "reason", "sentence"),
    [
        ("0123456789", 1, "why", "No finding '0123456789' stands"),
        (None, 0, "why", "is over; name a later day"),
        (None, 400, "why", "more than 366 days away"),
        (None, 1, " ", "--reason is empty"),
    ],
)
def test_an_acceptance_needs_a_finding_a_reason_and_an_end(
    installation: Installation, finding: str | None, days: float, reason: str, sentence: str
) -> None:
    installation.facts.files = [OPEN_ENV]
    (stored,) = installation.scan("permissions").standing

    with pytest.raises(ConfigurationError, match=sentence):
        installation.accept(finding or stored.id, days, reason)
    assert installation.standing() == {"security/permissions/high//e/.env": "CRITICAL"}


def test_the_watch_ends_what_a_killed_scan_has_resolved_and_reads_nothing_older(
    installation: Installation,
) -> None:
    installation.facts.files = [OPEN_ENV]
    installation.scan("permissions")
    installation.findings.record(
        [CheckOutcome(Check.PERMISSIONS)], installation.now
    )  # killed before it judged
    key = "security/permissions/high//e/.env"
    assert set(installation.standing()) == {key}

    reconcile(security_evaluations(installation.findings, installation.now), installation.alerting)

    assert installation.standing() == {}
    installation.now += timedelta(days=1)
    installation.facts.files = []
    installation.scan("permissions")
    judged = {evaluation.key for evaluation in security_evaluations(installation.findings, installation.now)}
    assert judged == {"security/scan/permissions", "security/overdue/permissions"}


def test_a_clock_that_jumps_back_hides_nothing(installation: Installation) -> None:
    installation.scan("permissions")
    installation.facts.files = [OPEN_ENV]
    installation.scan("permissions")
    installation.facts.files = []
    installation.scan("permissions")
    installation.now, installation.facts.files = NOW - timedelta(days=30), [OPEN_ENV]

    assert not installation.scan("permissions").succeeded
    assert "security/permissions/high//e/.env" in installation.standing()


def test_a_check_that_nobody_makes_any_more_is_alerted(installation: Installation) -> None:
    installation.scan("permissions")
    installation.now = NOW + timedelta(days=3)
    judge_security(installation.findings, installation.alerting)
    assert installation.standing() == {}
    installation.now += timedelta(minutes=1)
    judge_security(installation.findings, installation.alerting)
    assert installation.standing() == {"security/overdue/permissions": "WARNING"}
    installation.scan("permissions")
    assert installation.standing() == {}


def test_what_was_mended_long_ago_is_forgotten_and_the_newest_scan_is_not(installation: Installation) -> None:
    installation.facts.files = [OPEN_ENV]
    installation.scan("permissions")
    installation.facts.files = []
    installation.scan("permissions")
    installation.now += KEPT + timedelta(days=1)
    installation.scan("listening")

    assert installation.findings.listed() == []
    assert set(installation.findings.latest(tuple(Check))) == {Check.PERMISSIONS, Check.LISTENING}


def test_a_check_that_does_not_exist_is_refused() -> None:
    assert chosen_checks(" roles, code") == (Check.CODE, Check.ROLES)
    with pytest.raises(
        ConfigurationError, match="--only ports: there is no such check; available: dependencies, code"
    ):
        chosen_checks("ports")
