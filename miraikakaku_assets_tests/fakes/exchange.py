"""A price source that serves what a test writes down."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.application.ports import BarRequest, Calls, Delivery
from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY
from miraikakaku_assets.domain.errors import DependencyUnavailableError, SymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

NOW = datetime(2025, 10, 1, tzinfo=UTC)

Action = tuple[str, date, str, float]


@dataclass
class Exchange:
    """Serves bars from memory, one delivery per symbol and one request each, and records the requests.

    Attributes:
        rows: Symbol → bars it knows.
        failures: Symbol → error instead of bars.
        actions: Dividends and splits it knows; served with the bars of their day, as Yahoo does.
        refuses_before: Symbol → error for windows that begin before that day.
        breaks_before: Symbol before which `trouble` is raised.
        asked: Requests since the collection began, in their order.
    """

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failures: dict[str, SymbolError] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    refuses_before: dict[str, tuple[date, SymbolError]] = field(default_factory=dict)
    breaks_before: str | None = None
    trouble: BaseException = field(
        default_factory=lambda: DependencyUnavailableError("the exchange has gone away")
    )
    asked: list[BarRequest] = field(default_factory=list)
    name: str = "exchange"
    is_fixed: bool = False

    def deliver(
        self,
        _: Universe,
        __: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,  # noqa: ARG002 - it answers at once
    ) -> Iterator[Delivery]:
        self.asked += requests
        for request in requests:
            if request.symbol == self.breaks_before:
                raise self.trouble
            yield self._answer(request)

    def _answer(self, request: BarRequest) -> Delivery:
        calls = {request.symbol: Calls(1, 0.125, NOW)}
        day, error = self.refuses_before.get(request.symbol, (date.min, None))
        error = self.failures.get(request.symbol, error if request.since < day else None)
        if error is not None:
            return Delivery((), pl.DataFrame(schema=RAW_DAILY), failures={request.symbol: error}, calls=calls)
        within = [row for row in self.rows.get(request.symbol, []) if _within(row["session"], request)]
        rows = [{"row": number, **row} for number, row in enumerate(within, start=1)]
        served = {row["session"] for row in rows}
        actions = [action for action in self.actions if action[0] == request.symbol and action[1] in served]
        return Delivery(
            (request.symbol,),
            pl.DataFrame(rows, schema=RAW_DAILY),
            pl.DataFrame(actions, schema=ACTIONS, orient="row"),
            calls=calls,
        )

    def unrequested(self, _: Universe, __: frozenset[str]) -> Iterator[Delivery]:
        return iter(())

    def symbols(self, _: Universe) -> tuple[str, ...]:
        return ()

    def common_window(self, _: Universe) -> tuple[date, date] | None:
        return None

    def since(self) -> dict[str, date]:
        """Symbol → first day of its last request."""
        return {request.symbol: request.since for request in self.asked}


def _within(day: date, request: BarRequest) -> bool:
    return request.since <= day <= request.until
