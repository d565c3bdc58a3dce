"""Requests by kind, path and symbol: proof that a client asks only for what it lacks."""

from collections import Counter
from typing import Any

_MOST = 10


class RequestCounts:
    """Counters of requests; all but the control endpoints' are counted, refused ones too."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.paths: Counter[str] = Counter()
        self.symbols: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()

    def chart(self, symbol: str, kind: str) -> None:
        """Count a chart request."""
        self.kinds[kind] += 1
        self.symbols[symbol] += 1

    def path(self, path: str, kind: str) -> None:
        """Count a request of any other path."""
        self.kinds[kind] += 1
        self.paths[path] += 1

    def reset(self) -> None:
        """Begin again at zero."""
        for counter in (self.kinds, self.paths, self.symbols):
            counter.clear()
        self.statuses.clear()

    def summary(self, *, every_symbol: bool) -> dict[str, Any]:
        """Return the counts.

        Args:
            every_symbol: Whether to name the count of each symbol instead of the highest ten.
        """
        charts = self.symbols.total()
        named = dict(self.symbols) if every_symbol else dict(self.symbols.most_common(_MOST))
        return {
            "total": self.kinds.total(),
            "kinds": dict(self.kinds),
            "paths": dict(self.paths),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "charts": charts,
            "symbols": len(self.symbols),
            "per_symbol": charts / len(self.symbols) if self.symbols else 0.0,
            "max_per_symbol": max(self.symbols.values(), default=0),
            "by_symbol": named,
        }
