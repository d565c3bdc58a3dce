"""Ports: what the use cases need from the outside, as small protocols.

Adapters implement them; `miraikakaku_assets.bootstrap` puts them together. Sources and stores are *driven*
(the use case calls them); `Listener` is how whoever drives the use case (an orchestrator, the command line) hears
what has been done.
"""

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
