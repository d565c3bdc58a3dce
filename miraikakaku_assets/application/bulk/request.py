"""What a client may ask of a bulk job."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from miraikakaku_assets.application.bulk.refusals import Refusal, RequestRefusedError
from miraikakaku_assets.domain.market.timeframes import COLLECTED_TIMEFRAMES

MOST_SYMBOLS = 20_000
"""Symbols of one job: Japan and the United States together have 16,000."""
_LONGEST_SYMBOL = 32
_SYMBOL = re.compile(r"[A-Za-z0-9.^=\-]+")
_PERIOD = re.compile(r"([1-9][0-9]{0,3})(d|wk|mo|y)")
_DAYS = {"d": 1, "wk": 7, "mo": 31, "y": 366}
_MOST_DAYS = 366 * 100
PERIODS = "1d、5d、1mo、3mo、6mo、1y、2y、5y、10y、ytd、max"
SYMBOLS_REFUSED = "'symbols' は文字列リストで指定してください"


@dataclass(frozen=True)
class BulkRequest:
    """A request for a bulk job that can be done.

    Attributes:
        symbols: As the client wrote them, each once.
        interval: Timeframe of the bars.
        period: As the client wrote it; None goes on where the stored bars end.
        since: First session that it means; None for no window.
    """

    symbols: Sequence[str]
    interval: str
    period: str | None
    since: date | None


def read_request(symbols: Sequence[str], interval: str, period: str | None, today: date) -> BulkRequest:
    """Checks what a client asks for.

    Args:
        symbols: Symbols, or codes of the Tokyo exchange.
        interval: Timeframe of the bars.
        period: How far back; ``ytd`` and ``max`` included.
        today: From which a period counts back.

    Raises:
        RequestRefusedError: Something is not as it has to be.
    """
    unique = list(dict.fromkeys(name.strip() for name in symbols))
    if not unique:
        raise RequestRefusedError(Refusal.INVALID, SYMBOLS_REFUSED)
    if len(unique) > MOST_SYMBOLS:
        raise RequestRefusedError(Refusal.INVALID, f"'symbols' は {MOST_SYMBOLS:,} 件以内で指定してください")
    for name in unique:
        if len(name) > _LONGEST_SYMBOL or not _SYMBOL.fullmatch(name):
            shown = name[:_LONGEST_SYMBOL]
            raise RequestRefusedError(Refusal.INVALID, f"'symbols' に銘柄コードでない値があります: {shown!r}")
    if interval not in COLLECTED_TIMEFRAMES:
        choice = "、".join(COLLECTED_TIMEFRAMES)
        raise RequestRefusedError(Refusal.INVALID, f"'interval' は {choice} のいずれかを指定してください")
    return BulkRequest(unique, interval, period, _since(period, today))


def _since(period: str | None, today: date) -> date | None:
    """First day of a period; None for no window, and for everything."""
    if period is None or period == "max":
        return None
    if period == "ytd":
        return today.replace(month=1, day=1)
    written = _PERIOD.fullmatch(period)
    days = 0 if written is None else int(written[1]) * _DAYS[written[2]]
    if not 0 < days <= _MOST_DAYS:
        raise RequestRefusedError(Refusal.INVALID, f"'period' は {PERIODS} のように指定してください")
    return today - timedelta(days=days)
