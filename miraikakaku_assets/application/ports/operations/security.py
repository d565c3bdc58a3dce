"""Ports of the security scan: where its facts come from, where findings are kept, and how a lock is upgraded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from miraikakaku_assets.domain.security.advisories import Advisory
from miraikakaku_assets.domain.security.database_roles import DatabaseAccess
from miraikakaku_assets.domain.security.exposure import FileMode, Listener
from miraikakaku_assets.domain.security.finding import Check, Finding
from miraikakaku_assets.domain.security.vulnerabilities import Vulnerability


@dataclass(frozen=True)
class CheckOutcome:
    """What came of a check.

    Attributes:
        check: Which.
        findings: What it found.
        used: What it was made with, for people: ``pip-audit (214 packages)``.
        examined: How much it looked at.
        noun: What that counts, in the singular.
        trouble: Why it could not be made, one sentence; its findings of earlier scans then stay as they are.
    """

    check: Check
    findings: tuple[Finding, ...] = ()
    used: str = ""
    examined: int = 0
    noun: str = "file"
    trouble: str = ""


@dataclass(frozen=True)
class Acceptance:
    """That somebody lives with a finding for a while.

    Attributes:
        reason: Why.
        at: Since when (UTC).
        until: Until when (UTC).
    """

    reason: str
    at: datetime
    until: datetime


@dataclass(frozen=True)
class StoredFinding:
    """A finding with its history; all moments in UTC.

    Attributes:
        id: As `Finding.id`.
        finding: What was seen last.
        first_seen_at: When it was seen first.
        last_seen_at: When it was seen last.
        resolved_at: When a scan did not find it any more; None while it stands.
        acceptance: None if nobody has accepted it.
    """

    id: str
    finding: Finding
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    acceptance: Acceptance | None

    def is_accepted(self, now: datetime) -> bool:
        """Whether somebody lives with it at a moment."""
        return self.acceptance is not None and now < self.acceptance.until

    def is_open(self, now: datetime) -> bool:
        """Whether it stands and somebody has to do something about it."""
        return self.resolved_at is None and not self.is_accepted(now)


@dataclass(frozen=True)
class RecordedScan:
    """A scan as it is stored.

    Attributes:
        at: When it was made (UTC).
        outcomes: What came of its checks; without their findings.
    """

    at: datetime
    outcomes: tuple[CheckOutcome, ...]


@dataclass(frozen=True)
class Recorded:
    """What a scan changed.

    Attributes:
        new: Ids that did not stand before.
        resolved: Ids that stood before and were not found any more.
    """

    new: frozenset[str] = frozenset()
    resolved: frozenset[str] = frozenset()


class SecurityFindings(Protocol):
    """Findings and scans."""

    def record(self, outcomes: Sequence[CheckOutcome], now: datetime) -> Recorded:
        """Stores a scan and its findings, in one transaction.

        What a check that was made does not find any more is resolved; one that could not be made changes nothing.
        """

    def listed(
        self, *, only_standing: bool = False, resolved_since: datetime | None = None
    ) -> list[StoredFinding]:
        """Findings, those that stand first, the worst first, then by kind and target.

        Args:
            only_standing: Leave out those that are resolved,
            resolved_since: but for those that were resolved at or after this moment (UTC).
        """

    def accept(self, finding: str, acceptance: Acceptance) -> StoredFinding | None:
        """Notes that a standing finding is accepted, in the place of an earlier acceptance; None if none has the id."""

    def latest(self, checks: Collection[Check]) -> Mapping[Check, RecordedScan]:
        """The newest scan of each of these checks, if there was one."""

    def prune(self, before: datetime) -> int:
        """Removes findings that were resolved before a moment, and scans of before it; returns how many findings."""


@dataclass(frozen=True)
class OnlineAudit:
    """What a service that is asked online says.

    Attributes:
        audited: Canonical names of the packages it knows.
        vulnerabilities: Of them.
        trouble: Why it was of no use, one sentence.
    """

    audited: frozenset[str] = frozenset()
    vulnerabilities: tuple[Vulnerability, ...] = ()
    trouble: str = ""


@dataclass(frozen=True)
class AdvisoryDump:
    """What a file of advisories says about some packages.

    Attributes:
        name: Of the file.
        advisories: About these packages.
        newest: When its newest document was changed (UTC), whatever that is about.
        documents: How many it holds.
        unreadable: How many of them are no advisories.
    """

    name: str
    advisories: tuple[Advisory, ...]
    newest: datetime
    documents: int
    unreadable: int = 0


class PackageAudit(Protocol):
    """Installed packages, and what is known of them."""

    def installed(self) -> Mapping[str, str]:
        """Canonical name → version of what is installed beside this program."""

    def online(self) -> OnlineAudit:
        """Asks the service; never raises because of what it does."""

    def dump(self, packages: Collection[str]) -> AdvisoryDump | None:
        """The newest dump in the drop folder; None if there is none.

        Raises:
            InputFileError: It is no dump of PyPI's advisories.
        """


class SecurityFacts(Protocol):
    """Facts about this machine and installation."""

    def weaknesses(self) -> tuple[Sequence[Finding], int]:
        """Of the source, and how many files were read.

        Raises:
            DependencyUnavailableError: The tool is not installed or does not work.
        """

    def secrets(self) -> tuple[Sequence[Finding], int]:
        """Secrets where none belong, and how many files were read.

        Raises:
            DependencyUnavailableError: The tool is not installed or does not work.
        """

    def modes(self) -> Sequence[FileMode]:
        """Modes of what others must not get at."""

    def listeners(self) -> Sequence[Listener]:
        """What processes of this installation listen on."""

    def access(self) -> DatabaseAccess:
        """How the database lets people in."""


@dataclass(frozen=True)
class Step:
    """A step of a try of an upgraded lock.

    Attributes:
        name: What was done.
        succeeded: Whether it worked.
        seconds: How long it took.
        output: The end of what it printed.
    """

    name: str
    succeeded: bool
    seconds: float
    output: str = ""


@dataclass(frozen=True)
class UpgradeTry:
    """What came of a try.

    Attributes:
        steps: In their order; the first that fails is the last.
        changes: Package → versions before and after; None where it was or is not there.
        difference: Between the locks, as a unified diff.
        lock: The upgraded lock; empty if none could be resolved.
    """

    steps: tuple[Step, ...]
    changes: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    difference: str = ""
    lock: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the lock was resolved, installed and tested."""
        return bool(self.steps) and all(step.succeeded for step in self.steps)


class LockWorkshop(Protocol):
    """Where an upgraded lock is resolved, installed and tested, away from the tree."""

    def attempt(self, wanted: Mapping[str, str | None]) -> UpgradeTry:
        """Resolves a copy of the lock with newer packages, installs it and tries it.

        Args:
            wanted: Package → least version; None for the newest.

        Raises:
            ConfigurationError: There is no lock: this is no checkout.
            DependencyUnavailableError: The resolver is not installed.
        """


class ReportFolder(Protocol):
    """Where a report of several files goes."""

    def write(self, name: str, files: Mapping[str, str]) -> Path:
        """Writes a folder of text files, whole or not at all, and returns it."""
