"""What a source answers when it is asked for the newest bars of one symbol."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from miraikakaku_assets.domain.errors import SymbolError


@dataclass(frozen=True)
class ProbeAnswer:
    """What a source answered to the smallest question about a symbol.

    Attributes:
        newest_session: Exchange date of the newest bar with a price, None without any.
        latency: Seconds the source took; None when nothing was sent.
        requests: HTTP requests that were sent.
        error: What went wrong.
    """

    newest_session: date | None
    latency: float | None
    requests: int
    error: SymbolError | None = None


class ProbedSource(Protocol):
    """A source that can be asked for one symbol's newest bars with one request."""

    @property
    def name(self) -> str:
        """Name of the source."""

    @property
    def clock_skew_seconds(self) -> float | None:
        """The source's clock minus ours, if they were found minutes apart."""

    def probe(self, symbol: str) -> ProbeAnswer:
        """Asks once, without retries, in turn with everybody else.

        Raises:
            SourcePausedError: Nobody asks the source for now.
        """
