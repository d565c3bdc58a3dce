"""One record per universe, and their list. What holds for every market belongs to the rest of `domain.market`."""

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.universes.copper import COPPER
from miraikakaku_assets.domain.market.universes.fx import FX
from miraikakaku_assets.domain.market.universes.jp import JP
from miraikakaku_assets.domain.market.universes.record import Universe
from miraikakaku_assets.domain.market.universes.us import US

__all__ = ["COPPER", "FX", "JP", "UNIVERSES", "US", "universe"]

UNIVERSES = {record.name: record for record in (JP, US, FX, COPPER)}


def universe(name: str) -> Universe:
    """The universe of that name.

    Raises:
        ConfigurationError: No universe has that name.
    """
    try:
        return UNIVERSES[name]
    except KeyError:
        known = ", ".join(UNIVERSES)
        raise ConfigurationError(f"Universe {name!r} is not collected here; choose from: {known}") from None
