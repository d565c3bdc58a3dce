"""Ports: what the use cases need from the outside, as small protocols.

Adapters implement them; `miraikakaku_assets.bootstrap` puts them together. Sources and stores are *driven*
(the use case calls them); `Listener` is how whoever drives the use case (an orchestrator, the command line) hears
what has been done.

What they share is loaded when it is asked for: prices bring Polars, and a process that only keeps jobs does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports.ledger import (
        CANCELLED,
        WITHOUT_BARS,
        BatchEnd,
        Claims,
        CoverageStore,
        Ledger,
        Listener,
        NewBatch,
        OwnClaims,
        ReportStore,
        Share,
        SymbolOutcome,
    )
    from miraikakaku_assets.application.ports.masters import (
        FileStore,
        MasterSource,
        MasterStore,
        MasterUpdate,
        Publication,
        PublishedFile,
    )
    from miraikakaku_assets.application.ports.prices import (
        BarRequest,
        BarStore,
        Calls,
        Clock,
        Collected,
        Delivery,
        Held,
        PriceSource,
        Withdrawal,
        WriteResult,
    )

__all__ = [
    "CANCELLED",
    "WITHOUT_BARS",
    "BarRequest",
    "BarStore",
    "BatchEnd",
    "Calls",
    "Claims",
    "Clock",
    "Collected",
    "CoverageStore",
    "Delivery",
    "FileStore",
    "Held",
    "Ledger",
    "Listener",
    "MasterSource",
    "MasterStore",
    "MasterUpdate",
    "NewBatch",
    "OwnClaims",
    "PriceSource",
    "Publication",
    "PublishedFile",
    "ReportStore",
    "Share",
    "SymbolOutcome",
    "Withdrawal",
    "WriteResult",
]

_PARTS = ("ledger", "masters", "prices")


def __getattr__(name: str) -> Any:
    """What a part defines, from the first use on."""
    if name in __all__:
        for part in _PARTS:
            module = import_module(f"{__name__}.{part}")
            if hasattr(module, name):
                globals()[name] = value = getattr(module, name)
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
