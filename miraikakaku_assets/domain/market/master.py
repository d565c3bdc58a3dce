"""The stock master: what an exchange lists, what changed since the last list, and which list to refuse."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property

from miraikakaku_assets.domain.words import counted

_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class ListedIssue:
    """One line of an exchange's list, whichever exchange it is.

    Text is kept as printed; None stands for what a list does not say (JPX prints ``-``).

    Attributes:
        code: The exchange's own code, unique within its universe: ``1301``, ``130A``, ``BRK.B``.
        name: Name as printed.
        market: Market segment or tier, e.g. ``プライム（内国株式）`` or ``Nasdaq Global Select Market``.
        exchange: Where it is listed, e.g. ``TSE`` or ``NYSE Arca``.
        symbol: Its partition key, e.g. ``1301.T`` or ``BRK-B``.
        security_type: Kind of security, e.g. ``stock``, ``etf``, ``preferred``.
        sector33_code: Code of JPX's 33-sector classification.
        sector33: Name of the 33-sector classification.
        sector17_code: Code of JPX's 17-sector classification.
        sector17: Name of the 17-sector classification.
        size_code: Code of the TOPIX size class.
        size: Name of the TOPIX size class.
        listed_on: Day of the listing where somebody says it. Not compared: a vendor's answer is not there
            every day.
    """

    code: str
    name: str
    market: str
    exchange: str
    symbol: str
    security_type: str
    sector33_code: str | None = None
    sector33: str | None = None
    sector17_code: str | None = None
    sector17: str | None = None
    size_code: str | None = None
    size: str | None = None
    listed_on: date | None = None

    @cached_property
    def comparable(self) -> tuple[str | None, ...]:
        """The line without what printing changes: width of letters and spacing (see `normalised`)."""
        names = (column.name for column in fields(self) if column.name != "listed_on")
        return tuple(normalised(getattr(self, name)) for name in names)


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
        issues: Its lines, at least one, codes and symbols unique.
        sha256: Digest of the file, or of the digests of its files.
        counts: Lines that became no issue and disagreements between sources, by reason.
        delisted: Codes of which a source says that they are delisted, with the day.
    """

    list_date: date
    issues: tuple[ListedIssue, ...]
    sha256: str
    counts: Mapping[str, int] = field(default_factory=dict)
    delisted: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True)
class KnownIssue:
    """What the master holds of one code."""

    issue: ListedIssue
    is_active: bool


@dataclass(frozen=True)
class MasterDiff:
    """How a new list differs from the master. Every code of the list is in exactly one of the first four.

    Attributes:
        former_names: Code → name before it left, for returned issues that come back under another name (8303
            left as 新生銀行 and came back as ＳＢＩ新生銀行; US tickers are given to other companies).
    """

    added: Sequence[ListedIssue] = ()
    updated: Sequence[ListedIssue] = ()
    returned: Sequence[ListedIssue] = ()
    unchanged: Sequence[ListedIssue] = ()
    removed: Sequence[ListedIssue] = ()
    former_names: Mapping[str, str] = field(default_factory=dict)


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
            if normalised(before.issue.name) != normalised(issue.name):
                diff.former_names[issue.code] = before.issue.name
        elif before.issue.comparable != issue.comparable:
            diff.updated.append(issue)
        else:
            diff.unchanged.append(issue)
    removed = [entry.issue for code, entry in known.items() if entry.is_active and code not in codes]
    return MasterDiff(diff.added, diff.updated, diff.returned, diff.unchanged, removed, diff.former_names)


@dataclass
class _Collector:
    added: list[ListedIssue] = field(default_factory=list)
    updated: list[ListedIssue] = field(default_factory=list)
    returned: list[ListedIssue] = field(default_factory=list)
    unchanged: list[ListedIssue] = field(default_factory=list)
    former_names: dict[str, str] = field(default_factory=dict)


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
    reasons = []
    if new.list_date < last_list_date:
        reasons.append(
            Objection("older_list", f"its date {new.list_date} is before {last_list_date}, the list in force")
        )
    before, after = len(active), len(new.issues)
    if after < before * (1 - limits.fewer):
        reasons.append(Objection("fewer_issues", _size(before, after, f"at most {limits.fewer:.0%} fewer")))
    if after > before * (1 + limits.more):
        reasons.append(Objection("more_issues", _size(before, after, f"at most {limits.more:.0%} more")))
    common = [issue for issue in new.issues if issue.code in active]
    moved = sum(normalised(issue.market) != normalised(active[issue.code].market) for issue in common)
    if common and moved > limits.market_changed * len(common):
        reasons.append(
            Objection(
                "markets_changed",
                f"{moved:,} of {counted(len(common), 'issue')} change their market "
                f"({limits.market_changed:.0%} allowed)",
            )
        )
    gone = before - len(common)
    if not reasons and gone > max(limits.removed * before, _FEW):
        reasons.append(
            Objection(
                "issues_replaced",
                f"{gone:,} of {before:,} issues in force are not in it ({limits.removed:.0%} allowed)",
            )
        )
    return reasons


def _size(before: int, after: int, allowed: str) -> str:
    change = f"{after / before - 1:+.1%}, {allowed} allowed"
    return f"it holds {counted(after, 'issue')} against {before:,} in force ({change})"
