"""The address of a view of the screener: what is looked for as parameters of a query, and back."""

from collections.abc import Mapping

from miraikakaku_assets.application.ports.reading.screening import FIGURES, Range, Screen
from miraikakaku_assets.domain.errors import ConfigurationError

_LISTS = {"sector": "sectors", "size": "sizes", "kind": "security_types", "segment": "markets"}
_TEXTS = {"q": "search", "pattern": "pattern", "side": "direction"}
_USUAL = Screen()

PRESETS: Mapping[str, Mapping[str, str]] = {
    "oversold": {"rsi_14": "..30", "sort": "rsi_14", "order": "asc"},
    "overbought": {"rsi_14": "70..", "sort": "rsi_14"},
    "new_high": {"below_high_250": "-0.02.."},
    "new_low": {"above_low_250": "..0.02"},
    "fallers": {"change_5": "..-0.1", "sort": "change_5", "order": "asc"},
    "top_forecast": {"forecast_rank": "1..", "sort": "forecast_rank", "order": "asc"},
    "bottom_forecast": {"forecast_rank": "1..", "sort": "forecast_rank"},
}
"""Views that are offered ready-made, as their addresses."""


def screen_of(parameters: Mapping[str, str], limit: int | None, offset: int) -> Screen:
    """What an address asks for; parameters that are no condition are left alone.

    Args:
        parameters: Of the query: ``in`` (universes with commas), ``q``, ``sector``, ``size``, ``kind``, ``segment``
            (with commas), ``pattern``, ``side``, ``h``, ``sort``, ``order`` (``asc`` or ``desc``), and a figure with
            its range, e.g. ``rsi_14=..30``.
        limit: Rows of a page; None for all.
        offset: Rows before it.

    Raises:
        ConfigurationError: A range or the horizon is no number.
    """
    values: dict[str, object] = {
        attribute: tuple(part for part in parameters[name].split(",") if part)
        for name, attribute in _LISTS.items()
        if name in parameters
    }
    values |= {attribute: parameters[name] for name, attribute in _TEXTS.items() if name in parameters}
    if "in" in parameters:
        values["universes"] = tuple(part for part in parameters["in"].split(",") if part and part != "all")
    if "h" in parameters:
        if not parameters["h"].isdigit():
            raise ConfigurationError(f"h={parameters['h']!r} is no number of sessions; choose 1 to 5")
        values["horizon"] = int(parameters["h"])
    if "sort" in parameters:
        values["sort"] = parameters["sort"]
    if "order" in parameters:
        values["is_descending"] = parameters["order"] != "asc"
    values["ranges"] = {name: _range(name, parameters[name]) for name in parameters if name in FIGURES}
    return Screen(**values, limit=limit, offset=offset)  # type: ignore[arg-type]


def parameters_of(screen: Screen) -> dict[str, str]:
    """The address of a screen; what is as usual does not stand in it."""
    parameters = {
        name: ",".join(getattr(screen, attribute))
        for name, attribute in _LISTS.items()
        if getattr(screen, attribute)
    }
    parameters |= {
        name: str(getattr(screen, attribute))
        for name, attribute in _TEXTS.items()
        if getattr(screen, attribute)
    }
    if screen.universes != _USUAL.universes:
        parameters["in"] = ",".join(screen.universes) or "all"
    if screen.horizon != _USUAL.horizon:
        parameters["h"] = str(screen.horizon)
    if screen.sort != _USUAL.sort:
        parameters["sort"] = screen.sort
    if not screen.is_descending:
        parameters["order"] = "asc"
    for name, ends in screen.ranges.items():
        low, high = ("" if end is None else f"{end:.12g}" for end in (ends.low, ends.high))
        parameters[name] = f"{low}..{high}"
    return parameters


def _range(name: str, written: str) -> Range:
    low, dots, high = written.partition("..")
    try:
        ends = [float(end) if end else None for end in (low, high)]
    except ValueError:
        dots = ""
    if not dots:
        raise ConfigurationError(f"{name}={written!r} is no range; write its ends like 20..30, ..30 or 70..")
    return Range(*ends)
