"""The security scan as a run of the installation; what a machine says is said by the test."""

from pathlib import Path

import dagster as dg
import pytest

from miraikakaku_assets.application.ports.operations.security import AdvisoryDump
from miraikakaku_assets.domain.security.advisories import advisories_of
from miraikakaku_assets.domain.security.exposure import FileMode, Holding
from miraikakaku_assets.orchestration.security.assets import SECURITY_SCAN
from miraikakaku_assets_tests.fakes.security_facts import SaidFacts, SaidPackages
from miraikakaku_assets_tests.support.installations.installation import Installation, failure_of
from miraikakaku_assets_tests.support.osv_documents import GHSA


@pytest.fixture
def facts(installation: Installation) -> SaidFacts:
    """Of a machine without a weak place, and with a dump of advisories."""
    said = SaidFacts()
    dump = AdvisoryDump("all.zip", tuple(advisories_of(GHSA)), installation.ports.clock(), 20_000)
    vars(installation.ports.security)["facts"] = said
    vars(installation.ports.security)["package_audit"] = SaidPackages({"numpy": "2.1.0"}, dumped=dump)
    return said


def scanned(installation: Installation) -> tuple[dg.ExecuteInProcessResult, bool]:
    run = installation.run("security_scan_job")
    (check,) = run.get_asset_check_evaluations()
    return run, check.passed


def test_a_scan_is_shown_with_its_figures_and_fails_its_check_by_what_is_open(
    installation: Installation, facts: SaidFacts, tmp_path: Path
) -> None:
    clean, passed = scanned(installation)
    facts.files = [FileMode(str(tmp_path / ".env"), Holding.SETTINGS, 0o644, is_folder=False)]
    weak, failed = scanned(installation)

    assert (clean.success, passed) == (True, True)
    assert (weak.success, failed) == (True, False)  # the scan worked; what it found is the check's
    shown = installation.metadata(SECURITY_SCAN)
    assert (shown["open"], shown["new"], shown["high"], shown["failed_checks"]) == (1, 1, 1, 0)
    assert installation.rows("SELECT kind, severity FROM miraikakaku.alerts") == [("security", "CRITICAL")]


def test_a_check_that_cannot_be_made_fails_the_run_by_name(
    installation: Installation, facts: SaidFacts
) -> None:
    facts.bandit_is_there = False

    run, _ = scanned(installation)

    assert failure_of(run).description == "1 check could not be made: code: bandit is not installed"
    assert installation.metadata(SECURITY_SCAN)["failed_checks"] == 1
