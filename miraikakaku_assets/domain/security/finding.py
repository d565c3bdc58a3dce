"""A finding of the security scan: what is wrong, where, how bad it is and how it is mended."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is, in the words of the advisories."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return list(Level).index(self)


class Kind(StrEnum):
    """What a finding is about."""

    DEPENDENCIES = "dependencies"
    MALICIOUS = "malicious"
    ADVISORIES = "advisories"
    CODE = "code"
    SECRETS = "secrets"
    PERMISSIONS = "permissions"
    LISTENING = "listening"
    ROLES = "roles"


class Check(StrEnum):
    """The parts of a scan, each of which can be made alone."""

    DEPENDENCIES = "dependencies"
    CODE = "code"
    SECRETS = "secrets"
    PERMISSIONS = "permissions"
    LISTENING = "listening"
    ROLES = "roles"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of its findings: what it does not find any more is mended."""
        if self is Check.DEPENDENCIES:
            return Kind.DEPENDENCIES, Kind.MALICIOUS, Kind.ADVISORIES
        return (Kind(self.value),)


CHECKS: Mapping[Check, str] = {
    Check.DEPENDENCIES: "installed packages with known vulnerabilities",
    Check.CODE: "weaknesses in the source of this program",
    Check.SECRETS: "secrets in the tree, in files of settings and in what was written",  # pragma: allowlist secret
    Check.PERMISSIONS: "who may read the settings, the state folder and the backups",
    Check.LISTENING: "addresses that processes of this installation listen on",
    Check.ROLES: "roles and grants of the database, and how it lets people in",
}
"""What each check looks for, for people."""

_DIGITS = 10  # hexadecimal ones of an id: short enough to be typed, far more than there are findings


@dataclass(frozen=True)
class Finding:
    """Something that weakens the installation.

    Attributes:
        kind: What it is about.
        rule: Short name of what it breaks, e.g. ``readable_by_others`` or the id of an advisory.
        target: What has to be mended: a package, file, process, role. Findings of one target are told as one.
        level: How bad it is.
        what: One sentence, without a secret.
        place: Where it was seen, e.g. a file with its line; it may move without becoming another finding.
        fix: What to do, one sentence.
        details: JSON values behind the text.
        occurrence: Tells several of one rule and target apart, from 0.
    """

    kind: Kind
    rule: str
    target: str
    level: Level
    what: str
    place: str
    fix: str
    details: Mapping[str, object] = field(default_factory=dict)
    occurrence: int = 0

    @property
    def id(self) -> str:
        """The same in every scan, whatever else changes about it."""
        parts = (self.kind.value, self.rule, self.target, str(self.occurrence))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def worst(levels: Iterable[Level]) -> Level:
    """The highest of at least one level."""
    return max(levels, key=lambda level: level.rank)


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with their ids apart: the second of one rule and target is numbered, in the order they come in."""
    counts: dict[tuple[Kind, str, str], int] = {}
    numbered = []
    for finding in findings:
        same = (finding.kind, finding.rule, finding.target)
        counts[same] = counts.get(same, -1) + 1
        numbered.append(replace(finding, occurrence=counts[same]))
    return numbered
