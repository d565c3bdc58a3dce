"""Advisories: which versions they are about, how bad they are, and when two are one."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from miraikakaku_assets.domain.security.advisories import UnreadableAdvisoryError, advisories_of
from miraikakaku_assets.domain.security.cvss import base_score, level_of
from miraikakaku_assets.domain.security.finding import Kind, Level
from miraikakaku_assets.domain.security.vulnerabilities import (
    AdvisorySource,
    advisory_findings,
    as_finding,
    vulnerabilities,
)
from miraikakaku_assets_tests.support.osv_documents import GHSA, MALICIOUS, PYSEC

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def about(*events: dict[str, str], versions: tuple[str, ...] = ()) -> dict[str, Any]:
    document = deepcopy(GHSA)
    document["affected"][0] |= {
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
        "versions": list(versions),
    }
    return document


def affected(document: dict[str, Any], version: str) -> bool:
    (advisory,) = advisories_of(document)
    return advisory.affects(version)


@pytest.mark.parametrize(
    ("events", "hit", "missed"),
    [
        ([{"introduced": "0"}, {"fixed": "2.32.0"}], ["0.1", "2.31.0", "2.32.0rc1"], ["2.32.0", "2.32", "3"]),
        ([{"introduced": "1.2"}, {"last_affected": "1.5"}], ["1.2", "1.5", "1.5.0"], ["1.1.9", "1.5.1"]),
        (
            [{"fixed": "2"}, {"introduced": "3"}, {"introduced": "1"}, {"fixed": "3.1"}],
            ["1.9", "3.0"],
            ["2", "3.1"],
        ),
        ([{"introduced": "1"}], ["1", "99"], ["0.9"]),
        ([{"introduced": "0"}, {"limit": "2"}], ["1.9"], ["2", "3"]),
        ([{"introduced": "0"}, {"limit": "*"}], ["1.9", "3"], []),
        ([{"introduced": "1.4"}, {"last_affected": "1.4"}], ["1.4"], ["1.4.1", "1.3"]),
        ([{"introduced": "1!1.0"}, {"fixed": "1!2.0"}], ["1!1.5"], ["1.5"]),
    ],
)
def test_a_version_lies_in_a_range(events: list[dict[str, str]], hit: list[str], missed: list[str]) -> None:
    document = about(*events)

    assert [version for version in hit if not affected(document, version)] == []
    assert [version for version in missed if affected(document, version)] == []


def test_a_listed_version_is_affected_however_it_is_written() -> None:
    document = about({"introduced": "5"}, versions=("1.0", "2004b-odd"))

    assert affected(document, "1.0.0")
    assert affected(document, "2004b-odd")
    assert not affected(document, "1.0.1")


_MAJOR = st.integers(0, 6).map(str)


@given(
    st.lists(st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), _MAJOR), max_size=5),
    _MAJOR.filter(lambda version: version != "0"),
)
def test_ranges_are_evaluated_as_the_published_algorithm_does(
    events: list[tuple[str, str]], version: str
) -> None:
    """Sorted by version, each event switches; two at one version would depend on an order that is not published."""
    events = [("introduced", "0"), *events]
    places = [place for _, place in events]
    if len(places) != len(set(places)):
        return
    vulnerable, tried = False, Version(version)
    for kind, place in sorted(events, key=lambda event: Version(event[1])):
        if kind == "introduced" and tried >= Version(place):
            vulnerable = True
        elif (kind == "fixed" and tried >= Version(place)) or (
            kind == "last_affected" and tried > Version(place)
        ):
            vulnerable = False

    assert affected(about(*({kind: place} for kind, place in events)), version) == vulnerable


def test_what_was_withdrawn_or_is_of_another_ecosystem_is_about_nothing() -> None:
    other = deepcopy(GHSA)
    other["affected"][0]["package"]["ecosystem"] = "npm"

    assert advisories_of(GHSA | {"withdrawn": "2026-11-25T00:00:00Z"}) == []
    assert advisories_of(other) == []
    assert advisories_of(GHSA, {"numpy"}) == []


@pytest.mark.parametrize(
    "document",
    [
        {"id": "X", "modified": "never", "affected": GHSA["affected"]},
        GHSA | {"affected": "requests"},
        about({"introduced": "one"}),
        about() | {"affected": [{"package": {"ecosystem": "PyPI"}}]},
    ],
)
def test_a_document_of_another_form_is_named_as_such(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAdvisoryError):
        advisories_of(document)


def test_two_databases_about_one_weakness_are_one_finding_that_asks_for_the_later_fix() -> None:
    advisories = [*advisories_of(PYSEC), *advisories_of(GHSA)]

    (found,) = vulnerabilities(advisories, {"requests": "2.31.0", "numpy": "2.1.0"})
    finding = as_finding(found)

    assert (found.name, found.fixed, found.level) == ("GHSA-9wx4-h78v-vm56", "2.32.2", Level.MEDIUM)
    assert finding.details["ids"] == ["CVE-2024-35195", "GHSA-9wx4-h78v-vm56", "PYSEC-2024-60"]
    assert finding.what.startswith("requests 2.31.0: Requests `Session` object does not verify")
    assert "`miraikakaku security upgrade --package requests` prepares 2.32.2" in finding.fix
    assert vulnerabilities(advisories, {"requests": "2.32.2"}) == []


def test_a_hostile_package_is_its_own_kind_and_critical() -> None:
    (found,) = vulnerabilities(advisories_of(MALICIOUS), {"reqeusts": "1.0.0"})
    finding = as_finding(found)

    assert (finding.kind, finding.level) == (Kind.MALICIOUS, Level.CRITICAL)
    assert finding.fix.startswith("uninstall reqeusts at once")


def test_what_nobody_has_rated_counts_as_high() -> None:
    (found,) = vulnerabilities(advisories_of(PYSEC), {"requests": "2.31.0"})

    assert as_finding(found).level is Level.HIGH
    assert "(nobody has rated it)" in as_finding(found).what


def test_the_id_of_a_finding_does_not_depend_on_its_place_or_version() -> None:
    older, newer = (
        as_finding(vulnerabilities(advisories_of(GHSA), {"requests": version})[0])
        for version in ("2.30.0", "2.31.0")
    )

    assert older.id == newer.id
    assert older.place != newer.place


@pytest.mark.parametrize(
    ("vector", "score", "level"),
    [  # the scores that FIRST's calculator and NVD give
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, Level.CRITICAL),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, Level.CRITICAL),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, Level.MEDIUM),
        ("CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:H/I:H/A:N", 5.6, Level.MEDIUM),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5, Level.HIGH),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.6, Level.LOW),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, Level.LOW),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H/E:P", 8.8, Level.HIGH),
    ],
)
def test_base_scores_are_those_of_the_specification(vector: str, score: float, level: Level) -> None:
    assert base_score(vector) == score
    assert level_of(score) is level


@pytest.mark.parametrize(
    "vector", ["", "CVSS:4.0/AV:N/AC:L", "CVSS:3.1/AV:N", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"]
)
def test_a_vector_that_is_none_has_no_score(vector: str) -> None:
    assert base_score(vector) is None


def test_old_advisories_matter_only_where_nobody_else_was_asked() -> None:
    both = frozenset({"requests", "numpy"})
    dump = AdvisorySource("all.zip", both, NOW - timedelta(days=8))
    week = timedelta(days=7)

    (old,) = advisory_findings([dump], both, NOW, week)
    assert (old.rule, old.level) == ("too_old", Level.MEDIUM)
    assert "2026-11-22, more than 7 days ago" in old.what
    assert advisory_findings([AdvisorySource("pip-audit", both), dump], both, NOW, week) == []
    assert advisory_findings([AdvisorySource("all.zip", both, NOW - week)], both, NOW, week) == []


def test_packages_that_were_looked_up_nowhere_are_named() -> None:
    (missed,) = advisory_findings(
        [AdvisorySource("pip-audit", frozenset({"numpy"}))], ["numpy", "requests"], NOW, timedelta(7)
    )

    assert (missed.rule, missed.level) == ("not_audited", Level.MEDIUM)
    assert "1 of 2 installed packages were looked up nowhere: requests" in missed.what
