"""Copper futures: COMEX lists dozens of contract months, sources join them to one history; the settings name which."""

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.master import ListedIssue

_PRODUCTS = {"HG": "Copper", "QC": "E-mini Copper", "MHG": "Micro Copper"}
"""COMEX's copper futures by product code, all quoted in US dollars a pound (contract specifications of CME Group)."""


def copper_future(symbol: str) -> ListedIssue:
    """The future of a symbol like ``HG=F`` as a line of a list.

    Its history is that of the nearest contract month, joined without adjustment for the roll. One contract month
    (``HGZ26.CMX``) is not read: it ends within months.

    Raises:
        ConfigurationError: It is no copper future that is quoted in US dollars a pound.
    """
    code = symbol.removesuffix("=F")
    if code not in _PRODUCTS or code == symbol:
        known = ", ".join(f"{one}=F" for one in _PRODUCTS)
        raise ConfigurationError(f"{symbol!r} is no COMEX copper future; choose from: {known}")
    return ListedIssue(
        code=code,
        name=f"{_PRODUCTS[code]}, nearest contract month",
        market="COMEX futures",
        exchange="COMEX",
        symbol=symbol,
        security_type="future",
    )
