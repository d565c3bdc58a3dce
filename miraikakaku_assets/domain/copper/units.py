"""Units in which copper is quoted, and what a price is in US dollars a tonne."""

from enum import StrEnum

import polars as pl

POUNDS_PER_TONNE = 1_000 / 0.45359237
"""The international avoirdupois pound of 1959."""
_CENTS_PER_DOLLAR = 100


class Unit(StrEnum):
    """What a price is in."""

    USD_PER_TONNE = "USD/t"
    USD_PER_POUND = "USD/lb"
    CENTS_PER_POUND = "cents/lb"
    CNY_PER_TONNE = "CNY/t"


_USD_PER_TONNE = {
    Unit.USD_PER_TONNE: 1.0,
    Unit.USD_PER_POUND: POUNDS_PER_TONNE,
    Unit.CENTS_PER_POUND: POUNDS_PER_TONNE / _CENTS_PER_DOLLAR,
}
"""Unit → factor to US dollars a tonne. Yuan have none: it moves with the rate of the day."""

LIKELY: dict[Unit, tuple[float, float]] = {
    Unit.USD_PER_TONNE: (1_000.0, 30_000.0),
    Unit.USD_PER_POUND: (0.45, 13.6),
    Unit.CENTS_PER_POUND: (45.0, 1_360.0),
    Unit.CNY_PER_TONNE: (35_000.0, 250_000.0),
}
"""Unit → least and greatest price that copper has been near in it since 1993: no two dollar ranges overlap."""


def usd_per_tonne() -> pl.Expr:
    """Of the columns ``price`` and ``unit`` the price in US dollars a tonne; null in yuan."""
    factor = pl.col("unit").replace_strict(
        {unit.value: number for unit, number in _USD_PER_TONNE.items()}, default=None, return_dtype=pl.Float64
    )
    return pl.col("price") * factor


def is_likely() -> pl.Expr:
    """Whether ``price`` is near what copper costs in its ``unit``; false for a unit that is not known."""
    within = [
        (pl.col("unit") == unit.value) & pl.col("price").is_between(least, greatest)
        for unit, (least, greatest) in LIKELY.items()
    ]
    return pl.any_horizontal(within)


def dollar_unit_of(prices: pl.Series) -> Unit | None:
    """The unit in US dollars that a file which names none is in, by the middle of its prices; None for none of them."""
    middle = prices.drop_nulls().median()
    for unit in (Unit.USD_PER_POUND, Unit.CENTS_PER_POUND, Unit.USD_PER_TONNE):
        least, greatest = LIKELY[unit]
        if isinstance(middle, float) and least <= middle <= greatest:
            return unit
    return None
