"""A line of the log for each symbol of a collection, with the fields that the log file has."""

import logging
import threading
from collections.abc import Sequence
from typing import Any

from miraikakaku_assets.application.ports import SymbolOutcome

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # without a log file nobody wants thousands of lines on standard error


def log_outcomes(batch: int, timeframe: str, outcomes: Sequence[SymbolOutcome]) -> None:
    """Says what became of symbols, after it was committed."""
    if not _log.isEnabledFor(logging.INFO):
        return
    for outcome in outcomes:
        level = logging.WARNING if outcome.failed else logging.INFO
        _log.log(
            level, "%s %s: %s", outcome.symbol, timeframe, outcome.verdict, extra=_fields(batch, outcome)
        )


def _fields(batch: int, outcome: SymbolOutcome) -> dict[str, Any]:
    retries = max(0, outcome.calls.requests - 1)
    return {
        "batch": batch,
        "worker": threading.current_thread().name,
        "symbol": outcome.symbol,
        "action": "error_occurred" if outcome.failed else "data_save" if outcome.inserted else "data_fetch",
        "status": "failed" if outcome.failed else "success",
        "duration_ms": round(outcome.calls.seconds * 1000, 1),
        "records": outcome.rows_read,
        "error": None if outcome.error is None else str(outcome.error),
        "retry": retries,
    }
