"""All issues of all universes by name, kept until a stock master changes."""

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from miraikakaku_assets.application.ports.serving import MasterFilter
from miraikakaku_assets.application.reading.find_symbols import NamedIssue, SymbolIndex
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.universes import UNIVERSES
from miraikakaku_assets.faces.dashboard.reads import awaited, cached

_MOST = 50_000
_lock = threading.Lock()


def symbol_index(use: Ports) -> SymbolIndex:
    """The index of the newest stock masters; one for all sessions of this process."""
    with _lock:
        return _index(use, _version(use))


@cached(30)
def _version(use: Ports) -> str:
    return str(awaited(use.serving.master_lists.version()))


@cache
def _index_of(home: str) -> dict[str, SymbolIndex]:
    del home
    return {}


def _index(use: Ports, version: str) -> SymbolIndex:
    kept = _index_of(use.opened.shown)
    if version not in kept:
        pages = [
            awaited(use.serving.master_lists.page(MasterFilter(universe, None), _MOST, 0))
            for universe in UNIVERSES
        ]
        kept.clear()
        kept[version] = SymbolIndex(_named_issue(row) for _, rows in pages for row in rows)
    return kept[version]


def _named_issue(row: Mapping[str, Any]) -> NamedIssue:
    """An issue from a row of the stock master."""
    return NamedIssue(
        symbol=row["yahoo_symbol"],
        code=row["stock_code"],
        name=row["stock_name"],
        universe=row["universe"],
        market=row["market_category"],
        sector=row["sector"],
        is_active=row["is_active"],
    )
