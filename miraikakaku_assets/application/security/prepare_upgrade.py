"""A fixed version is prepared as an upgraded, tested lock, which a person then accepts: the tree is not touched."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import Version

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.security import (
    LockWorkshop,
    ReportFolder,
    SecurityFindings,
    StoredFinding,
    UpgradeTry,
)
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.security.finding import Kind
from miraikakaku_assets.domain.tokyo_time import TOKYO


@dataclass(frozen=True)
class UpgradeReport:
    """What came of preparing an upgrade.

    Attributes:
        wanted: Package → least version; None for the newest.
        unfixable: Vulnerable packages of which no fixed version is published.
        attempt: What was tried; None if nothing had to be.
        folder: Where the lock, its difference and the result lie; None if nothing was tried.
    """

    wanted: Mapping[str, str | None]
    unfixable: tuple[str, ...]
    attempt: UpgradeTry | None
    folder: Path | None

    @property
    def succeeded(self) -> bool:
        """Whether there is a tested lock, or none is needed."""
        return not self.unfixable if self.attempt is None else self.attempt.succeeded


def prepare_upgrade(
    packages: tuple[str, ...],
    findings: SecurityFindings,
    workshop: LockWorkshop,
    folders: ReportFolder,
    clock: Clock,
) -> UpgradeReport:
    """Resolves, installs and tests a copy of the lock in which vulnerable packages have their fixed version.

    Args:
        packages: Names; none for every vulnerable package that has a fix. One without a known fix gets its
            newest version.
        findings: What is vulnerable.
        workshop: Where it is tried.
        folders: Where the result goes.
        clock: Names the folder.

    Raises:
        ConfigurationError: A name is none of a package, or there is no lock here.
        DependencyUnavailableError: The resolver is not installed.
    """
    names = _canonical(packages)
    now = clock()
    vulnerable = [
        stored
        for stored in findings.listed(only_standing=True)
        if stored.finding.kind is Kind.DEPENDENCIES and (not names or stored.finding.target in names)
    ]
    fixes = _fixes(vulnerable)
    unfixable = tuple(sorted({stored.finding.target for stored in vulnerable} - set(fixes)))
    wanted: dict[str, str | None] = {**dict.fromkeys(names), **fixes}
    if not wanted:
        return UpgradeReport(wanted, unfixable, None, None)
    attempt = workshop.attempt(wanted)
    folder = folders.write(f"upgrade_{now.astimezone(TOKYO):%Y%m%d_%H%M%S}", _files(wanted, attempt, now))
    return UpgradeReport(wanted, unfixable, attempt, folder)


def _canonical(packages: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(str(canonicalize_name(name, validate=True)) for name in packages))
    except InvalidName as error:
        raise ConfigurationError(
            f"--package: {error}; name a package as the lock does, e.g. requests"
        ) from error


def _fixes(vulnerable: list[StoredFinding]) -> dict[str, str | None]:
    """Package → the least version that mends everything known of it."""
    fixes: dict[str, str | None] = {}
    for stored in vulnerable:
        fixed, package = stored.finding.details.get("fixed"), stored.finding.target
        if isinstance(fixed, str):
            before = fixes.get(package)
            fixes[package] = fixed if before is None else max(before, fixed, key=Version)
    return dict(sorted(fixes.items()))


def _files(wanted: Mapping[str, str | None], attempt: UpgradeTry, now: datetime) -> dict[str, str]:
    result = {
        "made_at": now.isoformat(),
        "succeeded": attempt.succeeded,
        "wanted": dict(wanted),
        "changes": {
            name: {"before": before, "after": after} for name, (before, after) in attempt.changes.items()
        },
        "steps": [asdict(step) for step in attempt.steps],
    }
    files = {"result.json": json.dumps(result, ensure_ascii=False, indent=2) + "\n"}
    if attempt.lock:
        files |= {"requirements.lock": attempt.lock, "requirements.diff": attempt.difference}
    return files
