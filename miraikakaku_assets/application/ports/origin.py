"""Port of the mark that says where the prices of an installation come from."""

from collections.abc import Callable
from typing import Protocol

from miraikakaku_assets.domain.market.origin import PriceOrigin

Look = Callable[[str], str | None]
"""Address → what a simulated exchange there says of itself, "" of any other source, None without an answer."""


class OriginStore(Protocol):
    """The mark, one for the whole database."""

    def read(self) -> PriceOrigin | None:
        """The mark, None before the first price; without a mark, bars that are stored are real ones."""

    def claim(self, origin: PriceOrigin) -> PriceOrigin:
        """Sets the mark unless there is one of the other kind; returns the one in force.

        A mark of the same kind gets the new description; a demo stays one.
        """
