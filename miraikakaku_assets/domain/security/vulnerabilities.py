"""Vulnerable packages: advisories of several databases about one weakness count as one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from packaging.version import InvalidVersion, Version

from miraikakaku_assets.domain.security.advisories import MALICIOUS, Advisory
from miraikakaku_assets.domain.security.finding import Finding, Kind, Level, worst

_PREFERRED = (MALICIOUS, "GHSA-", "PYSEC-", "CVE-")
"""Databases in the order in which their id is shown."""


@dataclass(frozen=True)
class Vulnerability:
    """A weakness of an installed package.

    Attributes:
        package: Canonical name.
        version: Installed version.
        ids: Of the advisories, with their aliases.
        summary: One line.
        level: How bad; None if nobody says.
        fixed: Nearest version without it; None if there is none.
    """

    package: str
    version: str
    ids: frozenset[str]
    summary: str = ""
    level: Level | None = None
    fixed: str | None = None

    @property
    def name(self) -> str:
        """The id it is called by."""
        return min(self.ids, key=lambda name: (_preference(name), name))


def _preference(name: str) -> int:
    return next(
        (place for place, prefix in enumerate(_PREFERRED) if name.startswith(prefix)), len(_PREFERRED)
    )


def vulnerabilities(advisories: Iterable[Advisory], installed: Mapping[str, str]) -> list[Vulnerability]:
    """The weaknesses of what is installed.

    Args:
        advisories: Any.
        installed: Canonical name → version.
    """
    vulnerabilities = []
    for advisory in advisories:
        version = installed.get(advisory.package)
        if version is None or not advisory.affects(version):
            continue
        fixed = advisory.fixed_after(version)
        ids = frozenset({advisory.id, *advisory.aliases})
        shown = None if fixed is None else str(fixed)
        vulnerabilities.append(
            Vulnerability(advisory.package, version, ids, advisory.summary, advisory.level, shown)
        )
    return merged(vulnerabilities)


def merged(given: Iterable[Vulnerability]) -> list[Vulnerability]:
    """Those of a package that share an id become one, with the higher level and the later fix."""
    apart: list[Vulnerability] = []
    for vulnerability in given:
        same = [
            other
            for other in apart
            if other.package == vulnerability.package and other.ids & vulnerability.ids
        ]
        apart = [other for other in apart if other not in same]
        apart.append(_together([vulnerability, *same]))
    return sorted(apart, key=lambda each: (each.package, each.name))


def _together(same: Sequence[Vulnerability]) -> Vulnerability:
    levels = [each.level for each in same if each.level is not None]
    fixes = [each.fixed for each in same if each.fixed is not None]
    return replace(
        same[0],
        ids=frozenset().union(*(each.ids for each in same)),
        summary=next((each.summary for each in same if each.summary), ""),
        level=worst(levels) if levels else None,
        fixed=max(fixes, key=_ordered) if fixes else None,
    )


def _ordered(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0")


def as_finding(vulnerability: Vulnerability) -> Finding:
    """What people are told of it. One that nobody has rated counts as high: not knowing is no reason to wait."""
    package, version = vulnerability.package, vulnerability.version
    malicious = any(name.startswith(MALICIOUS) for name in vulnerability.ids)
    known = vulnerability.level is not None
    summary = vulnerability.summary.rstrip(".") or "a known vulnerability"
    fix = f"`miraikakaku security upgrade --package {package}` prepares {vulnerability.fixed}"
    if malicious:
        fix = f"uninstall {package} at once, and change every secret that this machine knows"
    elif vulnerability.fixed is None:
        fix = f"no fixed version is published; do without {package}, or accept it with a reason and a date"
    return Finding(
        kind=Kind.MALICIOUS if malicious else Kind.DEPENDENCIES,
        rule=vulnerability.name,
        target=package,
        level=Level.CRITICAL if malicious else vulnerability.level or Level.HIGH,
        what=f"{package} {version}: {summary}{'' if known or malicious else ' (nobody has rated it)'}",
        place=f"{package} {version}",
        fix=fix,
        details={
            "ids": sorted(vulnerability.ids),
            "package": package,
            "version": version,
            "fixed": vulnerability.fixed,
            "rated": known,
        },
    )


@dataclass(frozen=True)
class AdvisorySource:
    """Where a check of dependencies had its advisories from.

    Attributes:
        name: For people, e.g. ``pip-audit``.
        audited: Packages it could say something about.
        newest: Of the newest advisory in it (UTC); None for one that is asked online.
        trouble: Why it was of no use, one sentence; empty if it was.
        unreadable: Documents that are no advisories.
    """

    name: str
    audited: frozenset[str] = field(default_factory=frozenset)
    newest: datetime | None = None
    trouble: str = ""
    unreadable: int = 0


def advisory_findings(
    sources: Iterable[AdvisorySource], installed: Iterable[str], now: datetime, longest: timedelta
) -> list[Finding]:
    """What is wrong with the advisories themselves: packages that nobody could audit, or a dump that is too old.

    Args:
        sources: Those that were used.
        installed: Canonical names.
        now: Present moment (UTC).
        longest: Age of a dump's newest advisory from which on it is too old.
    """
    used = [source for source in sources if not source.trouble]
    audited = frozenset().union(*(source.audited for source in used)) if used else frozenset()
    missed = sorted(set(installed) - audited)
    online = frozenset().union(*(source.audited for source in used if source.newest is None), frozenset())
    findings = []
    if missed:
        findings.append(
            Finding(
                Kind.ADVISORIES,
                "not_audited",
                "coverage",
                Level.HIGH if not audited else Level.MEDIUM,
                f"{len(missed)} of {len(set(installed))} installed packages were looked up nowhere: {_first(missed)}",
                "; ".join(f"{source.name}: {source.trouble}" for source in sources if source.trouble),
                "let pip-audit reach its service, or put OSV's PyPI dump into the folder advisories/",
                {"packages": missed},
            )
        )
    for source in used:
        only = source.audited - online  # who is audited online as well does not depend on the dump
        if source.newest is not None and only and now - source.newest > longest:
            findings.append(
                Finding(
                    Kind.ADVISORIES,
                    "too_old",
                    "dump",
                    Level.MEDIUM,
                    f"the newest advisory is of {source.newest:%Y-%m-%d}, more than {longest.days} days ago",
                    source.name,
                    "put a newer dump into its place",
                    {"newest": source.newest.isoformat(), "packages": len(only)},
                )
            )
    return findings


def _first(names: Sequence[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
