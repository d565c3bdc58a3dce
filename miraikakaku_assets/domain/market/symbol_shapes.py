"""How the symbols of each market are written: what a setting may name, before anybody is asked.

A symbol is the exchange's code with a mark of the market, and the partition key everywhere: ``7203.T`` of Tokyo,
``AAPL`` and ``BRK-B`` of the US exchanges, ``USDJPY=X`` of currencies, ``HG=F`` of futures.
"""

import re

_TOKYO = r"[0-9][0-9A-Z][0-9][0-9A-Z]\.T"
_US = r"\^?[A-Z][A-Z0-9]*(?:-[A-Z0-9]+|\.(?!T$)[A-Z0-9]+)?"
_CURRENCIES = r"[A-Z]{6}=X"
_FUTURES = r"[A-Z0-9]{1,4}=F"
_SHAPES = {
    "jp": (re.compile(_TOKYO), "TSE symbols like 7203.T,285A.T"),
    "us": (re.compile(_US), "US symbols like AAPL,BRK-B"),
    "any": (
        re.compile(f"{_TOKYO}|{_US}|{_CURRENCIES}|{_FUTURES}"),
        "symbols like 7203.T,AAPL,USDJPY=X,HG=F",
    ),
}


def written_like(market: str, symbols: list[str]) -> str | None:
    """Checks how symbols are written.

    Args:
        market: ``jp``, ``us``, or ``any`` of those that are collected.
        symbols: What is to be looked at.

    Returns:
        What they should look like, None if all of them do.
    """
    shape, like = _SHAPES[market]
    return None if all(shape.fullmatch(symbol) for symbol in symbols) else like
