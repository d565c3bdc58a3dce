"""Tickers of invented US companies and funds."""

from collections.abc import Iterator

_LETTERS = 26
# Strides without a common factor with 26: no two places of one length give the same word.
_STRIDES = {2: 145, 3: 6_875, 4: 175_573}
_TWO, _THREE = 0.05, 0.75
# Test issues of the symbol directories, and GOOG, whose notes would be called GOOGL.
_RESERVED = frozenset({"CBO", "CBX", "IGZ", "ZVV", "ZBZX", "GOOG"})


class Tickers:
    """Words of two to four letters, each given out once, in a fixed order.

    Args:
        taken: Tickers that are in use.
    """

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken | _RESERVED
        self._words = {length: _words(length) for length in _STRIDES}

    def nasdaq(self) -> str:
        """Return a ticker of Nasdaq: four letters, so that a fifth one says what a part of it is."""
        return self._next(4)

    def fund(self) -> str:
        """Return a ticker of a fund: four letters."""
        return self._next(4)

    def other(self, draw: float) -> str:
        """Return a ticker of another exchange: mostly three letters, while there are any."""
        return self._next(2 if draw < _TWO else 3 if draw < _THREE else 4)

    def _next(self, length: int) -> str:
        for word in self._words[length]:
            if word not in self._taken:
                return word
        return self._next(length + 1)


def _words(length: int) -> Iterator[str]:
    total = _LETTERS**length
    for number in range(total):
        word = (number * _STRIDES[length] + 99_991) % total
        yield "".join(chr(65 + word // _LETTERS**place % _LETTERS) for place in reversed(range(length)))
