"""Instruments that no exchange publishes a list of: the settings name them, the market says what they are."""

from miraikakaku_assets.domain.market.currency_pairs import currency_pair
from miraikakaku_assets.domain.market.futures import copper_future
from miraikakaku_assets.domain.market.instruments import COPPER, Universe
from miraikakaku_assets.domain.market.master import ListedIssue


def named_issue(universe: Universe, symbol: str) -> ListedIssue:
    """A symbol that the settings name, as a line of a list.

    Raises:
        ConfigurationError: It is not written as this universe writes its symbols.
    """
    return copper_future(symbol) if universe is COPPER else currency_pair(symbol).issue
