"""The stock master: what an exchange lists, what changed since the last list, and which list to refuse."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property

_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class ListedIssue:
    """One line of an exchange's list. Text is kept as printed; ``None`` stands for the list's ``-``.

    Attributes:
        code: Exchange code as text: ``1301``, ``130A``, ``25935``.
        name: Name as printed, full-width letters and U+3000 included.
        market: Market segment and product class, e.g. ``プライム（内国株式）``.
        sector33_code: Code of the 33-sector classification.
        sector33: Name of the 33-sector classification.
        sector17_code: Code of the 17-sector classification.
        sector17: Name of the 17-sector classification.
        size_code: Code of the TOPIX size class.
        size: Name of the TOPIX size class.
    """

    code: str
    name: str
    market: str
    sector33_code: str | None = None
    sector33: str | None = None
    sector17_code: str | None = None
    sector17: str | None = None
    size_code: str | None = None
    size: str | None = None

    @cached_property
    def comparable(self) -> tuple[str | None, ...]:
        """The line without what printing changes: width of letters and spacing (see `normalised`)."""
        return tuple(normalised(getattr(self, column.name)) for column in fields(self))

    @property
    def yahoo_symbol(self) -> str:
        """Symbol of a Tokyo issue at Yahoo."""
        return f"{self.code}.T"

    @property
    def security_type(self) -> str:
        """Kind of security, read from the market segment and the length of the code."""
        market = normalised(self.market) or ""
        for mark, kind in _TYPE_MARKS:
            if mark in market:
                return kind
        # Preferred and class shares carry a fifth digit behind the issuer's four (25935 is Ito En's preferred).
        return "preferred" if len(self.code) > 4 else "stock"  # noqa: PLR2004


_TYPE_MARKS = (
    ("ETF", "etf"),
    ("REIT", "reit"),
    ("出資証券", "contribution_certificate"),
    ("PRO Market", "pro_market"),
    ("外国株", "foreign_stock"),
)


def normalised(value: str | None) -> str | None:
    """Text as it is compared: NFKC (full-width letters become narrow), spaces trimmed and collapsed.

    JPX printed a space behind 17業種区分 until 2023-04; compared letter by letter, 3,786 issues would have
    changed on that day instead of 7.
    """
    if value is None:
        return None
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", value)).strip()


@dataclass(frozen=True)
class StockList:
    """A list as published on one day.

    Attributes:
        list_date: The date printed in the list (JPX: a month-end, weeks before the download).
        issues: Its lines, at least one, codes unique.
        sha256: Digest of the file.
    """

    list_date: date
    issues: tuple[ListedIssue, ...]
    sha256: str


@dataclass(frozen=True)
class KnownIssue:
    """What the master holds of one code."""

    issue: ListedIssue
    is_active: bool


@dataclass(frozen=True)
class MasterDiff:
    """How a new list differs from the master. Every code of the list is in exactly one of the first four."""

    added: Sequence[ListedIssue] = ()
    updated: Sequence[ListedIssue] = ()
    returned: Sequence[ListedIssue] = ()
    unchanged: Sequence[ListedIssue] = ()
    removed: Sequence[ListedIssue] = ()


def compare(known: Mapping[str, KnownIssue], listed: Iterable[ListedIssue]) -> MasterDiff:
    """Sorts a list's issues by what happened to them.

    Args:
        known: The master by code, inactive issues included.
        listed: Issues of the new list, codes unique.
    """
    diff = _Collector()
    codes = set()
    for issue in listed:
        codes.add(issue.code)
        before = known.get(issue.code)
        if before is None:
            diff.added.append(issue)
        elif not before.is_active:
            diff.returned.append(issue)
        elif before.issue.comparable != issue.comparable:
            diff.updated.append(issue)
        else:
            diff.unchanged.append(issue)
    removed = [entry.issue for code, entry in known.items() if entry.is_active and code not in codes]
    return MasterDiff(diff.added, diff.updated, diff.returned, diff.unchanged, removed)


@dataclass
class _Collector:
    added: list[ListedIssue] = field(default_factory=list)
    updated: list[ListedIssue] = field(default_factory=list)
    returned: list[ListedIssue] = field(default_factory=list)
    unchanged: list[ListedIssue] = field(default_factory=list)


_FEW = 20  # issues that may always go: a share of a handful says nothing


@dataclass(frozen=True)
class GuardLimits:
    """How far a new list may be from the last good one before a person has to accept it.

    Between month-ends JPX's list moves by a few tenths of a percent; the market reform of 2022-04-28 moved
    90 % of the issues at once, which is right and still worth a look.
    """

    fewer: float = 0.01
    more: float = 0.03
    market_changed: float = 0.25
    removed: float = 0.25


@dataclass(frozen=True)
class Objection:
    """One reason not to put a list into force.

    Attributes:
        rule: ``older_list``, ``fewer_issues``, ``more_issues``, ``issues_replaced`` or ``markets_changed``.
        explanation: What was seen and what was allowed, in one clause.
    """

    rule: str
    explanation: str


def objections(
    known: Mapping[str, KnownIssue],
    last_list_date: date | None,
    new: StockList,
    limits: GuardLimits | None = None,
) -> list[Objection]:
    """Reasons to keep the last good master instead of `new`; empty when there is none.

    Args:
        known: The master by code.
        last_list_date: Date of the list in force, None before the first.
        new: The list that wants to replace it.
        limits: Allowed changes; the defaults are the documented ones.
    """
    limits = limits or GuardLimits()
    active = {code: entry.issue for code, entry in known.items() if entry.is_active}
    if not active or last_list_date is None:
        return []
    found = []
    if new.list_date < last_list_date:
        found.append(
            Objection("older_list", f"its date {new.list_date} is before {last_list_date}, the list in force")
        )
    before, after = len(active), len(new.issues)
    if after < before * (1 - limits.fewer):
        found.append(Objection("fewer_issues", _size(before, after, f"at most {limits.fewer:.0%} fewer")))
    if after > before * (1 + limits.more):
        found.append(Objection("more_issues", _size(before, after, f"at most {limits.more:.0%} more")))
    common = [issue for issue in new.issues if issue.code in active]
    moved = sum(normalised(issue.market) != normalised(active[issue.code].market) for issue in common)
    if common and moved > limits.market_changed * len(common):
        found.append(
            Objection(
                "markets_changed",
                f"{moved:,} of {len(common):,} issues change their market ({limits.market_changed:.0%} allowed)",
            )
        )
    gone = before - len(common)
    if not found and gone > max(limits.removed * before, _FEW):
        found.append(
            Objection(
                "issues_replaced",
                f"{gone:,} of {before:,} issues in force are not in it ({limits.removed:.0%} allowed)",
            )
        )
    return found


def _size(before: int, after: int, allowed: str) -> str:
    return f"it holds {after:,} issues against {before:,} in force ({after / before - 1:+.1%}, {allowed} allowed)"
