"""Currency pairs: no exchange lists them; the settings name them."""

import re
from dataclasses import dataclass

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.master import ListedIssue

_PAIR = re.compile(r"([A-Z]{3})([A-Z]{3})=X")


@dataclass(frozen=True)
class CurrencyPair:
    """One currency priced in another.

    Attributes:
        base: ISO 4217 code of what is priced.
        quote: ISO 4217 code of what it is priced in.
    """

    base: str
    quote: str

    @property
    def price_unit(self) -> str:
        """Unit of its prices, e.g. ``JPY per USD``."""
        return f"{self.quote} per {self.base}"

    @property
    def issue(self) -> ListedIssue:
        """The pair as a line of a list."""
        code = f"{self.base}{self.quote}"
        return ListedIssue(
            code=code,
            name=f"{self.base}/{self.quote}",
            market="Currency pairs",
            exchange="OTC",
            symbol=f"{code}=X",
            security_type="currency_pair",
        )


def currency_pair(symbol: str) -> CurrencyPair:
    """The pair of a symbol like ``USDJPY=X``.

    Raises:
        ConfigurationError: It is not written like that. The short form ``JPY=X`` is not read: a pair has
            one symbol.
    """
    found = _PAIR.fullmatch(symbol)
    if found is None or found[1] == found[2]:
        raise ConfigurationError(f"{symbol!r} is no currency pair; write it like USDJPY=X")
    return CurrencyPair(found[1], found[2])
