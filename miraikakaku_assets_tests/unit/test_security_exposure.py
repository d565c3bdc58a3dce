"""Modes of files, open ports and roles: what is too open, and how bad that is."""

import pytest

from miraikakaku_assets.domain.security.database_roles import (
    AccessRule,
    DatabaseAccess,
    PublicGrant,
    role_findings,
)
from miraikakaku_assets.domain.security.exposure import (
    FileMode,
    Holding,
    Listener,
    listening_findings,
    permission_findings,
)
from miraikakaku_assets.domain.security.finding import Finding, Level, distinct


def brief(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.level.value) for finding in findings]


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (FileMode("/e/.env", Holding.SETTINGS, 0o600, is_folder=False), []),
        (FileMode("/e/.env", Holding.SETTINGS, 0o400, is_folder=False), []),
        (FileMode("/e/.env", Holding.SETTINGS, 0o640, is_folder=False), [("readable_by_others", "high")]),
        (FileMode("/e/.env", Holding.SETTINGS, 0o602, is_folder=False), [("writable_by_others", "critical")]),
        (FileMode("/h", Holding.STATE, 0o700, is_folder=True), []),
        (FileMode("/h", Holding.STATE, 0o755, is_folder=True), [("readable_by_others", "medium")]),
        (FileMode("/h", Holding.STATE, 0o711, is_folder=True), [("entered_by_others", "low")]),
        (FileMode("/h", Holding.STATE, 0o711, is_folder=True, passed_by_server=True), []),
        (FileMode("/h/b", Holding.BACKUP, 0o644, is_folder=False), [("readable_by_others", "high")]),
        (FileMode("/h", Holding.STATE, 0o700, is_folder=True, is_ours=False), [("foreign_owner", "medium")]),
    ],
)
def test_modes(file: FileMode, found: list[tuple[str, str]]) -> None:
    assert brief(permission_findings([file])) == found


def test_a_mode_comes_with_the_command_that_mends_it() -> None:
    (finding,) = permission_findings([FileMode("/e/.env", Holding.SETTINGS, 0o644, is_folder=False)])

    assert finding.fix == "chmod 600 /e/.env"
    assert finding.what == "settings can be read by others (mode 0644)"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_what_only_this_machine_reaches_is_no_finding(address: str) -> None:
    assert listening_findings([Listener("web UI", 7, address, 3000, is_web_ui=True)]) == []


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.4", "fe80::1%eth0"])  # noqa: S104
def test_any_other_address_is_one_and_a_web_ui_that_may_start_runs_is_critical(address: str) -> None:
    web = Listener("web UI", 7, address, 3000, is_web_ui=True)
    shown = Listener("web UI", 7, address, 3000, is_web_ui=True, is_read_only=True)

    assert brief(listening_findings([web])) == [("not_on_loopback", "critical")]
    assert brief(listening_findings([shown])) == [("not_on_loopback", "high")]
    assert listening_findings([web])[0].target == "web UI:3000"


EMBEDDED = DatabaseAccess("postgres", True, True, "", False)  # noqa: FBT003


def test_the_embedded_server_as_it_is_made_has_no_finding() -> None:
    rules = (AccessRule(1, "local", "", "peer"), AccessRule(2, "host", "127.0.0.1", "scram-sha-256"))

    assert role_findings(EMBEDDED) == []
    assert role_findings(DatabaseAccess("postgres", True, True, "", False, rules=rules)) == []  # noqa: FBT003


def test_an_external_server_used_as_superuser_in_the_clear_is_two() -> None:
    access = DatabaseAccess("postgres", True, False, "192.0.2.4", False)  # noqa: FBT003

    assert brief(role_findings(access)) == [("superuser_in_use", "high"), ("not_encrypted", "medium")]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (AccessRule(9, "host", "0.0.0.0", "trust"), [("no_password", "critical")]),  # noqa: S104
        (AccessRule(9, "host", "all", "trust"), [("no_password", "critical")]),
        (AccessRule(9, "host", "127.0.0.1", "trust"), [("no_password", "high")]),
        (AccessRule(9, "local", "", "trust"), [("no_password", "high")]),
        (AccessRule(9, "host", "192.0.2.0", "password"), [("clear_password", "high")]),
        (AccessRule(9, "hostssl", "192.0.2.0", "password"), []),
        (AccessRule(9, "host", "192.0.2.0", "md5"), [("weak_password", "low")]),
        (AccessRule(9, "host", "192.0.2.0", "scram-sha-256"), []),
    ],
)
def test_lines_of_pg_hba(rule: AccessRule, found: list[tuple[str, str]]) -> None:
    access = DatabaseAccess("owner", False, False, "", False, rules=(rule,))  # noqa: FBT003

    assert brief(role_findings(access)) == found


def test_what_everybody_may_do_is_named() -> None:
    access = DatabaseAccess("owner", False, False, "", False, (PublicGrant("miraikakaku.alerts", "SELECT"),))  # noqa: FBT003

    (finding,) = role_findings(access)
    assert finding.what == "every role has SELECT on miraikakaku.alerts"
    assert finding.level is Level.MEDIUM


def test_two_findings_of_one_rule_and_target_have_ids_of_their_own() -> None:
    (finding,) = listening_findings([Listener("web UI", 7, "::", 3000)])

    first, second = distinct([finding, finding])

    assert first.id == finding.id != second.id
