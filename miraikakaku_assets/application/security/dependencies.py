"""The check of dependencies: asks online, and reads a dump of advisories for what nobody could say online."""

from collections.abc import Collection
from datetime import datetime, timedelta

from miraikakaku_assets.application.ports.operations.security import (
    AdvisoryDump,
    CheckOutcome,
    OnlineAudit,
    PackageAudit,
)
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.security.finding import Check
from miraikakaku_assets.domain.security.vulnerabilities import (
    AdvisorySource,
    advisory_findings,
    as_finding,
    merged,
    vulnerabilities,
)
from miraikakaku_assets.domain.words import counted

ONLINE = "pip-audit"


def check_dependencies(packages: PackageAudit, now: datetime, longest: timedelta) -> CheckOutcome:
    """Looks for known vulnerabilities of what is installed.

    The dump is read whenever there is one: it also rates what the online service does not. Without either, the check
    counts as not made: what earlier scans found stays.

    Args:
        packages: Installed packages and what is known of them.
        now: Present moment (UTC).
        longest: Age of the dump's newest advisory from which on it is too old.
    """
    installed = packages.installed()
    online = packages.online()
    dump, refused = _dump(packages, installed)
    sources = [AdvisorySource(ONLINE, online.audited & set(installed), None, online.trouble)]
    known = list(online.vulnerabilities)
    if dump is not None:
        sources.append(AdvisorySource(dump.name, frozenset(installed), dump.newest, "", dump.unreadable))
        known += vulnerabilities(dump.advisories, installed)
    if refused:
        sources.append(AdvisorySource("dump", trouble=refused))
    if not any(source.audited for source in sources):
        return CheckOutcome(Check.DEPENDENCIES, noun="package", trouble=_nothing_known(sources))
    findings = [*map(as_finding, merged(known)), *advisory_findings(sources, installed, now, longest)]
    return CheckOutcome(
        Check.DEPENDENCIES, tuple(findings), _used(online, dump, refused), len(installed), "package"
    )


def _dump(packages: PackageAudit, installed: Collection[str]) -> tuple[AdvisoryDump | None, str]:
    try:
        return packages.dump(installed), ""
    except InputFileError as error:
        return None, str(error)


def _nothing_known(sources: list[AdvisorySource]) -> str:
    reasons = "; ".join(
        f"{source.name}: {source.trouble or 'knows none of the packages'}" for source in sources
    )
    return (
        f"nobody could say anything about the installed packages ({reasons}); connect this machine, or put "
        "OSV's PyPI dump (all.zip) into the folder advisories/ of the state folder"
    )


def _used(online: OnlineAudit, dump: AdvisoryDump | None, refused: str) -> str:
    """What the answer rests on, in one sentence."""
    parts = []
    if online.audited:
        parts.append(f"{ONLINE} online for {counted(len(online.audited), 'package')}")
    else:
        parts.append(f"not {ONLINE} ({online.trouble or 'its service knows none of the packages'})")
    if dump is not None:
        counts = counted(dump.documents, "advisory", "advisories")
        unreadable = f", {dump.unreadable:,} of them unreadable" if dump.unreadable else ""
        parts.append(f"OSV dump {dump.name} of {dump.newest:%Y-%m-%d} ({counts}{unreadable})")
    elif refused:
        parts.append(f"not the dump ({refused})")
    else:
        parts.append("no OSV dump")
    return "; ".join(parts)
