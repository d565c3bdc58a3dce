"""Use case: instruments by what somebody begins to type: code, symbol, name in kanji, kana or Latin letters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from miraikakaku_assets.domain.market.search_names import folded, latin, loan_skeleton

_LEAST_SKELETON = 4  # letters: shorter ones mean everything


@dataclass(frozen=True)
class NamedIssue:
    """An issue that can be found.

    Attributes:
        symbol: Its partition key, e.g. ``7203.T``.
        code: The exchange's own.
        name: As the exchange lists it.
        universe: Name of its universe.
        market: Segment of the exchange; None where it has none.
        sector: Sector; None where it has none.
        is_active: Whether it is listed.
    """

    symbol: str
    code: str
    name: str
    universe: str
    market: str | None = None
    sector: str | None = None
    is_active: bool = True


class SymbolIndex:
    """Issues of all universes, found in some milliseconds while somebody types.

    Args:
        issues: All of them.
    """

    def __init__(self, issues: Iterable[NamedIssue]) -> None:
        self._entries = [
            (
                issue,
                folded(issue.symbol),
                folded(issue.code),
                folded(issue.name),
                latin(issue.name),
                loan_skeleton(issue.name),
            )
            for issue in issues
        ]

    def __len__(self) -> int:
        """How many issues it holds."""
        return len(self._entries)

    def find(self, text: str, limit: int = 12) -> Sequence[NamedIssue]:
        """Issues that a text may mean, the likeliest first: code, beginning of the name, any part of the name."""
        wanted = folded(text)
        if not wanted:
            return []
        spelled, skeleton = latin(text), loan_skeleton(text)
        ranked = []
        for issue, symbol, code, name, spelling, loaned in self._entries:
            if wanted in (code, symbol):
                rank = 0
            elif code.startswith(wanted) or symbol.startswith(wanted):
                rank = 1
            elif name.startswith(wanted):
                rank = 2
            elif spelling.startswith(spelled):
                rank = 3
            elif wanted in name:
                rank = 4
            elif spelled in spelling:
                rank = 5
            elif len(skeleton) >= _LEAST_SKELETON and loaned.startswith(skeleton):
                rank = 6
            else:
                continue
            ranked.append((not issue.is_active, rank, len(name), issue.symbol, issue))
        ranked.sort(key=lambda entry: entry[:4])
        return [entry[4] for entry in ranked[:limit]]
