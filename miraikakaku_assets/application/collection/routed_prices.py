"""A price source of several: some symbols have one of their own."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from miraikakaku_assets.application.ports import BarRequest, Delivery, PriceSource
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


class RoutedPrices(PriceSource):
    """Asks for each symbol the source it comes from; deliveries name theirs.

    Args:
        usual: Serves every other symbol, and says what the whole is.
        own: Symbol → its own source.
    """

    def __init__(self, usual: PriceSource, own: Mapping[str, PriceSource]) -> None:
        self._usual = usual
        self._own = own

    @property
    def name(self) -> str:
        """Of the usual source."""
        return self._usual.name

    @property
    def is_fixed(self) -> bool:
        """As of the usual source."""
        return self._usual.is_fixed

    def deliver(
        self,
        universe: Universe,
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,
    ) -> Iterator[Delivery]:
        """Serves the requests; those with a source of their own first, as the usual one may break off."""
        by_source: dict[int, tuple[PriceSource, list[BarRequest]]] = {}
        left = []
        for request in requests:
            source = self._own.get(request.symbol)
            if source is None:
                left.append(request)
            else:
                by_source.setdefault(id(source), (source, []))[1].append(request)
        for source, mine in by_source.values():
            yield from source.deliver(universe, timeframe, mine, stopping)
        yield from self._usual.deliver(universe, timeframe, left, stopping)

    def unrequested(self, universe: Universe, requested: frozenset[str]) -> Iterator[Delivery]:
        """As of the usual source."""
        return self._usual.unrequested(universe, requested)

    def symbols(self, universe: Universe) -> Sequence[str]:
        """As of the usual source."""
        return self._usual.symbols(universe)

    def common_window(self, universe: Universe) -> tuple[date, date] | None:
        """As of the usual source."""
        return self._usual.common_window(universe)
