"""Whether the prices of an installation are real or simulated: the two never meet in one database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SIMULATED_HEADER = "X-Simulated-Exchange"
"""By this header of its root an exchange says that its prices are simulated, and by what they are made."""


@dataclass(frozen=True)
class Demo:
    """A demo, whose exchange and settings are there again whenever it is gone on with. It notifies nobody.

    Attributes:
        exchange: What its exchange is started with.
        settings: Settings that go with it, by the names of `Settings`.
    """

    exchange: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PriceOrigin:
    """Where all prices of an installation come from.

    Attributes:
        simulated: Whether from a simulated exchange.
        exchange: What that says of itself, e.g. ``--seed 7 --symbols 400``; empty for real prices.
        demo: The demo that it belongs to, if any.
    """

    simulated: bool
    exchange: str = ""
    demo: Demo | None = None


REAL = PriceOrigin(simulated=False)
