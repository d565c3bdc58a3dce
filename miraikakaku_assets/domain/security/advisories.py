"""Advisories in the OSV format, and which versions of a Python package they are about.

A version is affected if it is one of `versions`, or lies in one of the ranges of the type ``ECOSYSTEM``: between an
``introduced`` and the next ``fixed`` (which is not affected any more) or ``last_affected`` (which still is), and below
a ``limit`` where the range has one. Versions are ordered as PEP 440 does. Ranges of commits say nothing about a package
that came from an index. What was withdrawn is about no version.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from miraikakaku_assets.domain.security.cvss import base_score, level_of
from miraikakaku_assets.domain.security.finding import Level, worst

ECOSYSTEM = "PyPI"
MALICIOUS = "MAL-"
"""How the ids of packages begin that are not weak but hostile."""
_WORDS = {
    "LOW": Level.LOW,
    "MODERATE": Level.MEDIUM,
    "MEDIUM": Level.MEDIUM,
    "HIGH": Level.HIGH,
    "CRITICAL": Level.CRITICAL,
}
_START = "0"  # before every version
_OPEN = "*"  # behind every version


class UnreadableAdvisoryError(ValueError):
    """A document is no advisory of the published form."""


@dataclass(frozen=True)
class Span:
    """Versions that are affected; None for an end that is open.

    Attributes:
        introduced: First affected version.
        fixed: First version that is not affected any more.
        last_affected: Last affected version, where no fixed one is known.
        limit: Version from which on the range says nothing.
    """

    introduced: Version | None
    fixed: Version | None = None
    last_affected: Version | None = None
    limit: Version | None = None

    def holds(self, version: Version) -> bool:
        """Whether a version is one of them."""
        return (
            (self.introduced is None or version >= self.introduced)
            and (self.fixed is None or version < self.fixed)
            and (self.last_affected is None or version <= self.last_affected)
            and (self.limit is None or version < self.limit)
        )


@dataclass(frozen=True)
class Advisory:
    """What an advisory says about one package.

    Attributes:
        id: E.g. ``GHSA-…`` or ``PYSEC-…``.
        aliases: Its ids elsewhere, e.g. ``CVE-…``.
        package: Name as PEP 503 writes it.
        summary: One line.
        level: How bad; None if it does not say.
        spans: Affected versions.
        versions: Further affected versions, as they are written there.
        modified: When it was changed last (UTC).
    """

    id: str
    aliases: frozenset[str]
    package: str
    summary: str
    level: Level | None
    spans: tuple[Span, ...]
    versions: frozenset[str]
    modified: datetime

    def affects(self, version: str) -> bool:
        """Whether it is about a version."""
        if version in self.versions:
            return True
        parsed = _version(version)
        if parsed is None:
            return False
        listed = any(_version(other) == parsed for other in self.versions)  # 1.0 is 1.0.0
        return listed or any(span.holds(parsed) for span in self.spans)

    def fixed_after(self, version: str) -> Version | None:
        """The nearest later version that it is not about; None if it names none."""
        parsed = _version(version)
        later = (span.fixed for span in self.spans if span.fixed is not None)
        ahead = sorted(fixed for fixed in later if parsed is None or fixed > parsed)
        return next((fixed for fixed in ahead if not self.affects(str(fixed))), None)


def modified_at(document: Mapping[str, Any]) -> datetime:
    """When a document was changed last (UTC).

    Raises:
        UnreadableAdvisoryError: It does not say.
    """
    try:
        return datetime.fromisoformat(document["modified"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableAdvisoryError("`modified` is no moment") from error


def advisories_of(document: Mapping[str, Any], packages: Iterable[str] | None = None) -> list[Advisory]:
    """What an OSV document says about packages of PyPI; nothing if it was withdrawn.

    Args:
        document: The JSON object.
        packages: Canonical names that are looked for; None for all.

    Raises:
        UnreadableAdvisoryError: It has not the published form.
    """
    wanted = None if packages is None else frozenset(packages)
    try:
        if document.get("withdrawn"):
            return []
        advisories = [
            _advisory(document, affected, name)
            for affected in document.get("affected") or ()
            if (name := _package(affected)) is not None and (wanted is None or name in wanted)
        ]
    except UnreadableAdvisoryError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableAdvisoryError(f"it is no advisory ({type(error).__name__})") from error
    return advisories


def _package(affected: Mapping[str, Any]) -> str | None:
    package = affected.get("package") or {}
    if package.get("ecosystem") != ECOSYSTEM:
        return None
    return str(canonicalize_name(package["name"]))


def _advisory(document: Mapping[str, Any], affected: Mapping[str, Any], name: str) -> Advisory:
    details = str(document.get("details") or "").strip()
    summary = document.get("summary") or (details.splitlines() or [""])[0]
    return Advisory(
        id=str(document["id"]),
        aliases=frozenset(map(str, document.get("aliases") or ())),
        package=name,
        summary=str(summary).strip(),
        level=_level(document, affected),
        spans=tuple(
            span
            for given in affected.get("ranges") or ()
            if given["type"] == "ECOSYSTEM"
            for span in _spans(given["events"])
        ),
        versions=frozenset(map(str, affected.get("versions") or ())),
        modified=modified_at(document),
    )


def _spans(events: Sequence[Mapping[str, str]]) -> list[Span]:
    """The events of a range as spans; they may come in any order."""
    opening = [_required(event["introduced"]) for event in events if "introduced" in event]
    closing = [
        (_required(version), kind)
        for event in events
        for kind, version in event.items()
        if kind in {"fixed", "last_affected", "limit"} and version != _OPEN
    ]
    return [_span(begin, closing) for begin in opening]


def _span(begin: Version | None, closing: Iterable[tuple[Version | None, str]]) -> Span:
    """From an event ``introduced`` to the nearest end behind it."""
    behind = [
        (version, kind)
        for version, kind in closing
        if version is not None
        and (begin is None or version > begin or (version == begin and kind == "last_affected"))
    ]
    if not behind:
        return Span(begin)
    end, kind = min(behind)
    return Span(begin, **{kind: end})


def _level(document: Mapping[str, Any], affected: Mapping[str, Any]) -> Level | None:
    """The score of its vectors, else the word of its database."""
    vectors = [*(affected.get("severity") or ()), *(document.get("severity") or ())]
    scores = [score for given in vectors if (score := base_score(str(given.get("score", "")))) is not None]
    if scores:
        return worst(map(level_of, scores))
    for owner in (document, affected):
        for name in ("database_specific", "ecosystem_specific"):
            word = (owner.get(name) or {}).get("severity")
            if isinstance(word, str) and word.upper() in _WORDS:
                return _WORDS[word.upper()]
    return None


def _required(version: str) -> Version | None:
    if version == _START:
        return None
    parsed = _version(version)
    if parsed is None:
        raise UnreadableAdvisoryError(f"{version!r} is no version")
    return parsed


def _version(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None
