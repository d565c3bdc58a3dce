"""What a source answers when it is asked for the newest bars of one symbol."""

from dataclasses import dataclass
from datetime import date

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
